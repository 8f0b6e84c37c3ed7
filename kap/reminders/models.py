from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.patients.reasons import Kind
from kap.reminders.rules import Limits, Quiet

QUIET_FROM, QUIET_UNTIL = 21 * 60, 8 * 60
PER_DAY, PER_WEEK = 2, 7


class LetterRules(Model):
    """What a practice says of the letters its patients get. Without a row, the defaults hold."""

    __tablename__ = "letter_rules"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"), unique=True)
    quiet_from: Mapped[int] = mapped_column(default=QUIET_FROM)  # minutes of the day
    quiet_until: Mapped[int] = mapped_column(default=QUIET_UNTIL)
    per_day: Mapped[int] = mapped_column(default=PER_DAY)
    per_week: Mapped[int] = mapped_column(default=PER_WEEK)
    off: Mapped[list[str]] = mapped_column(JSON, default=list)  # kinds the practice does not send
    signature: Mapped[str] = mapped_column(String(80), default="")  # under every reminder; nothing clinical

    @property
    def quiet(self) -> Quiet:
        return Quiet(self.quiet_from, self.quiet_until)

    @property
    def limits(self) -> Limits:
        return Limits(self.per_day, self.per_week)

    @property
    def kinds_off(self) -> frozenset[Kind]:
        return _kinds(self.off)


class LetterChoice(Model):
    """What one patient, and for pausing their care team, chose about letters. Without a row: nothing."""

    __tablename__ = "letter_choice"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    zone: Mapped[str | None] = mapped_column(String(60))  # IANA name; None: the practice's
    quiet_from: Mapped[int | None]  # minutes of the day; None: the practice's
    quiet_until: Mapped[int | None]
    off: Mapped[list[str]] = mapped_column(JSON, default=list)
    paused_at: Mapped[datetime | None]  # by the care team
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    @property
    def kinds_off(self) -> frozenset[Kind]:
        return _kinds(self.off)

    @property
    def quiet(self) -> Quiet | None:
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return Quiet(self.quiet_from, self.quiet_until)


class Reminder(Model):
    """A reason that a letter was written for, so that none is written for it again."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("patient_id", "key"), Index("ix_reminder_letter", "letter_id"))

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))  # a room may add a kind without a change to the database
    letter_id: Mapped[UUID]  # of the letter that tells several; what `about` is in the delivery log
    made_at: Mapped[datetime]


class CalendarFeed(Model):
    """A private calendar address of one person, derived from the row's id: another row, another address."""

    __tablename__ = "calendar_feed"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined")


def _kinds(names: list[str]) -> frozenset[Kind]:
    """The kinds of these names; a name of another version is none."""
    return frozenset(Kind(name) for name in names if name in set(Kind))
