from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, Text, and_, cast, func, select
from sqlalchemy.orm import undefer

from kap.access.actor import Actor
from kap.db import db
from kap.jobs.models import Job, JobState
from kap.music.builder import Candidate
from kap.music.finding import BANDS, UNKNOWN, Wanted, folded, language_line, style_line
from kap.music.models import Track, TrackState
from kap.problems import NotThere
from kap.web.paging import Page, read_page

# Titles begin what a track is searched by, and are folded there.
_BY_TITLE = (Track.search_text, Track.id)
_ORDERS: dict[str, tuple[SQLColumnExpression[Any], ...]] = {
    "": (Track.state != TrackState.WAITING, Track.intensity.is_not(None)),
    "title": (),
    "artist": (func.lower(Track.artist),),
    "intensity": (Track.intensity.is_(None), Track.intensity),
    "length": (Track.duration_s.is_(None), Track.duration_s),
    "loudness": (Track.loudness_lufs.is_(None), Track.loudness_lufs),
    "newest": (Track.added_at.desc(),),
}
# What the library offers: measured, and not retired.
_OFFERED = and_(Track.state == TrackState.READY, Track.retired_at.is_(None))
MOST_VALUES = 10_000
TRACK_TASKS = ("music.measure", "music.render_recipe")


def tracks_of(actor: Actor) -> Select[Track]:
    """The practice's tracks: the only way to list them."""
    return select(Track).where(Track.practice_id == actor.practice_id)


def track_for(actor: Actor, track_id: UUID) -> Track:
    """One of the practice's tracks. Raises `NotThere`."""
    track = db.session.scalars(tracks_of(actor).where(Track.id == track_id)).first()
    if track is None:
        raise NotThere("There is no such track in your library.")
    return track


def track_with(practice_id: UUID, digest: str) -> Track | None:
    """The track of this content, if the practice has it."""
    return db.session.scalars(
        select(Track).where(Track.practice_id == practice_id, Track.digest == digest)
    ).first()


def recipes_in(practice_id: UUID) -> set[str]:
    """Slugs of the recipes the practice has a track of."""
    found = select(Track.recipe).where(Track.practice_id == practice_id, Track.recipe.is_not(None))
    return {slug for slug in db.session.scalars(found) if slug}


def library(actor: Actor, wanted: Wanted, *, page: int = 1) -> Page[Track]:
    """One page of what is wanted of the library, with the waves that its lines draw."""
    return read_page(_in_order(actor, wanted).options(undefer(Track.peaks)), page)


def library_ids(actor: Actor, wanted: Wanted) -> list[UUID]:
    """All of it, in the order of the pages."""
    return list(db.session.scalars(_in_order(actor, wanted).with_only_columns(Track.id)))


@dataclass(frozen=True)
class Neighbours:
    """The tracks beside one in a list, and its place from 1 on; 0 where it is not in the list."""

    before: UUID | None
    after: UUID | None
    position: int
    total: int


def neighbours(actor: Actor, wanted: Wanted, track: Track) -> Neighbours:
    ids = library_ids(actor, wanted)
    if track.id not in ids:
        return Neighbours(None, ids[0] if ids else None, 0, len(ids))
    at = ids.index(track.id)
    return Neighbours(
        ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None, at + 1, len(ids)
    )


def next_unjudged(actor: Actor, track: Track) -> UUID | None:
    """The next track by title that still needs an intensity, from the first again after the last."""
    unjudged = _unjudged(actor).where(Track.id != track.id)
    here = select(Track.search_text).where(Track.id == track.id).scalar_subquery()
    ordered = unjudged.order_by(Track.search_text <= here, *_BY_TITLE)
    return db.session.scalars(ordered.with_only_columns(Track.id).limit(1)).first()


@dataclass(frozen=True)
class OwnWords:
    """What a practice has written in its own words so far, each once, in alphabetical order."""

    languages: list[str]
    styles: list[str]


def own_words(actor: Actor) -> OwnWords:
    said = db.session.execute(
        tracks_of(actor)
        .where((Track.language != "") | _is_list(Track.tags))
        .with_only_columns(Track.language, Track.tags)
    ).all()
    languages = {folded(language): language for language, _ in said if language}
    styles = {folded(style): style for _, tags in said for style in tags}
    return OwnWords(
        [languages[key] for key in sorted(languages)],
        [styles[key] for key in sorted(styles)],
    )


def retired_count(actor: Actor) -> int:
    return _count(tracks_of(actor).where(Track.retired_at.is_not(None)))


def jobs_about(tracks: Iterable[Track]) -> dict[UUID, Job]:
    """The unfinished job of each track that waits, by the track's id."""
    waiting = [track.id for track in tracks if track.state is TrackState.WAITING]
    if not waiting:
        return {}
    jobs = db.session.scalars(
        select(Job)
        .where(
            Job.about.in_(waiting),
            Job.task.in_(TRACK_TASKS),
            Job.state.in_((JobState.WAITING, JobState.RUNNING)),
        )
        .order_by(Job.made_at)
    )
    return {job.about: job for job in jobs if job.about}


def tracks_by_id(actor: Actor, track_ids: Iterable[UUID], *, with_waves: bool = False) -> list[Track]:
    """Those of the given tracks that are the practice's, by title; with the waves that their lines draw."""
    ids = set(track_ids)
    wanted = _among(tracks_of(actor), ids).order_by(*_BY_TITLE)
    rows = db.session.scalars(wanted.options(undefer(Track.peaks)) if with_waves else wanted)
    return [track for track in rows if track.id in ids]


