"""What the journal must survive, whatever happens around it: a full disk, a killed process, odd words."""

import io
import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from kap.config import Config
from kap.db import db, transaction
from kap.integration import actions, forgetting
from kap.integration.models import Comment, Doomed, EntryFile, JournalEntry
from kap.integration.rules import FileKind, Writing
from kap.keys import key_store
from kap.storage import Storage
from kap.web.errors import FULL, has_no_room
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written
from tests.integration.test_taking import (
    PICTURE,
    VOICE,
    archive_of,
    bring,
    entries_in,
    key_count,
    own,
    with_file,
)

AtBrowser = Callable[[str], Browser]
SCRIPT = {"Accept": "application/json"}
MEGABYTE = ("Wörter und Wörter 👩‍👧 שלום\n" * 40_000)[:1_000_000]
ODD = (
    "a\0b",
    "e\u0301\u0327\u0301" * 50,
    "\u202eright-to-left override\u202c and \u2066isolate\u2069",
    "שלום עולם",
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
    "\ufeff\u200b\u2028\u2029",
    "</textarea></script><script>alert(1)</script>",
    "<!-- media -->",
    "{{ 7 * 7 }}{% raw %}",
    "#set page(width: 1pt)\n#read(\"/etc/passwd\")\n= x\n$ y $\n@z",
)  # fmt: skip


@pytest.mark.parametrize("words", [*ODD, MEGABYTE], ids=[*map(str, range(len(ODD))), "a megabyte"])
def test_words_of_any_kind_are_read_taken_printed_and_brought(
    at_browser: AtBrowser, cast: Cast, words: str
) -> None:
    pia, zed, entry_id = at_browser("pia"), at_browser("zed"), uuid4()
    sent = {"text": words, "version": "0"}
    assert pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 200
    (entry,) = own(cast, "pia")
    assert entry.text == words
    for path in (
        "",
        f"/{entry_id}",
        f"/{entry_id}/write",
        f"/{entry_id}/delete",
        "/take/page",
        "/take/paper",
    ):
        answer = pia.get(f"/my/journal{path}")
        assert answer.status_code == 200, path
        assert b"<script>alert" not in answer.data
    data = archive_of(pia)
    assert [entry["text"] for entry in entries_in(data)] == [words]
    assert bring(zed, data).status_code == 303
    assert [entry.text for entry in own(cast, "zed")] == [words]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_half_a_character_is_no_text(at_browser: AtBrowser, cast: Cast, kind: str) -> None:
    """Bytes that are no UTF-8, which is how half of a character arrives, become what can be stored."""
    pia, entry_id = at_browser("pia"), uuid4()
    body = (
        b"text=a%ED%A0%80b&version=0"
        if "urlencoded" in kind
        else b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\na\xed\xa0\x80b\r\n--b--\r\n'
    )
    headers = {**SCRIPT, "X-CSRFToken": pia.token(), "Content-Type": kind}
    answer = pia._send("POST", f"/my/journal/{entry_id}", data=body, headers=headers)
    assert answer.status_code == 200
    (entry,) = own(cast, "pia")
    assert (entry.text[0], entry.text[-1]) == ("a", "b")
    assert entry.text.encode().decode() == entry.text


