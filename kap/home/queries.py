"""What the pages that look into several rooms show. Each is a fixed number of statements."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import queries as people
from kap.accounts.models import Invitation, Practice, User
from kap.clock import day_in, midnight
from kap.content.programmes import Kind
from kap.home.rules import ChartStanding, ChartStep, Standing, Step, chart_step, next_step
from kap.integration import queries as integration
from kap.integration.visible import Visible
from kap.jobs import queries as jobs
from kap.jobs.models import Job
from kap.mail.models import SentLetter
from kap.mail.posting import is_bad
from kap.music import queries as music
from kap.patients import queries as patients
from kap.patients.models import CareTeamMember, Patient
from kap.patients.rules import age_on
from kap.preparation import queries as preparation
from kap.preparation.queries import Behind, Plan
from kap.preparation.queries import Standing as Given
from kap.programmes import queries as programmes
from kap.programmes.queries import Asked as AskedSteps
from kap.programmes.queries import Standing as StepStanding
from kap.readiness import queries as readiness
from kap.readiness.rules import Item, Line, Readiness
from kap.reminders import queries as reminders
from kap.screening import queries as screening
from kap.screening.queries import Screening
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession, SessionState

DAYS_AHEAD = 7
SHARED_WITHIN = timedelta(days=60)
FAILED_WITHIN = timedelta(days=30)
ENTRIES_SHOWN = 5
_ASKED_BY_STEPS = {
    Item.CONSENTS: {Kind.CONSENTS},
    Item.SCREENING: {Kind.HEALTH},
    Item.GUIDES: {Kind.GUIDE},
    Item.MUSIC: {Kind.MUSIC},
    Item.INTENTION: {Kind.INTENTION},
}


@dataclass(frozen=True)
class PatientHome:
    """The next step with what it is about, then what is coming, then what is done."""

    step: Step
    write_about: DosingSession | None
    prepare: Given | None
    intend: Given | None
    upcoming: list[DosingSession]
    plan: Plan
    asked: AskedSteps  # by programmes
    follow: StepStanding | None  # the first of these that is no guide
    missing: list[Line]  # for the next session, as far as the patient can do it
    past: list[DosingSession]
    entries: list[Visible]


@dataclass(frozen=True)
class TherapistHome:
    """Sessions that run or are planned today, those of the week, who is behind, what was shared, what letters
    did not arrive.

    `soon`: the days of the week that comes on which there is a session, in order, each with its sessions: who
    lacks most first. `readiness` is that of every session that is planned.
    """

    today: list[DosingSession]
    soon: list[tuple[date, list[DosingSession]]]
    readiness: dict[UUID, Readiness]
    behind: list[Behind]
    shared: list[Visible]
    undelivered: list[tuple[Patient, SentLetter]]
    has_patients: bool


@dataclass(frozen=True)
class AdminHome:
    """What an administrator answers for. Nothing clinical."""

    administrators: int
    therapists: int
    invitations: list[Invitation]
    tracks: int
    track_seconds: float
    track_bytes: int
    unfinished_jobs: int
    failed_jobs: list[Job]


@dataclass(frozen=True)
class Chart:
    """One patient's arc, as far as their care team may see it."""

    step: ChartStep
    age: int | None
    invitation: Invitation | None  # open, so it can be revoked
    accepted: bool
    team: list[CareTeamMember]
    sessions: list[DosingSession]
    given: list[Given]
    entries: list[Visible]
    opened: frozenset[UUID]  # ids of the entries this therapist has opened
    needing: DosingSession | None  # the session that runs, else the next of today
    planned: DosingSession | None
    screening: Screening
    address_is_bad: bool  # letters to the patient are known not to arrive


def patient_home(patient: Patient, actor: Actor, *, at: datetime) -> PatientHome:
    plan = preparation.plan_of(patient, day_in(at, patient.practice.zone))
    upcoming = sessions.upcoming_of(patient, at)
    unwritten = integration.awaits_entry(patient, at)
    intend = _asks_for_intention(plan) if upcoming and not _has_intention(patient) else None
    asked = programmes.asked_of(patient, at=at)
    follow = asked.first
    missing = _missing(upcoming[0], asked, at=at) if upcoming else []
    step = next_step(
        Standing(
            in_session=sessions.open_of(patient) is not None,
            closed_at=unwritten.closed_at if unwritten else None,
            writing_asked=follow is not None and follow.kind is Kind.JOURNAL,
            step_first=follow is not None and _comes_before(follow, plan.now),
            preparation_due=bool(plan.now),
            intention_wanted=intend is not None,
            something_missing=any(line.required for line in missing),
            session_planned=bool(upcoming),
        ),
        now=at,
    )
    return PatientHome(
        step=step,
        write_about=unwritten,
        prepare=plan.now[0] if plan.now else None,
        intend=intend,
        upcoming=upcoming,
        plan=plan,
        asked=asked,
        follow=follow,
        missing=missing,
        past=sessions.past_of(patient),
        entries=integration.entries_visible_to(actor, patient, limit=ENTRIES_SHOWN),
    )


