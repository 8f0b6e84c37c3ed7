"""A private entry: nobody but the writer can read, list, count or date it, or learn its length."""

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.integration import actions
from kap.integration.models import FileKind, FileState, JournalEntry
from kap.patients import queries as patients
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET

AtBrowser = Callable[[str], Browser]
STRANGERS = ("theo", "tess", "pau", "ana", "zoe", "zed")
READS = (
    "/my/journal",
    "/my/journal/{entry}",
    "/my/journal/{entry}/write",
    "/my/journal/{entry}/lock",
    "/my/journal/{entry}/locked",
    "/my/journal/side-by-side",
    "/my/journal/{entry}/delete",
    "/my/journal/delete",
    "/patients/{patient}/journal",
    "/patients/{patient}/journal/{entry}",
    "/my/journal/{entry}/files/{file}",
    "/my/journal/{entry}/files/{file}/{format}",
    "/my/journal/{entry}/files/{file}/delete",
    "/patients/{patient}/journal/{entry}/files/{file}/{format}",
)
WRITES = (
    "/my/journal/{entry}",
    "/my/journal/{entry}/lock",
    "/my/journal/{entry}/locked",
    "/my/journal/{entry}/unlock",
    "/my/journal/{entry}/share",
    "/my/journal/{entry}/stop-sharing",
    "/my/journal/{entry}/sharing",
    "/my/journal/{entry}/delete",
    "/my/journal/{entry}/prompts",
    "/patients/{patient}/journal/{entry}/comments",
    "/patients/{patient}/journal/{entry}/bring",
    "/patients/{patient}/journal/{entry}/leave",
    "/my/journal/{entry}/notes",
    "/my/journal/{entry}/notes/{file}",
    "/my/journal/{entry}/notes/{file}/{take}/{number}",
    "/my/journal/{entry}/notes/{file}/keep",
    "/my/journal/{entry}/pictures",
    "/my/journal/{entry}/files/{file}/delete",
)
GAPS = re.compile(r"<(?:\w+|any\([^)]*\)):(entry_id|patient_id|file_id|format|take|number)>")
PLACE = {"format": "opus", "take": 0, "number": 0}
FIELDS = {"text": "From a stranger", "version": "1", "comment_id": "6d2c3f6e-5f3b-4b0e-8b3c-0f6f0a2f9a11"}


def event_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Event)) or 0


def without_noise(page: str, *ids: UUID) -> str:
    """A page without what differs by nature: tokens, fresh identifiers, the address asked for."""
    page = re.sub(r'(name="csrf-token" content=|name="csrf_token" value=)"[^"]*"', "", page)
    page = re.sub(r'name="(?:comment|file)_id"[^>]*>', "", page)
    for known in ids:
        page = page.replace(str(known), "…")
    return page


def note_in(entry: JournalEntry) -> UUID:
    """A voice note of the entry that is ready."""
    about = {"seconds": 1.0, "peaks": "", "remark": None}
    with transaction():
        note = actions.add_file(
            entry, FileKind.VOICE, file_id=uuid4(), state=FileState.READY, about=about, at=NOON
        )
    return note.id


def test_every_route_of_the_journal_is_looked_at(app: Flask) -> None:
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("integration.") and "journal" in rule.rule
    ]
    looked_at = {
        GAPS.sub(lambda gap: "{" + gap[1].removesuffix("_id") + "}", rule.rule)
        for rule in rules
        if "GET" in (rule.methods or ())
        and rule.endpoint not in ("integration.begin", "integration.begin_locked")  # they only redirect
    }
    changed = {
        GAPS.sub(lambda gap: "{" + gap[1].removesuffix("_id") + "}", rule.rule)
        for rule in rules
        if "POST" in (rule.methods or ())
    }
    assert (looked_at, changed) == (set(READS), {*WRITES, "/my/journal", "/my/journal/delete"})  # their own


@pytest.mark.parametrize("name", STRANGERS)
def test_asking_for_it_tells_no_more_than_asking_for_what_never_was(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, name: str
) -> None:
    browser, never, file_id = at_browser(name), uuid4(), note_in(entry)
    for path in READS:
        answers = [
            browser.get(path.format(entry=asked, patient=cast.pia.id, file=file_id, **PLACE))
            for asked in (entry.id, never)
        ]
        shown = [without_noise(answer.text, entry.id, never) for answer in answers]
        assert answers[0].status_code == answers[1].status_code, path
        assert shown[0] == shown[1], path
        assert "lantern" not in answers[0].text


