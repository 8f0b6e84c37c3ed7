"""A demonstration practice: two therapists, an administrator, six patients at different points of the arc.

Everything goes through the rooms' own actions, so whatever a page shows of it is true.
"""

import wave
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from uuid import UUID, uuid4

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import select

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.accounts import passwords
from kap.accounts import queries as people
from kap.accounts.models import Practice, User
from kap.clock import day_in, from_wall, in_zone, now
from kap.consents import actions as consents
from kap.consents.actions import Given
from kap.content.consents import consents as texts_to_sign
from kap.content.guides import library
from kap.content.programmes import Kind as StepKind
from kap.content.programmes import programmes as programmes_to_give
from kap.content.screening import catalogue
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration import file_actions, mark_actions, pictures, prompt_actions
from kap.integration.file_tasks import piece_place
from kap.integration.files import brought
from kap.integration.models import JournalEntry
from kap.integration.rules import Part, Writing
from kap.jobs import queue
from kap.jobs.registry import Progress, task
from kap.mail import posting
from kap.mail.models import SentLetter
from kap.mail.rules import LetterState, Outcome, Verdict, judged
from kap.mail.rules import Step as MailStep
from kap.music import actions as music
from kap.music import playlist_actions as playlists
from kap.music import playlist_queries
from kap.music import queries as library_of_music
from kap.music.arcs import arcs
from kap.music.builder import Avoid, build
from kap.music.models import MixState, Playlist, Track, TrackState
from kap.music.playlist_forms import USUAL_SURPLUS_MIN
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.patients.queries import team_of
from kap.patients.reasons import Kind
from kap.preparation import actions as preparation
from kap.preparation.queries import assignments_of
from kap.programmes import actions as programmes
from kap.readiness import actions as readiness
from kap.readiness import queries as readiness_queries
from kap.readiness.actions import Wanted
from kap.reminders.models import Reminder
from kap.reminders.queries import REMINDER
from kap.safety import actions as safety
from kap.safety.rules import Part as PlanPart
from kap.screening import actions as screening
from kap.screening.said import Answer, Finding, Judged, Judgement, Medicine, Reply, Said
from kap.sessions import actions as sessions
from kap.sessions import wishes
from kap.sessions.actions import Plan, Unready
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route, SessionState
from kap.sessions.wishes import Wishes
from kap.talks import actions as talks

PRACTICE = "Linden House"
ZONE = "Europe/Berlin"
PASSWORD = "linden house evening light"  # noqa: S105 - published on purpose; see SECURITY.md
MAIL = "linden.example"
SIGN_INS = (
    ("Ines Ortega, administrator", f"ines@{MAIL}"),
    ("Mara Lindqvist, therapist", f"mara@{MAIL}"),
    ("Jonas Feld, therapist", f"jonas@{MAIL}"),
    ("Clara Winter, patient, session today", f"clara@{MAIL}"),
    ("Ben Hartmann, patient, preparing", f"ben@{MAIL}"),
    ("David Okafor, patient, session yesterday", f"david@{MAIL}"),
    ("Elif Kaya, patient, integrating", f"elif@{MAIL}"),
)
EVERYTHING_ASKED = ("treatment", "off-label", "data", "touch")
HELP = """\
**If you are in danger, or someone else is, call the emergency number: 112.**

- Emotional support at any hour, free: [116 123](https://www.telefonseelsorge.de)
- Our practice, on weekdays from 9 to 17: 030 555 0100

Your therapist sees messages in this product only during working hours.
"""
# Rendered tracks end in silence that a mix trims; a programme planned this much shorter surely fits.
USABLE = 0.94
LOOK_AGAIN = timedelta(seconds=10)


@dataclass(frozen=True)
class _Demo:
    practice: Practice
    mara: User
    jonas: User
    password_hash: str
    now: datetime


def is_filled() -> bool:
    """Whether this installation holds the demonstration practice."""
    return people.user_by_email(SIGN_INS[0][1]) is not None


