"""The whole journal taken away: to read, to print, to bring along; and brought into another installation."""

import io
import json
import re
import sqlite3
import zipfile
from base64 import b64decode
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from kap.access.audit import Event
from kap.config import Config
from kap.db import db, transaction
from kap.integration import actions, bringing, files, taking
from kap.integration.models import EntryFile, JournalEntry
from kap.integration.rules import FileKind, FileState, Part, Writing
from kap.jobs.models import Job
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import written

AtBrowser = Callable[[str], Browser]
HEBREW = "שלום, זה היומן שלי."
HOSTILE = '<script>alert("x")</script>\n\n<!-- media --><img src=x onerror=y> &amp; #let x = [*b*]'
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 700
NO_JOURNAL = "it is no journal that was taken away from Kap"
DAMAGED = "it is damaged, or no journal that was taken away from Kap"
NO_RATING = "a rating is not one from 0 to 10 that this version of Kap knows"
VOICE = b"OggS" + bytes(reversed(range(256))) * 1500


def with_file(entry: JournalEntry, kind: FileKind, data: bytes, folder: Path) -> EntryFile:
    source = folder / uuid4().hex
    source.write_bytes(data)
    with transaction():
        file = actions.add_file(
            entry, kind, file_id=uuid4(), state=FileState.READY, about={"seconds": 12.5, "words": "Beside"},
            at=NOON,
        )  # fmt: skip
        file.file_key = files.store(file, source)
    return file


@pytest.fixture
def journal(cast: Cast, tmp_path: Path, closed_session: Callable[..., DosingSession]) -> list[JournalEntry]:
    """Three entries of Pia's with everything an entry can have, and one of Pau's that must never turn up."""
    session = closed_session(cast.pia, NOON - timedelta(days=1))
    first = written(cast.pia, HEBREW, at=NOON - timedelta(days=3))
    second = written(cast.pia, HOSTILE, at=NOON - timedelta(days=2))
    third = uuid4()
    writing = Writing(
        text="e\u0301tude 👩‍👧 end", title="A title", tags=("calm", "مرحبا"), mood_before=0, openness=10,
        session_id=session.id, moment_s=750.0,
    )  # fmt: skip
    with transaction():
        made = actions.write(cast.pia, entry_id=third, writing=writing, version=0, at=NOON)
        assert made is not None
        actions.share(made, actor=cast.actor("pia"), at=NOON, parts=[Part.TEXT])
        for name, words in (("theo", "Thank you."), ("pia", "And you.")):
            actions.comment(made, comment_id=uuid4(), text=words, actor=cast.actor(name), at=NOON)
    with_file(made, FileKind.PICTURE, PICTURE, tmp_path)
    with_file(made, FileKind.VOICE, VOICE, tmp_path)
    written(cast.pau, "Pau's own words")
    return [first, second, made]


def page_of(browser: Browser) -> str:
    answer = browser.get("/my/journal/take/page")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename=my-journal.html"
    return answer.text


def archive_of(browser: Browser) -> bytes:
    answer = browser.get("/my/journal/take/archive")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    return bytes(answer.data)


def entries_in(data: bytes) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        names = sorted(name for name in zipped.namelist() if name.startswith("entries/"))
        return [json.loads(zipped.read(name)) for name in names]


def bring(browser: Browser, data: bytes) -> TestResponse:
    return browser.post("/my/journal/bring", {"file": (io.BytesIO(data), "my-journal.zip")})


def own(cast: Cast, name: str) -> list[JournalEntry]:
    db.session.expire_all()
    found = select(JournalEntry).where(JournalEntry.patient_id == getattr(cast, name).id)
    return list(db.session.scalars(found.order_by(JournalEntry.made_at)))


