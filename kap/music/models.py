from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model, choice


class TrackState(StrEnum):
    WAITING = "waiting"  # stored, or to be rendered from its recipe; not measured yet
    READY = "ready"
    REFUSED = "refused"  # not usable as music; `problem` says why


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
    licence: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(String(300), default="")
    intensity: Mapped[float | None]  # 0 to 1, a person's judgement
    recipe: Mapped[str | None] = mapped_column(String(60))  # slug of the recipe it is rendered from
    digest: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the file
    file_key: Mapped[str | None] = mapped_column(String(80))
    file_bytes: Mapped[int | None]
    codec: Mapped[str | None] = mapped_column(String(30))
    duration_s: Mapped[float | None]
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    lead_silence_s: Mapped[float | None]
    trail_silence_s: Mapped[float | None]
    # See kap.audio.measure. Two thousand bytes that only a track's own page wants.
    peaks: Mapped[bytes | None] = mapped_column(deferred=True)
    added_at: Mapped[datetime]
    added_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)  # raised by a person's edit, not by a measurement

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class Playlist(Model):
    """An order of tracks for one arc and one length."""

    __tablename__ = "playlist"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    arc: Mapped[str] = mapped_column(String(60))  # slug of a file in playlists/
    length_s: Mapped[int]
    seed: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    # Raised by every change of what is heard, so that a mix knows whether it is current; not by a new name.
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    places: Mapped[list["PlaylistTrack"]] = relationship(
        order_by="PlaylistTrack.position", cascade="all, delete-orphan", back_populates="playlist"
    )


class PlaylistTrack(Model):
    """One place in a playlist."""

    __tablename__ = "playlist_track"
    __table_args__ = (Index("ix_playlist_track_playlist", "playlist_id", "position"),)

    playlist_id: Mapped[UUID] = mapped_column(ForeignKey("playlist.id", ondelete="CASCADE"))
    track_id: Mapped[UUID] = mapped_column(ForeignKey("track.id"), index=True)
    position: Mapped[int]

    playlist: Mapped[Playlist] = relationship(back_populates="places")
    track: Mapped[Track] = relationship()


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
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what plays when: see kap.music.tasks
    opus_key: Mapped[str | None] = mapped_column(String(80))
    m4a_key: Mapped[str | None] = mapped_column(String(80))
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    made_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]

    playlist: Mapped[Playlist] = relationship()

    @property
    def is_current(self) -> bool:
        """Whether the playlist still sounds like this."""
        return self.playlist_order == self.playlist.version