def fill() -> bool:
    """Make the demonstration practice. Does nothing, and says so, where there is a practice already."""
    if people.practice_count():
        db.session.rollback()
        return False
    db.session.rollback()
    password_hash = passwords.hash_of(PASSWORD)  # slow on purpose, so before the transaction
    with transaction():
        demo = _people(password_hash)
        programmes = _music(demo)
        _alma(demo)
        _ben(demo, programmes["sublingual"])
        _clara(demo, programmes["iv-40"])
        _david(demo, programmes["im"])
        _elif(demo, programmes["iv-40"])
        _farid(demo, programmes["intranasal"])
        _letters(demo)
    return True


def _people(password_hash: str) -> _Demo:
    moment = now()
    practice = accounts.found_practice(
        name=PRACTICE, zone=ZONE, help_text=HELP, at=moment - timedelta(days=60)
    )
    enter = partial(_enter, practice, password_hash)
    enter(Role.ADMIN, "Ines Ortega")
    mara, jonas = enter(Role.THERAPIST, "Mara Lindqvist"), enter(Role.THERAPIST, "Jonas Feld")
    return _Demo(practice, mara, jonas, password_hash, moment)


def _enter(practice: Practice, password_hash: str, role: Role, name: str) -> User:
    user = accounts.enter_user(
        practice=practice, role=role, name=name, email=_email(name), actor=Actor.system(practice.id), at=now()
    )
    user.password_hash = password_hash
    return user


