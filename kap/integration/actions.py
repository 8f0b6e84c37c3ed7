"""Writing, sharing, commenting, deleting. None of these commits.

Private writing leaves no event: the care team may read the trace of a record and the administrator the log,
and neither may learn from them that there is an entry, let alone when it was written. Only sharing is logged.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.integration import queries
from kap.integration.forgetting import forget
from kap.integration.link_models import WritingLink
from kap.integration.models import Comment, EntryFile, EntryShare, JournalEntry
from kap.integration.rules import FileKind, FileState, Part, Writing
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid, NotThere

CHANGED = "This entry was changed somewhere else. Nothing is overwritten; both versions are on this page."
LOCKED = "This entry is locked now. What you typed here is kept on this device; open the entry to find it."
GONE = "This entry was deleted somewhere else. What you typed is still here; saving makes it a new entry."


class Overwritten(Conflict):
    """Someone else wrote since the `version` this writing began from; theirs is `text`, at `version`."""

    def __init__(self, sentence: str, *, text: str, version: int) -> None:
        super().__init__(sentence)
        self.text = text
        self.version = version


def write(
    patient: Patient, *, entry_id: UUID, writing: Writing, version: int, at: datetime
) -> JournalEntry | None:
    """Put `writing` on the page `entry_id`, beginning the entry when `version` is 0.

    The page chose the id, so that asking twice makes one entry; the same writing again changes nothing.
    Returns None while there is nothing to keep. Raises `Overwritten`, and `NotThere` for another's entry.
    """
    entry = queries.locked(entry_id)
    if entry is None and version == 0:
        if writing.is_blank:
            return None
        begun = _begin(patient, entry_id, writing, at)
        if begun is not None:
            return begun
        entry = queries.locked(entry_id)  # the same page, sent twice at once
    if entry is None:
        raise Overwritten(GONE, text="", version=0)
    if entry.patient_id != patient.id or entry.has_lost_its_key:
        raise NotThere(queries.NOT_WRITTEN)
    return _rewrite(entry, writing, version, at)


def begin(patient: Patient, *, entry_id: UUID, at: datetime) -> JournalEntry:
    """The entry of this page, to put something into it; without a word as long as none was written.

    An entry that is begun so has version 0, which is what its page expects of one it has not saved yet.
    Raises `NotThere` for another's entry.
    """
    entry = queries.locked(entry_id)
    if entry is None:
        entry = _begin(patient, entry_id, Writing(), at, version=0) or queries.locked(entry_id)
    if entry is None or entry.patient_id != patient.id or entry.has_lost_its_key:
        raise NotThere(queries.NOT_WRITTEN)
    return entry


def share(
    entry: JournalEntry,
    *,
    actor: Actor,
    at: datetime,
    parts: Collection[Part] | None = None,
    to: UUID | None = None,
) -> None:
    """Let the care team (or `to`, someone on it) see these parts of the entry, until it is taken back.

    Without `parts`: whatever is in it now. What is added later is private until shared too. Twice is once.
    """
    wanted = {(part, to) for part in (entry.present if parts is None else parts)}
    set_sharing(entry, wanted | {(share.part, share.user_id) for share in entry.shares}, actor=actor, at=at)


def stop_sharing(entry: JournalEntry, *, actor: Actor, at: datetime) -> None:
    """Take the entry back: from now on it is as if it did not exist for anyone but the writer."""
    set_sharing(entry, set(), actor=actor, at=at)


def set_sharing(
    entry: JournalEntry, wanted: Collection[tuple[Part, UUID | None]], *, actor: Actor, at: datetime
) -> None:
    """Share exactly this from now on: each a part, and who may see it (None is the care team).

    Raises `Invalid` when someone is named anew who is not on the care team.
    """
    standing = {(share.part, share.user_id): share for share in entry.shares}
    new = [pair for pair in wanted if pair not in standing and pair[0] in entry.present]
    known = {member.id for member in queries.team_of(entry.patient)} if any(to for _, to in new) else set()
    if any(to is not None and to not in known for _, to in new):
        raise Invalid("You can share with people who are on your care team now.")
    ended = [share for pair, share in standing.items() if pair not in wanted]
    for share in ended:
        entry.shares.remove(share)
    for part, to in sorted(new, key=str):
        entry.shares.append(EntryShare(part=part, user_id=to, at=at))
    if new or ended:
        _record_sharing(entry, actor)
        db.session.flush()


def delete(entry: JournalEntry, *, actor: Actor, at: datetime) -> None:
    """Remove the entry and what was said under it, for good: its key and its files too."""
    stop_sharing(entry, actor=actor, at=at)
    _forget([entry])
    db.session.execute(delete_rows(WritingLink).where(WritingLink.entry_id == entry.id))
    db.session.delete(entry)


def delete_everything(patient: Patient, *, actor: Actor, at: datetime) -> int:
    """Remove the whole journal for good. Says how many entries there were."""
    entries = queries.everything_of(patient)
    for entry in entries:
        stop_sharing(entry, actor=actor, at=at)
    _forget(entries)
    db.session.execute(delete_rows(WritingLink).where(WritingLink.patient_id == patient.id))
    for entry in entries:
        db.session.delete(entry)
    return len(entries)


def add_file(
    entry: JournalEntry,
    kind: FileKind,
    *,
    file_id: UUID,
    state: FileState,
    about: Mapping[str, Any],
    at: datetime,
    key_id: UUID | None = None,
) -> EntryFile:
    """A place in the entry for a voice note or a picture; what it holds is sealed by `files.store`.

    The page chose the id, so that asking twice makes one. Hold the entry (`own_entry` with `to_change`), or
    it may be deleted meanwhile. A kind that is not shared yet stays private. Raises `NotThere` when the id
    is that of another entry's file. `key_id`: the key its content was sealed with already.
    """
    known = next((file for file in entry.files if file.id == file_id), None)
    if known is not None:
        return known
    if db.session.get(EntryFile, file_id) is not None:
        raise NotThere(queries.NOT_WRITTEN)
    file = EntryFile(id=file_id, kind=kind, state=state, made_at=at)
    if key_id is None:
        file.make_key()
    else:
        file.key_id = key_id
    file.about = dict(about)
    entry.files.append(file)
    db.session.flush()
    return file


def remove_file(file: EntryFile) -> None:
    """Remove a voice note or a picture for good: its key and what is stored of it too."""
    forget(keys=[file.key_id], files=file.storage_keys)
    file.entry.files.remove(file)


def comment(entry: JournalEntry, *, comment_id: UUID, text: str, actor: Actor, at: datetime) -> None:
    """Say something under a shared entry; the page chose the id, so that sending twice says it once.

    Raises `Invalid` while the entry is private: there is nobody to talk to, and the log would show it.
    """
    if entry.shared_at is None:
        raise Invalid("Share this entry first; then you and your care team can talk about it here.")
    if actor.id is None:
        raise TypeError("a comment needs its author")
    if db.session.get(Comment, comment_id) is not None:
        return
    with db.session.no_autoflush:  # sealing looks up the key while the comment is half made
        said = Comment(id=comment_id, entry=entry, author_id=actor.id, at=at, text=text)
    db.session.add(said)
    audit.record(Permission.COMMENT_WRITE, actor=actor, patient_id=entry.patient_id, subject=said)


def _begin(
    patient: Patient, entry_id: UUID, writing: Writing, at: datetime, version: int = 1
) -> JournalEntry | None:
    """A new entry, or None when another request began it in this moment."""
    entry = JournalEntry(
        id=entry_id, patient=patient, patient_id=patient.id, made_at=at, edited_at=at, version=version
    )
    entry.make_key()
    _put(entry, writing)
    try:
        with db.session.begin_nested():
            db.session.add(entry)
    except IntegrityError:
        return None
    return entry


def _rewrite(entry: JournalEntry, writing: Writing, version: int, at: datetime) -> JournalEntry:
    if entry.is_locked:
        raise Conflict(LOCKED)
    if writing == entry.writing:
        return entry
    if version != entry.version:
        raise Overwritten(CHANGED, text=entry.text, version=entry.version)
    _put(entry, writing)
    entry.edited_at = at
    entry.version += 1
    db.session.flush()
    return entry


def _put(entry: JournalEntry, writing: Writing) -> None:
    given = writing.ratings.given
    entry.text = writing.text
    entry.title = writing.title or None
    entry.tags = list(writing.tags) or None
    entry.mood_before, entry.mood_after = given.pop("mood_before", None), given.pop("mood_after", None)
    entry.rated = given or None
    entry.session_id = writing.session_id
    entry.moment_s = writing.moment_s if writing.session_id else None
    entry.phase = (writing.phase or None) if writing.session_id else None


def _forget(entries: Sequence[JournalEntry]) -> None:
    files = [file for entry in entries for file in entry.files]
    keys = [entry.key_id for entry in entries if entry.key_id is not None]
    forget(
        keys=[*keys, *(file.key_id for file in files)],
        files=[key for file in files for key in file.storage_keys],
    )


def _record_sharing(entry: JournalEntry, actor: Actor) -> None:
    audit.record(Permission.JOURNAL_SHARE, actor=actor, patient_id=entry.patient_id, subject=entry)
