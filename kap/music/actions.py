"""Taking tracks into the library, describing, retiring and restoring them. None of these commits."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.audio.decode import Source
from kap.audio.errors import AudioError
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.recipes import RECIPES
from kap.db import db
from kap.jobs import queue
from kap.music import queries
from kap.music.finding import folded
from kap.music.models import Familiarity, Pulse, Track, TrackState, Vocals
from kap.music.preparing import prepare_later
from kap.music.recipe_tracks import shelf_track
from kap.music.rules import display_name, title_from
from kap.problems import Conflict, Invalid
from kap.storage import storage

FILE_KIND = "track"
CHANGED = "Someone changed this track since you opened it. Yours is not saved yet."


@dataclass(frozen=True)
class Stored:
    """A file on its way in: either it lies in the storage under `key`, or `problem` says why not."""

    file_name: str
    problem: str | None = None
    digest: str = ""
    key: str = ""
    size: int = 0


@dataclass(frozen=True)
class Origin:
    """What is known of where files come from, before anybody opens them."""

    licence: str = ""
    source: str = ""


UNKNOWN_ORIGIN = Origin()


@dataclass(frozen=True)
class Imported:
    """What became of one file: exactly one of the last three is set."""

    file_name: str
    track: Track | None = None
    duplicate_of: Track | None = None
    problem: str | None = None

    @property
    def outcome(self) -> str:
        """arrived, known or refused"""
        return "refused" if self.problem else "known" if self.duplicate_of else "arrived"

    @property
    def message(self) -> str:
        """A sentence for the person who sent the file; it names the file where that is not obvious."""
        if self.problem:
            return self.problem
        if self.duplicate_of:
            retired = ", which is retired" if self.duplicate_of.retired_at else ""
            return f"{self.file_name} is already in your library as “{self.duplicate_of.title}”{retired}."
        return f"{self.file_name} arrived and is being measured."


def store(path: Path, *, file_name: str) -> Stored:
    """Look at a file and keep a copy. Slow, and touches no row, so that no transaction waits for it."""
    name = display_name(file_name)
    try:
        with Source(path):
            digest = _digest(path)
    except AudioError as error:
        return Stored(name, problem=f"{name}: {error.reason}.")
    except OSError:
        return Stored(name, problem=f"{name}: this file could not be read.")
    return Stored(name, digest=digest, key=storage().put(path, kind=FILE_KIND), size=path.stat().st_size)


def enter(
    stored: Stored, *, practice_id: UUID, actor: Actor, at: datetime, origin: Origin = UNKNOWN_ORIGIN
) -> Imported:
    """Enter a stored file into the library and have it measured, or recognise what is there already."""
    if stored.problem:
        return Imported(stored.file_name, problem=stored.problem)
    known = queries.track_with(practice_id, stored.digest)
    if known is not None:
        return _known(stored, known)
    track = Track(
        practice_id=practice_id,
        state=TrackState.WAITING,
        file_name=stored.file_name,
        title=title_from(stored.file_name),
        licence=origin.licence,
        source=origin.source,
        digest=stored.digest,
        file_key=stored.key,
        file_bytes=stored.size,
        added_at=at,
        added_by_id=actor.id,
        version=1,
    )
    try:
        with db.session.begin_nested():
            db.session.add(track)
    except IntegrityError:  # the same file arrived twice in the same moment
        first = queries.track_with(practice_id, stored.digest)
        if first is None:
            raise
        return _known(stored, first)
    queue.enqueue("music.measure", practice_id=practice_id, about=track.id, track_id=track.id)
    audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)
    return Imported(stored.file_name, track=track)


def import_file(
    path: Path,
    *,
    practice_id: UUID,
    actor: Actor,
    file_name: str,
    at: datetime,
    origin: Origin = UNKNOWN_ORIGIN,
) -> Imported:
    """Take one file into the library."""
    stored = store(path, file_name=file_name)
    return enter(stored, practice_id=practice_id, actor=actor, at=at, origin=origin)


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files below a folder but the hidden ones, in the order of their names."""
    if not path.is_dir():
        return [path]
    inside = (file for file in path.rglob("*") if file.is_file())
    return sorted(
        file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def add_recipes(
    *, practice_id: UUID, actor: Actor, at: datetime, recipes: Iterable[Recipe] = RECIPES
) -> list[Track]:
    """Enter the tracks that Kap renders itself, except those that are there, and have them rendered."""
    present = queries.recipes_in(practice_id)
    added = [
        shelf_track(recipe, practice_id=practice_id, actor=actor, at=at)
        for recipe in recipes
        if recipe.slug not in present
    ]
    db.session.add_all(added)
    for track in added:
        queue.enqueue("music.render_recipe", practice_id=practice_id, about=track.id, track_id=track.id)
        audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)
    return added


