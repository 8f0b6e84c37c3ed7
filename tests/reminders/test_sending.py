"""Reminders from what happened in the rooms to what a real mail server was given."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError
from time_machine import Traveller

from kap.accounts.models import Practice
from kap.clock import now
from kap.consents import actions as consents
from kap.consents.actions import Given
from kap.content.consents import consents as texts
from kap.content.screening import catalogue
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.jobs.models import Job
from kap.mail.models import SentLetter
from kap.mail.rules import LetterState, Reason
from kap.patients import reasons as registry
from kap.patients.reasons import Kind
from kap.preparation import actions as preparation
from kap.reminders import actions, queries
from kap.reminders.actions import Choices
from kap.reminders.models import Reminder
from kap.reminders.rules import Limits, Quiet
from kap.screening import actions as screening
from kap.screening.said import Answer, Reply, Said
from kap.sessions import actions as sessions
from tests.conftest import Browser, Cast
from tests.home.conftest import given, held, planned, written
from tests.mail.postbox import Postbox, text_of
from tests.reminders.conftest import TODAY, Sweep, letters

CLINICAL = (
    "ketamine", "dosing", "session", "infusion", "therap", "treatment", "medic", "clinic", "patient",
    "consent", "health", "screening", "journal", "entry", "guide", "intention", "integration",
    "preparation", "comment",
)  # fmt: skip
SECRET = "The lantern over the water was my grandmother."


def said(postbox: Postbox) -> list[str]:
    """What each letter that arrived says between the greeting and the link."""
    found = [
        re.findall(r"Hello,\n\n(.*?)\n\nYou find it", text_of(each), re.DOTALL) for each in postbox.letters
    ]
    return [" ".join(parts[0].split("\n")) for parts in found]


def settled(cast: Cast) -> None:
    """Nothing is open but what a test makes so: Pia has signed everything and answered."""
    pia, at = cast.pia, TODAY - timedelta(days=1)
    no = {question.key: Answer(Reply.NO) for question in catalogue().questions}
    with transaction():
        for slug, consent in texts().items():
            named = Given(name="Pia", choices={}, words={})
            if slug == "touch":
                named = Given(
                    name="Pia", choices={"kinds": ["hand"], "areas": ["hands"]}, words={"stop": "Stop"}
                )
            signature = consents.sign(
                pia, consent, given=named, seen=consent.digest, device="", actor=cast.actor("pia"), at=at
            )
            if consent.witness:
                consents.witness(signature, actor=cast.actor("theo"), at=at)
        answers = screening.answer(
            pia, Said(no, (), takes_none=True), version=0, actor=cast.actor("pia"), at=at
        )
        assert answers is not None
        screening.finish(answers, actor=cast.actor("pia"), at=at)


def test_an_appointment_is_told_once_the_day_before(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    settled(cast)
    planned(cast.pia, cast.theo, TODAY + timedelta(days=2))
    sweep()
    assert postbox.letters == []
    clock.shift(timedelta(days=1))
    for _ in range(3):
        sweep()
    assert said(postbox) == ["You have an appointment on Sunday 22 November at 13:00 (Europe/Berlin)."]
    (letter,) = postbox.letters
    assert (letter["To"], letter["Subject"]) == ("pia@example.org", "A reminder for you")
    assert [each.state for each in letters()] == [LetterState.SENT]


def test_one_that_is_moved_is_told_anew_and_one_that_is_cancelled_is_not(
    cast: Cast, postbox: Postbox, sweep: Sweep
) -> None:
    settled(cast)
    session = planned(cast.pia, cast.theo, TODAY + timedelta(days=1))
    sweep()
    with transaction():
        session.planned_at = TODAY + timedelta(days=1, hours=2)
    sweep()
    with transaction():
        sessions.cancel(session, actor=cast.actor("theo"))
    sweep()
    assert said(postbox) == [
        "You have an appointment on Saturday 21 November at 13:00 (Europe/Berlin).",
        "You have an appointment on Saturday 21 November at 15:00 (Europe/Berlin).",
    ]


def test_what_is_due_together_goes_into_one_letter(cast: Cast, postbox: Postbox, sweep: Sweep) -> None:
    planned(cast.pia, cast.theo, TODAY + timedelta(days=1))
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    given(cast.pia, cast.theo, "what-kap-is", None)
    sweep()
    assert said(postbox) == [
        "You have an appointment on Saturday 21 November at 13:00 (Europe/Berlin). "
        "There is something to read or do. "
        "Some questions and papers are waiting for you."
    ]
    kinds = db.session.scalars(select(Reminder.kind).order_by(Reminder.kind)).all()
    assert kinds == ["appointment", "papers", "prepare", "prepare"]


def test_what_was_done_meanwhile_is_not_sent(
    cast: Cast, postbox: Postbox, work: Callable[[], int], clock: Traveller
) -> None:
    settled(cast)
    guide = given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    with transaction():
        assert actions.write_due(cast.practice, at=now()) == 1
        preparation.finish(guide, actor=cast.actor("pia"), at=TODAY)
    work()
    assert (postbox.letters, [each.state for each in letters()]) == ([], [LetterState.NOT_NEEDED])


def test_of_several_reasons_what_is_done_is_left_out(
    cast: Cast, postbox: Postbox, work: Callable[[], int], clock: Traveller
) -> None:
    settled(cast)
    guide = given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=1))
    with transaction():
        actions.write_due(cast.practice, at=now())
        preparation.finish(guide, actor=cast.actor("pia"), at=TODAY)
    work()
    assert said(postbox) == ["You have an appointment on Saturday 21 November at 13:00 (Europe/Berlin)."]


def test_a_time_to_write_comes_whether_or_not_something_was_written(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    """Else the delivery log, which the care team reads, would tell who writes."""
    settled(cast)
    with transaction():
        pau = cast.pau
    for patient, therapist in ((cast.pia, cast.theo), (pau, cast.tess)):
        held(patient, therapist, TODAY - timedelta(hours=4))  # over at 11:00 in Berlin
    written(cast.pia, SECRET, TODAY)
    for days in (0, 1, 2, 3, 5, 7, 9, 14, 21, 30, 60, 90, 95):
        for hour in (14, 19):
            clock.move_to(TODAY.replace(hour=hour) + timedelta(days=days))
            sweep()
    rows = {
        name: [
            (each.made_at, each.state, each.attempts, each.name)
            for each in letters()
            if each.patient_id == patient.id
        ]
        for name, patient in (("pia", cast.pia), ("pau", cast.pau))
    }
    assert len(rows["pia"]) == 7
    assert rows["pia"] == rows["pau"]
    assert set(said(postbox)) == {"This may be a good time to write something down, if you like."}


def test_an_answer_under_a_shared_entry_is_told_and_under_one_taken_back_is_not(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    settled(cast)
    entry = written(cast.pia, SECRET, TODAY, shared_by=cast)

    def answered(actor_name: str) -> None:
        with transaction():
            integration.comment(
                entry, comment_id=uuid4(), text="Thank you", actor=cast.actor(actor_name), at=now()
            )

    answered("pia")
    clock.shift(timedelta(minutes=20))
    sweep()
    assert postbox.letters == []
    answered("theo")
    clock.shift(timedelta(minutes=20))
    sweep()
    assert said(postbox) == ["Someone answered you."]
    answered("theo")
    with transaction():
        integration.stop_sharing(entry, actor=cast.actor("pia"), at=now())
    clock.shift(timedelta(minutes=20))
    sweep()
    assert len(postbox.letters) == 1


def test_an_answer_under_what_one_person_was_shown_is_told_to_nobody_by_the_log(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    settled(cast)
    entry = written(cast.pia, SECRET, TODAY)
    with transaction():
        integration.share(entry, actor=cast.actor("pia"), at=TODAY, to=cast.theo.id)
        integration.comment(entry, comment_id=uuid4(), text="Hm", actor=cast.actor("theo"), at=TODAY)
    clock.shift(timedelta(minutes=20))
    sweep()
    assert (postbox.letters, letters()) == ([], [])


def test_nothing_is_sent_in_quiet_hours_of_the_patients_own_zone(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    settled(cast)
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    auckland = Choices(on=frozenset(Kind), quiet=None, zone="Pacific/Auckland")
    with transaction():
        actions.choose(cast.pia, wanted=auckland, version=0)
    sweep()  # 1:05 at night there
    assert postbox.letters == []
    clock.move_to(datetime(2026, 11, 20, 18, 50, tzinfo=UTC))
    sweep()  # 7:55
    assert postbox.letters == []
    sweep()  # 8:00
    assert len(postbox.letters) == 1


def test_a_letter_that_is_tried_again_in_quiet_hours_waits_for_their_end(
    cast: Cast, postbox: Postbox, work: Callable[[], int], clock: Traveller
) -> None:
    settled(cast)
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    with transaction():
        actions.write_due(cast.practice, at=now())
    clock.move_to(datetime(2026, 11, 20, 22, 0, tzinfo=UTC))  # the worker was away until then
    work()
    (row,) = letters()
    assert (row.state, row.reason, row.attempts) == (LetterState.RETRYING, Reason.QUIET, 0)
    assert row.next_at == datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    clock.move_to(datetime(2026, 11, 21, 7, 0, tzinfo=UTC))
    work()
    assert (len(postbox.letters), [each.state for each in letters()]) == (1, [LetterState.SENT])


def test_limits_hold_letters_back_and_the_next_day_brings_them(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    settled(cast)
    with transaction():
        actions.set_rules(
            cast.practice, quiet=Quiet(0, 0), limits=Limits(1, 2), on=frozenset(Kind), signature="",
            actor=cast.actor("ana"),
        )  # fmt: skip
    for slug in ("intention", "what-kap-is", "the-first-night"):
        given(cast.pia, cast.theo, slug, date(2026, 11, 22))
        clock.shift(timedelta(days=1) - timedelta(hours=2))
        sweep()
        clock.shift(timedelta(hours=2))
    assert len(postbox.letters) == 2  # the third is beyond the week's
    clock.shift(timedelta(days=7))
    sweep()
    assert len(postbox.letters) == 2  # and too late by now


def test_kinds_that_are_off_a_pause_and_the_practices_choice(
    cast: Cast, postbox: Postbox, sweep: Sweep
) -> None:
    settled(cast)
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    theo, ana = cast.actor("theo"), cast.actor("ana")
    with transaction():
        actions.stop(cast.pia, [Kind.PREPARE])
    sweep()
    with transaction():
        actions.resume(cast.pia, [Kind.PREPARE])
        actions.pause(cast.pia, actor=theo, at=now())
    sweep()
    with transaction():
        actions.go_on(cast.pia, actor=theo)
        actions.set_rules(
            cast.practice, quiet=Quiet(0, 0), limits=Limits(2, 7), on=frozenset(Kind) - {Kind.PREPARE},
            signature="Your people", actor=ana,
        )  # fmt: skip
    sweep()
    assert postbox.letters == []
    with transaction():
        actions.set_rules(
            cast.practice, quiet=Quiet(0, 0), limits=Limits(2, 7), on=frozenset(Kind),
            signature="Your people in Linden Street", actor=ana,
        )  # fmt: skip
    sweep()
    (letter,) = postbox.letters
    assert "\nYour people in Linden Street\n" in text_of(letter)


def test_nobody_is_written_to_who_cannot_sign_in_or_is_archived(
    cast: Cast, postbox: Postbox, sweep: Sweep
) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    given(cast.pau, cast.tess, "intention", date(2026, 11, 21))
    with transaction():
        assert cast.pia.user is not None
        cast.pia.user.password_hash = None
        cast.pau.archived_at = TODAY
    sweep()
    assert (postbox.letters, letters()) == ([], [])


def test_letters_go_to_the_address_in_the_details_which_can_be_changed(
    cast: Cast, postbox: Postbox, sweep: Sweep
) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    postbox.refuse = "550 5.1.1 unknown"
    sweep()
    postbox.refuse = ""
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 21))
    sweep()
    assert len(letters()) == 1  # what is due now waits for an address that works
    with transaction():
        cast.pia.email = "pia.pine@elsewhere.example"
    sweep()
    assert [each["To"] for each in postbox.letters] == ["pia.pine@elsewhere.example"]
    assert [each.state for each in letters()] == [LetterState.REFUSED, LetterState.SENT]


def test_two_who_look_at_once_write_one_letter(app: Flask, cast: Cast, clock: Traveller) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    practice_id = cast.practice.id
    db.session.rollback()

    def look() -> int:
        with app.app_context():
            try:
                with transaction():
                    return actions.write_due(db.session.get_one(Practice, practice_id), at=TODAY)
            except IntegrityError:
                return 0
            finally:
                db.session.close()

    with ThreadPoolExecutor(4) as pool:
        wrote = [each.result() for each in [pool.submit(look) for _ in range(4)]]
    assert sum(wrote) == 1
    assert len(letters()) == db.session.scalar(select(func.count()).select_from(Reminder)) == 1
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.task == "mail.send")) == 1


def test_what_is_not_committed_leaves_nothing_and_is_found_again(
    cast: Cast, postbox: Postbox, sweep: Sweep
) -> None:
    """As when the worker is killed while it writes letters."""
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))

    def killed() -> None:
        with transaction():
            actions.write_due(cast.practice, at=TODAY)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert (letters(), postbox.letters) == ([], [])
    sweep()
    assert len(postbox.letters) == 1


@contextmanager
def _statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def test_the_sweep_asks_the_same_however_many_patients(cast: Cast, clock: Traveller) -> None:
    from tests.conftest import _patient  # noqa: PLC0415 - people like those of the cast

    counts = []
    for round_ in range(2):
        for number in range(3 if round_ == 0 else 30):
            with transaction():
                patient = _patient(cast.practice, f"P{round_}x{number} Someone", cast.theo)
            planned(patient, cast.theo, TODAY + timedelta(days=1))
            held(patient, cast.theo, TODAY - timedelta(days=1))
            given(patient, cast.theo, "intention", date(2026, 11, 21))
        db.session.expire_all()
        with transaction():
            practice = db.session.get_one(Practice, cast.practice.id)
            with _statements() as seen:
                wrote = actions.write_due(practice, at=TODAY)
        counts.append((wrote, len(seen)))
    assert [wrote for wrote, _ in counts] == [3, 30]
    assert counts[0][1] == counts[1][1] < 30


def test_no_letter_row_or_job_says_more_than_that_something_is_there(
    cast: Cast, postbox: Postbox, sweep: Sweep, clock: Traveller
) -> None:
    """With everything there that could leak: names, words, titles, the practice's own."""
    with transaction():
        cast.practice.name = "Linden Ketamine Clinic"
    entry = written(cast.pia, SECRET, TODAY - timedelta(hours=1), shared_by=cast)
    with transaction():
        integration.comment(
            entry, comment_id=uuid4(), text=SECRET, actor=cast.actor("theo"), at=TODAY - timedelta(hours=1)
        )
    held(cast.pia, cast.theo, TODAY - timedelta(days=1, hours=3))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=1))
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    sweep()
    (letter,) = postbox.letters
    assert len(said(postbox)[0].split(". ")) == 5
    words = (letter.as_string() + text_of(letter)).lower()
    for word in (*CLINICAL, "lantern", "linden", "pine", "theo", "thorne", "pia pine"):
        assert word not in words.replace("kap@linden.example", ""), word
    assert len(re.findall(r"https?://", text_of(letter))) == 2
    assert re.findall(r"You find it here:\n(\S+)", text_of(letter)) == ["http://127.0.0.1:8000/"]
    stored = " ".join(
        str(row)
        for name in ("job", "sent_letter", "reminder")
        for row in db.session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own names
    )
    for word in ("lantern", "pia", "pine", "@example", "/stop/", "/my/", "ketamine"):
        assert word not in stored.lower(), word