def tracks_to_change(actor: Actor, track_ids: Iterable[UUID]) -> list[Track]:
    """Those of the given tracks that are the practice's, held until the transaction ends."""
    ids = set(track_ids)
    wanted = _among(tracks_of(actor), ids).order_by(*_BY_TITLE).with_for_update()
    return [track for track in db.session.scalars(wanted) if track.id in ids]


def _among(tracks: Select[Track], ids: set[UUID]) -> Select[Track]:
    """A statement takes only so many values; of more, all tracks are read and the caller picks."""
    return tracks.where(Track.id.in_(ids)) if len(ids) <= MOST_VALUES else tracks


def library_totals(actor: Actor) -> tuple[int, float, int]:
    """(tracks that are measured and not retired, their seconds together, bytes of all track files)."""
    tracks, seconds, size = db.session.execute(
        select(
            func.count().filter(_OFFERED),
            func.sum(Track.duration_s).filter(_OFFERED),
            func.sum(Track.file_bytes),
        ).where(Track.practice_id == actor.practice_id)
    ).one()
    return tracks, float(seconds or 0.0), int(size or 0)


def usable_tracks(actor: Actor) -> Select[Track]:
    """Tracks a playlist may be made of: measured, not retired, and with an intensity."""
    return tracks_of(actor).where(_OFFERED, Track.intensity.is_not(None))


def is_usable(track: Track) -> bool:
    """The same of one track."""
    return track.state is TrackState.READY and track.retired_at is None and track.intensity is not None


def unjudged_count(actor: Actor) -> int:
    """Tracks that could be used if somebody said how intense they are."""
    return _count(_unjudged(actor))


def half_measured(actor: Actor) -> list[UUID]:
    """Tracks that an earlier version of Kap measured less of, and that nobody is measuring again."""
    at_work = select(Job.about).where(
        Job.about == Track.id,
        Job.task.in_(TRACK_TASKS),
        Job.state.in_((JobState.WAITING, JobState.RUNNING)),
    )
    wanted = tracks_of(actor).where(_OFFERED, Track.levels.is_(None), ~at_work.exists())
    return list(db.session.scalars(wanted.with_only_columns(Track.id)))


def candidates(actor: Actor) -> list[Candidate]:
    """Every usable track as the builder wants it."""
    return [candidate(track) for track in db.session.scalars(usable_tracks(actor).order_by(Track.id))]


def candidate(track: Track) -> Candidate:
    """A measured track as the builder wants it: silence at its ends is not music."""
    length = (track.duration_s or 0.0) - (track.lead_silence_s or 0.0) - (track.trail_silence_s or 0.0)
    return Candidate(
        id=str(track.id),
        title=track.title,
        duration_s=length,
        intensity=track.intensity or 0.0,
        vocals=track.vocals,
        language=track.language or "",  # not flushed yet, it has none of its defaults
        pulse=track.pulse,
        culture=track.culture,
        familiarity=track.familiarity,
        tags=tuple(track.tags or ()),
        loudness_range_lu=track.loudness_range_lu,
        startles=None if track.startles_s is None else len(track.startles_s),
        valence=track.valence,
        brightness_hz=track.brightness_hz,
    )


def matching(tracks: Select[Track], search: str) -> Select[Track]:
    """Tracks with every word of the search in title, artist, album, file name or style."""
    for word in folded(search).split():
        tracks = tracks.where(Track.search_text.contains(word, autoescape=True))
    return tracks


def _in_order(actor: Actor, wanted: Wanted) -> Select[Track]:
    tracks = matching(tracks_of(actor), wanted.q).where(
        Track.retired_at.is_not(None) if wanted.retired else Track.retired_at.is_(None),
        *(_CONDITIONS[name](value) for name, value in wanted.filters.items()),
    )
    return tracks.order_by(*_ORDERS[wanted.sort], *_BY_TITLE)


def _unjudged(actor: Actor) -> Select[Track]:
    return tracks_of(actor).where(_OFFERED, Track.intensity.is_(None))


def _of_intensity(value: str) -> ColumnElement[bool]:
    if value == UNKNOWN:
        return Track.intensity.is_(None)
    least, below = BANDS[value]
    return and_(Track.intensity >= least, Track.intensity < below)


def _said(column: SQLColumnExpression[Any]) -> Callable[[str], ColumnElement[bool]]:
    return lambda value: column.is_(None) if value == UNKNOWN else column == value


def _of_culture(value: str) -> ColumnElement[bool]:
    if value == UNKNOWN:
        return Track.culture.is_(None)
    return Track.culture == "" if value == "none" else Track.culture != ""


def _has_line(line: str) -> ColumnElement[bool]:
    return Track.search_text.contains(f"\n{line}\n", autoescape=True)


def _is_list(column: SQLColumnExpression[Any], *, empty: bool = False) -> ColumnElement[bool]:
    """Whether a JSON column holds a list with something in it, or one with nothing."""
    written = cast(column, Text)
    return written == "[]" if empty else and_(written.startswith("["), written != "[]")


_CONDITIONS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "intensity": _of_intensity,
    "vocals": _said(Track.vocals),
    "pulse": _said(Track.pulse),
    "familiarity": _said(Track.familiarity),
    "culture": _of_culture,
    "language": lambda value: _has_line(language_line(value)),
    "style": lambda value: _has_line(style_line(value)),
    "startles": lambda value: _is_list(Track.startles_s, empty=value == "none"),
    "licence": lambda value: Track.licence == "" if value == "missing" else Track.licence != "",
}


def _count(tracks: Select[Track]) -> int:
    return db.session.scalar(tracks.with_only_columns(func.count()).order_by(None)) or 0
