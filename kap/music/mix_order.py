"""A playlist as the engine wants it: read in one moment and then free of the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from kap.accounts.models import Practice
from kap.audio.plan import Element, MixPlan, Piece, Silence, Surplus, Voice, phase_target_lufs, plan_mix
from kap.audio.store import PacketStore
from kap.audio.tags import Chapter, Tags
from kap.config import current_config
from kap.db import db
from kap.music import playlist_queries
from kap.music.builder import Build, Place
from kap.music.builder.joints import leads_into_peak
from kap.music.models import Mix, Playlist, PlaylistTrack, PlaylistVoice, Pulse, Track
from kap.music.rules import Heard, Named

SURPLUS_CHAPTER = "Calm music"


@dataclass(frozen=True)
class Sound:
    """What a track brings to a mix."""

    key: str
    digest: str
    named: Named
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float
    rhythmic: bool

    def piece(self, path: Path, target_lufs: float) -> Piece:
        return Piece(
            path=path,
            duration_s=self.duration_s,
            loudness_lufs=self.loudness_lufs,
            true_peak_dbtp=self.true_peak_dbtp,
            lead_silence_s=self.lead_silence_s,
            trail_silence_s=self.trail_silence_s,
            target_lufs=target_lufs,
            rhythmic=self.rhythmic,
            title=self.named.title,
            digest=self.digest,
        )


@dataclass(frozen=True)
class Guidance:
    """A recorded voice, and when it begins."""

    key: str
    title: str
    at_s: float
    duration_s: float


@dataclass(frozen=True)
class Order:
    """What a mix is made from: `sounds` stand beside `build.places`, None for a silence."""

    version: int
    build: Build
    sounds: tuple[Sound | None, ...]
    voices: tuple[Guidance, ...]
    title: str
    practice: str

    @property
    def keys(self) -> list[str]:
        """The files it takes, each once."""
        used = [sound.key for sound in self.sounds if sound] + [voice.key for voice in self.voices]
        return list(dict.fromkeys(used))

    @property
    def tags(self) -> Tags:
        arc = self.build.arc
        chapters = [
            Chapter((phase.start_min - arc.start_min) * 60, phase.label or phase.name) for phase in arc.phases
        ]
        if self.build.surplus_s:
            chapters.append(Chapter(self.build.length_s, SURPLUS_CHAPTER))
        return Tags(self.title, self.practice, "", tuple(chapters))

    def heard(self) -> list[Heard]:
        """The places with the names that a plan is described with."""
        return [
            Heard(sound.named if sound else None, place)
            for sound, place in zip(self.sounds, self.build.places, strict=True)
        ]

    def plan(self, files: Sequence[Path]) -> MixPlan:
        """Lay it out; `files` are those of `keys`. Raises PlanError."""
        paths = dict(zip(self.keys, files, strict=True))
        elements = [self._element(number, paths) for number in range(len(self.sounds))]
        count = len(self.build.programme)
        return plan_mix(
            elements[:count],
            length_s=self.build.length_s,
            surplus=Surplus(tuple(elements[count:]), self.build.surplus_s) if self.build.surplus_s else None,
            voices=[
                Voice(paths[voice.key], voice.at_s, voice.duration_s, 0.0, voice.title, voice.key)
                for voice in self.voices
            ],
        )

    def _element(self, number: int, paths: dict[str, Path]) -> Element:
        place, sound = self.build.places[number], self.sounds[number]
        pin = place.start_s if place.is_pinned else None
        if sound is None:
            return Silence(place.end_s - place.start_s, pin)
        piece = sound.piece(paths[sound.key], phase_target_lufs(place.target_intensity))
        return replace(piece, into_peak=self._leads_into_peak(number), starts_at_s=pin)

    def _leads_into_peak(self, number: int) -> bool:
        if number == 0:
            return False
        before, place = self.build.places[number - 1], self.build.places[number]
        return leads_into_peak(
            self.build.arc, before_start_s=before.start_s, joint_s=place.start_s + place.crossfade_s
        )


def order_of(playlist: Playlist) -> Order:
    """The playlist as it stands, with everything loaded that is asked of it."""
    build = playlist_queries.laid_out(playlist)
    tracks = {str(place.track_id): place.track for place in playlist.places if place.track}
    practice = db.session.get_one(Practice, playlist.practice_id)
    return Order(
        version=playlist.version,
        build=build,
        sounds=tuple(_sound_at(place, tracks) for place in build.places),
        voices=tuple(_guidance(voice) for voice in playlist.voices),
        title=playlist.name,
        practice=practice.name,
    )


def playlist_of(mix: Mix) -> Playlist:
    """The playlist of a mix, whole and as it is now."""
    return db.session.scalars(
        select(Playlist)
        .where(Playlist.id == mix.playlist_id)
        .options(
            selectinload(Playlist.places).joinedload(PlaylistTrack.track),
            selectinload(Playlist.voices).joinedload(PlaylistVoice.clip),
        )
        .execution_options(populate_existing=True)
    ).one()


def packet_store() -> PacketStore:
    """Where this installation keeps what it has encoded."""
    config = current_config()
    return PacketStore(config.packets, most_bytes=config.packets_megabytes * 1_000_000)


def sound_of(track: Track) -> Sound:
    """A measured track."""
    return Sound(
        key=track.file_key or "",
        digest=track.digest or track.file_key or "",
        named=Named(track.title, track.artist),
        duration_s=track.duration_s or 0.0,
        loudness_lufs=track.loudness_lufs or 0.0,
        true_peak_dbtp=track.true_peak_dbtp or 0.0,
        lead_silence_s=track.lead_silence_s or 0.0,
        trail_silence_s=track.trail_silence_s or 0.0,
        rhythmic=track.pulse not in (None, Pulse.NONE),
    )


def _sound_at(place: Place, tracks: dict[str, Track]) -> Sound | None:
    return sound_of(tracks[place.candidate_id]) if place.candidate_id else None


def _guidance(voice: PlaylistVoice) -> Guidance:
    return Guidance(voice.clip.clip_key or "", voice.clip.title, voice.at_s, voice.clip.duration_s or 0.0)