def _email(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@{MAIL}"


def _admit(demo: _Demo, name: str, born: str, *, by: User, days_ago: int, signs_in: bool = True) -> Patient:
    patient = patients.admit(
        practice=demo.practice,
        identity=Identity(name=name, born=born, email=_email(name), phone="030 555 0142"),
        actor=by.actor,
        at=demo.now - timedelta(days=days_ago),
    )
    if signs_in:
        patient.user = _enter(demo.practice, demo.password_hash, Role.PATIENT, name)
        patient.user_id = patient.user.id
    return patient


def _assign(
    demo: _Demo,
    patient: Patient,
    slug: str,
    *,
    due_in: int | None,
    line: str | None = None,
    done: bool = False,
) -> UUID:
    """Give a guide, a week before it is due; `done` has the patient finish it, every item ticked."""
    guide = library()[slug]
    given = demo.now + timedelta(days=min((due_in or 0) - 7, -1))
    due = None if due_in is None else day_in(demo.now, ZONE) + timedelta(days=due_in)
    therapist = _therapist(patient)
    assignment = preparation.assign(
        patient, guide=guide, due_on=due, line=line, actor=therapist.actor, at=given
    )
    if done and patient.user:
        for item in guide.items:
            preparation.tick(
                assignment, item=item.key, actor=patient.user.actor, at=given + timedelta(days=1)
            )
        assignment.opened_at = given + timedelta(days=1)
        preparation.finish(assignment, actor=patient.user.actor, at=given + timedelta(days=1))
    return assignment.id


def _programme(demo: _Demo, patient: Patient, slug: str, *, since: int, read_until: int) -> None:
    """Give a programme, so many days ago; what it asked to read was read, but for the last so many days."""
    assert patient.user is not None  # noqa: S101 - only those read who sign in
    today, given = day_in(demo.now, ZONE), demo.now - timedelta(days=since)
    programme = programmes_to_give()[slug]
    programmes.give(
        patient,
        programme,
        starts_on=today - timedelta(days=since),
        actor=_therapist(patient).actor,
        at=given,
    )
    read = {step.about for step in programme.steps if step.kind is StepKind.GUIDE}
    for each in assignments_of(patient):
        due, row = each.assignment.due_on, each.assignment
        is_due = due is not None and due <= today - timedelta(days=read_until)
        if row.assigned_at == given and row.guide in read and is_due:
            row.opened_at = given + timedelta(days=1)
            preparation.finish(row, actor=patient.user.actor, at=given + timedelta(days=1))


def _therapist(patient: Patient) -> User:
    return team_of(patient)[0].user


def _session(
    demo: _Demo, patient: Patient, route: Route, *, days: int, hour: int, programme: Playlist
) -> DosingSession:
    day = day_in(demo.now, ZONE) + timedelta(days=days)
    therapist = _therapist(patient)
    planned_at = from_wall(datetime(day.year, day.month, day.day, hour), ZONE)  # noqa: DTZ001 - a wall clock
    plan = Plan(planned_at=planned_at, route=route, therapist_id=therapist.id, playlist_id=programme.id)
    session = sessions.plan(patient, wanted=plan, actor=therapist.actor)
    db.session.flush()
    return session


def _hold(
    session: DosingSession, *, minutes: int, notes: dict[int, str], unready: Unready | None = None
) -> None:
    """Let a planned session have taken place, with notes at minutes of it."""
    therapist = _therapist(session.patient).actor
    opened = session.planned_at
    sessions.open_session(session, actor=therapist, at=opened, unready=unready)
    db.session.flush()
    for minute, text in notes.items():
        sessions.add_note(
            session,
            text=text,
            client_id=uuid4(),
            written_at=opened + timedelta(minutes=minute),
            music_s=None,
            actor=therapist,
        )
    sessions.close(session, actor=therapist, at=opened + timedelta(minutes=minutes))
    db.session.flush()


def _intend(patient: Patient, text: str, *, at: datetime) -> None:
    if patient.user:
        sessions.write_intention(patient, text=text, version=0, actor=patient.user.actor, at=at)


def _sign(patient: Patient, *slugs: str, at: datetime) -> None:
    """Sign these consents; touch with a hand to hold, talked through with the therapist."""
    assert patient.user is not None  # noqa: S101 - only those sign who sign in
    given = Given(name=patient.name, choices={}, words={})
    touch = Given(
        name=patient.name,
        choices={"kinds": ["hand"], "areas": ["hands"]},
        words={"stop": "“Stop”, or a lifted hand"},
    )
    for slug in slugs:
        signature = consents.sign(
            patient,
            texts_to_sign()[slug],
            given=touch if slug == "touch" else given,
            seen=texts_to_sign()[slug].digest,
            device="The demonstration",
            actor=patient.user.actor,
            at=at,
        )
        if slug == "touch":
            consents.witness(signature, actor=_therapist(patient).actor, at=at)


def _answer(patient: Patient, unlike: dict[str, Answer], *medicines: Medicine, at: datetime) -> None:
    """Fill in the health questions: no to all of them but for what is `unlike` that."""
    assert patient.user is not None  # noqa: S101 - only those answer who sign in
    no = {question.key: Answer(Reply.NO) for question in catalogue().questions}
    answers = screening.answer(
        patient,
        Said({**no, **unlike}, medicines, takes_none=not medicines),
        version=0,
        actor=patient.user.actor,
        at=at,
    )
    if answers is not None:
        screening.finish(answers, actor=patient.user.actor, at=at)


def _review(patient: Patient, unlike: dict[str, Judgement], reasoning: str, *, at: datetime) -> None:
    """Record a review of the health questions: absent but for what is `unlike` that."""
    absent = {factor.key: Judgement(Finding.ABSENT) for factor in catalogue().factors}
    screening.record_review(
        patient,
        Judged({**absent, **unlike}, reasoning),
        version=0,
        answers_version=1,
        actor=_therapist(patient).actor,
        at=at,
    )


def _arrange(session: DosingSession, name: str, phone: str, *, at: datetime) -> None:
    """Name who takes the patient home, and confirm what is asked about food, drink and travel."""
    user = session.patient.user
    assert user is not None  # noqa: S101 - only those confirm who sign in
    choice = readiness_queries.choice_of(session.patient.practice_id)
    wanted = Wanted(name, phone, choice.fasting(session.route).text, choice.travel(session.route).text)
    readiness.arrange(session, wanted, version=0, actor=user.actor, at=at)


def _wish(patient: Patient, likes: str, avoid: Avoid, *, at: datetime) -> None:
    assert patient.user is not None  # noqa: S101 - see above
    wishes.write(patient, Wishes(likes, avoid), version=0, actor=patient.user.actor, at=at)


def _plan_for_crisis(patient: Patient, words: dict[PlanPart, str], *, at: datetime) -> None:
    """Write a safety plan and go through it with the therapist."""
    therapist = _therapist(patient).actor
    plan = safety.write(
        patient, {part.value: text for part, text in words.items()}, version=0, actor=therapist, at=at
    )
    if plan is not None:
        safety.note_talk(patient, version=plan.version, actor=therapist, at=at)


def _alma(demo: _Demo) -> None:
    """Just admitted, invited, has not come yet."""
    patient = _admit(demo, "Alma Brandt", "1991-03-14", by=demo.mara, days_ago=1, signs_in=False)
    patients.invite(patient, actor=demo.mara.actor, days=7, at=demo.now - timedelta(days=1))


def _ben(demo: _Demo, programme: Playlist) -> None:
    """Preparing: one guide done, one half ticked, one overdue; a session in five days."""
    patient = _admit(demo, "Ben Hartmann", "1984-11-02", by=demo.mara, days_ago=12)
    _assign(demo, patient, "what-kap-is", due_in=-3, done=True)
    _assign(demo, patient, "intention", due_in=-1, line="Take your time with the last part.")
    _assign(demo, patient, "the-day-of-the-session", due_in=4)
    _sign(patient, "treatment", "data", at=demo.now - timedelta(days=5))
    _answer(
        patient,
        {
            "blood-pressure": Answer(Reply.UNSURE, "It was a bit high at my last check-up."),
            "alcohol": Answer(Reply.YES, last="A glass of wine last weekend"),
            "calming": Answer(Reply.YES, "Only before flights.", last="In August, one tablet"),
            "pregnancy": Answer(Reply.NOT_APPLICABLE),
        },
        Medicine("Sertraline", "100 mg in the morning", "2022"),
        Medicine("Lorazepam", "0.5 mg, before flights only", "2019"),
        at=demo.now - timedelta(days=4),
    )
    session = _session(demo, patient, Route.SUBLINGUAL, days=5, hour=10, programme=programme)
    assert patient.user is not None  # noqa: S101 - he signs in, see above
    readiness.arrange(session, Wanted("Jana Hartmann", ""), version=0, actor=patient.user.actor, at=demo.now)
    _programme(demo, patient, "single-session", since=6, read_until=3)


def _clara(demo: _Demo, programme: Playlist) -> None:
    """Prepared; her session is today."""
    patient = _admit(demo, "Clara Winter", "1978-06-21", by=demo.mara, days_ago=20)
    for slug in ("what-kap-is", "intention", "the-day-of-the-session"):
        _assign(demo, patient, slug, due_in=-2, done=True)
    _intend(
        patient,
        "To be kinder to the part of me that is always getting ready for the worst.",
        at=demo.now - timedelta(days=3),
    )
    _sign(patient, *EVERYTHING_ASKED, at=demo.now - timedelta(days=6))
    _answer(
        patient,
        {"night-breathing": Answer(Reply.UNSURE, "My partner says I snore.")},
        Medicine("Lamotrigine", "100 mg in the evening", "2023"),
        at=demo.now - timedelta(days=6),
    )
    _review(
        patient,
        {
            "apnoea": Judgement(Finding.UNKNOWN, "Asked her family doctor for the sleep study of last year."),
            "lamotrigine": Judgement(Finding.PRESENT, "Stays as it is; talked over with the prescriber."),
        },
        "Talked through by phone.",
        at=demo.now - timedelta(days=5),
    )
    hour = min(in_zone(demo.now, ZONE).hour + 1, 23)
    session = _session(demo, patient, Route.IV, days=0, hour=hour, programme=programme)
    _arrange(session, "Paul Winter", "030 555 0176", at=demo.now - timedelta(days=2))
    _wish(
        patient, "Piano, and anything with rain in it.", Avoid(voices=True), at=demo.now - timedelta(days=6)
    )
    _plan_for_crisis(
        patient,
        {
            PlanPart.SIGNS: "I stop answering messages. I clean at night.",
            PlanPart.ALONE: "Warm shower. Walk to the river and back.",
            PlanPart.DISTRACTION: "The café at the corner. My sister's kitchen.",
            PlanPart.PEOPLE: "Paul, 030 555 0176\nRuth, 030 555 0177",
            PlanPart.PROFESSIONALS: "Mara, on weekdays: 030 555 0100\nAt any hour: 116 123",
            PlanPart.SURROUNDINGS: "Paul keeps the old tablets.",
        },
        at=demo.now - timedelta(days=18),
    )


def _david(demo: _Demo, programme: Playlist) -> None:
    """His session was yesterday; he has not written yet, and would like to talk to someone."""
    patient = _admit(demo, "David Okafor", "1969-01-30", by=demo.mara, days_ago=30)
    _assign(demo, patient, "what-kap-is", due_in=-10, done=True)
    _assign(demo, patient, "the-day-of-the-session", due_in=-2, done=True)
    _intend(
        patient, "I would like to put down some of what I carry for others.", at=demo.now - timedelta(days=4)
    )
    _sign(patient, *EVERYTHING_ASKED, at=demo.now - timedelta(days=12))
    session = _session(demo, patient, Route.IM, days=-1, hour=14, programme=programme)
    notes = {
        2: "Eye shade on, settled.",
        18: "Tears, quiet.",
        55: "First words: so much space.",
        95: "Sits up.",
    }
    unready = Unready(
        ("Escort: phone number (not yet)",), "His brother sat in the waiting room for the whole time."
    )
    _hold(session, minutes=120, notes=notes, unready=unready)
    _assign(demo, patient, "the-first-night", due_in=0)
    assert patient.user is not None  # noqa: S101 - he signs in, see above
    talks.ask(patient, actor=patient.user.actor, at=demo.now - timedelta(minutes=25))


def _elif(demo: _Demo, programme: Playlist) -> None:
    """Integrating: one entry shared and answered, one kept to herself."""
    patient = _admit(demo, "Elif Kaya", "1995-09-08", by=demo.mara, days_ago=40)
    _assign(demo, patient, "what-kap-is", due_in=-14, done=True)
    _assign(demo, patient, "the-first-night", due_in=-3, done=True)
    _intend(patient, "To listen.", at=demo.now - timedelta(days=6))
    _sign(patient, *EVERYTHING_ASKED, at=demo.now - timedelta(days=20))
    session = _session(demo, patient, Route.IV, days=-4, hour=11, programme=programme)
    notes = {
        1: "Infusion started.",
        12: "Breathing slows.",
        40: "Infusion ends.",
        70: "Smiles, asks for light.",
    }
    _hold(session, minutes=95, notes=notes)
    _is_ready(demo, patient, _session(demo, patient, Route.IV, days=3, hour=11, programme=programme))
    _programme(demo, patient, "six-infusions", since=10, read_until=1)
    assert patient.user is not None  # noqa: S101 - she signs in, see above
    write = partial(integration.write, patient, version=0)
    shared = write(
        entry_id=uuid4(),
        writing=Writing(
            "The colours are gone but the quiet stayed. I called my sister and did not rehearse it first.",
            mood_before=4,
            mood_after=7,
            body=6,
            liking=8,
            resonance=9,
            openness=7,
            title="After the second session",
            tags=("quiet", "my sister"),
            session_id=session.id,
            moment_s=1860,
            phase="Peak",
        ),
        at=demo.now - timedelta(days=3),
    )
    write(
        entry_id=uuid4(),
        writing=Writing("Some of it I am not ready to say out loud. It is enough that it is here."),
        at=demo.now - timedelta(days=2),
    )
    assert shared is not None  # noqa: S101 - it has words
    shared_at, writer = demo.now - timedelta(days=2), patient.user.actor
    _speak_and_draw(shared, at=demo.now - timedelta(days=3))
    integration.share(shared, parts=[Part.TEXT, Part.VOICE], actor=writer, at=shared_at)
    integration.share(shared, parts=[Part.RATINGS], to=demo.mara.id, actor=writer, at=shared_at)
    mark_actions.bring(shared, actor=demo.mara.actor, at=demo.now - timedelta(days=1))
    prompt_actions.add(
        patient,
        moment="72h",
        text="What did the call with your sister leave behind?",
        actor=demo.mara.actor,
        at=demo.now - timedelta(days=1),
    )
    for slug in ("practice-slow-breath", "practice-letter"):
        _assign(demo, patient, slug, due_in=None)
    integration.comment(
        shared,
        comment_id=uuid4(),
        text="Thank you for letting me read this. Shall we begin with the call on Thursday?",
        actor=demo.mara.actor,
        at=demo.now - timedelta(days=1),
    )


def _is_ready(demo: _Demo, patient: Patient, session: DosingSession) -> None:
    """Everything that is asked before her next session."""
    at = demo.now - timedelta(days=20)
    _answer(patient, {}, at=at)
    _review(patient, {}, "Talked through in the first meeting.", at=at + timedelta(days=1))
    _wish(patient, "Cello. Slow things.", Avoid(languages=("english",)), at=at)
    _arrange(session, "Deniz Kaya", "030 555 0188", at=demo.now - timedelta(days=1))
    _plan_for_crisis(
        patient,
        {
            PlanPart.SIGNS: "Everything sounds far away.",
            PlanPart.ALONE: "Count tiles. Hold ice. Call up the shore.",
            PlanPart.PEOPLE: "Deniz, 030 555 0188",
            PlanPart.PROFESSIONALS: "Mara, on weekdays: 030 555 0100\nAt any hour: 116 123",
        },
        at=at,
    )


def _speak_and_draw(entry: JournalEntry, *, at: datetime) -> None:
    """A tune that is hummed into a telephone, and a drawing of a shore."""
    note_id, drawing_id = uuid4(), uuid4()
    with brought(note_id, _hummed(), place=piece_place(0, 0)) as content:
        file_actions.add_note(entry, file_id=note_id, content=content, at=at)
    drawing = pictures.prepared(_drawn())
    with brought(drawing_id, BytesIO(drawing.content)) as content:
        file_actions.add_picture(
            entry,
            file_id=drawing_id,
            content=content,
            words="A shore in the evening, with a low sun.",
            width=drawing.width,
            height=drawing.height,
            at=at,
        )


def _hummed() -> BytesIO:
    """A WAV of eleven seconds, with a pause before it as there is one before anybody speaks."""
    rate, sound = 24_000, [np.zeros(24_000)]
    for hertz, seconds in ((220, 1.2), (247, 0.6), (262, 1.8), (220, 1.2), (196, 2.2), (220, 2.6)):
        at = np.arange(int(seconds * rate)) / rate
        tones = sum(np.sin(2 * np.pi * hertz * n * at) / n**2 for n in (1, 2, 3, 4))
        sound.append(0.08 * tones * np.sin(np.pi * at / seconds) ** 0.5)
    target = BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.concatenate(sound) * 32767).astype("<i2").tobytes())
    target.seek(0)
    return target