def changed(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, value in members.items():
            zipped.writestr(name, value)
    return target.getvalue()


def test_one_page_holds_everything_and_needs_nothing(
    at_browser: AtBrowser, journal: list[JournalEntry]
) -> None:
    page = page_of(at_browser("pia"))
    assert re.findall(r'<article id="entry-([^"]+)"', page) == [str(entry.id) for entry in journal]
    assert f'<p class="words" dir="rtl">{HEBREW}</p>' in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    sources = re.findall(r'src="data:([^;]+);base64,([^"]*)"', page)
    assert {kind: b64decode(value) for kind, value in sources} == {"image/png": PICTURE, "audio/ogg": VOICE}
    for words in (
        "A title",
        "étude"[1:],
        "مرحبا",
        "0 on a scale from 0, heavy",
        "12:30",
        "Theo Thorne",
        "And you.",
    ):
        assert words in page
    assert "Pau" not in page
    assert page.rstrip().endswith("</html>")


def test_the_archive_holds_everything_and_its_entries_open_as_they_were(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]
) -> None:
    data = archive_of(at_browser("pia"))
    entries = entries_in(data)
    assert [entry["text"] for entry in entries] == [entry.text for entry in journal]
    last = entries[2]
    assert last["themes"] == ["calm", "مرحبا"]
    assert last["ratings"] == {"mood_before": 0, "openness": 10}
    assert last["session"] == {"at": (NOON - timedelta(days=1)).isoformat(), "moment_seconds": 750.0}
    assert [(said["author"], said["own"]) for said in last["comments"]] == [
        ("Theo Thorne", False),
        ("Pia Pine", True),
    ]
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        media = {file["kind"]: zipped.read(file["member"]) for file in last["files"]}
        manifest = json.loads(zipped.read("journal.json"))
    assert media == {"picture": PICTURE, "voice": VOICE}
    assert (manifest["format"], manifest["version"], manifest["entries"]) == ("kap-journal", 1, 3)


def test_the_schema_describes_what_is_written(
    app: Flask, at_browser: AtBrowser, journal: list[JournalEntry]
) -> None:
    """Every name that is written stands in the schema, and everything that it requires is written."""
    data = archive_of(at_browser("pia"))
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        schema = json.loads(zipped.read("schema.json"))
    entry = schema["$defs"]["entry"]["properties"]
    for written_entry in entries_in(data):
        assert set(written_entry) == set(entry) - {"locked"}
        for name in ("comments", "files"):
            described = schema["$defs"][name[:-1]]["properties"]
            assert [set(each) for each in written_entry[name]] == [set(described)] * len(written_entry[name])
    assert schema["$defs"]["entry"]["required"] == ["id", "made_at", "text"]


def test_a_pdf_of_every_script_and_of_markup(at_browser: AtBrowser, journal: list[JournalEntry]) -> None:
    pia = at_browser("pia")
    answer = pia.get("/my/journal/take/paper?part=1")
    assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert [pia.get(f"/my/journal/take/paper?part={part}").status_code for part in (0, 2)] == [404, 404]


def test_a_long_journal_is_printed_in_portions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        written(cast.pia, f"Entry {number}", at=NOON + timedelta(hours=number))
    monkeypatch.setattr(taking, "MOST_IN_A_PART", 2)
    ranges = taking.ranges_of(cast.pia)
    assert [len(each.ids) for each in ranges] == [2, 2, 1]
    assert [each for part in ranges for each in part.ids] == taking.ids_of(cast.pia)
    monkeypatch.setattr(taking, "LARGEST_PART_BYTES", 1)
    assert [len(each.ids) for each in taking.ranges_of(cast.pia)] == [1] * 5


def test_an_empty_journal(at_browser: AtBrowser) -> None:
    pia = at_browser("pia")
    assert "There is nothing to take yet" in pia.get("/my/journal/take").text
    assert entries_in(archive_of(pia)) == []
    assert pia.get("/my/journal/take/paper").headers["Location"] == "/my/journal/take"
    assert bring(pia, archive_of(pia)).status_code == 303


def test_only_the_writer_and_no_trace(at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]) -> None:
    pia = at_browser("pia")
    counted = [select(func.count()).select_from(kind) for kind in (Event, Job)]
    before = [db.session.scalar(count) for count in counted]
    data = archive_of(pia)
    page_of(pia)
    pia.get("/my/journal/take/paper")
    assert bring(pia, data).status_code == 303
    assert [db.session.scalar(count) for count in counted] == before
    for name, status in {"theo": 403, "ana": 403, "zoe": 403}.items():
        browser = at_browser(name)
        for path in ("", "/page", "/archive", "/paper"):
            assert browser.get(f"/my/journal/take{path}").status_code == status
    assert [entry["text"] for entry in entries_in(archive_of(at_browser("pau")))] == ["Pau's own words"]


