"""Playlists as lists for other programs, and lists from other programs as places of a playlist."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kap.access.actor import Actor
from kap.db import db
from kap.music import playlist_queries, queries
from kap.music.arrangement import LONGEST_SILENCE_S, Wanted, encode
from kap.music.builder import Place
from kap.music.exchange import Known, Listing, Match, identifiers, match
from kap.music.exchange import Wanted as Entry
from kap.music.models import Playlist, PlaylistTrack, Track, TrackState


@dataclass(frozen=True)
class Found:
    """What an entry came to. `choices` are (token, track): one, several that may be meant, or none."""

    entry: Entry
    choices: tuple[tuple[str, Track], ...] = ()
    silence: str = ""  # the token of a silence
    unjudged: tuple[Track, ...] = ()  # in the library, but not usable yet


def listing_of(playlist: Playlist, *, sound_file: str = "") -> Listing:
    """A playlist as a list: its places or, for the marks of a `sound_file`, what is heard when."""
    laid = playlist_queries.laid_out(playlist)
    tracks = {str(place.track_id): place.track for place in playlist.places if place.track}
    if sound_file:
        entries = [_heard(place, tracks.get(place.candidate_id or "")) for place in laid.places]
    else:
        entries = [_entry(place) for place in playlist.places]
    return Listing(
        title=playlist.name,
        entries=tuple(entries),
        arc=laid.arc.as_dict(),
        length_s=float(playlist.length_s),
        surplus_s=float(playlist.surplus_s),
        seed=playlist.seed,
        sound_file=sound_file,
    )


def found_in(actor: Actor, listing: Listing) -> list[Found]:
    """What each entry of a list is in the practice's library; a track stands for one entry at most."""
    wanted = queries.tracks_of(actor).where(Track.state == TrackState.READY, Track.retired_at.is_(None))
    library = {str(track.id): track for track in db.session.scalars(wanted)}
    sounding = [entry for entry in listing.entries if entry.silence_s is None]
    answers = iter(match(sounding, [_known(track) for track in library.values()]))
    taken: set[str] = set()
    found = []
    for entry in listing.entries:
        if entry.silence_s is None:
            found.append(_found(next(answers), library, taken))
        else:
            found.append(Found(entry, silence=_silence(entry)))
    return found


def _found(answer: Match, library: dict[str, Track], taken: set[str]) -> Found:
    free = [library[track_id] for track_id in answer.track_ids if track_id not in taken]
    usable = [track for track in free if queries.is_usable(track)]
    if len(usable) == 1:
        taken.add(str(usable[0].id))
    entry = answer.wanted
    return Found(
        entry,
        choices=tuple((_token(entry, track), track) for track in usable),
        unjudged=tuple(track for track in free if track not in usable),
    )


def _token(entry: Entry, track: Track) -> str:
    return encode([Wanted(track.id, pinned_at_s=entry.pinned_at_s)])


def _silence(entry: Entry) -> str:
    length = min(max(entry.silence_s or 1.0, 1.0), float(LONGEST_SILENCE_S))
    return encode([Wanted(silence_s=length, pinned_at_s=entry.pinned_at_s)])


def _entry(place: PlaylistTrack) -> Entry:
    if place.track is None:
        return Entry(title="Silence", silence_s=place.silence_s, pinned_at_s=place.pinned_at_s)
    return _named(place.track, pinned_at_s=place.pinned_at_s)


def _heard(place: Place, track: Track | None) -> Entry:
    if track is None:
        return Entry(title="Silence", silence_s=place.end_s - place.start_s, start_s=place.start_s)
    return _named(track, start_s=place.start_s)


def _named(track: Track, *, pinned_at_s: float | None = None, start_s: float | None = None) -> Entry:
    names = identifiers(recording_mbid=track.recording_mbid, isrc=track.isrc, digest=track.digest or "")
    return Entry(
        title=track.title,
        artist=track.artist,
        album=track.album,
        duration_s=track.duration_s,
        identifiers=names,
        pinned_at_s=pinned_at_s,
        start_s=start_s,
        intensity=track.intensity,
    )


def _known(track: Track) -> Known:
    return Known(
        id=str(track.id),
        title=track.title,
        artist=track.artist,
        album=track.album,
        duration_s=track.duration_s,
        isrc=track.isrc,
        recording_mbid=track.recording_mbid,
        digest=track.digest or "",
    )


def as_chosen(wanted: Sequence[Wanted], tracks: Mapping[UUID, Track]) -> list[Found]:
    """The same page again, once a person has chosen what each entry is."""
    found = []
    for one in wanted:
        track = tracks.get(one.track_id) if one.track_id else None
        if track is not None:
            found.append(Found(_named(track), choices=((encode([one]), track),)))
        elif one.silence_s:
            found.append(Found(Entry(silence_s=one.silence_s), silence=encode([one])))
    return found


def each_once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Places without a track that another of them holds already."""
    seen: set[UUID] = set()
    kept = []
    for one in wanted:
        if one.track_id is None or one.track_id not in seen:
            kept.append(one)
        if one.track_id:
            seen.add(one.track_id)
    return kept