def _drawn() -> BytesIO:
    picture = Image.new("RGB", (1200, 900), "#fdfbf6")
    pen = ImageDraw.Draw(picture)
    pen.arc((470, 330, 730, 590), 180, 360, fill="#c9922b", width=22)
    for line, colour in enumerate(("#2f6f8f", "#2f6f8f", "#4f7a4c")):
        wave_at = [
            (x, 480 + 80 * line + 14 * np.sin(x / (70 + 25 * line) + line)) for x in range(120, 1090, 10)
        ]
        pen.line(wave_at, fill=colour, width=8, joint="curve")
    target = BytesIO()
    picture.save(target, "PNG")
    target.seek(0)
    return target


def _farid(demo: _Demo, programme: Playlist) -> None:
    """Jonas's patient, behind on his preparation."""
    patient = _admit(demo, "Farid Nouri", "1988-12-19", by=demo.jonas, days_ago=15)
    _assign(demo, patient, "what-kap-is", due_in=-5)
    _session(demo, patient, Route.INTRANASAL, days=2, hour=9, programme=programme)


def _letters(demo: _Demo) -> None:
    """A delivery log, as a mail server would have left it; the demonstration itself has none."""
    name = {each.name.split(maxsplit=1)[0]: each for each in _patients_of(demo.practice)}
    taken = Outcome(Verdict.SENT)
    _letter(demo, name["Alma"], "accounts.invitation", days_ago=1, outcome=taken)
    _letter(demo, name["Ben"], "accounts.invitation", days_ago=12, outcome=taken)
    _letter(demo, name["Ben"], REMINDER, Kind.PREPARE, days_ago=4, outcome=taken)
    unknown = judged(MailStep.RECIPIENT, 550, b"5.1.1")
    _letter(demo, name["Ben"], REMINDER, Kind.PREPARE, days_ago=2, outcome=unknown)
    posting.mark_bad(demo.practice.id, posting.address_digest(_email("Ben")), at=demo.now - timedelta(days=2))
    _letter(demo, name["Clara"], REMINDER, Kind.PAPERS, days_ago=5, outcome=taken, attempts=3)
    _letter(demo, name["Clara"], REMINDER, Kind.APPOINTMENT, Kind.PREPARE, days_ago=1, outcome=taken)
    _letter(demo, name["Elif"], REMINDER, Kind.WRITE, days_ago=3, outcome=taken)
    _letter(demo, name["Elif"], REMINDER, Kind.ANSWER, days_ago=1, outcome=taken)


