"""What music a patient likes and what must not be played: writing it down, and holding music against it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.music.builder import Avoid
from kap.music.models import Playlist, PlaylistTrack, PlaylistVoice
from kap.music.queries import candidate
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.sessions import queries
from kap.sessions.actions import SITTING
from kap.sessions.models import MusicWishes


@dataclass(frozen=True)
class Wishes:
    """Likes in words, and what must not appear."""

    likes: str = ""
    avoid: Avoid = Avoid()


@dataclass(frozen=True)
class Objection:
    """A piece that a playlist holds although it should not appear, and why not."""

    title: str
    reasons: tuple[str, ...]


def in_force(wishes: MusicWishes | None) -> Wishes:
    """What was written down; nothing where nothing was."""
    return Wishes(wishes.likes, Avoid.from_dict(wishes.no_gos)) if wishes else Wishes()


def write(patient: Patient, wanted: Wishes, *, version: int, actor: Actor, at: datetime) -> MusicWishes:
    """Write wishes down; `version` is 0 for the first time. The same again is no change.

    Raises `Conflict` when they were rewritten since `version`.
    """
    known = queries.wishes_of(patient)
    if known is not None and in_force(known) == wanted:
        return known
    if (known.version if known else 0) != version:
        raise Conflict("These wishes were changed somewhere else. What you entered is not saved yet.")
    if known is None:
        known = _first(patient, wanted, actor=actor, at=at)
        same_sitting = False
    else:
        same_sitting = known.written_by_id == actor.id and at - known.written_at < SITTING
        known.likes, known.no_gos = wanted.likes, wanted.avoid.as_dict()
        known.written_at, known.written_by_id = at, _person(actor)
        db.session.flush()
    if not same_sitting:
        audit.record(Permission.WISHES_WRITE, actor=actor, patient_id=patient.id, subject=known)
    return known


def objections(playlist_ids: Iterable[UUID], avoid: Avoid) -> dict[UUID, list[Objection]]:
    """What in these playlists must not appear, for those that hold any of it, in the order it plays."""
    if not avoid:
        return {}
    found = db.session.scalars(
        select(Playlist)
        .where(Playlist.id.in_(list(playlist_ids)))
        .options(
            selectinload(Playlist.places).joinedload(PlaylistTrack.track),
            selectinload(Playlist.voices).joinedload(PlaylistVoice.clip),
        )
    )
    held = {playlist.id: list(_objections(playlist, avoid)) for playlist in found}
    return {playlist_id: objections for playlist_id, objections in held.items() if objections}


def _objections(playlist: Playlist, avoid: Avoid) -> Iterable[Objection]:
    for track in dict.fromkeys(place.track for place in playlist.places if place.track):
        if reasons := avoid.objections(candidate(track)):
            yield Objection(track.title, reasons)
    if avoid.voices:
        yield from (Objection(voice.clip.title, ("it is spoken guidance",)) for voice in playlist.voices)


def _first(patient: Patient, wanted: Wishes, *, actor: Actor, at: datetime) -> MusicWishes:
    wishes = MusicWishes(
        patient=patient,
        patient_id=patient.id,
        likes=wanted.likes,
        no_gos=wanted.avoid.as_dict(),
        written_at=at,
        written_by_id=_person(actor),
    )
    try:
        with db.session.begin_nested():
            db.session.add(wishes)
    except IntegrityError as error:
        raise Conflict("These wishes were written somewhere else in the same moment.") from error
    return wishes


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise TypeError("wishes are written by a person")
    return actor.id
