from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Exists, Select, Uuid, exists, func, select, type_coerce
from sqlalchemy.orm import joinedload, selectinload

from kap.access.actor import Actor
from kap.access.audit import Event, Outcome
from kap.access.permissions import Permission, Tie
from kap.access.policy import allows
from kap.db import db
from kap.integration.models import Comment, EntryFile, EntryShare, JournalEntry
from kap.integration.rules import Member, Viewer
from kap.integration.visible import Visible
from kap.keys import key_store
from kap.patients import queries as patients
from kap.patients.models import CareTeamMember, Patient
from kap.problems import NotThere
from kap.sealed import load_keys, row_opener
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession

NOT_WRITTEN = "There is no such entry in your journal."
NOT_SHARED = "This entry is not here. It may no longer be shared."


def entries_visible_to(actor: Actor, patient: Patient, *, limit: int | None = None) -> list[Visible]:
    """The writer's own entries, what is shared with one of the care team, else none; newest first.

    Lists shown to the care team must not open `text`: the writer is told who opened what, entry by entry.
    """
    if actor.role is None:
        return []
    if writes(actor, patient):
        own = db.session.scalars(_newest_first(patient).limit(limit))
        return [Visible.to_writer(entry) for entry in _readable(own)]
    viewer = viewer_of(actor, patient)
    if viewer is None:
        return []
    shared = db.session.scalars(_newest_first(patient).where(JournalEntry.shares.any()))
    return _seen(viewer, _readable(shared))[:limit]


def own_entries(patient: Patient, entry_ids: Collection[UUID]) -> list[Visible]:
    """These of the writer's own entries, newest first; for a page of theirs that has looked for them."""
    if not entry_ids:
        return []
    found = db.session.scalars(_newest_first(patient).where(JournalEntry.id.in_(entry_ids)))
    return [Visible.to_writer(entry) for entry in _readable(found)]


class Words(NamedTuple):
    """What an entry says, to search in or list many at once. Its ids are those of thousands: still text."""

    entry_id: str
    made_at: datetime
    about: str | None  # a session
    title: str
    text: str
    tags: list[str]
    is_locked: bool

    @property
    def id(self) -> UUID:
        return UUID(self.entry_id)

    @property
    def session_id(self) -> UUID | None:
        return None if self.about is None else UUID(self.about)


def words_of(actor: Actor, patient: Patient) -> list[Words]:
    """The words of all the writer's own entries, newest first; of nobody else's.

    Two statements and no objects: 2,000 short entries are opened in some 50 ms of processor time.
    """
    if not writes(actor, patient):
        return []
    row, as_text = JournalEntry, Uuid(as_uuid=False)  # thousands of ids, of which a page needs a few
    found = db.session.execute(
        select(
            type_coerce(row.id, as_text).label("id"),
            type_coerce(row.key_id, as_text).label("key_id"),
            row.made_at,
            type_coerce(row.session_id, as_text).label("session_id"),
            row.title_sealed,
            row.text_sealed,
            row.tags_sealed,
            row.locked_sealed.is_not(None).label("is_locked"),
        )
        .where(row.patient_id == patient.id)
        .order_by(row.made_at.desc())
    ).all()
    names = [key_id and key_id.replace("-", "") for _, key_id, *_ in found]
    secrets: dict[str | None, bytes] = {}
    secrets.update(key_store().secrets_by_name([name for name in names if name]))
    if None in names:
        secrets[None] = patient.data_key.secret
    return [_words(each, secrets[name]) for each, name in zip(found, names, strict=True) if name in secrets]


def _words(row: Any, secret: bytes) -> Words:
    row_id, _, made_at, session_id, title, text, tags, is_locked = row
    opened = row_opener(secret, JournalEntry.__tablename__, row_id)
    return Words(
        row_id,
        made_at,
        session_id,
        opened("title_sealed", title) or "",
        opened("text_sealed", text),
        opened("tags_sealed", tags) or [],
        is_locked,
    )


def writes(actor: Actor, patient: Patient) -> bool:
    """Whether this is the actor's own journal."""
    tie = patients.tie(actor, patient)
    return actor.role is not None and tie is Tie.SELF and allows(actor.role, tie, Permission.JOURNAL_WRITE)


def viewer_of(actor: Actor, patient: Patient) -> Viewer | None:
    """The actor as someone who may see what the patient shares with them; None for anyone else."""
    if actor.role is None or actor.id is None or actor.practice_id != patient.practice_id:
        return None
    if not allows(actor.role, Tie.CARE_TEAM, Permission.JOURNAL_READ_SHARED):
        return None
    since = next(
        (member.joined_at for member in patients.team_of(patient) if member.user_id == actor.id), None
    )
    return None if since is None else Viewer(actor.id, since)


