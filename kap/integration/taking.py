"""A whole journal as its writer takes it away, read a few entries at a time.

However long it is and whatever its recordings weigh, only a few entries and one piece of one file are in
memory at once.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from kap.crypto import SealedFile
from kap.db import db
from kap.integration import files
from kap.integration.journal_format import type_of
from kap.integration.models import Comment, EntryFile, JournalEntry
from kap.integration.rules import FileKind, FileState
from kap.integration.visible import Visible
from kap.patients.models import Patient
from kap.sealed import load_keys
from kap.storage import FileMissing

AT_A_TIME = 20
MOST_IN_A_PART, LARGEST_PART_BYTES = 500, 3_000_000
_BEGINNING = 64  # bytes that tell what a file is


@dataclass(frozen=True)
class Said:
    """A comment: by whom, in words, as the names may not exist where the journal goes."""

    author: str
    at: datetime
    text: str
    is_own: bool


@dataclass(frozen=True)
class TakenFile:
    """A voice note or a picture; `sealed.parts()` yields its plain bytes."""

    id: UUID
    kind: FileKind
    made_at: datetime
    media_type: str
    about: dict[str, Any]
    sealed: SealedFile = field(repr=False)


@dataclass(frozen=True)
class Taken:
    """All that its writer sees of an entry."""

    id: UUID
    made_at: datetime
    edited_at: datetime
    written_about: datetime | None
    title: str
    text: str
    tags: Sequence[str]
    ratings: dict[str, int]
    session_at: datetime | None
    moment_s: float | None
    comments: Sequence[Said]
    files: Sequence[TakenFile]
    locked: dict[str, Any] | None = None  # what only its writer's own passphrase opens, as it lies here


def ids_of(patient: Patient) -> list[UUID]:
    """Every entry of the patient's, in the order in which a journal is read: oldest first."""
    row = JournalEntry
    return list(
        db.session.scalars(select(row.id).where(row.patient_id == patient.id).order_by(row.made_at, row.id))
    )


@dataclass(frozen=True)
class Range:
    """Entries that fit into one paper document, and the times between which they were written."""

    ids: Sequence[UUID]
    first: datetime
    last: datetime


def ranges_of(patient: Patient) -> list[Range]:
    """The journal in portions that can be typeset: it takes 1 GB to set 2,000 long entries at once."""
    row = JournalEntry
    found = db.session.execute(
        select(row.id, row.made_at, func.length(row.text_sealed))
        .where(row.patient_id == patient.id)
        .order_by(row.made_at, row.id)
    ).all()
    portions: list[list[tuple[UUID, datetime]]] = []
    size = 0
    for entry_id, made_at, length in found:
        full = size + length > LARGEST_PART_BYTES or (portions and len(portions[-1]) >= MOST_IN_A_PART)
        if not portions or full:
            portions.append([])
            size = 0
        portions[-1].append((entry_id, made_at))
        size += length
    return [Range([each for each, _ in part], part[0][1], part[-1][1]) for part in portions]


def taken(patient: Patient, ids: Sequence[UUID]) -> list[Taken]:
    """These entries of the patient's, in this order; those that are gone meanwhile are left out."""
    rows = {
        entry.id: entry
        for entry in db.session.scalars(
            select(JournalEntry)
            .where(JournalEntry.patient_id == patient.id, JournalEntry.id.in_(ids))
            .options(
                joinedload(JournalEntry.session),
                selectinload(JournalEntry.comments).joinedload(Comment.author),
                selectinload(JournalEntry.files),
                selectinload(JournalEntry.shares),
            )
        )
    }
    load_keys([*rows.values(), *(file for entry in rows.values() for file in entry.files)])
    return [
        _taken(Visible.to_writer(rows[each]), patient)
        for each in ids
        if each in rows and not rows[each].has_lost_its_key
    ]


def _taken(seen: Visible, patient: Patient) -> Taken:
    row = seen.row
    brought = row.brought or {}
    session = seen.session
    return Taken(
        id=seen.id,
        made_at=seen.made_at,
        edited_at=row.edited_at,
        written_about=row.written_about,
        title=seen.title,
        text=seen.text,
        tags=seen.tags,
        ratings=seen.ratings.given,
        session_at=(session.closed_at or session.planned_at) if session else _time(brought.get("session_at")),
        moment_s=seen.moment_s if session else brought.get("moment_s"),
        comments=[*said_elsewhere(row), *(_said(comment, patient) for comment in seen.comments)],
        locked=None if row.locked is None else {"content": row.locked},
        files=[found for file in seen.files if (found := _file(file)) is not None],
    )


def said_elsewhere(entry: JournalEntry) -> list[Said]:
    """What was said under the entry where it was brought from."""
    return [
        Said(each["author"], datetime.fromisoformat(each["at"]), each["text"], bool(each["own"]))
        for each in (entry.brought or {}).get("comments", ())
    ]


def _said(comment: Comment, patient: Patient) -> Said:
    return Said(comment.author.name, comment.at, comment.text, comment.author_id == patient.user_id)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _file(file: EntryFile) -> TakenFile | None:
    """A file that is ready; one that is missing from the storage does not keep anyone from the rest."""
    if file.state is not FileState.READY or file.file_key is None or file.has_lost_its_key:
        return None
    try:
        sealed = files.opened(file, file.file_key)
    except FileMissing:
        return None
    beginning = b"".join(sealed.parts(0, min(_BEGINNING, sealed.size)))
    return TakenFile(file.id, file.kind, file.made_at, type_of(beginning) or "", file.about, sealed)


def in_base64(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes as base64, piece by piece: only whole triples, so that the pieces join."""
    rest = b""
    for part in parts:
        whole = rest + part
        end = len(whole) - len(whole) % 3
        rest = whole[end:]
        yield base64.b64encode(whole[:end])
    yield base64.b64encode(rest)
