"""Making and changing playlists, and asking for their mixes. None of these commits."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.jobs import queue
from kap.jobs.models import JobState
from kap.music import arrangement, playlist_queries, queries
from kap.music.arcs import Arc
from kap.music.arrangement import LONGEST_SILENCE_S, Wanted
from kap.music.builder import Avoid, Build, Candidate, Place, lay_out
from kap.music.models import (
    Mix,
    MixState,
    Playlist,
    PlaylistTrack,
    PlaylistVoice,
    Track,
    TrackState,
    VoiceClip,
)
from kap.problems import Conflict, Invalid, NotThere

NAME_LENGTH = 120


def make_playlist(
    build: Build, *, name: str, actor: Actor, at: datetime, seed: int = 0, avoid: Avoid | None = None
) -> Playlist:
    """Keep what the builder chose as a playlist."""
    playlist = Playlist(
        practice_id=actor.practice_id,
        name=name,
        arc=build.arc.slug,
        arc_as_built=build.arc.as_dict(),
        length_s=round(build.length_s),
        surplus_s=round(build.surplus_s),
        avoid=(avoid or Avoid()).as_dict(),
        seed=seed,
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    playlist.places = _places_of(build)
    return _entered(playlist, actor)


def make_from_list(
    wanted: Sequence[Wanted],
    *,
    tracks: Mapping[UUID, Track],
    arc: Arc,
    minutes: float | None,
    surplus_s: float,
    name: str,
    actor: Actor,
    at: datetime,
) -> Playlist:
    """Make a playlist of places in their order; without `minutes` it is as long as they are."""
    playlist = Playlist(
        practice_id=actor.practice_id,
        name=name,
        arc=arc.slug,
        length_s=0,
        surplus_s=round(surplus_s),
        avoid=Avoid().as_dict(),
        seed=0,
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    _check(playlist, wanted, tracks)
    playlist.places = [
        PlaylistTrack(
            track=tracks[one.track_id] if one.track_id else None,
            track_id=one.track_id,
            silence_s=one.silence_s,
            position=position,
            pinned_at_s=one.pinned_at_s,
        )
        for position, one in enumerate(wanted)
    ]
    playlist.length_s = round(60 * minutes) if minutes else _length_of(playlist.places, arc)
    playlist.arc_as_built = arc.fitted(playlist.length_s / 60).as_dict()
    return _entered(playlist, actor)


def rename(playlist: Playlist, *, name: str, version: int, actor: Actor) -> None:
    """Give another name. What is heard stays the same, so a mix stays current."""
    _expect(playlist, version)
    playlist.name = name
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def duplicate(playlist: Playlist, *, actor: Actor, at: datetime) -> Playlist:
    """The same once more under another name, to be changed without touching the first."""
    copy = Playlist(
        practice_id=playlist.practice_id,
        name=f"{playlist.name[: NAME_LENGTH - 7]}, copied",
        arc=playlist.arc,
        arc_as_built=playlist.arc_as_built,
        length_s=playlist.length_s,
        surplus_s=playlist.surplus_s,
        avoid=playlist.avoid,
        seed=playlist.seed,
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    copy.places = [
        PlaylistTrack(
            track_id=place.track_id,
            silence_s=place.silence_s,
            position=place.position,
            pinned_at_s=place.pinned_at_s,
        )
        for place in playlist.places
    ]
    copy.voices = [PlaylistVoice(clip_id=voice.clip_id, at_s=voice.at_s) for voice in playlist.voices]
    return _entered(copy, actor)


def retire(playlist: Playlist, *, actor: Actor, at: datetime) -> None:
    """Offer it no longer; sessions that hold it keep it, and `restore` undoes it."""
    playlist.retired_at = playlist.retired_at or at
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def restore(playlist: Playlist, *, actor: Actor) -> None:
    playlist.retired_at = None
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def arrangement_of(playlist: Playlist) -> list[Wanted]:
    """Its places as `arrange` takes them."""
    return [Wanted(place.track_id, place.silence_s, place.pinned_at_s) for place in playlist.places]


def arrange(
    playlist: Playlist,
    wanted: Sequence[Wanted],
    *,
    tracks: Mapping[UUID, Track],
    version: int,
    actor: Actor,
) -> None:
    """Have exactly these places in this order; `tracks` are those wanted that the practice has."""
    _expect(playlist, version)
    _check(playlist, wanted, tracks)
    left = list(playlist.places)
    places = []
    for position, one in enumerate(wanted):
        place = _taken(left, one) or PlaylistTrack(
            track_id=one.track_id,
            track=tracks[one.track_id] if one.track_id else None,
            silence_s=one.silence_s,
        )
        place.position, place.pinned_at_s = position, one.pinned_at_s
        places.append(place)
    playlist.places = places
    _changed(playlist, actor)


def move(playlist: Playlist, place_id: UUID, *, by: int, version: int, actor: Actor) -> None:
    """Move a place up (`by` -1) or down (1); at the end of the list nothing happens."""
    _expect(playlist, version)
    here = playlist.places.index(_place(playlist, place_id))
    there = here + by
    if not 0 <= there < len(playlist.places):
        return
    wanted = arrangement_of(playlist)
    wanted[here], wanted[there] = wanted[there], wanted[here]
    _rearrange(playlist, wanted, actor)


def replace(playlist: Playlist, place_id: UUID, *, track: Track, version: int, actor: Actor) -> None:
    """Put another track into a place; a pinned place stays pinned."""
    _expect(playlist, version)
    place = _place(playlist, place_id)
    _check_usable(playlist, track)
    place.track, place.track_id, place.silence_s = track, track.id, None
    _changed(playlist, actor)


def remove(playlist: Playlist, place_id: UUID, *, version: int, actor: Actor) -> None:
    _expect(playlist, version)
    playlist.places.remove(_place(playlist, place_id))
    _number(playlist.places)
    _changed(playlist, actor)


def add(playlist: Playlist, *, track: Track, after: UUID | None, version: int, actor: Actor) -> None:
    """Put a track in after a place, or at the beginning when there is none to come after."""
    _expect(playlist, version)
    _check_usable(playlist, track)
    _insert(playlist, PlaylistTrack(track_id=track.id, track=track), after, actor)


def add_silence(
    playlist: Playlist, *, seconds: float, after: UUID | None, version: int, actor: Actor
) -> None:
    """Put silence of a length in after a place, or at the beginning."""
    _expect(playlist, version)
    if not 1 <= seconds <= LONGEST_SILENCE_S:
        raise Invalid(f"Silence lasts between 1 second and {LONGEST_SILENCE_S // 60} minutes.")
    _insert(playlist, PlaylistTrack(silence_s=float(seconds)), after, actor)


def pin(playlist: Playlist, place_id: UUID, *, at_s: float, version: int, actor: Actor) -> None:
    """Have a place begin at a second of the music, whatever is built around it."""
    _expect(playlist, version)
    place = _place(playlist, place_id)
    if not 0 <= at_s < playlist.length_s:
        raise Invalid("A piece can be pinned to any second of the programme.")
    wanted = arrangement_of(playlist)
    here = playlist.places.index(place)
    wanted[here] = Wanted(place.track_id, place.silence_s, round(at_s, 2))
    _rearrange(playlist, wanted, actor)


def unpin(playlist: Playlist, place_id: UUID, *, version: int, actor: Actor) -> None:
    _expect(playlist, version)
    _place(playlist, place_id).pinned_at_s = None
    _changed(playlist, actor)


def rebuild(playlist: Playlist, build: Build, *, seed: int, version: int, actor: Actor) -> None:
    """Take what the builder chose around the pinned places."""
    _expect(playlist, version)
    left = list(playlist.places)
    places = []
    for position, new in enumerate(_places_of(build)):
        place = _taken(left, Wanted(new.track_id, new.silence_s)) or new
        place.position, place.pinned_at_s = position, new.pinned_at_s
        places.append(place)
    playlist.places, playlist.seed = places, seed
    _changed(playlist, actor)


def lay_voice(playlist: Playlist, *, clip: VoiceClip, at_s: float, version: int, actor: Actor) -> None:
    """Have recorded guidance begin at a second of the music."""
    _expect(playlist, version)
    if clip.state is not TrackState.READY or clip.retired_at is not None:
        raise Invalid(f"“{clip.title}” cannot be used: it is retired or not ready.")
    end_s = at_s + (clip.duration_s or 0.0)
    if at_s < 0 or end_s > playlist.length_s + playlist.surplus_s:
        raise Invalid(f"“{clip.title}” has to begin and end while there is music.")
    for other in playlist.voices:
        if at_s < other.at_s + (other.clip.duration_s or 0.0) and other.at_s < end_s:
            raise Invalid(f"“{clip.title}” would be heard at the same time as “{other.clip.title}”.")
    playlist.voices.append(PlaylistVoice(clip_id=clip.id, clip=clip, at_s=at_s))
    _changed(playlist, actor)


def lift_voice(playlist: Playlist, voice_id: UUID, *, version: int, actor: Actor) -> None:
    """Take recorded guidance out again."""
    _expect(playlist, version)
    voice = playlist_queries.voice_in(playlist, voice_id)
    if voice is None:
        raise NotThere("This guidance is no longer in the playlist.")
    playlist.voices.remove(voice)
    _changed(playlist, actor)


def request_mix(playlist: Playlist, *, actor: Actor, at: datetime) -> Mix:
    """Have the playlist rendered. A mix of this order that is there or on its way is returned instead."""
    newest = playlist_queries.latest_mix(playlist)
    if newest and newest.state is not MixState.FAILED and newest.is_current:
        return newest
    check_playable(playlist)
    mix = Mix(
        practice_id=playlist.practice_id,
        playlist_id=playlist.id,
        playlist_order=playlist.version,
        state=MixState.WAITING,
        length_s=playlist.length_s + playlist.surplus_s,
        made_at=at,
    )
    db.session.add(mix)
    queue.enqueue("music.render_mix", practice_id=playlist.practice_id, about=mix.id, mix_id=mix.id)
    audit.record(Permission.MIX_RENDER, actor=actor, subject=mix)
    return mix


def request_flac(mix: Mix, *, actor: Actor) -> None:
    """Have a finished mix written once more without loss; once is enough."""
    if mix.state is not MixState.READY or not mix.is_current:
        raise Invalid("The playlist has changed since this mix was made. Render it again, then ask for FLAC.")
    job = queue.latest_about(mix.id, "music.render_flac")
    under_way = job is not None and job.state in (JobState.WAITING, JobState.RUNNING)
    if mix.flac_key is None and not under_way:
        queue.enqueue("music.render_flac", practice_id=mix.practice_id, about=mix.id, mix_id=mix.id)
        audit.record(Permission.MIX_RENDER, actor=actor, subject=mix)


def check_playable(playlist: Playlist) -> None:
    """Raise `Invalid` with what stands in the way of hearing it from beginning to end."""
    if any(place.track and place.track.state is not TrackState.READY for place in playlist.places):
        raise Invalid("Some of its tracks are not ready yet. Render when they are.")
    if any(voice.clip.state is not TrackState.READY for voice in playlist.voices):
        raise Invalid("Some of its guidance is not ready yet. Render when it is.")
    if playlist_queries.laid_out(playlist).short_s > 0:
        raise Invalid("The tracks do not fill the length yet. Add a track, then render.")


def _length_of(places: Sequence[PlaylistTrack], arc: Arc) -> int:
    """Whole seconds that these places last, their crossfades counted."""
    ordered = [playlist_queries.element(place) for place in places]
    longest_s = sum(
        element.duration_s if isinstance(element, Candidate) else element.length_s for element in ordered
    )
    return max(1, int(lay_out(arc, length_s=max(longest_s, 1.0), ordered=ordered).material_s))


def _entered(playlist: Playlist, actor: Actor) -> Playlist:
    db.session.add(playlist)
    db.session.flush()
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)
    return playlist


def _places_of(build: Build) -> list[PlaylistTrack]:
    return [
        PlaylistTrack(
            track_id=UUID(place.candidate_id) if place.candidate_id else None,
            silence_s=_silence_s(place),
            position=position,
            pinned_at_s=place.start_s if place.is_pinned else None,
        )
        for position, place in enumerate(build.chosen)
    ]


def _silence_s(place: Place) -> float | None:
    return None if place.candidate_id else round(place.end_s - place.start_s, 2)


def _expect(playlist: Playlist, version: int) -> None:
    if playlist.version != version:
        raise Conflict("Someone changed this playlist since you opened it.")


def _place(playlist: Playlist, place_id: UUID) -> PlaylistTrack:
    place = playlist_queries.place_in(playlist, place_id)
    if place is None:
        raise NotThere("This track is no longer in the playlist.")
    return place


def _check(playlist: Playlist, wanted: Sequence[Wanted], tracks: Mapping[UUID, Track]) -> None:
    """Raise unless every place can be what it is to be. What is in the playlist already may stay in it."""
    inside = {place.track_id for place in playlist.places}
    for one in wanted:
        if one.track_id is None:
            continue
        track = tracks.get(one.track_id)
        if track is None:
            raise NotThere("There is no such track in your library.")
        if track.id not in inside:
            _check_usable(playlist, track)
    if twice := arrangement.repeated(wanted):
        raise Invalid(f"“{tracks[twice].title}” is already in this playlist.")
    _check_pins(wanted, lambda one: tracks[one.track_id].title if one.track_id else "The silence")


def _check_pins(wanted: Sequence[Wanted], title: Callable[[Wanted], str]) -> None:
    if pair := arrangement.out_of_order(wanted):
        first, second = (title(one) for one in pair)
        raise Invalid(f"“{first}” is pinned to a later second than “{second}”. Unpin one of them first.")


def _check_usable(playlist: Playlist, track: Track) -> None:
    if not queries.is_usable(track):
        raise Invalid(f"“{track.title}” cannot be used: it is retired, not measured, or has no intensity.")
    if any(place.track_id == track.id for place in playlist.places):
        raise Invalid(f"“{track.title}” is already in this playlist.")


def _rearrange(playlist: Playlist, wanted: Sequence[Wanted], actor: Actor) -> None:
    """Another order or other pins of what is in the playlist already."""
    tracks = {place.track.id: place.track for place in playlist.places if place.track}
    arrange(playlist, wanted, tracks=tracks, version=playlist.version, actor=actor)


def _taken(left: list[PlaylistTrack], one: Wanted) -> PlaylistTrack | None:
    """The place that is this already, taken out of those that are left."""
    found = next(
        (place for place in left if (place.track_id, place.silence_s) == (one.track_id, one.silence_s)), None
    )
    if found is not None:
        left.remove(found)
    return found


def _insert(playlist: Playlist, place: PlaylistTrack, after: UUID | None, actor: Actor) -> None:
    index = playlist.places.index(_place(playlist, after)) + 1 if after else 0
    playlist.places.insert(index, place)
    _number(playlist.places)
    _changed(playlist, actor)


def _changed(playlist: Playlist, actor: Actor) -> None:
    playlist.version += 1
    audit.record(Permission.PLAYLIST_EDIT, actor=actor, subject=playlist)


def _number(places: list[PlaylistTrack]) -> None:
    for position, place in enumerate(places):
        place.position = position