def test_a_comment_on_an_entry_that_is_taken_back_or_deleted_meanwhile_is_given_back(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, theo, entry_id = at_browser("pia"), at_browser("theo"), shared_entry.id
    path = f"/patients/{cast.pia.id}/journal/{entry_id}"
    assert theo.get(path).status_code == 200
    first = {"comment_id": str(uuid4()), "text": "I was moved by this."}
    assert theo.post(f"{path}/comments", first).status_code == 303
    assert pia.post(f"/my/journal/{entry_id}/stop-sharing").status_code == 303
    for ending in ("/stop-sharing", "/delete"):
        pia.post(f"/my/journal/{entry_id}{ending}")
        typed = {"comment_id": str(uuid4()), "text": "And <this> too."}
        answer = theo.post(f"{path}/comments", typed)
        assert answer.status_code == 404
        assert "This entry is not here. It may no longer be shared." in answer.text
        assert "And &lt;this&gt; too." in answer.text
        assert SECRET not in answer.text
    assert db.session.scalar(select(func.count()).select_from(Comment)) == 0


def test_a_full_disk_under_the_database(app: Flask, at_browser: AtBrowser, cast: Cast) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # its server says so itself: see the test of its number
    pia, entry_id = at_browser("pia"), uuid4()
    db.session.rollback()
    with db.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def is_full(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(db.engine, "connect", is_full)
    db.engine.dispose()
    sent = {"text": MEGABYTE, "version": "0"}
    try:
        script = pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT)
        plain = pia.post(f"/my/journal/{entry_id}", sent)
    finally:
        event.remove(db.engine, "connect", is_full)
        db.engine.dispose()
    assert (script.status_code, script.json) == (507, {"error": FULL})
    assert plain.status_code == 507
    assert "There is no room left" in plain.text
    assert own(cast, "pia") == []
    assert (
        pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 200
    )  # the device sends again
    assert [entry.text for entry in own(cast, "pia")] == [MEGABYTE]


def test_a_full_disk_under_the_keys(
    at_browser: AtBrowser, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()

    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    sent = {"text": SECRET, "version": "0"}
    with monkeypatch.context() as patched:
        patched.setattr(key_store(), "make", full)
        assert pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 507
    assert own(cast, "pia") == []
    assert pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 200


def test_a_full_disk_under_the_files_leaves_nothing_half_brought(
    at_browser: AtBrowser, cast: Cast, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = written(cast.pia, SECRET)
    with_file(entry, FileKind.PICTURE, PICTURE, tmp_path)
    with_file(entry, FileKind.VOICE, VOICE, tmp_path)
    data, zed = archive_of(at_browser("pia")), at_browser("zed")
    keys, stored = key_count(config), set((config.instance / "files").rglob("*"))
    put, calls = Storage.put, 0

    def runs_full(self: Storage, source: Path, *, kind: str) -> str:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        return put(self, source, kind=kind)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", runs_full)
        answer = bring(zed, data)
    assert answer.status_code == 507
    assert "There is no room left where Kap keeps things, so nothing was saved." in answer.text
    assert own(cast, "zed") == []
    assert (key_count(config), set((config.instance / "files").rglob("*"))) == (keys, stored)
    assert bring(zed, data).status_code == 303
    assert len(own(cast, "zed")) == 1


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (None, False),
        (ValueError("x"), False),
        (OSError(2, "No such file"), False),
        (OSError(ENOSPC, "x"), True),
        (RuntimeError("Generic error: No space left on device (os error 28)"), True),
    ],
)
def test_what_a_full_disk_looks_like(error: BaseException | None, is_full: bool) -> None:
    assert has_no_room(error) == is_full
    if error is not None:
        outer = RuntimeError("failed")
        outer.__cause__ = error
        assert has_no_room(outer) == is_full


def test_postgresqls_full_disk_is_known_by_its_number() -> None:
    class DiskFull(Exception):
        sqlstate = "53100"

    assert has_no_room(DiskFull())


def test_a_worker_killed_while_it_forgets_leaves_nothing_for_ever(
    cast: Cast, entry: JournalEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]
) -> None:
    """Between destroying and saying so: the next one does the same once more, and that is no error."""
    file = with_file(entry, FileKind.VOICE, VOICE, tmp_path)
    keys = [entry.key_id, file.key_id]

    destroy = forgetting._destroy

    class Killed(BaseException):
        pass

    def not_now(*_: object) -> None:
        raise OSError

    def dies_after(*doomed: Any) -> None:
        destroy(*doomed)
        if doomed[0]:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "_destroy", not_now)
        with transaction():
            actions.delete(db.session.get_one(JournalEntry, entry.id), actor=cast.actor("pia"), at=NOON)
        assert db.session.scalar(select(func.count()).select_from(Doomed)) == 3
        assert key_store().count([key for key in keys if key]) == 2
        db.session.rollback()
        patched.setattr(forgetting, "_destroy", dies_after)
        with pytest.raises(Killed):
            forgetting.forget_the_doomed(lambda _done, _step=None: None)
    assert db.session.scalar(select(func.count()).select_from(Doomed)) == 3
    work()
    assert db.session.scalar(select(func.count()).select_from(Doomed)) == 0
    assert key_store().count([key for key in keys if key]) == 0
    assert db.session.scalar(select(func.count()).select_from(EntryFile)) == 0


def test_times_are_the_servers(at_browser: AtBrowser, cast: Cast) -> None:
    """Whatever a page says about time, an entry is dated by the server."""
    pia, entry_id = at_browser("pia"), uuid4()
    fields = {"text": "x", "version": "0", "made_at": "2031-01-01T00:00:00Z", "at": "2031-01-01T00:00:00Z"}
    before = written(cast.pau, "x").made_at
    assert pia.post(f"/my/journal/{entry_id}", fields, headers=SCRIPT).status_code == 200
    (entry,) = own(cast, "pia")
    assert entry.made_at - before < timedelta(days=400)
    assert entry.edited_at == entry.made_at


def test_an_archive_is_read_from_what_was_sent_and_not_more(at_browser: AtBrowser, cast: Cast) -> None:
    zed = at_browser("zed")
    answer = zed.post("/my/journal/bring", {"file": (io.BytesIO(b"PK\x05\x06" + bytes(18)), "a.zip")})
    assert answer.status_code == 422
    assert "it is no journal that was taken away from Kap" in answer.text


def test_the_same_writing_is_kept_when_it_arrives_by_two_ways_at_once(cast: Cast) -> None:
    """A page and the list of what waits may send the same draft: one entry, one version."""
    entry_id = uuid4()
    for _ in range(2):
        with transaction():
            made = actions.write(
                cast.pia, entry_id=entry_id, writing=Writing(text="One"), version=0, at=NOON, waited_s=700
            )
    assert made is not None
    assert (made.version, made.written_about) == (1, NOON - timedelta(seconds=700))