def _letter(
    demo: _Demo,
    patient: Patient,
    name: str,
    *kinds: Kind,
    days_ago: int,
    outcome: Outcome,
    attempts: int = 1,
) -> None:
    letter_id, at = uuid4(), demo.now - timedelta(days=days_ago)
    state = LetterState.SENT if outcome.verdict is Verdict.SENT else LetterState.REFUSED
    db.session.add(
        SentLetter(
            practice_id=demo.practice.id,
            patient_id=patient.id,
            name=name,
            about=letter_id,
            arguments={"letter_id": str(letter_id)},
            message_id=f"<{letter_id}@{MAIL}>",
            address_digest=posting.address_digest(patient.email or ""),
            state=state,
            reason=outcome.reason,
            code=outcome.code,
            attempts=attempts,
            made_at=at,
            tried_at=at,
            ended_at=at + timedelta(seconds=2),
        )
    )
    db.session.add_all(
        Reminder(
            patient_id=patient.id, key=f"shown:{letter_id}:{kind}", kind=kind, letter_id=letter_id, made_at=at
        )
        for kind in kinds
    )


def _patients_of(practice: Practice) -> list[Patient]:
    return list(db.session.scalars(select(Patient).where(Patient.practice_id == practice.id)))


def _music(demo: _Demo) -> dict[str, Playlist]:
    """Tracks, composed in the background, and a programme for each route."""
    actor = demo.mara.actor
    tracks = music.add_recipes(practice_id=demo.practice.id, actor=actor, at=demo.now)
    db.session.flush()
    composed = [library_of_music.candidate(track) for track in tracks]
    candidates = [replace(each, duration_s=each.duration_s * USABLE) for each in composed]
    made = {}
    for slug, arc in arcs().items():
        if arc.style != "standard":
            continue
        length_s = min(arc.length_min, 75) * 60
        chosen = build(arc, length_s=length_s, surplus_s=USUAL_SURPLUS_MIN * 60, candidates=candidates)
        made[slug] = playlists.make_playlist(chosen, name=arc.title, actor=actor, at=demo.now)
    queue.enqueue(
        "demo.render", practice_id=demo.practice.id, run_at=demo.now + LOOK_AGAIN, practice=demo.practice.id
    )
    return made


