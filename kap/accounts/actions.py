"""Practices and people: found, invite, accept, sign in and out. None of these commits."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission, Role
from kap.accounts import queries
from kap.accounts.models import BrowserSession, Invitation, Practice, Throttle, User
from kap.accounts.rules import THROTTLE_WINDOW, normal_email
from kap.crypto import new_token, token_digest
from kap.db import db, own_transaction
from kap.problems import Conflict, Invalid
from kap.sealed import DataKey, instance_key


def found_practice(*, name: str, zone: str, help_text: str, at: datetime) -> Practice:
    """Open a practice on this installation."""
    key = DataKey.make()
    practice = Practice(
        name=name, zone=zone, help_text=help_text, identity_key_id=key.id, identity_key=key, made_at=at
    )
    db.session.add(practice)
    db.session.flush()
    return practice


def enter_user(*, practice: Practice, role: Role, name: str, email: str, actor: Actor, at: datetime) -> User:
    """Add a person who cannot sign in yet. Raises `Conflict` when the address is taken."""
    if queries.user_by_email(email) is not None:
        raise Conflict("Someone already signs in with this e-mail address.")
    user = User(
        practice=practice,
        practice_id=practice.id,
        role=role,
        name=name,
        email=normal_email(email),
        email_digest=queries.email_digest(email),
        made_at=at,
    )
    db.session.add(user)
    db.session.flush()
    audit.record("accounts:person:enter", actor=actor, subject=user)
    return user


def correct(user: User, *, name: str, email: str | None, actor: Actor, at: datetime) -> None:
    """Follow a correction of who someone is. Raises `Invalid` when the address is someone else's.

    The address changes only while they have not accepted: afterwards it is what they sign in with. Links
    that went to the old one end.
    """
    user.name = name
    if not email or user.password_hash is not None or normal_email(email) == user.email:
        return
    if queries.user_by_email(email) is not None:
        raise Invalid("Someone else signs in with this e-mail address.")
    user.email, user.email_digest = normal_email(email), queries.email_digest(email)
    revoke_invitations(user, actor=actor, at=at)


def invite(user: User, *, actor: Actor, days: int, at: datetime) -> tuple[Invitation, str]:
    """Open an invitation for `user`, ending any older one. Returns it with its token, which is not stored."""
    if user.password_hash is not None or user.closed_at is not None:
        raise Conflict("This person has already accepted, or their account is closed.")
    revoke_invitations(user, actor=actor, at=at)
    token = new_token()
    invitation = Invitation(
        user=user,
        user_id=user.id,
        token_digest=token_digest(token),
        made_at=at,
        expires_at=at + timedelta(days=days),
        invited_by_id=actor.id,
    )
    db.session.add(invitation)
    db.session.flush()
    audit.record("accounts:invitation:open", actor=actor, subject=invitation)
    return invitation, token


def renew_token(invitation: Invitation) -> str:
    """The token for a letter about an open invitation, ending the one before: mail is written when sent.

    Derived, and so the same each time: where a mail server breaks off and the letter arrives twice, the link
    of either works.
    """
    token = instance_key().lookup_digest("invitation", str(invitation.id))
    invitation.token_digest = token_digest(token)
    return token


def revoke_invitations(user: User, *, actor: Actor, at: datetime) -> None:
    """End every open invitation of `user`."""
    ended = db.session.execute(
        update(Invitation)
        .where(
            Invitation.user_id == user.id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
        )
        .values(revoked_at=at)
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        audit.record("accounts:invitation:revoke", actor=actor, subject=user)


def accept(invitation: Invitation, *, password_hash: str, at: datetime) -> User:
    """Take up an invitation. Raises `Conflict` when it is no longer open."""
    if not invitation.is_open(at):
        raise Conflict(queries.NOT_OPEN)
    # The row counts decide when the link is opened twice, or revoked, at the same moment, and between two
    # links that were made at the same moment: a password that was chosen is never replaced by a link.
    taken = db.session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
        )
        .values(accepted_at=at)
    )
    chosen = db.session.execute(
        update(User)
        .where(User.id == invitation.user_id, User.password_hash.is_(None), User.closed_at.is_(None))
        .values(password_hash=password_hash)
    )
    if (taken.rowcount, chosen.rowcount) != (1, 1):  # type: ignore[attr-defined]
        raise Conflict("This invitation has just been used.")
    audit.record("accounts:invitation:accept", actor=invitation.user.actor, subject=invitation)
    return invitation.user


def sign_in(user: User, *, device: str, at: datetime) -> tuple[BrowserSession, str]:
    """Open a browser session for `user`. Returns it with its token, which is not stored."""
    token = new_token()
    session = BrowserSession(
        user=user,
        user_id=user.id,
        token_digest=token_digest(token),
        device=device,
        signed_in_at=at,
        seen_at=at,
    )
    db.session.add(session)
    audit.record("accounts:self:sign-in", actor=user.actor, subject=user)
    return session, token


def sign_out(session_id: UUID, *, actor: Actor, at: datetime) -> None:
    """End one of the actor's own browser sessions; one that is not theirs, or over, stays as it is."""
    db.session.execute(
        update(BrowserSession)
        .where(
            BrowserSession.id == session_id,
            BrowserSession.user_id == actor.id,
            BrowserSession.ended_at.is_(None),
        )
        .values(ended_at=at)
    )
    audit.record("accounts:self:sign-out", actor=actor)


