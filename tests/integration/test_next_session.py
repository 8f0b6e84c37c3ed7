"""Bring to our next session: who may mark what, and who sees it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.integration import actions, mark_actions, mark_queries
from kap.integration.mark_models import EntryMark
from kap.integration.models import JournalEntry
from kap.integration.rules import Part
from kap.patients import actions as patients
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import written

AtBrowser = Callable[[str], Browser]
LISTS = "For our next session"


def path(cast: Cast, entry: JournalEntry, verb: str) -> str:
    return f"/patients/{cast.pia.id}/journal/{entry.id}/{verb}"


def marks() -> list[str]:
    db.session.expire_all()
    return sorted(mark.user.name for mark in db.session.scalars(select(EntryMark)))


def events() -> list[str]:
    return [
        event.act
        for event in db.session.scalars(select(Event).order_by(Event.at))
        if event.act == Permission.JOURNAL_MARK and event.outcome == "done"
    ]


def test_either_side_marks_a_shared_entry_and_both_see_it(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert [browser.post(path(cast, shared_entry, "bring")).status_code for browser in (pia, theo, theo)] == [
        303
    ] * 3
    assert marks() == ["Pia Pine", "Theo Thorne"]
    assert "Marked by you and Theo Thorne" in pia.get("/my/journal").text
    for page in ("", "/journal"):
        assert "Marked by Pia Pine and you" in theo.get(f"/patients/{cast.pia.id}{page}").text
    assert theo.post(path(cast, shared_entry, "leave")).status_code == 303
    assert marks() == ["Pia Pine"]  # not another's
    theo.post(path(cast, shared_entry, "bring"))
    assert pia.post(path(cast, shared_entry, "leave")).status_code == 303
    assert marks() == []  # it is her entry
    assert len(events()) == 5


def test_the_writer_may_take_anyones_mark_off_and_the_team_its_own(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    own, shared = f"/my/journal/{shared_entry.id}", f"/patients/{cast.pia.id}/journal/{shared_entry.id}"
    offered = "Take it off the list"
    assert (offered in pia.get(own).text, offered in theo.get(shared).text) == (False, False)
    theo.post(path(cast, shared_entry, "bring"))
    assert (offered in pia.get(own).text, offered in theo.get(shared).text) == (True, True)
    theo.post(path(cast, shared_entry, "leave"))
    pia.post(path(cast, shared_entry, "bring"))
    assert (offered in pia.get(own).text, offered in theo.get(shared).text) == (True, False)


def test_it_stands_on_the_page_of_the_session(
    at_browser: AtBrowser,
    cast: Cast,
    shared_entry: JournalEntry,
    closed_session: Callable[..., DosingSession],
) -> None:
    session = closed_session(cast.pia, NOON)
    session_id = session.id
    theo = at_browser("theo")
    page = f"/patients/{cast.pia.id}/sessions/{session_id}"
    with transaction():
        db.session.get_one(DosingSession, session_id).opened_at = NOON
    assert LISTS not in theo.get(page).text
    theo.post(path(cast, shared_entry, "bring"))
    assert LISTS in theo.get(page).text


def test_a_private_mark_is_the_writers_alone(at_browser: AtBrowser, cast: Cast, entry: JournalEntry) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert theo.post(path(cast, entry, "bring")).status_code == 404
    assert pia.post(path(cast, entry, "bring")).status_code == 303
    assert "Private: only you see this mark" in pia.get("/my/journal").text
    for page in ("", "/journal"):
        assert LISTS not in theo.get(f"/patients/{cast.pia.id}{page}").text
    assert events() == []
    assert mark_queries.brought(cast.actor("theo"), cast.pia) == []
    pia.post(path(cast, entry, "leave"))
    assert (marks(), events()) == ([], [])


def test_who_sees_a_mark_is_who_sees_the_entry(cast: Cast) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
    entry = written(cast.pia, "For Theo alone")
    with transaction():
        entry = db.session.get_one(JournalEntry, entry.id)
        actions.share(entry, parts=[Part.TEXT], to=cast.theo.id, actor=cast.actor("pia"), at=NOON)
        mark_actions.bring(entry, actor=cast.actor("pia"), at=NOON)
    seen = {
        name: len(mark_queries.brought(cast.actor(name), cast.pia))
        for name in ("pia", "theo", "tess", "ana", "zoe", "pau")
    }
    assert seen == {"pia": 1, "theo": 1, "tess": 0, "ana": 0, "zoe": 0, "pau": 0}


def test_taking_the_share_back_hides_it_and_deleting_removes_it(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    at_browser("theo").post(path(cast, shared_entry, "bring"))
    pia = at_browser("pia")
    pia.post(f"/my/journal/{shared_entry.id}/stop-sharing")
    assert mark_queries.brought(cast.actor("theo"), cast.pia) == []
    assert "Marked by Theo Thorne" in pia.get("/my/journal").text
    assert pia.post(f"/my/journal/{shared_entry.id}/delete").status_code == 303
    assert marks() == []


@pytest.mark.parametrize("name", ["tess", "pau", "ana", "zoe", "zed"])
def test_nobody_else_marks_it(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry, name: str
) -> None:
    assert at_browser(name).post(path(cast, shared_entry, "bring")).status_code in (403, 404)
    assert marks() == []