def measure_again(*, practice_id: UUID, actor: Actor) -> int:
    """Have measured what an earlier version measured less of; returns how many tracks that are."""
    ids = queries.half_measured(actor)
    for track_id in ids:
        queue.enqueue("music.measure", practice_id=practice_id, about=track_id, track_id=track_id)
    return len(ids)


@dataclass(frozen=True)
class Rating:
    """How a person judges a track; None, or nothing in it, wherever nobody has said anything.

    `valence` is 0, heavy, to 1, light. `culture` names religious or cultural content; empty, there is none.
    """

    valence: float | None = None
    vocals: Vocals | None = None
    language: str = ""
    pulse: Pulse | None = None
    culture: str | None = None
    familiarity: Familiarity | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Details:
    """What a person says of a track. `intensity` is 0 to 1, or None as long as nobody has judged it."""

    title: str
    artist: str
    licence: str
    source: str
    intensity: float | None
    album: str = ""
    rating: Rating = Rating()


def describe(track: Track, *, details: Details, version: int, actor: Actor) -> None:
    """Change what is said of a track. Raises `Conflict` when someone else did since `version`."""
    if track.version != version:
        raise Conflict(CHANGED)
    if details.intensity is None and track.intensity is not None:
        raise Invalid("An intensity can be changed, not taken away: playlists may rely on it.")
    try:
        with db.session.begin_nested():
            _describe(track, details, actor)
    except StaleDataError as error:  # someone else's came first, in this moment
        raise Conflict(CHANGED) from error


def _describe(track: Track, details: Details, actor: Actor) -> None:
    track.title, track.artist, track.album = details.title, details.artist, details.album
    track.licence, track.source = details.licence, details.source
    track.intensity = details.intensity
    rating = details.rating
    for name in ("valence", "vocals", "pulse", "culture", "familiarity"):
        setattr(track, name, getattr(rating, name))
    track.language = rating.language if rating.vocals is Vocals.WORDS else ""
    track.tags = list(rating.tags)
    _changed(track, actor)


@dataclass(frozen=True)
class Change:
    """What to change in many tracks at once; whatever is not in `values` stays as it is.

    `values` are columns of `Track` that a person fills. Styles are added and removed by themselves.
    """

    values: Mapping[str, Any]
    add_style: str = ""
    remove_style: str = ""
    retired: bool | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.values or self.add_style or self.remove_style) and self.retired is None


@dataclass(frozen=True)
class ChangedMany:
    """How many tracks were changed, and those that somebody else had changed first and were left alone."""

    count: int
    stale: list[Track]


def change_many(
    tracks: Iterable[Track], change: Change, *, seen: Mapping[UUID, int], actor: Actor, at: datetime
) -> ChangedMany:
    """Change all of these tracks that still are as they were `seen`: a version for each track's id."""
    count, stale = 0, []
    for track in tracks:
        if track.version != seen.get(track.id):
            stale.append(track)
            continue
        _apply(change, track, at)
        _changed(track, actor)
        count += 1
    return ChangedMany(count, stale)


def _apply(change: Change, track: Track, at: datetime) -> None:
    for name, value in change.values.items():
        setattr(track, name, value)
    if track.vocals is not Vocals.WORDS:
        track.language = ""  # nothing is sung in it
    track.tags = _styles_after(change, track.tags)
    if change.retired is not None:
        track.retired_at = (track.retired_at or at) if change.retired else None


def _styles_after(change: Change, styles: Sequence[str]) -> list[str]:
    gone = {folded(style) for style in (change.add_style, change.remove_style) if style}
    kept = [style for style in styles if folded(style) not in gone]
    return [*kept, change.add_style] if change.add_style else kept


def _changed(track: Track, actor: Actor) -> None:
    if inspect(track).attrs.intensity.history.has_changes():
        prepare_later(track)
    track.version += 1
    audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)


def retire(track: Track, *, actor: Actor, at: datetime) -> None:
    """Take a track off the lists; playlists that hold it keep it, and `restore` undoes it."""
    track.retired_at = track.retired_at or at
    audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)


def restore(track: Track, *, actor: Actor) -> None:
    track.retired_at = None
    audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)


def _known(stored: Stored, known: Track) -> Imported:
    storage().delete(stored.key)
    if known.state is TrackState.REFUSED:
        return Imported(stored.file_name, problem=known.problem)
    return Imported(stored.file_name, duplicate_of=known)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