def new_shared(actor: Actor, since: datetime) -> list[Visible]:
    """Entries of the actor's caseload, shared with them since then, that they have not opened; newest first.

    A fixed number of statements, whatever the size of the caseload, with `patient` loaded.
    """
    if actor.role is None or actor.id is None:
        return []
    if not allows(actor.role, Tie.CARE_TEAM, Permission.JOURNAL_READ_SHARED):
        return []
    rows = db.session.execute(
        select(JournalEntry, CareTeamMember.joined_at)
        .join(
            CareTeamMember,
            (CareTeamMember.patient_id == JournalEntry.patient_id)
            & (CareTeamMember.user_id == actor.id)
            & CareTeamMember.left_at.is_(None),
        )
        .where(
            JournalEntry.patient_id.in_(patients.visible_to(actor).with_only_columns(Patient.id)),
            JournalEntry.shares.any(EntryShare.at >= since),
            ~_opened_by(actor),
        )
        .options(
            joinedload(JournalEntry.patient).joinedload(Patient.data_key),
            selectinload(JournalEntry.shares),
            selectinload(JournalEntry.files),
        )
    ).all()
    joined = {entry.id: joined_at for entry, joined_at in rows}
    found = [
        seen
        for entry in _readable(entry for entry, _ in rows)
        if (seen := Visible.to(Viewer(actor.id, joined[entry.id]), entry)) is not None
    ]
    fresh = [seen for seen in found if seen.shared_at is not None and seen.shared_at >= since]
    return sorted(fresh, key=_shared_at, reverse=True)


def opened_by(actor: Actor, patient: Patient) -> set[UUID]:
    """Which of the patient's entries the actor has opened, of those that are shared now."""
    return set(
        db.session.scalars(
            select(JournalEntry.id).where(
                JournalEntry.patient_id == patient.id, JournalEntry.shares.any(), _opened_by(actor)
            )
        )
    )


def awaits_entry(patient: Patient, at: datetime) -> DosingSession | None:
    """The latest session closed by `at`, if nothing was written about it or since.

    For the patient's own home only: to anyone else the answer would tell whether they wrote.
    """
    latest = sessions.latest_closed(patient)
    if latest is None or latest.closed_at is None or latest.closed_at > at:
        return None
    about_it = (JournalEntry.session_id == latest.id) | (JournalEntry.made_at >= latest.closed_at)
    written = select(exists().where(JournalEntry.patient_id == patient.id, about_it))
    return None if db.session.scalar(written) else latest


def entry_by(patient: Patient, entry_id: UUID) -> JournalEntry | None:
    """The patient's own entry, if it has been begun."""
    return _only(db.session.scalars(_with_thread(patient, entry_id, to_change=False)))


def own_entry(patient: Patient, entry_id: UUID, *, to_change: bool = False) -> JournalEntry:
    """The patient's own entry. Raises `NotThere`, for another's as for one that never was.

    `to_change` keeps others from changing it until the transaction ends.
    """
    entry = _only(db.session.scalars(_with_thread(patient, entry_id, to_change)))
    if entry is None:
        raise NotThere(NOT_WRITTEN)
    return entry


def shared_entry(actor: Actor, patient: Patient, entry_id: UUID, *, to_change: bool = False) -> Visible:
    """What the actor may see of an entry the patient shares with them.

    Raises `NotThere`, for a private one as for one that never was. `to_change` keeps it shared until the
    transaction ends.
    """
    entry = _only(db.session.scalars(_with_thread(patient, entry_id, to_change)))
    viewer = viewer_of(actor, patient)
    seen = Visible.to(viewer, entry) if viewer is not None and entry is not None else None
    if seen is None:
        raise NotThere(NOT_SHARED)
    return seen


def locked(entry_id: UUID) -> JournalEntry | None:
    """The entry as it stands now, whoever wrote it, kept from changing until the transaction ends."""
    return db.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.id == entry_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def openings_of(entry: JournalEntry) -> list[Event]:
    """Each time someone of the care team opened the entry or listened to something of it, latest first."""
    return list(
        db.session.scalars(
            select(Event)
            .where(
                Event.patient_id == entry.patient_id,
                Event.subject_id.in_([entry.id, *(file.id for file in entry.files)]),
                Event.outcome == Outcome.READ,
            )
            .order_by(Event.at.desc())
        )
    )


