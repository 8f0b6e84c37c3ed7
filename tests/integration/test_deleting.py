"""Gone means gone: in the database, its free pages and log, the storage, and a backup with today's keys."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, func, select, text, update

from kap.access.audit import Event
from kap.config import Config
from kap.db import Model, db, transaction
from kap.integration import actions, files, forgetting, resealing
from kap.integration.models import Comment, Doomed, EntryFile, FileKind, FileState, JournalEntry
from kap.integration.rules import Writing
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import TASKS
from kap.keys import KeyStore, key_store
from kap.sealed import KeyDestroyed
from kap.storage import storage
from tests.conftest import NOON, TEST_KEY, Browser, Cast
from tests.integration.conftest import SECRET, written

AtBrowser = Callable[[str], Browser]
WORDS = (
    "The lantern over the water was my grandmother",
    "moonmilk",
    "Under the bridge",
    "cormorant",
    "heronry",
)


def full_entry(cast: Cast, tmp_path: Path) -> JournalEntry:
    """An entry with everything an entry can have, each with a word of its own."""
    sound = tmp_path / "note"
    sound.write_bytes(b"heronry " * 20_000)
    about = {"seconds": 1.0, "peaks": "", "remark": "heronry"}
    with transaction():
        writing = Writing(text=WORDS[0], title=WORDS[2], tags=(WORDS[1],), mood_after=7, body=3)
        entry = actions.write(cast.pia, entry_id=uuid4(), writing=writing, version=0, at=NOON)
        assert entry is not None
        file = actions.add_file(
            entry, FileKind.VOICE, file_id=uuid4(), state=FileState.READY, about=about, at=NOON
        )
        file.file_key = files.store(file, sound)
        file.source_key = files.store(file, sound)
        actions.share(entry, actor=cast.actor("pia"), at=NOON)
        actions.comment(entry, comment_id=uuid4(), text=WORDS[3], actor=cast.actor("theo"), at=NOON)
    return entry


def everything_in_tables(url: str) -> bytes:
    """Each value of each row, as PostgreSQL has it."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        )
        rows = [
            connection.execute(text(f'SELECT * FROM "{name}"')).all()  # noqa: S608 - names of our own tables
            for (name,) in names
        ]
    engine.dispose()
    return b"\n".join(
        bytes(v) if isinstance(v, bytes) else str(v).encode() for t in rows for r in t for v in r
    )


def words_in(held: bytes) -> list[str]:
    return [word for word in WORDS if word.encode() in held or word.encode("utf-16-le") in held]


def counts() -> list[int]:
    return [
        db.session.scalar(select(func.count()).select_from(model)) or 0
        for model in (JournalEntry, Comment, EntryFile, Doomed)
    ]


TABLES = ("journal_entry", "entry_file", "entry_share", "comment")
Backup = dict[str, list[dict[str, Any]]]


def back_up() -> Backup:
    """The rows of the journal as any backup of the database has them."""
    kept = {}
    for name in TABLES:
        rows = db.session.execute(Model.metadata.tables[name].select()).mappings()
        kept[name] = [dict(row) for row in rows]
    return kept


def restore(backup: Backup) -> None:
    with transaction() as session:
        for name, rows in backup.items():
            session.execute(Model.metadata.tables[name].insert(), rows)
    db.session.expunge_all()


def wrapped_keys(config: Config) -> list[bytes]:
    with sqlite3.connect(config.keys_path) as connection:
        rows = connection.execute("SELECT wrapped FROM key").fetchall()
    connection.close()
    return [bytes(row[0]) for row in rows]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("address", ["/my/journal/{entry}/delete", "/my/journal/delete"])
def test_no_word_is_left_anywhere_nor_in_a_backup_with_the_keys_of_today(
    request: pytest.FixtureRequest, cast: Cast, config: Config, tmp_path: Path, address: str
) -> None:
    at_browser, work = request.getfixturevalue("at_browser"), request.getfixturevalue("work")
    entry, chart = full_entry(cast, tmp_path), f"/patients/{cast.pia.id}"
    entry_id, key_ids = entry.id, [key for key in (entry.key_id, entry.files[0].key_id) if key]
    sealed = [entry.text_sealed, entry.files[0].about_sealed, entry.comments[0].text_sealed]
    pia, page = at_browser("pia"), f"/my/journal/{entry.id}"
    assert [word for word in WORDS[:4] if word not in pia.get(page).text] == []
    backup, keys = back_up(), wrapped_keys(config)
    shutil.copytree(config.instance / "files", tmp_path / "then")
    db.session.close()
    db.engine.dispose()
    if not config.database_url:
        shutil.copy(config.instance / "kap.db", tmp_path / "then")

    answer = pia.post(address.format(entry=entry_id), {"typed": "Delete"})
    assert answer.headers["Location"] == "/my/journal"

    # At once, before any job has run.
    assert key_store().secrets(key_ids) == {}
    assert files_in(config.instance / "files") == []
    work()
    assert counts() == [0, 0, 0, 0]
    db.session.close()
    db.engine.dispose()
    held = b"".join(path.read_bytes() for path in files_in(config.instance))
    if config.database_url:
        held += everything_in_tables(config.database_url)
    assert words_in(held) == []
    assert [value for value in (*sealed, *keys) if bytes(value) in held] == []  # nor as it was sealed

    # A backup of then, with the instance key and the key store of now.
    then = b"".join(path.read_bytes() for path in files_in(tmp_path / "then"))
    assert words_in(then) == []
    restore(backup)
    row = db.session.get_one(JournalEntry, entry_id)
    for opens in (lambda: row.text, lambda: row.files[0].about, lambda: row.comments[0].text):
        with pytest.raises(KeyDestroyed):
            opens()
    with pytest.raises(KeyDestroyed):
        files.store(row.files[0], tmp_path / "note")
    db.session.rollback()
    assert str(entry_id) not in pia.get("/my/journal").text
    assert str(entry_id) not in at_browser("theo").get(chart).text
    assert {pia.get(page).status_code, pia.get(f"{page}/write").status_code} == {404, 200}
    assert pia.post(page, {"text": "x", "version": "1"}).status_code == 404
    assert resealing.without_their_keys() == 2


