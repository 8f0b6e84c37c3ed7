from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.sealed import DataKey, Sealed
from kap.sessions.models import DosingSession


class ReadinessChoice(Model):
    """What a practice requires, and the statements it has patients confirm. Without a row: as shipped."""

    __tablename__ = "readiness_choice"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), unique=True)
    required: Mapped[list[str]] = mapped_column(JSON)  # see kap.readiness.rules.Item
    fasting: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # own words by route; else as shipped
    travel: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    changed_by: Mapped[User] = relationship()


class Arrangements(Model):
    """Who brings the patient home after one session, and what they confirmed for it, in which words."""

    __tablename__ = "arrangements"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_session.id", ondelete="CASCADE"), unique=True)
    escort_sealed: Mapped[bytes]
    fasting_words: Mapped[str | None] = mapped_column(Text)
    fasting_at: Mapped[datetime | None]
    travel_words: Mapped[str | None] = mapped_column(Text)
    travel_at: Mapped[datetime | None]
    written_at: Mapped[datetime]
    written_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    session: Mapped[DosingSession] = relationship()
    written_by: Mapped[User] = relationship()
    escort: Sealed[dict[str, str]] = Sealed("escort_sealed")  # name and phone

    def sealing_key(self) -> DataKey:
        return self.session.patient.data_key