def sign_out_everywhere(
    user: User, *, actor: Actor, at: datetime, except_session: UUID | None = None
) -> None:
    """End all of `user`'s browser sessions, save one."""
    ended = update(BrowserSession).where(BrowserSession.user_id == user.id, BrowserSession.ended_at.is_(None))
    if except_session:
        ended = ended.where(BrowserSession.id != except_session)
    db.session.execute(ended.values(ended_at=at))
    audit.record("accounts:self:sign-out-everywhere", actor=actor, subject=user)


def change_password(
    user: User, *, password_hash: str, actor: Actor, keep_session: UUID | None, at: datetime
) -> None:
    """Set a new password and sign out every other device."""
    user.password_hash = password_hash
    audit.record("accounts:self:change-password", actor=actor, subject=user)
    sign_out_everywhere(user, actor=actor, at=at, except_session=keep_session)


def forget_password(user: User, *, actor: Actor, days: int, at: datetime) -> tuple[Invitation, str]:
    """Take a forgotten password away, sign out every device and open an invitation to choose another.

    Only for whoever runs the installation: in a colleague's hands the link would open the person's records.
    """
    user.password_hash = None
    sign_out_everywhere(user, actor=actor, at=at)
    return invite(user, actor=actor, days=days, at=at)


def close_account(user: User, *, actor: Actor, at: datetime) -> None:
    """Let someone sign in no more. Raises `Invalid` when they would close their own account."""
    if user.id == actor.id:
        raise Invalid("You cannot close your own account.")
    user.closed_at = at
    revoke_invitations(user, actor=actor, at=at)
    sign_out_everywhere(user, actor=actor, at=at)
    audit.record(Permission.PEOPLE_INVITE, actor=actor, subject=user)


def reopen_account(user: User, *, actor: Actor) -> None:
    """Let someone whose account was closed sign in again, with the password they had."""
    user.closed_at = None
    audit.record("accounts:person:reopen", actor=actor, subject=user)


def edit_practice(practice: Practice, *, name: str, zone: str, help_text: str, actor: Actor) -> None:
    practice.name, practice.zone, practice.help_text = name, zone, help_text
    audit.record(Permission.PRACTICE_EDIT, actor=actor, subject=practice)


def count_failure(bucket: str, *, at: datetime) -> None:
    """Count a failed try, in a transaction of its own: the refusal itself rolls back."""
    with own_transaction() as session:
        session.execute(
            update(Throttle)
            .where(Throttle.bucket == bucket, Throttle.since <= at - THROTTLE_WINDOW)
            .values(failures=0, since=at)
        )
        counted = session.execute(
            update(Throttle).where(Throttle.bucket == bucket).values(failures=Throttle.failures + 1)
        )
        if not counted.rowcount:  # type: ignore[attr-defined]
            session.add(Throttle(bucket=bucket, failures=1, since=at))


def forget_failures(bucket: str) -> None:
    db.session.execute(update(Throttle).where(Throttle.bucket == bucket).values(failures=0))
