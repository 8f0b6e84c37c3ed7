from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed
from kap.talks.rules import Standing, standing_of


class TalkRequest(Model):
    """A patient would like to talk to someone. It stays open until someone wrote what came of it."""

    __tablename__ = "talk_request"
    __table_args__ = (
        # One that nobody has seen yet is asked once, however often the button is pressed.
        Index(
            "uq_talk_request_unseen",
            "patient_id",
            unique=True,
            sqlite_where=text("seen_at IS NULL"),
            postgresql_where=text("seen_at IS NULL"),
        ),
        Index("ix_talk_request_patient_asked", "patient_id", "asked_at"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]  # by the practice's own hours when it was asked
    no_longer_at: Mapped[
        datetime | None
    ]  # the patient says that it is no longer needed; it stays open even so
    seen_at: Mapped[datetime | None]
    seen_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    told_again_at: Mapped[datetime | None]  # when the second letters went out
    outcome_sealed: Mapped[bytes | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))

    patient: Mapped[Patient] = relationship()
    seen_by: Mapped[User | None] = relationship(foreign_keys=[seen_by_id])
    ended_by: Mapped[User | None] = relationship(foreign_keys=[ended_by_id])
    outcome: Sealed[str | None] = Sealed("outcome_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key

    def standing(self, at: datetime) -> Standing:
        return standing_of(due_at=self.due_at, seen_at=self.seen_at, ended_at=self.ended_at, now=at)
