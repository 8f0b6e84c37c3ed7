"""Making and changing playlists, and asking for their mixes. None of these commits."""

from datetime import datetime
from uuid import UUID

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.jobs import queue
from kap.music import queries
from kap.music.builder import Build
from kap.music.models import Mix, MixState, Playlist, PlaylistTrack, Track, TrackState
from kap.problems import Conflict, Invalid, NotThere


def make_playlist(build: Build, *, name: str, actor: Actor, at: datetime, seed: int = 0) -> Playlist:
    """Keep what the builder chose as a playlist."""
    playlist = Playlist(
        practice_id=actor.practice_id,
        name=name,
        arc=build.arc.slug,
        length_s=round(build.length_s),
        seed=seed,
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    playlist.places = [
        PlaylistTrack(track_id=UUID(place.candidate_id), position=position)
        for position, place in enumerate(build.places)
    ]
    db.session.add(playlist)
    db.session.flush()
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)
    return playlist


def rename(playlist: Playlist, *, name: str, version: int, actor: Actor) -> None:
    """Give another name. What is heard stays the same, so a mix stays current."""
    _expect(playlist, version)
    playlist.name = name
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def move(playlist: Playlist, place_id: UUID, *, by: int, version: int, actor: Actor) -> None:
    """Move a track up (`by` -1) or down (1); at the end of the list nothing happens."""
    _expect(playlist, version)
    place = _place(playlist, place_id)
    there = playlist.places.index(place) + by
    if not 0 <= there < len(playlist.places):
        return
    other = playlist.places[there]
    place.position, other.position = other.position, place.position
    _changed(playlist, actor)


def replace(playlist: Playlist, place_id: UUID, *, track: Track, version: int, actor: Actor) -> None:
    """Put another track into a place."""
    _expect(playlist, version)
    place = _place(playlist, place_id)
    _check_usable(playlist, track)
    place.track, place.track_id = track, track.id
    _changed(playlist, actor)


def remove(playlist: Playlist, place_id: UUID, *, version: int, actor: Actor) -> None:
    _expect(playlist, version)
    playlist.places.remove(_place(playlist, place_id))
    _number(playlist.places)
    _changed(playlist, actor)


def add(playlist: Playlist, *, track: Track, after: UUID | None, version: int, actor: Actor) -> None:
    """Put a track in after a place, or at the beginning when there is none to come after."""
    _expect(playlist, version)
    index = playlist.places.index(_place(playlist, after)) + 1 if after else 0
    _check_usable(playlist, track)
    place = PlaylistTrack(track_id=track.id, track=track, position=index)
    playlist.places.insert(index, place)
    _number(playlist.places)
    _changed(playlist, actor)


def request_mix(playlist: Playlist, *, actor: Actor, at: datetime) -> Mix:
    """Have the playlist rendered. A mix of this order that is there or on its way is returned instead."""
    newest = queries.latest_mix(playlist)
    if newest and newest.state is not MixState.FAILED and newest.is_current:
        return newest
    if any(place.track.state is not TrackState.READY for place in playlist.places):
        raise Invalid("Some of its tracks are not ready yet. Render when they are.")
    if queries.laid_out(playlist).short_s > 0:
        raise Invalid("The tracks do not fill the length yet. Add a track, then render.")
    mix = Mix(
        practice_id=playlist.practice_id,
        playlist_id=playlist.id,
        playlist_order=playlist.version,
        state=MixState.WAITING,
        length_s=playlist.length_s,
        made_at=at,
    )
    db.session.add(mix)
    queue.enqueue("music.render_mix", practice_id=playlist.practice_id, about=mix.id, mix_id=mix.id)
    audit.record(Permission.MIX_RENDER, actor=actor, subject=mix)
    return mix


def _expect(playlist: Playlist, version: int) -> None:
    if playlist.version != version:
        raise Conflict("Someone changed this playlist since you opened it.")


def _place(playlist: Playlist, place_id: UUID) -> PlaylistTrack:
    place = queries.place_in(playlist, place_id)
    if place is None:
        raise NotThere("This track is no longer in the playlist.")
    return place


def _check_usable(playlist: Playlist, track: Track) -> None:
    if not queries.is_usable(track):
        raise Invalid(f"“{track.title}” cannot be used: it is retired, not measured, or has no intensity.")
    if any(place.track_id == track.id for place in playlist.places):
        raise Invalid(f"“{track.title}” is already in this playlist.")


def _changed(playlist: Playlist, actor: Actor) -> None:
    playlist.version += 1
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def _number(places: list[PlaylistTrack]) -> None:
    for position, place in enumerate(places):
        place.position = position