def test_brought_to_another_person_everything_is_theirs_alone(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry], config: Config
) -> None:
    """Zed of the other practice brings what Pia took."""
    data = archive_of(at_browser("pia"))
    zed = at_browser("zed")
    answer = bring(zed, data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/my/journal")
    assert "3 entries were added. Only you can see what you brought." in zed.get("/my/journal").text
    entries = own(cast, "zed")
    assert [entry.writing for entry in entries][:2] == [entry.writing for entry in journal][:2]
    last = entries[2]
    assert (last.title, last.tags, last.ratings.given) == (
        "A title", ["calm", "مرحبا"], {"mood_before": 0, "openness": 10},
    )  # fmt: skip
    assert [(entry.made_at, entry.shared_at, entry.session_id, entry.comments) for entry in entries] == [
        (entry.made_at, None, None, []) for entry in journal
    ]
    assert {file.kind: b"".join(files.opened(file, file.file_key or "").parts()) for file in last.files} == {
        FileKind.PICTURE: PICTURE,
        FileKind.VOICE: VOICE,
    }
    page = zed.get(f"/my/journal/{last.id}").text
    assert "You brought this entry with you." in page
    assert "Thank you." in page
    again, first = (entries_in(archive_of(browser))[2] for browser in (zed, at_browser("pia")))
    for each in (again, first):
        each.pop("id")
        each["files"] = sorted((file["kind"], file["words"], file["seconds"]) for file in each["files"])
    assert again == first


def test_bringing_twice_adds_nothing_twice(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]
) -> None:
    pia, zed = at_browser("pia"), at_browser("zed")
    data = archive_of(pia)
    assert bring(pia, data).status_code == 303  # where it comes from
    assert "Everything in that file was here already." in pia.get("/my/journal").text
    for _ in range(2):
        assert bring(zed, data).status_code == 303
    assert (len(own(cast, "pia")), len(own(cast, "zed"))) == (3, 3)
    assert bring(pia, archive_of(zed)).status_code == 303  # there and back
    assert len(own(cast, "pia")) == 3


def test_what_was_deleted_comes_back_by_bringing_it(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]
) -> None:
    pia = at_browser("pia")
    data = archive_of(pia)
    assert pia.post("/my/journal/delete", {"typed": "delete"}).status_code == 303
    assert bring(pia, data).status_code == 303
    assert [(entry.text, entry.shared_at) for entry in own(cast, "pia")] == [
        (HEBREW, None),
        (HOSTILE, None),
        ("e\u0301tude 👩‍👧 end", None),
    ]


def _entry(**change: Any) -> Callable[[dict[str, bytes]], None]:
    def make(members: dict[str, bytes]) -> None:
        data = json.loads(members["entries/000003.json"])
        members["entries/000003.json"] = json.dumps({**data, **change}).encode()

    return make


def _member(name: str, value: bytes | None) -> Callable[[dict[str, bytes]], None]:
    def make(members: dict[str, bytes]) -> None:
        found = next(known for known in members if known.startswith(name))
        members.pop(found)
        if value is not None:
            members[found] = value

    return make


BAD: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "no manifest": (_member("journal.json", None), NO_JOURNAL),
    "another format": (_member("journal.json", b'{"format": "x"}'), NO_JOURNAL),
    "newer": (
        _member("journal.json", b'{"format": "kap-journal", "version": 2}'),
        "it was made by a newer version of Kap than this one",
    ),
    "no json": (_member("entries/000003", b"{"), "something in it cannot be read"),
    "no text": (_member("entries/000003", b"\xff\xfe\x00"), "something in it cannot be read"),
    "a list": (_member("entries/000003", b"[]"), "something in it is not described as it should be"),
    "deep": (_member("entries/000003", b"[" * 200_000), DAMAGED),
    "a rating": (_entry(ratings={"mood_before": 11}), NO_RATING),
    "an unknown rating": (_entry(ratings={"x": 1}), NO_RATING),
    "true": (_entry(ratings={"body": True}), NO_RATING),
    "title": (_entry(title="x" * 121), "“title” is longer than 120 characters"),
    "themes": (_entry(themes=["x"] * 21), "“themes” has too much in it, or something else than it should"),
    "a theme": (_entry(themes=["x" * 41]), "a theme is too long"),
    "text": (_entry(text=7), "“text” is not what it should be"),
    "no time": (_entry(made_at=None), "an entry says not when it was written"),
    "no zone": (_entry(made_at="2026-01-01T10:00:00"), "“made_at” is not a moment with its time zone"),
    "no such time": (_entry(made_at="yesterday"), "“made_at” is not a moment with its time zone"),
    "id": (_entry(id="x"), "something in it has no proper “id”"),
    "moment": (
        _entry(session={"at": NOON.isoformat(), "moment_seconds": -1}),
        "“moment_seconds” is not a number that can be",
    ),
    "no media": (_member("media/", None), "a voice note or a picture is missing from it"),
    "other media": (_member("media/", b"<svg onload=x>"), "a voice note or a picture in it is neither"),
    "media swapped": (_member("media/", b"ID3"), "a voice note or a picture in it is neither"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_a_sentence_and_changes_nothing(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry], config: Config, name: str
) -> None:
    change, sentence = BAD[name]
    data = changed(archive_of(at_browser("pia")), change)
    refused_and_nothing_changed(at_browser("zed"), cast, config, data, sentence)


