"""Locked entries: the server takes what it cannot read, and destroys what could be read before."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kap.access.audit import Event
from kap.db import db, transaction
from kap.integration import actions, locked_actions, queries
from kap.integration.locking import FEWEST_ITERATIONS, NotLocked, locked_text
from kap.integration.models import JournalEntry
from kap.keys import key_store
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written
from tests.integration.locks import ITERATIONS, locked_by, opened_by

AtBrowser = Callable[[str], Browser]
SCRIPT = {"Accept": "application/json"}
WORDS = {"text": SECRET, "title": "The lantern", "tags": "water"}
PASSPHRASE, CODE = "quiet meadow lantern seven", "0123456789ABCDEFGHJKMNPQR"
ENTRY = UUID("6d2c3f6e-5f3b-4b0e-8b3c-0f6f0a2f9a11")


@cache
def locked(entry_id: UUID = ENTRY, number: int = 0) -> str:
    return locked_by(entry_id, PASSPHRASE, CODE, {**WORDS, "text": f"{SECRET}{number or ''}"})


def the_entry() -> JournalEntry:
    db.session.expire_all()
    (entry,) = db.session.scalars(select(JournalEntry))
    return entry


def test_it_opens_with_either_secret_in_its_own_place_alone() -> None:
    assert ITERATIONS == FEWEST_ITERATIONS
    assert opened_by(ENTRY, locked(), "passphrase", PASSPHRASE) == WORDS
    assert opened_by(ENTRY, locked(), "recovery", CODE) == WORDS
    for entry_id, how, secret in (
        (ENTRY, "passphrase", "quiet meadow lantern eight"),
        (ENTRY, "recovery", PASSPHRASE),
        (uuid4(), "passphrase", PASSPHRASE),
    ):
        with pytest.raises(InvalidTag):
            opened_by(entry_id, locked(), how, secret)


def changed(*path: str, value: object) -> str:
    parts = json.loads(locked())
    inner = parts
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(parts)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        SECRET,
        "null",
        "[]",
        "[" * 100_000,
        json.dumps(WORDS),
        changed("format", value="kap-locked-2"),
        changed("title", value="The lantern"),
        changed("words", "text", value=SECRET),
        changed("words", "sealed", value=SECRET),
        changed("words", "sealed", value=""),
        changed("words", "iv", value="AAAA"),
        changed("kdf", "iterations", value=1000),
        changed("kdf", "iterations", value=10**9),
        changed("kdf", "iterations", value=True),
        changed("kdf", "iterations", value="600000"),
        changed("kdf", "name", value="MD5"),
        changed("passphrase", value=PASSPHRASE),
        changed("recovery", "key", value=None),
    ],
)
def test_what_can_be_read_is_not_taken_for_locked(sent: str) -> None:
    with pytest.raises(NotLocked) as refusal:
        locked_text(sent)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.sampled_from(["format", "kdf", "passphrase", "recovery", "words"]), JSON)
def test_nothing_of_another_form_is_taken(name: str, value: Any) -> None:
    with pytest.raises(NotLocked):
        locked_text(changed(name, value=value))


def test_a_locked_entry_from_its_beginning(at_browser: AtBrowser, cast: Cast) -> None:
    pia = at_browser("pia")
    begun = pia.get("/my/journal/new/locked")
    address = begun.headers["Location"]
    entry_id = UUID(address.split("/")[3])
    assert pia.get(address).status_code == 200
    text = locked_by(entry_id, PASSPHRASE, CODE, WORDS)
    for _ in range(2):  # an answer that was lost
        answer = pia.post(address, {"locked": text, "version": "0"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/my/journal/{entry_id}/locked")
    entry = the_entry()
    assert (entry.locked, entry.text, entry.title, entry.version) == (text, "", None, 1)
    page = pia.get(f"/my/journal/{entry_id}/locked")
    assert page.status_code == 200
    for path in ("", "/write", "/lock"):
        led = pia.get(f"/my/journal/{entry_id}{path}")
        assert (led.status_code, led.headers["Location"]) == (302, f"/my/journal/{entry_id}/locked")
    assert "Locked. Open it with your passphrase." in pia.get("/my/journal").text


def test_locking_an_entry_destroys_what_could_be_read(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, entry_id, old = at_browser("pia"), shared_entry.id, shared_entry.key_id
    with transaction():
        entry = queries.own_entry(cast.pia, entry_id, to_change=True)
        actions.comment(
            entry, comment_id=uuid4(), text="About the lantern", actor=cast.actor("theo"), at=NOON
        )
    text = locked_by(entry_id, PASSPHRASE, CODE, WORDS)
    answer = pia.post(f"/my/journal/{entry_id}/lock", {"locked": text, "version": "1"})
    assert answer.status_code == 303
    entry = the_entry()
    assert old is not None
    assert (entry.text, entry.comments, entry.shares, entry.present) == ("", [], [], frozenset())
    assert (entry.key_id != old, key_store().secrets([old])) == (True, {})
    assert opened_by(entry_id, entry.locked or "", "passphrase", PASSPHRASE) == WORDS
    assert at_browser("theo").get(f"/patients/{cast.pia.id}/journal/{entry_id}").status_code == 404


def test_words_that_changed_meanwhile_are_not_destroyed(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry
) -> None:
    pia = at_browser("pia")
    answer = pia.post(
        f"/my/journal/{entry.id}/lock", {"locked": locked_by(entry.id, PASSPHRASE, CODE, WORDS), "version": 7}
    )
    assert answer.status_code == 409
    assert "Nothing is locked yet" in answer.text
    assert (the_entry().text, the_entry().is_locked) == (SECRET, False)


def save(browser: Browser, text: str, version: int, **fields: object) -> Any:
    data = {"locked": text, "version": version, **fields}
    return browser.post(f"/my/journal/{ENTRY}/locked", data, headers=SCRIPT)


@pytest.fixture
def locked_entry(cast: Cast) -> JournalEntry:
    with transaction():
        return locked_actions.lock(
            cast.pia, entry_id=ENTRY, locked=locked(), version=0, actor=cast.actor("pia"), at=NOON
        )


def test_two_devices_keep_both_texts(at_browser: AtBrowser, locked_entry: JournalEntry) -> None:
    phone, laptop = at_browser("pia"), at_browser("pia")
    assert save(phone, locked(number=1), 1).json["version"] == 2
    assert save(phone, locked(number=1), 1).json["version"] == 2  # the answer was lost
    other = save(laptop, locked(number=2), 1)
    assert (other.status_code, other.json["conflict"]) == (409, {"text": locked(number=1), "version": 2})
    assert save(laptop, locked(number=2), 2).json["version"] == 3
    assert the_entry().locked == locked(number=2)


def test_another_passphrase_destroys_what_the_old_one_opened(
    at_browser: AtBrowser, locked_entry: JournalEntry
) -> None:
    old = locked_entry.key_id
    assert old is not None
    pia = at_browser("pia")
    answer = pia.post(
        f"/my/journal/{ENTRY}/locked", {"locked": locked(number=1), "version": 1, "new_lock": "y"}
    )
    assert answer.status_code == 303
    assert key_store().secrets([old]) == {}
    assert the_entry().locked == locked(number=1)


def test_sharing_is_a_deliberate_new_sealing(at_browser: AtBrowser, locked_entry: JournalEntry) -> None:
    pia, old = at_browser("pia"), locked_entry.key_id
    assert old is not None
    for path, data in (("share", {}), ("sharing", {"text": "team", "ratings": "team"})):
        pia.post(f"/my/journal/{ENTRY}/{path}", data)
        assert the_entry().shares == []
    for _ in range(2):
        answer = pia.post(f"/my/journal/{ENTRY}/unlock", {**WORDS, "version": 1})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/my/journal/{ENTRY}#sharing")
    entry = the_entry()
    assert (entry.text, entry.title, entry.tags, entry.locked) == (SECRET, "The lantern", ["water"], None)
    assert (entry.shares, key_store().secrets([old])) == ([], {})
    pia.post(f"/my/journal/{ENTRY}/share")
    assert len(the_entry().shares) == 1


def test_nobody_can_comment_on_it(at_browser: AtBrowser, cast: Cast, locked_entry: JournalEntry) -> None:
    said = {"text": "x", "comment_id": str(uuid4())}
    assert (
        at_browser("pia").post(f"/patients/{cast.pia.id}/journal/{ENTRY}/comments", said).status_code == 422
    )
    assert the_entry().comments == []


def test_an_open_page_of_another_device_writes_no_readable_words_over_it(
    at_browser: AtBrowser, locked_entry: JournalEntry
) -> None:
    answer = at_browser("pia").post(
        f"/my/journal/{ENTRY}", {"text": "In the clear", "version": 1}, headers=SCRIPT
    )
    assert (answer.status_code, "conflict" in (answer.json or {})) == (409, False)
    assert (the_entry().text, the_entry().locked) == ("", locked())


def test_what_is_not_locked_is_refused_and_not_repeated(
    at_browser: AtBrowser, locked_entry: JournalEntry
) -> None:
    pia = at_browser("pia")
    answers = [
        save(pia, SECRET, 1),
        pia.post(f"/my/journal/{ENTRY}/locked", {"locked": SECRET, "version": 1}),
        pia.post(f"/my/journal/{uuid4()}/lock", {"locked": SECRET, "version": 0}),
    ]
    assert [(answer.status_code, SECRET in answer.text) for answer in answers] == [(422, False)] * 3
    assert the_entry().locked == locked()


@pytest.mark.parametrize("name", ["pau", "zed"])
def test_nobody_else_reaches_it(at_browser: AtBrowser, locked_entry: JournalEntry, name: str) -> None:
    stranger = at_browser(name)
    for path in ("lock", "locked", "unlock"):
        data = {"locked": locked(number=3), "version": 1, **WORDS}
        assert stranger.post(f"/my/journal/{ENTRY}/{path}", data).status_code == 404
    assert stranger.get(f"/my/journal/{ENTRY}/locked").status_code == 404
    assert the_entry().locked == locked()


def test_locking_and_unlocking_in_private_leaves_no_event(at_browser: AtBrowser, cast: Cast) -> None:
    entry, pia = written(cast.pia, SECRET), at_browser("pia")
    before = len(list(db.session.scalars(select(Event.id))))
    text = locked_by(entry.id, PASSPHRASE, CODE, WORDS)
    assert pia.post(f"/my/journal/{entry.id}/lock", {"locked": text, "version": 1}).status_code == 303
    assert pia.get(f"/my/journal/{entry.id}/locked").status_code == 200
    assert pia.post(f"/my/journal/{entry.id}/unlock", {**WORDS, "version": 2}).status_code == 303
    assert len(list(db.session.scalars(select(Event.id)))) == before


def test_it_is_deleted_like_any_other(at_browser: AtBrowser, locked_entry: JournalEntry) -> None:
    pia, key_id = at_browser("pia"), locked_entry.key_id
    assert key_id is not None
    assert "A locked entry." in pia.get(f"/my/journal/{ENTRY}/delete").text
    assert pia.post(f"/my/journal/{ENTRY}/delete").status_code == 303
    assert key_store().secrets([key_id]) == {}