def has_read_since(actor: Actor, subject: JournalEntry | EntryFile, since: datetime) -> bool:
    """Whether a trace of the actor's reading it was left since then."""
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    Event.subject_id == subject.id,
                    Event.actor_id == actor.id,
                    Event.outcome == Outcome.READ,
                    Event.at >= since,
                )
            )
        )
    )


def check_writable(patient: Patient, entry_id: UUID) -> None:
    """Raises `NotThere` when the page is another's; one that nobody has begun is anybody's to begin."""
    found = db.session.scalar(select(JournalEntry.patient_id).where(JournalEntry.id == entry_id))
    if found not in (None, patient.id):
        raise NotThere(NOT_WRITTEN)


def own_file(patient: Patient, entry_id: UUID, file_id: UUID, *, to_change: bool = False) -> EntryFile:
    """A voice note or a picture of the patient's own entry, ready or not. Raises `NotThere`."""
    entry = own_entry(patient, entry_id, to_change=to_change)
    return _file_in(entry.files, file_id, NOT_WRITTEN)


def shared_file(actor: Actor, patient: Patient, entry_id: UUID, file_id: UUID) -> EntryFile:
    """One of a part that the patient shares with the actor, and that is ready. Raises `NotThere`."""
    return _file_in(shared_entry(actor, patient, entry_id).files, file_id, NOT_SHARED)


def everything_of(patient: Patient) -> list[JournalEntry]:
    """All of the patient's entries with their files, kept from changing until the transaction ends."""
    return list(
        db.session.scalars(
            select(JournalEntry)
            .where(JournalEntry.patient_id == patient.id)
            .options(
                selectinload(JournalEntry.files).selectinload(EntryFile.pieces),
                selectinload(JournalEntry.shares),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def count_of(patient: Patient) -> int:
    """How many entries the patient wrote. For their own pages only."""
    found = select(func.count()).select_from(JournalEntry).where(JournalEntry.patient_id == patient.id)
    return db.session.scalar(found) or 0


def team_of(patient: Patient) -> list[Member]:
    """Those with whom the patient can share, longest on the care team first."""
    return [
        Member(member.user_id, member.user.name, member.joined_at)
        for member in patients.team_of(patient)
        if member.user.closed_at is None
    ]


def _newest_first(patient: Patient) -> Select[JournalEntry]:
    return (
        select(JournalEntry)
        .where(JournalEntry.patient_id == patient.id)
        .options(
            joinedload(JournalEntry.patient).joinedload(Patient.data_key),
            joinedload(JournalEntry.session),
            selectinload(JournalEntry.comments),
            selectinload(JournalEntry.files),
            selectinload(JournalEntry.shares),
        )
        .order_by(JournalEntry.made_at.desc())
    )


def _with_thread(patient: Patient, entry_id: UUID, to_change: bool) -> Select[JournalEntry]:
    found = (
        select(JournalEntry)
        .where(JournalEntry.id == entry_id, JournalEntry.patient_id == patient.id)
        .options(
            selectinload(JournalEntry.comments).joinedload(Comment.author),
            selectinload(JournalEntry.files),
            selectinload(JournalEntry.shares),
        )
    )
    # Read anew when it is about to change, or what was taken back a moment ago would still seem shared.
    fresh = found.with_for_update().execution_options(populate_existing=True)
    return fresh if to_change else found


def _readable(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Those whose keys there are: in an older copy of the database lie entries that were deleted since."""
    found = list(entries)
    load_keys([*found, *(file for entry in found for file in entry.files)])
    return [entry for entry in found if not entry.has_lost_its_key]


def _only(found: Iterable[JournalEntry]) -> JournalEntry | None:
    return next(iter(_readable(found)), None)


def _file_in(files: Iterable[EntryFile], file_id: UUID, sentence: str) -> EntryFile:
    found = next((file for file in files if file.id == file_id and not file.has_lost_its_key), None)
    if found is None:
        raise NotThere(sentence)
    return found


def _seen(viewer: Viewer, entries: Iterable[JournalEntry]) -> list[Visible]:
    return [seen for entry in entries if (seen := Visible.to(viewer, entry)) is not None]


def _shared_at(seen: Visible) -> datetime:
    assert seen.shared_at is not None  # noqa: S101 - what someone else sees was shared with them
    return seen.shared_at


def _opened_by(actor: Actor) -> Exists:
    return (
        exists()
        .where(
            Event.patient_id == JournalEntry.patient_id,
            Event.subject_id == JournalEntry.id,
            Event.actor_id == actor.id,
            Event.outcome == Outcome.READ,
        )
        .correlate(JournalEntry)
    )