def therapist_home(actor: Actor, practice: Practice, *, at: datetime) -> TherapistHome:
    today = day_in(at, practice.zone)
    tomorrow = midnight(today + timedelta(days=1), practice.zone)
    end = midnight(today + timedelta(days=1 + DAYS_AHEAD), practice.zone)
    # From yesterday on, because a session left open then still needs someone.
    found = sessions.in_window(actor, midnight(today - timedelta(days=1), practice.zone), end)
    begins = midnight(today, practice.zone)
    planned = [each for each in found if each.state is SessionState.PLANNED and each.planned_at >= begins]
    ready = readiness.readiness_of_many(planned, at=at)
    behind = preparation.behind(actor, today)
    shared = integration.new_shared(actor, at - SHARED_WITHIN)
    return TherapistHome(
        today=[each for each in found if each.planned_at < tomorrow and _is_of_today(each, begins)],
        soon=_by_day([each for each in found if each.planned_at >= tomorrow], ready, practice.zone),
        readiness=ready,
        behind=behind,
        shared=shared,
        undelivered=reminders.undelivered(actor),
        has_patients=patients.has_any(actor),
    )


def _by_day(
    sessions_: list[DosingSession], ready: dict[UUID, Readiness], zone: str
) -> list[tuple[date, list[DosingSession]]]:
    """Within a day, who lacks most comes first; then who comes first."""

    def order(session: DosingSession) -> tuple[date, int, datetime]:
        lacking = len(ready[session.id].missing) if session.id in ready else 0
        return day_in(session.planned_at, zone), -lacking, session.planned_at

    ordered = sorted(sessions_, key=order)
    return [(day, list(held)) for day, held in groupby(ordered, key=lambda each: order(each)[0])]


def admin_home(actor: Actor, *, at: datetime) -> AdminHome:
    staff = [user for user in people.staff_of(actor) if user.closed_at is None]
    tracks, seconds, size = music.library_totals(actor)
    return AdminHome(
        administrators=sum(user.role is Role.ADMIN for user in staff),
        therapists=sum(user.role is Role.THERAPIST for user in staff),
        invitations=people.open_invitations(actor, at=at),
        tracks=tracks,
        track_seconds=seconds,
        track_bytes=size,
        unfinished_jobs=jobs.unfinished_count(actor.practice_id),
        failed_jobs=jobs.failed_since(actor.practice_id, at - FAILED_WITHIN),
    )


def chart_of(patient: Patient, actor: Actor, *, at: datetime) -> Chart:
    zone = patient.practice.zone
    today = day_in(at, zone)
    held = [each for each in sessions.sessions_of(patient) if each.state is not SessionState.CANCELLED]
    running = next((each for each in held if each.state is SessionState.OPEN), None)
    planned = [each for each in reversed(held) if _is_awaited(each, at)]
    of_today = next((each for each in planned if day_in(each.planned_at, zone) == today), None)
    given = preparation.assignments_of(patient)
    entries = integration.entries_visible_to(actor, patient)
    opened = integration.opened_by(actor, patient)
    invitation = _open_invitation(patient.user, at) if patient.user else None
    accepted = patient.user is not None and patient.user.password_hash is not None
    standing = ChartStanding(
        archived=patient.archived_at is not None,
        in_session=running is not None,
        session_today=of_today is not None,
        unread=any(entry.id not in opened for entry in entries),
        can_sign_in=accepted or invitation is not None,
        assigned=bool(given),
        session_planned=bool(planned),
    )
    return Chart(
        step=chart_step(standing),
        age=age_on(patient.birthday, today) if patient.birthday else None,
        invitation=invitation,
        accepted=accepted,
        team=patients.team_of(patient),
        sessions=held,
        given=given,
        entries=entries,
        opened=frozenset(opened),
        needing=running or of_today,
        planned=planned[0] if planned else None,
        screening=screening.screening_of(patient, at=at),
        address_is_bad=is_bad(patient.practice_id, reminders.address_of(patient)),
    )


def _comes_before(step: StepStanding, guides: list[Given]) -> bool:
    """Whether a step of a programme is due before the first guide is; a guide without a day can wait."""
    due_on = guides[0].assignment.due_on if guides else None
    return due_on is None or step.placed.day is None or step.placed.day <= due_on


def _missing(session: DosingSession, asked: AskedSteps, *, at: datetime) -> list[Line]:
    """What the patient can still do for a session, less what a programme asks for in its own time."""
    found = readiness.readiness_of(session, at=at).for_patient
    return [line for line in found if not asked.kinds & _ASKED_BY_STEPS.get(line.item, frozenset())]


def _asks_for_intention(plan: Plan) -> Given | None:
    """The guide that has a place for the intention, if the patient was given one."""
    everything = (*plan.now, *plan.coming, *plan.done)
    return next((each for each in everything if each.guide.asks == "intention"), None)


def _has_intention(patient: Patient) -> bool:
    intention = sessions.intention_of(patient)
    return intention is not None and bool(intention.text.strip())


def _is_of_today(session: DosingSession, begins: datetime) -> bool:
    return session.planned_at >= begins or session.state is SessionState.OPEN


def _is_awaited(session: DosingSession, at: datetime) -> bool:
    return session.state is SessionState.PLANNED and session.planned_at >= at - sessions.AWAITED_FOR


def _open_invitation(user: User, at: datetime) -> Invitation | None:
    latest = people.latest_invitation(user.id)
    return latest if latest is not None and latest.is_open(at) else None
