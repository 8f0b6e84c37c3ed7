from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model
from kap.integration import link_rules as rules
from kap.patients.models import Patient
from kap.sessions.models import DosingSession


class WritingLink(Model):
    """A link that opens one page to write one new entry, once. It opens nothing that was written before.

    Two secrets, of which only the digests are here: the link's own, and the one that the browser gets that
    opened it. `entry_id` is chosen with the link; there is no such entry until something is written.
    """

    __tablename__ = "writing_link"
    __table_args__ = (Index("ix_writing_link_patient", "patient_id"),)

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("dosing_session.id", ondelete="SET NULL"))
    moment: Mapped[str] = mapped_column(String(20))  # `when` of a set in templates/prompts
    asked: Mapped[bool]  # by the patient; otherwise it goes with a reminder
    entry_id: Mapped[UUID]
    entry_version: Mapped[int] = mapped_column(default=0)  # as this link left it; another's is not shown
    token_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    grant_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship()
    session: Mapped[DosingSession | None] = relationship()

    def may_be_opened(self, at: datetime) -> bool:
        return self.is_wanted and rules.may_be_opened(
            expires_at=self.expires_at, opened_at=self.opened_at, ended_at=self.ended_at, now=at
        )

    def grants(self, at: datetime, hours: int) -> bool:
        """Whether the browser that opened it may still write."""
        return self.is_wanted and rules.grants(
            opened_at=self.opened_at, ended_at=self.ended_at, hours=hours, now=at
        )

    @property
    def is_wanted(self) -> bool:
        """Whether the practice allows links, and the patient may sign in at all."""
        user = self.patient.user
        return (
            self.patient.practice.writing_links
            and self.patient.archived_at is None
            and user is not None
            and user.closed_at is None
            and user.password_hash is not None
        )
