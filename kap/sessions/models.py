from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.clock import now
from kap.db import Model, choice
from kap.music.models import Mix, Playlist
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed
from kap.sessions.rules import Outlet, Route, SessionState

__all__ = [
    "DosingSession",
    "Intention",
    "MusicWishes",
    "Outlet",
    "Route",
    "SessionDevice",
    "SessionNote",
    "SessionState",
    "UnreadyOpening",
]


class DosingSession(Model):
    """One planned, running or finished dosing session."""

    __tablename__ = "dosing_session"
    __table_args__ = (
        Index("ix_dosing_session_patient_state_at", "patient_id", "state", "planned_at"),
        # A person can be in one session at a time, whoever opens it and from wherever.
        Index(
            "uq_dosing_session_open",
            "patient_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    therapist_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    state: Mapped[SessionState] = mapped_column(choice(SessionState), default=SessionState.PLANNED)
    route: Mapped[Route] = mapped_column(choice(Route))
    planned_at: Mapped[datetime]
    playlist_id: Mapped[UUID | None] = mapped_column(ForeignKey("playlist.id", ondelete="SET NULL"))
    mix_id: Mapped[UUID | None] = mapped_column(ForeignKey("mix.id", ondelete="SET NULL"))  # from opening on
    opened_at: Mapped[datetime | None]
    music_started_at: Mapped[datetime | None]
    music_reached_s: Mapped[float | None]  # the furthest the player said it came, in seconds of the mix
    closed_at: Mapped[datetime | None]
    listening_allowed_at: Mapped[datetime | None]  # the patient may hear its music again, since then
    # Of the row; a calendar asks for it. None: not since this column is there.
    changed_at: Mapped[datetime | None] = mapped_column(default=now, onupdate=now)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    patient: Mapped[Patient] = relationship()
    therapist: Mapped[User] = relationship()
    playlist: Mapped[Playlist | None] = relationship()
    mix: Mapped[Mix | None] = relationship()

    @property
    def may_be_heard(self) -> bool:
        """Whether the patient may listen to its music again."""
        is_over = self.state is SessionState.CLOSED
        return is_over and self.listening_allowed_at is not None and self.mix_id is not None


class UnreadyOpening(Model):
    """That a session was opened although something was missing: what, and the therapist's reason.

    Never changed once it is there.
    """

    __tablename__ = "unready_opening"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_session.id", ondelete="CASCADE"), unique=True)
    therapist_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    missing_sealed: Mapped[bytes]
    reason_sealed: Mapped[bytes]

    session: Mapped[DosingSession] = relationship()
    therapist: Mapped[User] = relationship()
    missing: Sealed[list[str]] = Sealed("missing_sealed")  # in words, as they stood at that moment
    reason: Sealed[str] = Sealed("reason_sealed")

    def sealing_key(self) -> DataKey:
        return self.session.patient.data_key


class SessionNote(Model):
    """What a therapist wrote down during a session, at a moment of it."""

    __tablename__ = "session_note"
    __table_args__ = (
        Index("ix_session_note_session_at", "session_id", "at"),
        UniqueConstraint("session_id", "client_id"),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_session.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    client_id: Mapped[UUID]  # made by the page it was written on, so that sending it twice adds it once
    at: Mapped[datetime]
    music_s: Mapped[float | None]  # seconds into the music, where it played
    text_sealed: Mapped[bytes]

    session: Mapped[DosingSession] = relationship()
    author: Mapped[User] = relationship()
    text: Sealed[str] = Sealed("text_sealed")

    def sealing_key(self) -> DataKey:
        return self.session.patient.data_key


class Intention(Model):
    """What a patient brings to their next session, in their own words. One per patient, rewritten freely."""

    __tablename__ = "intention"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    text_sealed: Mapped[bytes]
    written_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    patient: Mapped[Patient] = relationship()
    text: Sealed[str] = Sealed("text_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class SessionDevice(Model):
    """A device that plays the music of a running session, and where it had come to when it last said so."""

    __tablename__ = "session_device"
    __table_args__ = (UniqueConstraint("session_id", "device_id"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_session.id", ondelete="CASCADE"))
    device_id: Mapped[UUID]  # made by the browser for itself; says nothing about who holds it
    outlet: Mapped[Outlet] = mapped_column(choice(Outlet))
    position_s: Mapped[float]
    playing: Mapped[bool]
    at: Mapped[datetime]


class MusicWishes(Model):
    """What music a patient likes and what must not be played, by the patient or together with a therapist."""

    __tablename__ = "music_wishes"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    likes_sealed: Mapped[bytes]
    no_gos_sealed: Mapped[bytes]
    written_at: Mapped[datetime]
    written_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    patient: Mapped[Patient] = relationship()
    written_by: Mapped[User] = relationship()
    likes: Sealed[str] = Sealed("likes_sealed")
    no_gos: Sealed[dict[str, Any]] = Sealed("no_gos_sealed")  # see `kap.sessions.wishes.NoGos`

    def sealing_key(self) -> DataKey:
        return self.patient.data_key
