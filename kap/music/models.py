from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model, choice
from kap.music.finding import search_text


class TrackState(StrEnum):
    WAITING = "waiting"  # stored, or to be rendered from its recipe; not measured yet
    READY = "ready"
    REFUSED = "refused"  # not usable as music; `problem` says why


class Vocals(StrEnum):
    NONE = "none"
    WORDLESS = "wordless"  # voices without words
    WORDS = "words"


class Pulse(StrEnum):
    """How the tempo feels, which is not how fast it can be counted."""

    NONE = "none"
    SLOW = "slow"
    MODERATE = "moderate"
    FAST = "fast"


class Familiarity(StrEnum):
    UNFAMILIAR = "unfamiliar"
    SOME = "some"  # some patients will know it
    WELL_KNOWN = "well_known"


class Track(Model):
    """One piece of music in a practice's library."""

    __tablename__ = "track"
    __table_args__ = (
        UniqueConstraint("practice_id", "digest"),  # the same content is one track, whatever its name
        Index("ix_track_practice_state", "practice_id", "state"),
    )

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    state: Mapped[TrackState] = mapped_column(choice(TrackState), default=TrackState.WAITING)
    problem: Mapped[str | None] = mapped_column(String(300))
    file_name: Mapped[str] = mapped_column(String(200))  # as uploaded, for people; never a path
    title: Mapped[str] = mapped_column(String(200))
    artist: Mapped[str] = mapped_column(String(200), default="")
    album: Mapped[str] = mapped_column(String(200), default="")
    isrc: Mapped[str] = mapped_column(String(20), default="")  # identifiers, for lists from elsewhere
    recording_mbid: Mapped[str] = mapped_column(String(36), default="")
    licence: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(String(300), default="")
    intensity: Mapped[float | None]  # 0 to 1, a person's judgement
    # The rest of a person's judgement; None wherever nobody has said anything yet.
    valence: Mapped[float | None]  # 0 heavy to 1 light
    vocals: Mapped[Vocals | None] = mapped_column(choice(Vocals))
    language: Mapped[str] = mapped_column(String(60), default="")  # of the words, as a person writes it
    pulse: Mapped[Pulse | None] = mapped_column(choice(Pulse))
    culture: Mapped[str | None] = mapped_column(String(200))  # religious or cultural content; empty: none
    familiarity: Mapped[Familiarity | None] = mapped_column(choice(Familiarity))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)  # styles, in the practice's own words
    # What a search and the order by title go by: SQLite knows no capitals but A to Z.
    search_text: Mapped[str] = mapped_column(Text, default="", deferred=True)
    recipe: Mapped[str | None] = mapped_column(String(60))  # slug of the recipe it is rendered from
    recipe_made: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # a varied recipe, whole
    digest: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the file
    file_key: Mapped[str | None] = mapped_column(String(80))
    file_bytes: Mapped[int | None]
    codec: Mapped[str | None] = mapped_column(String(30))
    duration_s: Mapped[float | None]
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    lead_silence_s: Mapped[float | None]
    trail_silence_s: Mapped[float | None]
    loudness_range_lu: Mapped[float | None]
    short_term_max_lufs: Mapped[float | None]
    startles_s: Mapped[list[float] | None] = mapped_column(JSON)  # moments of sudden rises
    brightness_hz: Mapped[float | None]
    onsets_per_s: Mapped[float | None]
    clipped_share: Mapped[float | None]  # of the samples, cut off at full scale
    # See kap.audio.measure. Thousands of bytes that only a track's own page wants.
    peaks: Mapped[bytes | None] = mapped_column(deferred=True)
    levels: Mapped[bytes | None] = mapped_column(deferred=True)
    added_at: Mapped[datetime]
    added_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)  # raised by a person's edit, not by a measurement

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


@event.listens_for(Track, "before_insert")
@event.listens_for(Track, "before_update")
def _keep_findable(_mapper: object, _connection: object, track: Track) -> None:
    titles = (track.title, track.artist, track.album, track.file_name)
    track.search_text = search_text(
        (title or "" for title in titles), language=track.language or "", styles=track.tags or ()
    )


