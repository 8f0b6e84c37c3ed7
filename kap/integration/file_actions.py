"""Voice notes and pictures coming into an entry. None of these commits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kap.db import db
from kap.integration import actions
from kap.integration.file_rules import MOST_FILES, Place, missing, whole_beginning
from kap.integration.files import Brought
from kap.integration.forgetting import forget
from kap.integration.models import EntryFile, FileKind, FilePiece, FileState, JournalEntry
from kap.jobs import queue
from kap.problems import Invalid

PREPARE = "integration.prepare_note"
TOO_MANY = f"There are {MOST_FILES} voice notes and pictures in this entry. Please begin another one."


def await_note(entry: JournalEntry, *, file_id: UUID, at: datetime) -> EntryFile:
    """A place for a voice note that is about to arrive; the same for the same id."""
    _check_room(entry, file_id)
    return actions.add_file(entry, FileKind.VOICE, file_id=file_id, state=FileState.ARRIVING, about={}, at=at)


def add_note(entry: JournalEntry, *, file_id: UUID, content: Brought, at: datetime) -> EntryFile:
    """A recording that arrived as a whole; one that is known already is not kept a second time."""
    _check_room(entry, file_id)
    file = actions.add_file(
        entry,
        FileKind.VOICE,
        file_id=file_id,
        state=FileState.ARRIVING,
        about={},
        at=at,
        key_id=content.key_id,
    )
    if not _is_known(file, content):
        file.pieces.append(FilePiece(take=0, number=0, key=content.key))
        _prepare(file)
    return file


def take_piece(file: EntryFile, place: Place, key: str) -> None:
    """Keep what was stored under `key` as a piece of the note; a second one for its place is forgotten."""
    if file.state is not FileState.ARRIVING or any(
        (piece.take, piece.number) == place for piece in file.pieces
    ):
        forget(files=[key])
        return
    file.pieces.append(FilePiece(take=place[0], number=place[1], key=key))


def finish_note(file: EntryFile, takes: Sequence[int]) -> list[Place]:
    """Have the note made once all pieces of its takes are there; says which are not. Twice is once.

    `takes` says of each how many pieces it has.
    """
    if file.state is not FileState.ARRIVING:
        return []
    lacking = missing(takes, {(piece.take, piece.number) for piece in file.pieces})
    if not lacking:
        _prepare(file)
    return lacking


def keep_what_arrived(file: EntryFile) -> None:
    """Make the note of what there is, where the rest will not come any more. Raises `Invalid`."""
    if file.state is not FileState.ARRIVING:
        return
    heard = set(whole_beginning({(piece.take, piece.number) for piece in file.pieces}))
    if not heard:
        raise Invalid("Nothing of this recording has arrived yet.")
    useless = [piece for piece in file.pieces if (piece.take, piece.number) not in heard]
    forget(files=[piece.key for piece in useless])
    for piece in useless:
        file.pieces.remove(piece)
    _prepare(file)


def add_picture(
    entry: JournalEntry,
    *,
    file_id: UUID,
    content: Brought,
    words: str,
    width: int,
    height: int,
    at: datetime,
) -> EntryFile:
    """A picture, with words that say what is on it; one that is known already is not kept a second time."""
    _check_room(entry, file_id)
    file = actions.add_file(
        entry,
        FileKind.PICTURE,
        file_id=file_id,
        state=FileState.READY,
        about={"words": words, "width": width, "height": height},
        at=at,
        key_id=content.key_id,
    )
    if not _is_known(file, content):
        file.file_key = content.key
    return file


def remove(file: EntryFile) -> None:
    """Remove a voice note or a picture for good, and with it an entry in which nothing else ever was."""
    entry = file.entry
    actions.remove_file(file)
    if entry.version == 0 and not entry.files:
        forget(keys=[entry.key_id] if entry.key_id else [])
        db.session.delete(entry)


def _is_known(file: EntryFile, content: Brought) -> bool:
    """Whether the file was there before; then what was brought a second time is forgotten."""
    if file.key_id == content.key_id:
        return False
    forget(keys=[content.key_id], files=[content.key])
    return True


def _prepare(file: EntryFile) -> None:
    """The job names the file and nothing else: no practice, no patient, no entry."""
    file.state = FileState.WAITING
    queue.enqueue(PREPARE, practice_id=None, about=file.id, file_id=file.id)


def _check_room(entry: JournalEntry, file_id: UUID) -> None:
    known = {file.id for file in entry.files}
    if file_id not in known and len(known) >= MOST_FILES:
        raise Invalid(TOO_MANY)
