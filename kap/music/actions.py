"""Taking tracks into the library, describing, retiring and restoring them. None of these commits."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.audio.decode import Source
from kap.audio.errors import AudioError
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.recipes import RECIPES
from kap.db import db, transaction
from kap.jobs import queue
from kap.music import queries
from kap.music.models import Track, TrackState
from kap.music.rules import display_name, title_from
from kap.problems import Conflict, Invalid
from kap.storage import storage

FILE_KIND = "track"
RECIPE_LICENCE = "CC0 1.0"
RECIPE_SOURCE = "Made by Kap from a recipe"


@dataclass(frozen=True)
class Stored:
    """A file on its way in: either it lies in the storage under `key`, or `problem` says why not."""

    file_name: str
    problem: str | None = None
    digest: str = ""
    key: str = ""
    size: int = 0


@dataclass(frozen=True)
class Imported:
    """What became of one file: exactly one of the last three is set."""

    file_name: str
    track: Track | None = None
    duplicate_of: Track | None = None
    problem: str | None = None

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
    return Stored(name, digest=digest, key=storage().put(path, kind=FILE_KIND), size=path.stat().st_size)


def enter(stored: Stored, *, practice_id: UUID, actor: Actor, at: datetime) -> Imported:
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
        artist="",
        licence="",
        source="",
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


def import_file(path: Path, *, practice_id: UUID, actor: Actor, file_name: str, at: datetime) -> Imported:
    """Take one file into the library."""
    return enter(store(path, file_name=file_name), practice_id=practice_id, actor=actor, at=at)


def import_folder(path: Path, *, practice_id: UUID, actor: Actor, at: datetime) -> Iterator[Imported]:
    """Take in a file, or every file below a folder, for a command: each in a transaction of its own.

    Yields what became of each; hidden files are passed over.
    """
    for file in files_in(path):
        stored = store(file, file_name=file.name)
        with transaction():
            imported = enter(stored, practice_id=practice_id, actor=actor, at=at)
        yield imported


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files below a folder, in the order of their names."""
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
        _recipe_track(recipe, practice_id, actor, at) for recipe in recipes if recipe.slug not in present
    ]
    db.session.add_all(added)
    for track in added:
        queue.enqueue("music.render_recipe", practice_id=practice_id, about=track.id, track_id=track.id)
        audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)
    return added


@dataclass(frozen=True)
class Details:
    """What a person says of a track. `intensity` is 0 to 1, or None as long as nobody has judged it."""

    title: str
    artist: str
    licence: str
    source: str
    intensity: float | None


def describe(track: Track, *, details: Details, version: int, actor: Actor) -> None:
    """Change what is said of a track. Raises `Conflict` when someone else did since `version`."""
    if track.version != version:
        raise Conflict("Someone changed this track since you opened it. Yours is not saved yet.")
    if details.intensity is None and track.intensity is not None:
        raise Invalid("An intensity can be changed, not taken away: playlists may rely on it.")
    track.title, track.artist = details.title, details.artist
    track.licence, track.source = details.licence, details.source
    track.intensity = details.intensity
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


def _recipe_track(recipe: Recipe, practice_id: UUID, actor: Actor, at: datetime) -> Track:
    return Track(
        practice_id=practice_id,
        state=TrackState.WAITING,
        file_name=f"{recipe.slug}.flac",
        title=recipe.title,
        artist="Kap",
        licence=RECIPE_LICENCE,
        source=RECIPE_SOURCE,
        intensity=recipe.intensity,
        recipe=recipe.slug,
        duration_s=float(recipe.seconds),  # known before it is rendered, so that it can be planned with
        added_at=at,
        added_by_id=actor.id,
        version=1,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
