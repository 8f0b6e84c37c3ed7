"""Private writing, looked for by everybody else in every page, feed, export, log, letter, job and file."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, LargeBinary, Table, select

from kap.access.guard import PUBLIC
from kap.config import Config
from kap.db import Model, db, transaction
from kap.integration import actions
from kap.integration.models import Comment, EntryFile, EntryShare, JournalEntry
from kap.integration.rules import FileKind, Part, Writing
from tests.architecture.test_routes import World, _routes, world
from tests.conftest import NOON, Browser, Cast
from tests.integration.test_taking import with_file

__all__ = ["world"]  # a fixture

AtBrowser = Callable[[str], Browser]
OTHERS = ("ana", "theo", "tess", "pau", "zoe", "zed")
WORDS = ("lantern-over-water", "heading-of-it", "theme-of-it", "beside-the-voice", "not-for-anyone")
PICTURE = b"\x89PNG\r\n\x1a\nlantern-over-water" + bytes(5000)
VOICE = b"OggSlantern-over-water" + bytes(5000)
OWN_TABLES = {"journal_entry", "entry_file"}
NOISE = (
    re.compile(r'(name="csrf-token" content=|name="csrf_token" value=)"[^"]*"'),
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
)


def write_privately(cast: Cast, folder: Path) -> tuple[list[JournalEntry], list[EntryFile]]:
    """Two entries that nobody is shown; the first has everything in it that an entry can have."""
    writing = Writing(
        text=WORDS[0], title=WORDS[1], tags=(WORDS[2],), mood_before=1, moment_s=None, session_id=None
    )
    entries = []
    for days in (2, 3):
        with transaction():
            made = actions.write(
                cast.pia, entry_id=uuid4(), writing=writing, version=0, at=NOON - timedelta(days=days)
            )
        assert made is not None
        entries.append(made)
    files = [with_file(entries[0], FileKind.PICTURE, PICTURE, folder)]
    files.append(with_file(entries[0], FileKind.VOICE, VOICE, folder))
    with transaction():
        for each in files:
            each.about = {"words": WORDS[3]}
    return entries, files


def walk(browser: Browser, world: World) -> Iterator[tuple[str, int, bytes]]:
    """Every page there is, whatever the answer, and whatever it is made of."""
    for method, address, access, rule in _routes(browser.client.application, world):
        if method == "GET" and not (access == PUBLIC and rule.endpoint == "static"):
            answer = browser.get(address)
            yield f"{rule.rule} {address}", answer.status_code, answer.data


def without_noise(page: bytes) -> str:
    text = page.decode("utf-8", "replace")
    for noise in NOISE:
        text = noise.sub("", text)
    return text


def tells(data: bytes, *ids: UUID) -> list[str]:
    """What of the private there is in it."""
    looked_for = [*WORDS, *map(str, ids), *(each.hex for each in ids)]
    return [each for each in looked_for if each.encode() in data]


@pytest.mark.parametrize("name", OTHERS)
def test_nobody_finds_it_on_any_page(
    cast: Cast, world: World, at_browser: AtBrowser, tmp_path: Path, name: str
) -> None:
    entries, files = write_privately(cast, tmp_path)
    ids = [row.id for row in (*entries, *files)]
    keys = [file.file_key or "" for file in files]
    browser, found = at_browser(name), []
    for where, _, page in walk(browser, world):
        found += [(where, word) for word in tells(page, *ids)]
        found += [(where, key) for key in keys if key.encode() in page]
    assert found == []


@pytest.mark.parametrize("name", ["theo", "ana"])
def test_no_page_is_another_one_for_it(
    cast: Cast, world: World, at_browser: AtBrowser, tmp_path: Path, name: str
) -> None:
    """Not a count, not a date, not a size: what is the same twice is the same after she wrote, too."""
    browser, pia = at_browser(name), at_browser("pia")
    twice = [
        {where: (status, without_noise(page)) for where, status, page in walk(browser, world)} for _ in "12"
    ]
    still = {where for where, page in twice[0].items() if twice[1][where] == page}
    assert len(still) > 0.8 * len(twice[0])
    entries, _ = write_privately(cast, tmp_path)
    for path in (f"/{entries[0].id}", "", "/take/page", "/take/archive"):
        assert pia.get(f"/my/journal{path}").status_code == 200
    after = {where: (status, without_noise(page)) for where, status, page in walk(browser, world)}
    assert [where for where in sorted(still) if after[where] != twice[0][where]] == []


def test_only_its_own_tables_know_it_and_those_hold_no_word(
    cast: Cast, at_browser: AtBrowser, tmp_path: Path, work: Callable[[], int]
) -> None:
    """Rows of every table, before and after: events, jobs, letters, sign-ins and all."""
    pia = at_browser("pia")
    before = _rows()
    entries, files = write_privately(cast, tmp_path)
    for path in (f"/{entries[0].id}", f"/{entries[0].id}/write", "", "/take", "/take/page", "/take/archive"):
        assert pia.get(f"/my/journal{path}").status_code == 200
    sent = {"text": f"{WORDS[0]} {WORDS[4]}", "version": "1"}
    assert pia.post(f"/my/journal/{entries[0].id}", sent).status_code == 303
    work()
    after = _rows()
    new = {table: [row for row in rows if row not in before[table]] for table, rows in after.items()}
    assert {table for table, rows in new.items() if rows} == OWN_TABLES
    ids = [row.id for row in (*entries, *files)]
    for rows in new.values():
        for row in rows:
            assert [word for word in WORDS if word in repr(row)] == []
    others = [row for table, rows in after.items() if table not in OWN_TABLES for row in rows]
    assert [each for each in ids if str(each) in repr(others) or each.hex in repr(others)] == []


def _rows() -> dict[str, list[tuple[object, ...]]]:
    db.session.rollback()
    with db.engine.connect() as connection:
        return {table.name: _of(connection.execute(select(*_steady(table)))) for table in _tables()}


def _tables() -> list[Table]:
    return Model.metadata.sorted_tables


def _steady(table: Table) -> list[Column[Any]]:
    """Its columns, without when somebody was last seen: that is their sign-in, not their writing."""
    return [column for column in table.columns if column.name not in ("seen_at", "last_seen_at")]


def _of(result: object) -> list[tuple[object, ...]]:
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in result  # type: ignore[attr-defined]
    ]


def test_no_file_and_no_line_of_the_log_holds_a_word(
    cast: Cast,
    config: Config,
    at_browser: AtBrowser,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    pia = at_browser("pia")
    entries, files = write_privately(cast, tmp_path)
    sent = {"text": f"{WORDS[0]} {WORDS[4]}", "version": "9"}
    assert (
        pia.post(f"/my/journal/{entries[0].id}", sent).status_code == 409
    )  # a refusal is no reason to quote
    assert pia.get("/my/journal/take/archive").status_code == 200
    assert pia.post("/my/journal/bring", {"file": (tmp_path / files[0].id.hex).name}).status_code == 422
    db.session.rollback()
    db.engine.dispose()
    stored = [path for path in config.instance.rglob("*") if path.is_file()]
    assert len(stored) > 2
    assert [
        (path.name, word) for path in stored for word in WORDS if word.encode() in path.read_bytes()
    ] == []
    printed = caplog.text.encode()
    assert tells(printed, *(row.id for row in (*entries, *files))) == []


def test_what_is_shared_of_one_shows_nothing_of_the_rest(
    cast: Cast, world: World, at_browser: AtBrowser, tmp_path: Path
) -> None:
    """Her ratings are shown to Theo alone; a comment stands under them. He sees those and no word more."""
    entries, files = write_privately(cast, tmp_path)
    entry, file_ids = entries[0], [file.id for file in files]
    with transaction():
        actions.share(
            db.session.get_one(JournalEntry, entry.id),
            actor=cast.actor("pia"), at=NOON, parts=[Part.RATINGS], to=cast.theo.id,
        )  # fmt: skip
    theo, found = at_browser("theo"), []
    path = f"/patients/{cast.pia.id}/journal/{entry.id}"
    page = theo.get(path)
    assert (page.status_code, tells(page.data)) == (200, [])
    for where, _, data in walk(theo, world):
        found += [(where, word) for word in tells(data, *file_ids, entries[1].id)]
    assert found == []
    assert at_browser("tess").get(path).status_code == 404
    assert {table.name for table in _tables()} >= {EntryShare.__tablename__, Comment.__tablename__}
    plain = [
        (table.name, column.name)
        for table in _tables()
        if table.name in OWN_TABLES
        for column in table.columns
        if column.name.endswith("_sealed") and not isinstance(column.type, LargeBinary)
    ]
    assert plain == []
