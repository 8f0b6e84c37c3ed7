"""What the home pages ask of the journal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from kap.access.actor import Actor
from kap.db import db, transaction
from kap.integration import actions, queries
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.integration.visible import Visible
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written

CloseSession = Callable[..., DosingSession]
HOUR = timedelta(hours=1)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements sent meanwhile."""
    sent: list[str] = []

    def note(*args: Any) -> None:
        sent.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def seen(entries: list[Visible]) -> list[UUID]:
    return [entry.id for entry in entries]


def share(entry: JournalEntry, actor: Actor, hours: float = 0) -> JournalEntry:
    with transaction():
        actions.share(entry, actor=actor, at=NOON + hours * HOUR)
    return entry


def test_what_is_newly_shared(at_browser: Callable[[str], Browser], cast: Cast) -> None:
    by_pia, theo = cast.actor("pia"), cast.actor("theo")
    old, first, second = (
        share(written(cast.pia, words), by_pia, hours)
        for words, hours in (("Old", -24), ("First", 1), ("Second", 2))
    )
    written(cast.pia, "Private")
    share(written(cast.pau, "Not his"), cast.actor("pau"), 1)
    assert seen(queries.new_shared(theo, NOON)) == [second.id, first.id]
    assert seen(queries.new_shared(theo, NOON - 48 * HOUR)) == [second.id, first.id, old.id]
    at_browser("theo").get(f"/patients/{cast.pia.id}/journal")
    assert seen(queries.new_shared(theo, NOON)) == [second.id, first.id]
    at_browser("theo").get(f"/patients/{cast.pia.id}/journal/{second.id}")
    assert seen(queries.new_shared(theo, NOON)) == [first.id]
    assert queries.opened_by(theo, cast.pia) == {second.id}


@pytest.mark.parametrize("name", ["ana", "pia", "tess", "zoe"])
def test_nothing_is_new_for_anyone_else(cast: Cast, shared_entry: JournalEntry, name: str) -> None:
    assert queries.new_shared(cast.actor(name), NOON - HOUR) == []


def test_each_therapist_opens_for_themselves(
    at_browser: Callable[[str], Browser], cast: Cast, shared_entry: JournalEntry
) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
    at_browser("theo").get(f"/patients/{cast.pia.id}/journal/{shared_entry.id}")
    assert queries.new_shared(cast.actor("theo"), NOON) == []
    assert seen(queries.new_shared(cast.actor("tess"), NOON)) == [shared_entry.id]


@pytest.mark.parametrize("caseload", [1, 12])
def test_the_cost_does_not_grow_with_the_caseload(cast: Cast, caseload: int) -> None:
    for number in range(caseload):
        share(written(_admitted(cast, f"Patient {number}"), "Words"), cast.actor("pia"))
    theo = cast.actor("theo")
    db.session.expunge_all()
    with statements() as sent:
        found = queries.new_shared(theo, NOON)
        names = {entry.patient.name for entry in found}
    assert names == {f"Patient {number}" for number in range(caseload)}
    selects = [statement for statement in sent if statement.startswith("SELECT")]
    assert len(selects) == 3  # entries, what is shared of them, their files


def _admitted(cast: Cast, name: str) -> Patient:
    with transaction():
        return patients.admit(
            practice=cast.practice, identity=Identity(name=name), actor=cast.actor("theo"), at=NOON
        )


def test_listing_ones_journal_costs_the_same_for_many_entries(cast: Cast) -> None:
    actor, patient_id, counts = cast.actor("pia"), cast.pia.id, []
    for total in (1, 20):
        patient = db.session.get_one(Patient, patient_id)
        while len(queries.entries_visible_to(actor, patient)) < total:
            written(patient, "Words")
        db.session.rollback()
        db.session.expunge_all()
        patient = db.session.get_one(Patient, patient_id)
        with statements() as sent:
            entries = queries.entries_visible_to(actor, patient)
            words = [(entry.text, entry.session, entry.comments) for entry in entries]
        assert words == [("Words", None, [])] * total
        counts.append(len([statement for statement in sent if statement.startswith("SELECT")]))
    assert counts[0] == counts[1]


def test_a_closed_session_awaits_an_entry(cast: Cast, closed_session: CloseSession) -> None:
    assert queries.awaits_entry(cast.pia, NOON) is None
    first = closed_session(cast.pia, NOON)
    closed_session(cast.pau, NOON + HOUR)
    assert queries.awaits_entry(cast.pia, NOON - HOUR) is None
    assert queries.awaits_entry(cast.pia, NOON) == first
    written(cast.pia, "Before it", at=NOON - HOUR)
    written(cast.pau, "Another's", at=NOON + HOUR)
    assert queries.awaits_entry(cast.pia, NOON + HOUR) == first
    written(cast.pia, "After it", at=NOON + HOUR)
    assert queries.awaits_entry(cast.pia, NOON + HOUR) is None
    second = closed_session(cast.pia, NOON + 2 * HOUR)
    assert queries.awaits_entry(cast.pia, NOON + 2 * HOUR) == second
    written(cast.pia, "About it", at=NOON, session_id=second.id)
    assert queries.awaits_entry(cast.pia, NOON + 3 * HOUR) is None


def test_all_words_are_read_in_two_statements(cast: Cast, entry: JournalEntry) -> None:
    with transaction():
        second = actions.write(
            cast.pia,
            entry_id=uuid4(),
            writing=Writing(text="More", title="Well", tags=("a", "b")),
            version=0,
            at=NOON + HOUR,
        )
        old = JournalEntry(
            patient=cast.pia,
            patient_id=cast.pia.id,
            made_at=NOON - HOUR,
            edited_at=NOON,
            version=1,
            text="Old",
        )
        db.session.add(old)
    written(cast.pau, "Another's")
    assert second is not None
    with transaction():
        writer, _ = cast.actor("pia"), cast.pia.data_key
        with statements() as sent:
            found = queries.words_of(writer, cast.pia)
    assert len([statement for statement in sent if statement.startswith("SELECT")]) == 1
    assert [(words.id, words.title, words.text, words.tags) for words in found] == [
        (second.id, "Well", "More", ["a", "b"]),
        (entry.id, "", SECRET, []),
        (old.id, "", "Old", []),
    ]
    for name in ("theo", "tess", "pau", "ana", "zoe", "zed"):
        assert queries.words_of(cast.actor(name), cast.pia) == []