@pytest.mark.parametrize("name", STRANGERS)
def test_nobody_else_can_change_it(at_browser: AtBrowser, cast: Cast, entry: JournalEntry, name: str) -> None:
    browser, file_id = at_browser(name), note_in(entry)
    for path in WRITES:
        address = path.format(entry=entry.id, patient=cast.pia.id, file=file_id, **PLACE)
        status = browser.post(address, FIELDS).status_code
        assert status in (403, 404), path
    db.session.expire_all()
    (row,) = db.session.scalars(select(JournalEntry))
    assert (row.text, row.shared_at, row.patient_id, row.comments) == (SECRET, None, cast.pia.id, [])


def test_the_ladder_of_the_shared_pages(
    at_browser: AtBrowser, anyone: Browser, cast: Cast, shared_entry: JournalEntry
) -> None:
    expected = {"theo": 200, "tess": 404, "pau": 404, "pia": 403, "ana": 403, "zoe": 404, "zed": 404}
    listing = f"/patients/{cast.pia.id}/journal"
    for path in (listing, f"{listing}/{shared_entry.id}"):
        assert {name: at_browser(name).get(path).status_code for name in expected} == expected
        away = anyone.get(path)
        assert away.status_code in (302, 401)
        assert "lantern" not in away.text


def test_the_ladder_of_comments(
    at_browser: AtBrowser, anyone: Browser, cast: Cast, shared_entry: JournalEntry
) -> None:
    expected = {"theo": 303, "pia": 303, "tess": 404, "pau": 404, "ana": 403, "zoe": 404, "zed": 404}
    path = f"/patients/{cast.pia.id}/journal/{shared_entry.id}/comments"
    statuses = {
        name: at_browser(name).post(path, {**FIELDS, "comment_id": uuid4()}).status_code for name in expected
    }
    assert statuses == expected
    assert anyone.post(path, FIELDS).status_code == 401


def test_the_ladder_of_ones_own_pages(at_browser: AtBrowser, entry: JournalEntry) -> None:
    expected = {"pia": 200, "pau": 404, "zed": 404, "theo": 403, "ana": 403, "zoe": 403}
    path = f"/my/journal/{entry.id}"
    assert {name: at_browser(name).get(path).status_code for name in expected} == expected


def test_one_patients_entry_is_not_found_under_another(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    assert at_browser("tess").get(f"/patients/{cast.pau.id}/journal/{shared_entry.id}").status_code == 404


def test_private_writing_leaves_no_event_at_all(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    before = event_count()
    for version, words in enumerate(("One", "One two", "One two three")):
        assert pia.post(f"/my/journal/{entry_id}", {"text": words, "version": version}).status_code == 303
    for path in ("", f"/{entry_id}", f"/{entry_id}/write", f"/{entry_id}/delete"):
        assert pia.get(f"/my/journal{path}").status_code == 200
    assert pia.post(f"/my/journal/{entry_id}/stop-sharing").status_code == 303
    assert pia.post(f"/my/journal/{entry_id}/delete").status_code == 303
    assert event_count() == before


def test_the_trace_of_the_record_does_not_know_it(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry
) -> None:
    theo = at_browser("theo")
    theo.get(f"/patients/{cast.pia.id}/journal/{entry.id}")  # he guesses; even so
    trace = list(db.session.scalars(patients.trace_of(cast.pia, cast.actor("pia"))))
    assert [row for row in trace if row.subject_id == entry.id or row.subject == "journal_entry"] == []
    guesses = [row.act for row in trace if row.act == Permission.JOURNAL_READ_SHARED]
    assert guesses == [Permission.JOURNAL_READ_SHARED]  # his own reading, of the page and of no entry


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("theo", "/patients/{patient}/trace"),
        ("pia", "/my/trace"),
        ("ana", "/log"),
        ("theo", "/"),
        ("ana", "/"),
    ],
)
def test_the_other_rooms_pages_look_the_same_with_it_and_without(
    at_browser: AtBrowser, cast: Cast, name: str, path: str
) -> None:
    browser, pia, entry_id = at_browser(name), at_browser("pia"), uuid4()
    path = path.format(patient=cast.pia.id)
    browser.get(path)  # staff leave a trace of reading the trace: let it be there both times
    before = browser.get(path).text
    pia.post(f"/my/journal/{entry_id}", {"text": SECRET, "version": "0"})
    pia.get(f"/my/journal/{entry_id}")
    after = browser.get(path).text
    assert str(entry_id) not in after
    assert "lantern" not in after
    assert before.count("journal") == after.count("journal")