def test_a_room_adds_reasons_with_a_function(
    cast: Cast, postbox: Postbox, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "SOURCES", {})
    pia_id = cast.pia.id

    @registry.source("programmes")
    def steps(patients: object, window: registry.Window) -> list[registry.Reason]:
        day = timedelta(days=1)
        at = window.at
        return [
            registry.Reason(pia_id, Kind.PREPARE, "step:1", at - day, at + day, link=lambda: "/welcome/once"),
            registry.Reason(pia_id, Kind.PREPARE, "step:2", at + day, at + 2 * day),
        ]

    sweep()
    (letter,) = postbox.letters
    assert re.findall(r"You find it here:\n(\S+)", text_of(letter)) == ["http://127.0.0.1:8000/welcome/once"]
    with pytest.raises(ValueError, match="two sources are called programmes"):
        registry.source("programmes")(steps)


def test_a_letter_that_failed_is_sent_again_by_a_therapist(
    cast: Cast, postbox: Postbox, sweep: Sweep, at_browser: Callable[[str], Browser]
) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    postbox.refuse = "550 5.1.1 unknown"
    sweep()
    postbox.refuse = ""
    theo = at_browser("theo")
    assert "A reminder did not reach Pia Pine" in theo.get("/").text
    (failed,) = letters()
    theo.post(f"/patients/{cast.pia.id}/letters/{failed.id}/again")
    sweep()
    assert said(postbox) == ["There is something to read or do."]
    assert "did not reach" not in theo.get("/").text
    log = theo.get(f"/patients/{cast.pia.id}/letters").text
    assert log.count("Reminder: something to read or do") == 2
    assert "The mail server refused the recipient&#39;s address." in log
    assert "Put aside" in log


