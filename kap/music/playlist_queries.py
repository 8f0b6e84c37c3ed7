"""Playlists, their mixes, arcs that a practice drew, and recorded voices: always of who asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from kap.access.actor import Actor
from kap.audio.plan import MAX_BOOST_DB, phase_target_lufs
from kap.db import db
from kap.music import queries
from kap.music.arcs import Arc, arc_from, arcs
from kap.music.builder import Build, Element, Pin, Silence, lay_out
from kap.music.models import (
    Mix,
    MixState,
    Playlist,
    PlaylistTrack,
    PlaylistVoice,
    PracticeArc,
    Track,
    VoiceClip,
)
from kap.problems import NotThere
from kap.web.paging import Page, read_page


def choices_for(
    actor: Actor, playlist: Playlist, *, near: float | None, search: str = "", page: int = 1
) -> Page[Track]:
    """Usable tracks that are not in the playlist yet, nearest to an intensity first, else by title."""
    inside = select(PlaylistTrack.track_id).where(
        PlaylistTrack.playlist_id == playlist.id,
        PlaylistTrack.track_id.is_not(None),  # nothing is outside of what holds a NULL
    )
    wanted = queries.matching(queries.usable_tracks(actor), search).where(Track.id.not_in(inside))
    nearness = [func.abs(Track.intensity - near)] if near is not None else []
    return read_page(wanted.order_by(*nearness, func.lower(Track.title), Track.id), page)


def playlists_of(actor: Actor, *, retired: bool = False) -> list[Playlist]:
    """The practice's playlists, newest first, without their places."""
    return list(
        db.session.scalars(
            select(Playlist)
            .where(
                Playlist.practice_id == actor.practice_id,
                Playlist.retired_at.is_not(None) if retired else Playlist.retired_at.is_(None),
            )
            .order_by(Playlist.made_at.desc(), Playlist.name)
        )
    )


def playlist_for(actor: Actor, playlist_id: UUID) -> Playlist:
    """One of the practice's playlists with its places and tracks. Raises `NotThere`."""
    playlist = db.session.scalars(
        select(Playlist)
        .where(Playlist.id == playlist_id, Playlist.practice_id == actor.practice_id)
        .options(
            selectinload(Playlist.places).joinedload(PlaylistTrack.track),
            selectinload(Playlist.voices).joinedload(PlaylistVoice.clip),
        )
    ).first()
    if playlist is None:
        raise NotThere("There is no such playlist in your practice.")
    return playlist


def place_in(playlist: Playlist, place_id: UUID) -> PlaylistTrack | None:
    return next((place for place in playlist.places if place.id == place_id), None)


def voice_in(playlist: Playlist, voice_id: UUID) -> PlaylistVoice | None:
    return next((voice for voice in playlist.voices if voice.id == voice_id), None)


def arc_of(playlist: Playlist) -> Arc:
    """The arc the playlist was made from, as it was then."""
    if playlist.arc_as_built is not None:
        return arc_from(playlist.arc_as_built, slug=playlist.arc, as_built=True)
    return arcs()[playlist.arc]


def laid_out(playlist: Playlist) -> Build:
    """What the playlist sounds like as it stands: what when, and what the arc asks for there."""
    return lay_out(
        arc_of(playlist),
        length_s=playlist.length_s,
        surplus_s=playlist.surplus_s,
        ordered=[element(place) for place in playlist.places],
        pinned={
            index: place.pinned_at_s
            for index, place in enumerate(playlist.places)
            if place.pinned_at_s is not None
        },
    )


def heard(playlist: Playlist, laid: Build) -> list[int | None]:
    """For each place of the playlist, which of `laid.places` it is; None for one that is not heard."""
    indices: list[int | None] = []
    ahead = 0
    for place in playlist.places:
        wanted = str(place.track_id) if place.track_id else None
        is_next = ahead < len(laid.chosen) and laid.chosen[ahead].candidate_id == wanted
        indices.append(ahead if is_next else None)
        ahead += is_next
    return indices


