from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from kap.access.actor import Actor
from kap.db import db
from kap.jobs.models import Job, JobState
from kap.music.arcs import arcs
from kap.music.builder import Build, Candidate, lay_out
from kap.music.models import Mix, MixState, Playlist, PlaylistTrack, Track, TrackState
from kap.problems import NotThere
from kap.web.paging import Page, read_page

_LIBRARY_ORDER = (
    Track.state != TrackState.WAITING,
    Track.intensity.is_not(None),
    func.lower(Track.title),
    Track.id,
)
# What the library offers: measured, and not retired.
_OFFERED = and_(Track.state == TrackState.READY, Track.retired_at.is_(None))
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


def library(actor: Actor, *, search: str = "", retired: bool = False, page: int = 1) -> Page[Track]:
    """One page of the library: first what is being worked on, then what lacks an intensity, then by title."""
    wanted = _matching(tracks_of(actor), search).where(
        Track.retired_at.is_not(None) if retired else Track.retired_at.is_(None)
    )
    return read_page(wanted.order_by(*_LIBRARY_ORDER), page)


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


def tracks_by_id(actor: Actor, track_ids: Iterable[UUID]) -> list[Track]:
    """Those of the given tracks that are the practice's."""
    return list(db.session.scalars(tracks_of(actor).where(Track.id.in_(list(track_ids)))))


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
    return _count(tracks_of(actor).where(_OFFERED, Track.intensity.is_(None)))


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
    )


def choices_for(
    actor: Actor, playlist: Playlist, *, near: float | None, search: str = "", page: int = 1
) -> Page[Track]:
    """Usable tracks that are not in the playlist yet, nearest to an intensity first, else by title."""
    inside = select(PlaylistTrack.track_id).where(PlaylistTrack.playlist_id == playlist.id)
    wanted = _matching(usable_tracks(actor), search).where(Track.id.not_in(inside))
    nearness = [func.abs(Track.intensity - near)] if near is not None else []
    return read_page(wanted.order_by(*nearness, func.lower(Track.title), Track.id), page)


def playlists_of(actor: Actor) -> list[Playlist]:
    """The practice's playlists, newest first, without their places."""
    return list(
        db.session.scalars(
            select(Playlist)
            .where(Playlist.practice_id == actor.practice_id)
            .order_by(Playlist.made_at.desc(), Playlist.name)
        )
    )


def playlist_for(actor: Actor, playlist_id: UUID) -> Playlist:
    """One of the practice's playlists with its places and tracks. Raises `NotThere`."""
    playlist = db.session.scalars(
        select(Playlist)
        .where(Playlist.id == playlist_id, Playlist.practice_id == actor.practice_id)
        .options(selectinload(Playlist.places).joinedload(PlaylistTrack.track))
    ).first()
    if playlist is None:
        raise NotThere("There is no such playlist in your practice.")
    return playlist


def place_in(playlist: Playlist, place_id: UUID) -> PlaylistTrack | None:
    return next((place for place in playlist.places if place.id == place_id), None)


def laid_out(playlist: Playlist) -> Build:
    """What the playlist sounds like as it stands: which track when, what the arc asks for there."""
    return lay_out(
        arcs()[playlist.arc],
        length_s=playlist.length_s,
        ordered=[candidate(place.track) for place in playlist.places],
    )


def ready_mix(playlist: Playlist) -> Mix | None:
    """The newest finished mix, which may be of an earlier order."""
    return mixes_of([playlist.id]).get(playlist.id)


def latest_mix(playlist: Playlist) -> Mix | None:
    """The newest mix in whatever state."""
    return db.session.scalars(
        select(Mix).where(Mix.playlist_id == playlist.id).order_by(Mix.made_at.desc(), Mix.id).limit(1)
    ).first()


def mixes_of(playlist_ids: Iterable[UUID]) -> dict[UUID, Mix]:
    """The newest finished mix of each of these playlists that has one."""
    newest = (
        select(
            Mix.id,
            func.row_number()
            .over(partition_by=Mix.playlist_id, order_by=(Mix.made_at.desc(), Mix.id))
            .label("age"),
        )
        .where(Mix.playlist_id.in_(list(playlist_ids)), Mix.state == MixState.READY)
        .subquery()
    )
    found = db.session.scalars(select(Mix).join(newest, newest.c.id == Mix.id).where(newest.c.age == 1))
    return {mix.playlist_id: mix for mix in found}


def mix_for(actor: Actor, mix_id: UUID) -> Mix:
    """One of the practice's mixes. Raises `NotThere`."""
    mix = db.session.scalars(
        select(Mix)
        .where(Mix.id == mix_id, Mix.practice_id == actor.practice_id)
        .options(joinedload(Mix.playlist))
    ).first()
    if mix is None:
        raise NotThere("There is no such mix in your practice.")
    return mix


def _matching(tracks: Select[Track], search: str) -> Select[Track]:
    """Tracks with every word of the search in title, artist or file name."""
    for word in search.split():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        columns = (Track.title, Track.artist, Track.file_name)
        tracks = tracks.where(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    return tracks


def _count(tracks: Select[Track]) -> int:
    return db.session.scalar(tracks.with_only_columns(func.count()).order_by(None)) or 0
