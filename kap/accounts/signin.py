"""Who is signed in: Flask-Login over our own browser sessions."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Flask, g, session
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import update
from sqlalchemy.orm import Session

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import queries
from kap.accounts.models import BrowserSession, User
from kap.accounts.rules import Lifetimes, is_live, lifetimes_of
from kap.clock import now
from kap.config import current_config
from kap.web.settle import afterwards

PRACTICE = "practice"
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """The person behind a request, as Flask-Login wants to see them."""

    user: User
    session_id: UUID
    token: str
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return self.token

    @property
    def id(self) -> UUID:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def role(self) -> Role:
        return self.user.role

    @property
    def actor(self) -> Actor:
        return self.user.actor


def install(app: Flask) -> None:
    manager = LoginManager(app)
    # Its own protection trusts a client's header and signs phones out between networks; the row protects.
    manager.session_protection = None
    manager.user_loader(_load)


def begin(row: BrowserSession, token: str) -> None:
    """Make this browser the signed-in one. Everything the browser held before is forgotten."""
    session.clear()
    session.permanent = True
    session[PRACTICE] = str(row.user.practice_id)
    login_user(SignedIn(user=row.user, session_id=row.id, token=token))
    g.zone = row.user.practice.zone


def end() -> None:
    practice = session.get(PRACTICE)
    logout_user()
    session.clear()
    if practice:
        session[PRACTICE] = practice


def practice_here() -> UUID | None:
    """The practice this browser last signed in to, for what it may show without a sign-in: crisis help."""
    known = session.get(PRACTICE)
    return UUID(known) if known else None


def may_be_used(row: BrowserSession) -> bool:
    """Whether this browser session still lets its person in."""
    return row.user.closed_at is None and is_live(
        signed_in_at=row.signed_in_at,
        seen_at=row.seen_at,
        ended_at=row.ended_at,
        now=now(),
        lifetimes=_lifetimes(row.user.role),
    )


def _load(token: str) -> SignedIn | None:
    row = queries.browser_session_by_token(token)
    if row is None or not may_be_used(row):
        return None
    if now() - row.seen_at >= TOUCH_EVERY:
        _touch(row.id)
    g.zone = row.user.practice.zone
    return SignedIn(user=row.user, session_id=row.id, token=token)


def _touch(session_id: UUID) -> None:
    moment = now()

    def write(session: Session) -> None:
        session.execute(update(BrowserSession).where(BrowserSession.id == session_id).values(seen_at=moment))

    afterwards(write)


def _lifetimes(role: Role) -> Lifetimes:
    config = current_config()
    return lifetimes_of(
        role,
        staff=Lifetimes(
            timedelta(minutes=config.staff_idle_minutes), timedelta(hours=config.staff_absolute_hours)
        ),
        patient=Lifetimes(
            timedelta(minutes=config.patient_idle_minutes), timedelta(hours=config.patient_absolute_hours)
        ),
    )
