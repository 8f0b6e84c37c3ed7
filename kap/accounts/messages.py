"""The mail this room sends."""

from uuid import UUID

from flask import current_app, url_for

from kap.accounts import actions
from kap.accounts.models import Invitation
from kap.clock import now
from kap.config import current_config
from kap.db import db
from kap.mail import Letter, composer, post


def send_invitation(invitation: Invitation, *, patient_id: UUID | None = None) -> None:
    """Send the link by mail once the caller's transaction is committed. `patient_id`: whose log it is in."""
    post(
        "accounts.invitation",
        practice_id=invitation.user.practice_id,
        patient_id=patient_id,
        about=invitation.id,
        invitation_id=invitation.id,
    )


def invitation_link(token: str) -> str:
    """The whole address that an invitation is accepted at."""
    return current_config().address + url_for("accounts.invitation", token=token)


@composer("accounts.invitation", title="Invitation")
def invitation(invitation_id: str) -> Letter | None:
    """The link to choose a password. The token is made as the letter is written, so no row ever holds it."""
    found = db.session.get(Invitation, UUID(invitation_id))
    if found is None or not found.is_open(now()):
        return None
    with current_app.test_request_context():  # a job has no request to build paths in
        link = invitation_link(actions.renew_token(found))
    practice = found.user.practice.name
    return Letter(
        to=found.user.email,
        subject=f"Your invitation from {practice}",
        text=(
            f"Hello,\n\n{practice} invites you to its private site. Choose a password here:\n\n"
            f"{link}\n\n"
            f"The link works once and for {current_config().invitation_days} days. "
            "If you did not expect it, please ignore it.\n"
        ),
    )