def refused_and_nothing_changed(zed: Browser, cast: Cast, config: Config, data: bytes, sentence: str) -> None:
    stored = [path for path in (config.instance / "files").rglob("*") if path.is_file()]
    keys = key_count(config)
    answer = bring(zed, data)
    assert answer.status_code == 422
    assert f"This file was not taken in, and nothing was changed: {sentence}." in answer.text
    assert own(cast, "zed") == []
    assert [path for path in (config.instance / "files").rglob("*") if path.is_file()] == stored
    assert key_count(config) == keys


def key_count(config: Config) -> int:
    with sqlite3.connect(config.keys_path) as connection:
        return int(connection.execute("SELECT count(*) FROM key").fetchone()[0])


def test_what_is_no_archive_or_cut_off(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry], config: Config
) -> None:
    data, zed = archive_of(at_browser("pia")), at_browser("zed")
    damaged = DAMAGED
    for bad in (b"", b"Hello", data[: len(data) // 2], b"\x89PNG" + bytes(200)):
        refused_and_nothing_changed(zed, cast, config, bad, damaged)
    assert zed.post("/my/journal/bring").status_code == 422


def test_damage_that_shows_only_while_files_are_taken_in(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry], config: Config
) -> None:
    data = archive_of(at_browser("pia"))
    middle = data.index(VOICE) + 100_000
    spoilt = data[:middle] + b"spoilt" + data[middle + 6 :]
    damaged = DAMAGED
    refused_and_nothing_changed(at_browser("zed"), cast, config, spoilt, damaged)


def test_limits_of_the_whole(
    at_browser: AtBrowser,
    cast: Cast,
    journal: list[JournalEntry],
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, zed = archive_of(at_browser("pia")), at_browser("zed")
    for name, value, sentence in (
        ("MOST_ENTRIES", 2, "it has more than 2 entries"),
        ("LARGEST_ENTRY_BYTES", 300, "an entry in it is too long"),
        ("LARGEST_FILE_BYTES", 1000, "a voice note or a picture in it is too large"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(bringing, name, value)
            refused_and_nothing_changed(zed, cast, config, data, sentence)


def test_a_later_time_than_now_becomes_now_and_half_a_character_a_mark(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]
) -> None:
    later = (NOON + timedelta(days=4000)).isoformat()
    data = changed(archive_of(at_browser("pia")), _entry(made_at=later, edited_at=None, text="a\ud800b\0c"))
    assert bring(at_browser("zed"), data).status_code == 303
    entry = next(entry for entry in own(cast, "zed") if entry.title)
    assert entry.text == "a\ufffdb\0c"
    assert entry.made_at < NOON + timedelta(days=3999)


def test_two_at_once_add_it_once(at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry]) -> None:
    """Both looked before either wrote: what is written second looks again."""
    data = archive_of(at_browser("pia"))

    def opened() -> AbstractContextManager[bringing.Archive]:
        return bringing.opened(io.BytesIO(data), at=NOON, longest_text=1000, most_bytes=10**9)

    with opened() as first, opened() as second:
        both = [bringing.Arrival(archive, cast.zed, cast.actor("zed")) for archive in (first, second)]
        db.session.rollback()
        for arrival in both:
            arrival.prepare()
        outcomes = []
        for arrival in both:
            with transaction():
                outcomes.append(arrival.take_in(at=NOON))
    assert outcomes == [bringing.Outcome(3, 0), bringing.Outcome(0, 3)]
    assert len(own(cast, "zed")) == 3


def test_a_file_that_is_gone_does_not_keep_anyone_from_the_rest(
    at_browser: AtBrowser, cast: Cast, journal: list[JournalEntry], config: Config
) -> None:
    for path in (config.instance / "files" / "journal").iterdir():
        path.unlink()
    assert entries_in(archive_of(at_browser("pia")))[2]["files"] == []


def test_ids_of_brought_entries_cannot_be_anothers(cast: Cast, journal: list[JournalEntry]) -> None:
    known = bringing._Known(cast.zed, cast.actor("zed"))
    taken = taking.taken(cast.pia, taking.ids_of(cast.pia))
    assert UUID(int=0) not in {known.id_here(entry) for entry in taken}  # type: ignore[arg-type]
    assert {known.id_here(entry) for entry in taken} & {entry.id for entry in journal} == set()  # type: ignore[arg-type]
