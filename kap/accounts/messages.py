"""The mail this room sends."""

from uuid import UUID

from flask import current_app, url_for

from kap.accounts import actions
from kap.accounts.models import Invitation
from kap.accounts.rules import is_open_invitation
from kap.clock import now
from kap.db import db
from kap.mail import Letter, composer


@composer("accounts.invitation")
def invitation(invitation_id: str) -> Letter | None:
    """The link to choose a password. The token is made as the letter is written, so no job ever holds it."""
    found = db.session.get(Invitation, UUID(invitation_id))
    if found is None or not is_open_invitation(
        expires_at=found.expires_at, accepted_at=found.accepted_at, revoked_at=found.revoked_at, now=now()
    ):
        return None
    config = current_app.extensions["kap.config"]
    with current_app.test_request_context():  # a job has no request to build paths in
        path = url_for("accounts.invitation", token=actions.renew_token(found))
    practice = found.user.practice.name
    return Letter(
        to=found.user.email,
        subject=f"Your invitation from {practice}",
        text=(
            f"Hello,\n\n{practice} invites you to its private site. Choose a password here:\n\n"
            f"{config.address}{path}\n\n"
            f"The link works once and for {config.invitation_days} days. "
            "If you did not expect it, please ignore it.\n"
        ),
    )
