from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from kap.access.actor import Actor
from kap.access.audit import Event
from kap.access.permissions import Role
from kap.accounts.models import BrowserSession, Invitation, Practice, Throttle, User
from kap.accounts.rules import normal_email
from kap.crypto import token_digest
from kap.db import db
from kap.problems import NotThere
from kap.sealed import instance_key

NOT_OPEN = "This invitation was used, revoked or has run out. Please ask for a new one."


def email_digest(address: str) -> str:
    return instance_key().lookup_digest("email", normal_email(address))


def user_by_email(address: str) -> User | None:
    return db.session.scalars(select(User).where(User.email_digest == email_digest(address))).first()


def browser_session_by_token(token: str) -> BrowserSession | None:
    return db.session.scalars(
        select(BrowserSession).where(BrowserSession.token_digest == token_digest(token))
    ).first()


def devices_of(user_id: UUID) -> list[BrowserSession]:
    """Browser sessions nobody ended, newest use first; those that ran out of time are among them."""
    return list(
        db.session.scalars(
            select(BrowserSession)
            .where(BrowserSession.user_id == user_id, BrowserSession.ended_at.is_(None))
            .order_by(BrowserSession.seen_at.desc())
        )
    )


def open_invitation(token: str, *, at: datetime) -> Invitation:
    """The invitation a link belongs to. Raises `NotThere` when it can be accepted no more, or never was."""
    found = db.session.scalars(
        select(Invitation).where(Invitation.token_digest == token_digest(token))
    ).first()
    if found is None or not found.is_open(at):
        raise NotThere(NOT_OPEN)
    return found


def latest_invitation(user_id: UUID) -> Invitation | None:
    return db.session.scalars(
        select(Invitation).where(Invitation.user_id == user_id).order_by(Invitation.made_at.desc()).limit(1)
    ).first()


def throttle_of(bucket: str) -> Throttle | None:
    return db.session.scalars(select(Throttle).where(Throttle.bucket == bucket)).first()


def practice_of(actor: Actor) -> Practice:
    return db.session.get_one(Practice, actor.practice_id)


def practice_for_help(practice_id: UUID | None) -> Practice | None:
    """The practice whose crisis help a browser sees: the one it knows, else the only one there is."""
    known = db.session.get(Practice, practice_id) if practice_id else None
    if known is not None:
        return known
    found = list(db.session.scalars(select(Practice).limit(2)))
    return found[0] if len(found) == 1 else None


def staff_of(actor: Actor) -> list[User]:
    """Administrators and therapists of the actor's practice, by name."""
    rows = db.session.scalars(
        select(User).where(User.practice_id == actor.practice_id, User.role != Role.PATIENT)
    ).unique()
    return sorted(rows, key=lambda user: user.name.casefold())


def staff_member(actor: Actor, user_id: UUID) -> User:
    """One of the practice's staff. Raises `NotThere` for anyone else."""
    user = db.session.get(User, user_id)
    if user is None or user.practice_id != actor.practice_id or user.role is Role.PATIENT:
        raise NotThere("There is no such colleague.")
    return user


def therapists_of(practice_id: UUID) -> list[User]:
    """Therapists who can sign in, by name."""
    rows = db.session.scalars(
        select(User).where(
            User.practice_id == practice_id,
            User.role == Role.THERAPIST,
            User.closed_at.is_(None),
            User.password_hash.is_not(None),
        )
    ).unique()
    return sorted(rows, key=lambda user: user.name.casefold())


def names_of(user_ids: set[UUID]) -> dict[UUID, str]:
    if not user_ids:
        return {}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(user_ids)))}


def events_of_practice(actor: Actor) -> Select[Event]:
    return select(Event).where(Event.practice_id == actor.practice_id).order_by(Event.at.desc())


def practice_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Practice)) or 0


def open_invitations(actor: Actor, *, at: datetime) -> list[Invitation]:
    """Invitations of staff that can still be accepted, newest first."""
    return list(
        db.session.scalars(
            select(Invitation)
            .join(User, Invitation.user_id == User.id)
            .where(
                User.practice_id == actor.practice_id,
                User.role != Role.PATIENT,
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > at,
            )
            .order_by(Invitation.made_at.desc())
        ).unique()
    )