def test_a_backup_of_the_database_alone_opens_nothing(
    cast: Cast, config: Config, tmp_path: Path, entry: JournalEntry
) -> None:
    empty = KeyStore(tmp_path / "other.db", TEST_KEY)
    assert entry.key_id is not None
    assert empty.secrets([entry.key_id]) == {}
    assert entry.sealing_key().secret != cast.pia.data_key.secret


def test_a_deletion_that_does_not_come_about_destroys_nothing(cast: Cast, entry: JournalEntry) -> None:
    entry_id = entry.id

    def change_ones_mind() -> None:
        with transaction() as session:
            with session.begin_nested():
                actions.delete(entry, actor=cast.actor("pia"), at=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_ones_mind()
    with transaction():
        assert counts() == [1, 0, 0, 0]
    db.session.expunge_all()
    assert db.session.get_one(JournalEntry, entry_id).text == SECRET


def test_what_cannot_be_destroyed_at_once_is_destroyed_later(
    cast: Cast, entry: JournalEntry, monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]
) -> None:
    def unwritable(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    key_ids = [entry.key_id] if entry.key_id else []
    with monkeypatch.context() as broken:
        broken.setattr(KeyStore, "destroy", unwritable)
        with transaction():
            actions.delete(entry, actor=cast.actor("pia"), at=NOON)
        work()
        assert len(key_store().secrets(key_ids)) == 1
    assert counts() == [0, 0, 0, 1]
    with transaction() as session:
        session.execute(update(Job).values(run_at=NOON))
    work()
    assert (key_store().secrets(key_ids), counts()) == ({}, [0, 0, 0, 0])


def test_the_work_is_never_given_up(cast: Cast, entry: JournalEntry) -> None:
    with transaction():
        job = queue.enqueue(forgetting.FORGET, practice_id=None)
        TASKS[forgetting.FORGET].on_failure(job, "It failed.")  # type: ignore[misc]
    jobs = db.session.scalars(select(Job).where(Job.task == forgetting.FORGET)).all()
    assert len(jobs) == 2


def test_the_job_says_nothing_of_whose_or_which(cast: Cast, entry: JournalEntry) -> None:
    with transaction():
        actions.delete(entry, actor=cast.actor("pia"), at=NOON)
    (job,) = db.session.scalars(select(Job)).all()
    assert (job.arguments, job.about, job.practice_id) == ({}, None, None)


def test_an_entry_begun_again_under_its_old_address_keeps_its_new_key(
    cast: Cast, entry: JournalEntry, work: Callable[[], int]
) -> None:
    """A device that was away sends its draft of an entry that was deleted meanwhile."""
    with transaction():
        actions.delete(entry, actor=cast.actor("pia"), at=NOON)
    with transaction():
        again = actions.write(cast.pia, entry_id=entry.id, writing=Writing("Back"), version=0, at=NOON)
    work()
    db.session.expunge_all()
    assert again is not None
    assert db.session.get_one(JournalEntry, again.id).text == "Back"


def test_one_file_of_an_entry_goes_alone(cast: Cast, tmp_path: Path) -> None:
    entry = full_entry(cast, tmp_path)
    file = entry.files[0]
    with transaction():
        actions.remove_file(file)
    assert key_store().secrets([file.key_id]) == {}
    assert list(storage().files()) == []
    assert entry.text == WORDS[0]


def test_deleting_everything_asks_for_a_word(at_browser: AtBrowser, cast: Cast, entry: JournalEntry) -> None:
    other = written(cast.pau, "Another's")
    pia = at_browser("pia")
    page = pia.get("/my/journal/delete").text
    assert "One entry goes" in page
    for typed in ("", "yes"):
        answer = pia.post("/my/journal/delete", {"typed": typed})
        assert answer.status_code == 422
        assert "Please type the word delete" in answer.text
    assert counts()[0] == 2
    assert pia.post("/my/journal/delete", {"typed": " DELETE "}).status_code == 303
    assert "Your whole journal is deleted." in pia.get("/my/journal").text
    assert [row.id for row in db.session.scalars(select(JournalEntry))] == [other.id]
    assert "There is nothing in your journal." in pia.get("/my/journal/delete").text


def test_deleting_what_nobody_saw_leaves_no_event(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry
) -> None:
    pia = at_browser("pia")
    before = db.session.scalar(select(func.count()).select_from(Event))
    pia.post("/my/journal/delete", {"typed": "delete"})
    assert db.session.scalar(select(func.count()).select_from(Event)) == before
