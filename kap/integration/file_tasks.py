"""Background work on voice notes: what arrived in pieces becomes what is heard."""

import os
import shutil
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from kap.audio.errors import AudioError, CannotWrite
from kap.audio.notes import Note, prepare_note
from kap.clock import now
from kap.db import db, transaction
from kap.integration.file_actions import PREPARE
from kap.integration.files import Box, box_of
from kap.integration.forgetting import forget
from kap.integration.models import EntryFile, FileState
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import Progress, task
from kap.jobs.run import MAX_STARTS
from kap.sealed import KeyDestroyed
from kap.storage import FileMissing, storage

TRY_AGAIN_AFTER = timedelta(hours=1)
OPUS, AAC = "voice-opus", "voice-m4a"
TOO_LONG = "It was longer than 20 minutes. The first 20 minutes are kept."
DAMAGED = "A part of the recording could not be read. What could be read is here."
LOST = "A part of this recording is missing from the storage."
STOPPED = "This recording stopped our work on it again and again, so it is not tried any more."
_FOLDER = "kap-note-"
_opening = threading.Lock()
_rooms: set[str] = set()


@dataclass(frozen=True)
class _Wanted:
    box: Box
    pieces: list[tuple[int, int, str]]


def _give_up(job: Job, sentence: str) -> None:
    """What stops the worker is refused. Anything else, such as a full disk, will be over some time."""
    if job.attempts > MAX_STARTS:
        _refuse(str(job.about), STOPPED)
    elif job.about is not None and _waiting(str(job.about)) is not None:
        queue.enqueue(
            PREPARE, practice_id=None, about=job.about, run_at=now() + TRY_AGAIN_AFTER, file_id=job.about
        )


@task(PREPARE, on_failure=_give_up)
def prepare(progress: Progress, *, file_id: str) -> None:
    """Make a note of what arrived: trimmed, evened, in both formats, sealed. What arrived is forgotten."""
    with transaction():
        wanted = _wanted(file_id)
    if wanted is None:
        return
    progress(0.0, "Trimming and evening")
    with _plain_room() as room:
        made = {OPUS: room / "note.opus", AAC: room / "note.m4a"}
        try:
            note = prepare_note(_takes(wanted, room), made)
        except CannotWrite:
            raise
        except AudioError as error:
            reason = f"This recording cannot be used: {error.reason}."
        except FileMissing:
            reason = LOST
        else:
            progress(0.9, "Keeping it")
            _keep(file_id, wanted.box, note, made)
            return
    with transaction():
        _refuse(file_id, reason)


def _wanted(file_id: str) -> _Wanted | None:
    file = _waiting(file_id)
    if file is None:
        return None
    try:
        return _Wanted(box_of(file), [(piece.take, piece.number, piece.key) for piece in file.pieces])
    except KeyDestroyed:  # deleted, and the database is an older copy
        return None


def _waiting(file_id: str) -> EntryFile | None:
    """The file, held until the transaction ends, if nobody has finished it yet."""
    file = db.session.get(EntryFile, UUID(file_id), with_for_update=True, populate_existing=True)
    return file if file is not None and file.state is FileState.WAITING else None


def _takes(wanted: _Wanted, room: Path) -> Sequence[Path]:
    takes: dict[int, Path] = {}
    for take, number, key in wanted.pieces:
        path = takes.setdefault(take, room / f"take-{take}")
        with path.open("ab") as target:
            for part in wanted.box.opened(key, place=piece_place(take, number)).parts():
                target.write(part)
    return list(takes.values())


def piece_place(take: int, number: int) -> str:
    return f"|{take}|{number}"


def _keep(file_id: str, box: Box, note: Note, made: dict[str, Path]) -> None:
    keys: list[str] = []
    try:
        for path in made.values():
            with path.open("rb") as plain:
                keys.append(box.put(plain))
        with transaction():
            file = _waiting(file_id)
            if file is not None:
                file.file_key, file.aac_key = keys
                file.about, file.state = _about(note), FileState.READY
                forget(files=[piece.key for piece in file.pieces])
                file.pieces.clear()
                keys = []
    finally:
        for key in keys:  # another run was faster, or it was deleted meanwhile
            storage().delete(key)


def _about(note: Note) -> dict[str, Any]:
    remark = TOO_LONG if note.is_cut else DAMAGED if note.is_damaged else None
    return {
        "seconds": round(note.duration_s, 2),
        "peaks": b64encode(note.peaks).decode(),
        "remark": remark,
    }


def _refuse(file_id: str, sentence: str) -> None:
    file = _waiting(file_id)
    if file is not None:
        file.about, file.state = {"problem": sentence}, FileState.REFUSED


@contextmanager
def _plain_room() -> Iterator[Path]:
    """A folder for what has to be plain while it is worked on. What a killed worker left goes first."""
    with _opening:
        _sweep()
        folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
        _rooms.add(folder)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _rooms.discard(folder)


def _sweep() -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = left.name.removeprefix(_FOLDER).partition("-")[0]
        ours = pid == str(os.getpid())
        if str(left) not in _rooms if ours else not _is_alive(pid):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
