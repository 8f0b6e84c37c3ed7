from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts.rules import is_open_invitation
from kap.db import Model, choice
from kap.sealed import DataKey, Sealed


class Practice(Model):
    """One practice on this installation; nothing crosses from one to another."""

    __tablename__ = "practice"

    name: Mapped[str] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(60))  # IANA name; the wall clock of its rooms
    help_text: Mapped[str] = mapped_column(default="")  # crisis help in the practice's own words, Markdown
    # How long a safety plan counts as current once patient and therapist went through it.
    safety_plan_months: Mapped[int] = mapped_column(default=6)
    identity_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_key.id"))
    made_at: Mapped[datetime]

    # Seals who people are: names and addresses, for staff and patients alike. Content has a key per patient.
    identity_key: Mapped[DataKey] = relationship(lazy="joined")


class User(Model):
    """Someone who can sign in. Without a password yet, they were invited and have not come."""

    __tablename__ = "user"
    __table_args__ = (Index("ix_user_practice_role", "practice_id", "role"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    role: Mapped[Role] = mapped_column(choice(Role))
    name_sealed: Mapped[bytes]
    email_sealed: Mapped[bytes]
    email_digest: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    practice: Mapped[Practice] = relationship(lazy="joined")
    name: Sealed[str] = Sealed("name_sealed")
    email: Sealed[str] = Sealed("email_sealed")

    def sealing_key(self) -> DataKey:
        return self.practice.identity_key

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, practice_id=self.practice_id, role=self.role)


class BrowserSession(Model):
    """One device someone is signed in on. The cookie holds the token, the row only its digest."""

    __tablename__ = "browser_session"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(80))  # "Firefox on Android", never the whole header
    signed_in_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class Invitation(Model):
    """A single-use link for someone to choose their password. Only its digest is stored."""

    __tablename__ = "invitation"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    invited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))

    user: Mapped[User] = relationship(lazy="joined", foreign_keys=[user_id])

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be accepted."""
        return is_open_invitation(
            expires_at=self.expires_at, accepted_at=self.accepted_at, revoked_at=self.revoked_at, now=at
        )


class Throttle(Model):
    """Failed tries for one account or address, by a keyed digest of its name."""

    __tablename__ = "throttle"

    bucket: Mapped[str] = mapped_column(String(64), unique=True)
    failures: Mapped[int]
    since: Mapped[datetime]
