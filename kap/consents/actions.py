"""Signing, confirming and taking back consents. None of these commits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.consents import queries
from kap.consents.models import Signature
from kap.content.consents import Consent
from kap.db import db
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.sessions.queries import open_of

DURING_A_SESSION = (
    "A dosing session is open. While the medicine may be at work, this cannot be agreed to; "
    "nothing was signed. A no is heard at any time."
)


@dataclass(frozen=True)
class Given:
    """What the signer typed and chose: their name; options by choice; words by key."""

    name: str
    choices: dict[str, list[str]]
    words: dict[str, str]


def sign(
    patient: Patient, consent: Consent, *, given: Given, seen: str, device: str, actor: Actor, at: datetime
) -> Signature:
    """Sign the text whose digest the signer has `seen`; the same signature sent twice is one.

    Raises `Conflict` when the text has changed since it was read, or cannot be agreed to now.
    """
    if seen != consent.digest:
        raise Conflict(
            "This text was renewed while you were reading. Nothing was signed: please read it anew."
        )
    if consent.before_medicine and open_of(patient) is not None:
        raise Conflict(DURING_A_SESSION)
    standing = queries.standing_signature(patient, consent.slug)
    if standing is not None and _is_same(standing, consent, given):
        return standing
    if standing is not None:
        standing.replaced_at = at
        db.session.flush()
    signature = Signature(
        patient=patient,
        patient_id=patient.id,
        consent=consent.slug,
        consent_version=consent.version,
        digest=consent.digest,
        source=consent.source,
        signed_at=at,
        signed_by_id=actor.id,
        device=device,
    )
    signature.name = given.name
    signature.chosen = {"choices": given.choices, "words": given.words}
    try:
        with db.session.begin_nested():
            db.session.add(signature)
    except IntegrityError as error:  # two tabs in the same moment
        raise Conflict("This was signed in another tab in the same moment. Look at how it stands.") from error
    audit.record(Permission.CONSENT_SIGN, actor=actor, patient_id=patient.id, subject=signature)
    return signature


def witness(signature: Signature, *, actor: Actor, at: datetime) -> None:
    """Confirm that the text was talked through with the patient. Raises `Conflict` when it is taken back."""
    if signature.withdrawn_at is not None or signature.replaced_at is not None:
        raise Conflict("This signature was taken back or replaced, so there is nothing to confirm.")
    if signature.witnessed_at is None:
        signature.witnessed_at, signature.witness_id = at, actor.id
        audit.record(
            Permission.CONSENT_WITNESS, actor=actor, patient_id=signature.patient_id, subject=signature
        )


def withdraw(signature: Signature, *, actor: Actor, at: datetime) -> None:
    """Take a consent back; that holds from this moment on."""
    if signature.withdrawn_at is None and signature.replaced_at is None:
        signature.withdrawn_at = at
        audit.record(Permission.CONSENT_SIGN, actor=actor, patient_id=signature.patient_id, subject=signature)


def _is_same(signature: Signature, consent: Consent, given: Given) -> bool:
    return (
        signature.digest == consent.digest
        and signature.name == given.name
        and signature.chosen == {"choices": given.choices, "words": given.words}
    )
