"""A journal that its writer brings from another installation: looked at whole, and only then taken in.

What is brought belongs to the writer alone, whoever could see it where it came from.
"""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid5

from sqlalchemy import select

from kap.access.actor import Actor
from kap.db import db
from kap.integration import files, queries
from kap.integration.journal_format import (
    ENTRIES,
    MANIFEST,
    BroughtEntry,
    BroughtFile,
    NotAJournal,
    check_manifest,
    entry_in,
    type_of,
)
from kap.integration.models import EntryFile, JournalEntry
from kap.integration.rules import FileKind, FileState
from kap.keys import key_store
from kap.patients.models import Patient
from kap.problems import Invalid
from kap.storage import storage

MOST_ENTRIES = 20_000
LARGEST_ENTRY_BYTES = 8_000_000
LARGEST_FILE_BYTES = 250_000_000
AT_A_TIME = 50
PIECE = 1 << 18
REFUSED = "This file was not taken in, and nothing was changed: {}."


@dataclass(frozen=True)
class Outcome:
    """How many entries are new now, and how many were here already."""

    new: int
    known: int
    locked: int = 0  # left out: what opens them does not travel


class Archive:
    """A journal's file, opened. Its entries are read one by one, so that few are in memory."""

    def __init__(self, zipped: zipfile.ZipFile, *, at: datetime, longest_text: int, most_bytes: int) -> None:
        """Looks at everything in it. Raises `NotAJournal`."""
        self._zip, self._at, self._longest_text = zipped, at, longest_text
        self._members = {info.filename: info for info in zipped.infolist()}
        self._entries = sorted(name for name in self._members if name.startswith(ENTRIES))
        if len(self._entries) > MOST_ENTRIES:
            raise NotAJournal(f"it has more than {MOST_ENTRIES:,} entries")
        if sum(info.file_size for info in self._members.values()) > most_bytes:
            raise NotAJournal("what is in it is larger than this practice takes")
        check_manifest(self._read(MANIFEST))
        self.locked = 0
        self._check()

    def entries(self) -> Iterator[BroughtEntry]:
        for name in self._entries:
            found = self._read(name)
            if isinstance(found, dict) and found.get("locked") is not None:
                continue
            yield entry_in(found, at=self._at, longest_text=self._longest_text)

    def unpack(self, file: BroughtFile, target: IO[bytes]) -> str:
        """The file's bytes into `target`. Returns its media type. Raises `NotAJournal`."""
        beginning, count = b"", 0
        with self._zip.open(self._info(file)) as member:
            while piece := member.read(PIECE):
                beginning = beginning or piece[:64]
                count += len(piece)
                if count > LARGEST_FILE_BYTES:
                    raise NotAJournal("a voice note or a picture in it is too large")
                target.write(piece)
        return self._type(file, beginning)

    def _check(self) -> None:
        seen: set[UUID] = set()
        count = 0
        for entry in self.entries():
            count += 1
            ids = [entry.id, *(file.id for file in entry.files)]
            if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
                raise NotAJournal("something stands in it twice")
            seen.update(ids)
            for file in entry.files:
                with self._zip.open(self._info(file)) as member:
                    self._type(file, member.read(64))
        self.locked = len(self._entries) - count

    def _info(self, file: BroughtFile) -> zipfile.ZipInfo:
        info = self._members.get(file.member)
        if info is None:
            raise NotAJournal("a voice note or a picture is missing from it")
        if info.file_size > LARGEST_FILE_BYTES:
            raise NotAJournal("a voice note or a picture in it is too large")
        return info

    @staticmethod
    def _type(file: BroughtFile, beginning: bytes) -> str:
        kind = type_of(beginning)
        if kind is None or kind.startswith("image/") != (file.kind is FileKind.PICTURE):
            raise NotAJournal("a voice note or a picture in it is neither")
        return kind

    def _read(self, name: str) -> Any:
        info = self._members.get(name)
        if info is None:
            raise NotAJournal("it is no journal that was taken away from Kap")
        with self._zip.open(info) as member:  # what it says of its own length may be untrue
            data = member.read(LARGEST_ENTRY_BYTES + 1)
        if len(data) > LARGEST_ENTRY_BYTES:
            raise NotAJournal("an entry in it is too long")
        return json.loads(data)


@contextmanager
def opened(source: IO[bytes], *, at: datetime, longest_text: int, most_bytes: int) -> Iterator[Archive]:
    """The journal in the file `source`, once all of it was looked at. Raises `Invalid`, with one sentence.

    `at` is now, `longest_text` what a page of the journal may hold, `most_bytes` all of it unpacked.
    """
    try:
        with zipfile.ZipFile(source) as zipped:
            yield Archive(zipped, at=at, longest_text=longest_text, most_bytes=most_bytes)
    except NotAJournal as error:
        raise Invalid(REFUSED.format(error)) from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, RecursionError) as error:
        # No zip at all, cut off, packed in a way nobody packs it here, or locked with a password.
        raise Invalid(REFUSED.format("it is damaged, or no journal that was taken away from Kap")) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Invalid(REFUSED.format("something in it cannot be read")) from error
    except zlib.error as error:
        raise Invalid(REFUSED.format("it is damaged")) from error