class PracticeArc(Model):
    """An arc that a practice drew itself."""

    __tablename__ = "practice_arc"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    route: Mapped[str] = mapped_column(String(20))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)  # see kap.music.arcs
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class VoiceClip(Model):
    """Spoken guidance in a therapist's own voice, to be laid over music."""

    __tablename__ = "voice_clip"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), index=True)
    state: Mapped[TrackState] = mapped_column(choice(TrackState), default=TrackState.WAITING)
    problem: Mapped[str | None] = mapped_column(String(300))
    title: Mapped[str] = mapped_column(String(120))
    recorded_key: Mapped[str] = mapped_column(String(80))  # as it came from the microphone or the file
    clip_key: Mapped[str | None] = mapped_column(String(80))  # trimmed, levelled and faded
    edit: Mapped[dict[str, Any]] = mapped_column(JSON)  # how it was trimmed and faded: see kap.audio.clips
    duration_s: Mapped[float | None]
    peaks: Mapped[bytes | None] = mapped_column(deferred=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class Playlist(Model):
    """An order of tracks and silences for one arc and one length, with spoken guidance over it."""

    __tablename__ = "playlist"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    arc: Mapped[str] = mapped_column(String(60))  # slug of a file in playlists/, or the id of a PracticeArc
    # The arc as it was then: a later edit of it, or another version of Kap, leaves this playlist as it is.
    arc_as_built: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    length_s: Mapped[int]  # of the programme; calm music for `surplus_s` more follows it
    surplus_s: Mapped[int] = mapped_column(default=0)
    avoid: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # what must not appear: see builder
    seed: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    # Raised by every change of what is heard, so that a mix knows whether it is current; not by a new name.
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    places: Mapped[list["PlaylistTrack"]] = relationship(
        order_by="PlaylistTrack.position", cascade="all, delete-orphan", back_populates="playlist"
    )
    voices: Mapped[list["PlaylistVoice"]] = relationship(
        order_by="PlaylistVoice.at_s", cascade="all, delete-orphan", back_populates="playlist"
    )


class PlaylistTrack(Model):
    """One place in a playlist: a track, or silence of a length."""

    __tablename__ = "playlist_track"
    __table_args__ = (
        Index("ix_playlist_track_playlist", "playlist_id", "position"),
        CheckConstraint("(track_id IS NULL) <> (silence_s IS NULL)", name="track_or_silence"),
    )

    playlist_id: Mapped[UUID] = mapped_column(ForeignKey("playlist.id", ondelete="CASCADE"))
    track_id: Mapped[UUID | None] = mapped_column(ForeignKey("track.id"), index=True)
    silence_s: Mapped[float | None]
    position: Mapped[int]
    pinned_at_s: Mapped[float | None]  # second of the music at which it has to begin

    playlist: Mapped[Playlist] = relationship(back_populates="places")
    track: Mapped[Track | None] = relationship()


class PlaylistVoice(Model):
    """Spoken guidance that begins at a second of the music, which is lowered under it."""

    __tablename__ = "playlist_voice"

    playlist_id: Mapped[UUID] = mapped_column(ForeignKey("playlist.id", ondelete="CASCADE"), index=True)
    clip_id: Mapped[UUID] = mapped_column(ForeignKey("voice_clip.id"), index=True)
    at_s: Mapped[float]

    playlist: Mapped[Playlist] = relationship(back_populates="voices")
    clip: Mapped[VoiceClip] = relationship()


class MixState(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Mix(Model):
    """A playlist rendered into one continuous file, in two formats. Never changed once ready."""

    __tablename__ = "mix"
    __table_args__ = (Index("ix_mix_playlist_made", "playlist_id", "made_at"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    playlist_id: Mapped[UUID] = mapped_column(ForeignKey("playlist.id", ondelete="CASCADE"))
    playlist_order: Mapped[int]  # the playlist's version it was rendered from
    state: Mapped[MixState] = mapped_column(choice(MixState), default=MixState.WAITING)
    problem: Mapped[str | None] = mapped_column(String(300))
    length_s: Mapped[int]
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what plays when: see kap.music.rules
    opus_key: Mapped[str | None] = mapped_column(String(80))
    m4a_key: Mapped[str | None] = mapped_column(String(80))
    flac_key: Mapped[str | None] = mapped_column(String(80))  # for keeping, when somebody asked for it
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    # What was found when the finished file was listened to again: see kap.audio.scan.
    scan: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    levels: Mapped[bytes | None] = mapped_column(deferred=True)
    made_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]

    playlist: Mapped[Playlist] = relationship()

    @property
    def is_current(self) -> bool:
        """Whether the playlist still sounds like this."""
        return self.playlist_order == self.playlist.version
