from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import Practice, User
from kap.db import Model
from kap.sealed import DataKey, Sealed


class Patient(Model):
    """A person in treatment. Who they are is sealed by the practice's key, what they say by their own."""

    __tablename__ = "patient"
    __table_args__ = (Index("ix_patient_practice", "practice_id"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"), unique=True)
    data_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_key.id"))
    name_sealed: Mapped[bytes]
    born_sealed: Mapped[bytes | None]  # ISO date
    email_sealed: Mapped[bytes | None]
    phone_sealed: Mapped[bytes | None]
    admitted_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    practice: Mapped[Practice] = relationship(lazy="joined")
    user: Mapped[User | None] = relationship()
    data_key: Mapped[DataKey] = relationship()

    name: Sealed[str] = Sealed("name_sealed")
    born: Sealed[str | None] = Sealed("born_sealed")
    email: Sealed[str | None] = Sealed("email_sealed")
    phone: Sealed[str | None] = Sealed("phone_sealed")

    @property
    def birthday(self) -> date | None:
        return date.fromisoformat(self.born) if self.born else None

    def sealing_key(self) -> DataKey:
        return self.practice.identity_key


class CareTeamMember(Model):
    """A therapist who cares for a patient, until they leave."""

    __tablename__ = "care_team_member"
    __table_args__ = (
        # One open membership per person and patient, however often they come and go.
        Index(
            "uq_care_team_member_open",
            "patient_id",
            "user_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
        Index("ix_care_team_member_user", "user_id"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")
