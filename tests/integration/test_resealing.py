"""Entries of the version before keys of their own: readable, and sealed anew when the installation starts."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask

from kap.db import db, transaction
from kap.install import migrate
from kap.integration import actions, resealing
from kap.integration.models import JournalEntry
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET


@pytest.fixture
def old_entry(cast: Cast) -> JournalEntry:
    """A shared entry with a comment as the earlier version sealed it: under the patient's key."""
    entry = JournalEntry(
        patient=cast.pia,
        patient_id=cast.pia.id,
        made_at=NOON,
        edited_at=NOON,
        version=3,
        text=SECRET,
        mood_after=7,
    )
    with transaction() as session:
        session.add(entry)
        session.flush()
        actions.share(entry, actor=cast.actor("pia"), at=NOON)
        actions.comment(entry, comment_id=uuid4(), text="Thank you.", actor=cast.actor("theo"), at=NOON)
    assert entry.key_id is None
    return entry


def test_an_old_entry_can_be_read_and_written(
    at_browser: Callable[[str], Browser], cast: Cast, old_entry: JournalEntry
) -> None:
    pia, address = at_browser("pia"), f"/my/journal/{old_entry.id}"
    page = pia.get(address).text
    assert (SECRET in page, "Thank you." in page) == (True, True)
    assert pia.post(address, {"text": "Changed", "version": "3"}).status_code == 303
    assert "Changed" in pia.get(address).text
    assert pia.post(f"{address}/delete").status_code == 303


def test_starting_seals_old_entries_under_keys_of_their_own(cast: Cast, old_entry: JournalEntry) -> None:
    entry_id = old_entry.id
    before = [bytes(old_entry.text_sealed), bytes(old_entry.comments[0].text_sealed)]
    db.session.close()
    assert resealing.give_keys() == 1
    assert resealing.give_keys() == 0
    db.session.expunge_all()
    entry = db.session.get_one(JournalEntry, entry_id)
    assert entry.key_id is not None
    assert entry.sealing_key().secret != entry.patient.data_key.secret
    assert [entry.text_sealed, entry.comments[0].text_sealed] != before
    assert (entry.text, entry.mood_after, entry.version) == (SECRET, 7, 3)
    assert (entry.comments[0].text, entry.shared_at) == ("Thank you.", NOON)


def test_a_start_that_finds_the_database_current_still_finishes_the_work(
    app: Flask, cast: Cast, old_entry: JournalEntry
) -> None:
    entry_id = old_entry.id
    db.session.close()
    assert migrate(app) is False
    assert db.session.get_one(JournalEntry, entry_id).key_id is not None