class Arrival:
    """Taking in a journal in two steps: what is slow first, then rows in one transaction.

    `prepare` seals and stores files and needs no transaction; `take_in` writes. Where either fails, call
    `forget`: it leaves neither file nor key behind.
    """

    def __init__(self, archive: Archive, patient: Patient, actor: Actor) -> None:
        self._archive, self._patient, self._actor = archive, patient, actor
        self._patient_id = patient.id  # asking the row again would open a transaction
        self._known = _Known(patient, actor)
        self._files: dict[UUID, list[EntryFile]] = {}
        self._keys: list[UUID] = []
        self._in_storage: list[str] = []

    def prepare(self) -> None:
        """Put the files of new entries into the storage. Raises `NotAJournal`, `OSError`."""
        for entry in self._archive.entries():
            if entry.files and entry not in self._known:
                self._files[entry.id] = [self._stored(file) for file in entry.files]

    def take_in(self, *, at: datetime) -> Outcome:
        """Add what is not here yet, all of it private."""
        known = _Known(self._patient, self._actor)  # again: it may have been sent twice at once
        new = there = 0
        waiting: list[BroughtEntry] = []
        for entry in self._archive.entries():
            if entry in known:
                there += 1
                continue
            known.add(entry)
            waiting.append(entry)
            new += 1
            if len(waiting) == AT_A_TIME:
                self._add(waiting, at)
                waiting = []
        self._add(waiting, at)
        return Outcome(new, there, self._archive.locked)

    def forget(self) -> None:
        key_store().destroy(self._keys)
        for key in self._in_storage:
            storage().delete(key)

    def _stored(self, file: BroughtFile) -> EntryFile:
        with tempfile.TemporaryDirectory(prefix="kap-") as folder:
            path = Path(folder) / "plain"
            with path.open("wb") as target:
                media_type = self._archive.unpack(file, target)
            row = EntryFile(
                id=uuid5(self._patient_id, str(file.id)),
                kind=file.kind,
                state=FileState.READY,
                made_at=file.made_at,
            )
            row.make_key()
            self._keys.append(row.key_id)
            row.about = {**file.about, "type": media_type}
            row.file_key = files.store(row, path)
            self._in_storage.append(row.file_key)
            return row

    def _add(self, entries: list[BroughtEntry], at: datetime) -> None:
        made = key_store().make_many(len(entries))
        self._keys.extend(key_id for key_id, _ in made)
        rows = [self._row(entry, key, at) for entry, key in zip(entries, made, strict=True)]
        db.session.add_all(rows)
        db.session.flush()
        for row in rows:  # thousands of them need not stay in memory
            for each in (*row.files, row):
                db.session.expunge(each)

    def _row(self, entry: BroughtEntry, key: tuple[UUID, bytes], at: datetime) -> JournalEntry:
        row = JournalEntry(
            id=self._known.id_here(entry),
            patient_id=self._patient_id,
            made_at=entry.made_at,
            edited_at=entry.edited_at,
            version=1,
        )
        row.make_key(key)
        given = dict(entry.ratings)
        row.text, row.title, row.tags = entry.text, entry.title or None, list(entry.tags) or None
        row.mood_before, row.mood_after = given.pop("mood_before", None), given.pop("mood_after", None)
        row.rated = given or None
        row.written_about_iso = entry.written_about.isoformat() if entry.written_about else None
        row.brought = {
            "at": at.isoformat(),
            "from": str(entry.id),
            "session_at": entry.session_at.isoformat() if entry.session_at else None,
            "moment_s": entry.moment_s,
            "comments": list(entry.comments),
        }
        row.files = self._files.get(entry.id, [])
        return row


class _Known:
    """Which entries are here already: by their name, the name they get here, or the same words at one time.

    An entry gets a name made of the writer's and its own, so that two people may bring the same file, nobody
    can claim an entry that is another's, and the same file twice adds nothing twice.
    """

    def __init__(self, patient: Patient, actor: Actor) -> None:
        self._patient_id = patient.id
        row = JournalEntry
        self._ids = set(db.session.scalars(select(row.id).where(row.patient_id == patient.id)))
        self._words = {
            _mark(words.made_at, words.title, words.text) for words in queries.words_of(actor, patient)
        }

    def __contains__(self, entry: BroughtEntry) -> bool:
        return (
            entry.id in self._ids
            or self.id_here(entry) in self._ids
            or _mark(entry.made_at, entry.title, entry.text) in self._words
        )

    def add(self, entry: BroughtEntry) -> None:
        self._ids.add(self.id_here(entry))

    def id_here(self, entry: BroughtEntry) -> UUID:
        return uuid5(self._patient_id, str(entry.id))


def _mark(made_at: datetime, title: str, text: str) -> bytes:
    return sha256(f"{made_at.isoformat()}|{title}|{text}".encode()).digest()