@task("demo.render")
def render(progress: Progress, *, practice: str) -> None:
    """Ask for the mix of each programme once its tracks are composed, and give it to the sessions held."""
    practice_id = UUID(practice)
    with transaction():
        if not (_is_composed(practice_id) and _is_rendered(practice_id)):
            queue.enqueue(
                "demo.render", practice_id=practice_id, run_at=now() + LOOK_AGAIN, practice=practice
            )
            return
        for session in _held_sessions(practice_id):
            mix = playlist_queries.ready_mix(session.playlist) if session.playlist else None
            if mix is not None and session.mix is None:
                session.mix, session.music_started_at = mix, session.opened_at
                session.music_reached_s = float(mix.length_s)


def _is_composed(practice_id: UUID) -> bool:
    waiting = select(Track.id).where(Track.practice_id == practice_id, Track.state == TrackState.WAITING)
    return db.session.scalars(waiting.limit(1)).first() is None


def _is_rendered(practice_id: UUID) -> bool:
    actor = Actor.system(practice_id)
    programmes = db.session.scalars(select(Playlist).where(Playlist.practice_id == practice_id)).all()
    mixes = [
        playlist_queries.latest_mix(playlist) or playlists.request_mix(playlist, actor=actor, at=now())
        for playlist in programmes
    ]
    return all(mix.state is not MixState.WAITING for mix in mixes)


def _held_sessions(practice_id: UUID) -> list[DosingSession]:
    held = select(DosingSession).join(Patient).where(Patient.practice_id == practice_id)
    return list(db.session.scalars(held.where(DosingSession.state == SessionState.CLOSED)))
