from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.access.permissions import Role
from kap.accounts.models import User
from kap.crypto import token_digest
from kap.db import db
from kap.integration.link_models import WritingLink
from kap.patients.models import Patient


def link_by_token(token: str) -> WritingLink | None:
    """The link with this secret, whether it still opens anything or not."""
    return _by(WritingLink.token_digest == token_digest(token), to_change=False)


def link_by_grant(token: str, *, to_change: bool = False) -> WritingLink | None:
    """The link that this browser opened, whether it may still write or not."""
    return _by(WritingLink.grant_digest == token_digest(token), to_change)


def links_of(
    patient: Patient, moment: str, session_id: UUID | None, *, to_change: bool = False
) -> list[WritingLink]:
    """Those that went with reminders of this moment, always in the same order."""
    found = (
        select(WritingLink)
        .where(
            WritingLink.patient_id == patient.id,
            WritingLink.moment == moment,
            WritingLink.session_id == session_id,
            WritingLink.asked.is_(False),
        )
        .order_by(WritingLink.id)
    )
    if to_change:
        found = found.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(found))


def patient_by_email_digest(digest: str) -> Patient | None:
    """The patient who signs in with this address."""
    return db.session.scalars(
        select(Patient)
        .join(User, Patient.user_id == User.id)
        .where(User.email_digest == digest, User.role == Role.PATIENT)
    ).first()


def _by(condition: object, to_change: bool) -> WritingLink | None:
    found = (
        select(WritingLink)
        .where(condition)  # type: ignore[arg-type]
        .options(joinedload(WritingLink.patient).joinedload(Patient.data_key))
    )
    if to_change:
        found = found.with_for_update(of=WritingLink).execution_options(populate_existing=True)
    return db.session.scalars(found).first()