@dataclass(frozen=True)
class Bed:
    """The music at a second of a playlist: its file, the second of that file, and its gain."""

    file_key: str
    at_s: float
    gain_db: float


def bed_at(playlist: Playlist, at_s: float) -> Bed | None:
    """What is heard under a voice; None in silence, and where the track has no file."""
    laid = laid_out(playlist)
    tracks = {str(place.track_id): place.track for place in playlist.places if place.track}
    sounding = [place for place in laid.places if place.start_s <= at_s < place.end_s]
    track = tracks.get(sounding[-1].candidate_id or "") if sounding else None
    if track is None or track.file_key is None or track.loudness_lufs is None:
        return None
    place = sounding[-1]
    gain_db = min(phase_target_lufs(place.target_intensity) - track.loudness_lufs, MAX_BOOST_DB)
    return Bed(track.file_key, (track.lead_silence_s or 0.0) + at_s - place.start_s, gain_db)


def element(place: PlaylistTrack) -> Element:
    """A place as the builder lays it out."""
    if place.track is None:
        return Silence(place.silence_s or 0.0)
    return queries.candidate(place.track)


def pins_of(playlist: Playlist) -> list[Pin]:
    """The places that have to begin at a second, in their order."""
    return [
        Pin(
            candidate_id=str(place.track_id) if place.track_id else None,
            starts_at_s=place.pinned_at_s,
            silence_s=place.silence_s,
        )
        for place in playlist.places
        if place.pinned_at_s is not None
    ]


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


def arcs_for(actor: Actor) -> dict[str, Arc]:
    """Every arc a playlist may be made from: the practice's own by its id, then those that ship by slug."""
    own = {str(row.id): drawn(row) for row in practice_arcs(actor)}
    return {**own, **arcs()}


def practice_arcs(actor: Actor, *, retired: bool = False) -> list[PracticeArc]:
    """Arcs the practice drew itself, by their names."""
    return list(
        db.session.scalars(
            select(PracticeArc)
            .where(
                PracticeArc.practice_id == actor.practice_id,
                PracticeArc.retired_at.is_not(None) if retired else PracticeArc.retired_at.is_(None),
            )
            .order_by(func.lower(PracticeArc.title), PracticeArc.id)
        )
    )


def practice_arc_for(actor: Actor, arc_id: UUID) -> PracticeArc:
    """One of the practice's own arcs. Raises `NotThere`."""
    arc = db.session.scalars(
        select(PracticeArc).where(PracticeArc.id == arc_id, PracticeArc.practice_id == actor.practice_id)
    ).first()
    if arc is None:
        raise NotThere("There is no such arc in your practice.")
    return arc


def drawn(arc: PracticeArc) -> Arc:
    return arc_from(arc.definition, slug=str(arc.id))


def voices_of(actor: Actor, *, retired: bool = False) -> list[VoiceClip]:
    """The practice's recorded guidance, by its names."""
    return list(
        db.session.scalars(
            select(VoiceClip)
            .where(
                VoiceClip.practice_id == actor.practice_id,
                VoiceClip.retired_at.is_not(None) if retired else VoiceClip.retired_at.is_(None),
            )
            .order_by(func.lower(VoiceClip.title), VoiceClip.id)
        )
    )


def voice_for(actor: Actor, clip_id: UUID) -> VoiceClip:
    """One of the practice's recordings. Raises `NotThere`."""
    clip = db.session.scalars(
        select(VoiceClip).where(VoiceClip.id == clip_id, VoiceClip.practice_id == actor.practice_id)
    ).first()
    if clip is None:
        raise NotThere("There is no such recording in your practice.")
    return clip


def playlists_with(clip: VoiceClip) -> list[Playlist]:
    """Where a recording is heard."""
    inside = select(PlaylistVoice.playlist_id).where(PlaylistVoice.clip_id == clip.id)
    return list(db.session.scalars(select(Playlist).where(Playlist.id.in_(inside)).order_by(Playlist.name)))