def test_the_log_shows_letters_of_this_patient_only(cast: Cast, clock: Traveller) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    given(cast.zed, cast.zoe, "intention", date(2026, 11, 21))
    with transaction():
        for practice in (cast.practice, cast.other):
            actions.write_due(practice, at=TODAY + timedelta(hours=3))  # 7:00 in New York was too early
    assert {each.patient_id for each in letters()} == {cast.pia.id, cast.zed.id}
    assert queries.due(cast.practice, at=TODAY) == {}
    db.session.rollback()


def test_without_a_mail_server_nothing_is_written(cast: Cast, sweep: Sweep) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    sweep()
    assert db.session.scalars(select(SentLetter)).all() == []


def test_a_fault_in_one_practice_keeps_no_letter_from_another(
    cast: Cast, postbox: Postbox, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    given(cast.zed, cast.zoe, "intention", date(2026, 11, 20))
    with transaction():
        actions.choose(cast.zed, wanted=Choices(on=frozenset(Kind), quiet=Quiet(0, 0), zone=None), version=0)
    broken_for, ask = cast.pia.id, registry.SOURCES["appointments"]

    def broken(patients: Any, window: registry.Window) -> Any:
        if broken_for in window.zones:
            raise ZeroDivisionError
        return ask(patients, window)

    monkeypatch.setitem(registry.SOURCES, "appointments", broken)
    sweep()
    assert [each["To"] for each in postbox.letters] == ["zed@example.org"]
