from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from kap.clock import day_in
from kap.consents.models import Signature
from kap.consents.rules import Newest, Signed, Standing, Verdict, verdict
from kap.content.consents import Consent, consents, parse_consent
from kap.db import db
from kap.patients.models import Patient
from kap.problems import NotThere


@dataclass(frozen=True)
class Asked:
    """One consent as a patient stands to it on a day; `signature` is the newest, withdrawn or not."""

    consent: Consent
    signature: Signature | None
    verdict: Verdict

    @property
    def is_wanted(self) -> bool:
        """Whether the patient should read and sign it now."""
        return self.verdict.standing is not Standing.VALID and not (
            self.consent.optional and self.signature is None
        )


def consent_of(slug: str) -> Consent:
    """One of the consents of this version. Raises `NotThere`."""
    consent = consents().get(slug)
    if consent is None:
        raise NotThere("There is no such consent.")
    return consent


def asked_of(patient: Patient, *, on: date) -> list[Asked]:
    """Every consent, in the order they are read, and how it stands on a day of the practice's calendar."""
    return asked_of_all([patient], on=on)[patient.id]


def asked_of_all(patients: Iterable[Patient], *, on: date) -> dict[UUID, list[Asked]]:
    """The same for many patients of one practice, in one statement."""
    everyone = list(patients)
    signed = signed_by_many(everyone)
    return {patient.id: signed.asked_of(patient, on=on) for patient in everyone}


@dataclass(frozen=True)
class NewestSignatures:
    """The newest signature of each of many patients under each consent, to be asked about any day."""

    by_consent: Mapping[tuple[UUID, str], Signature]

    def asked_of(self, patient: Patient, *, on: date) -> list[Asked]:
        """As `asked_of`, without another statement."""
        return [
            _asked(consent, self.by_consent.get((patient.id, consent.slug)), patient.practice.zone, on)
            for consent in consents().values()
        ]


def signed_by_many(patients: Iterable[Patient]) -> NewestSignatures:
    """In one statement."""
    found = db.session.scalars(
        select(Signature)
        .where(Signature.patient_id.in_([patient.id for patient in patients]))
        .order_by(Signature.signed_at, Signature.id)
    )
    return NewestSignatures({(each.patient_id, each.consent): each for each in found})


def signatures_of(patient: Patient) -> list[Signature]:
    """Everything the patient ever signed, newest first."""
    return list(
        db.session.scalars(
            select(Signature).where(Signature.patient_id == patient.id).order_by(Signature.signed_at.desc())
        )
    )


def signature_of(patient: Patient, signature_id: UUID) -> Signature:
    """One of the patient's signatures. Raises `NotThere`."""
    found = db.session.get(Signature, signature_id)
    if found is None or found.patient_id != patient.id:
        raise NotThere("There is no such signature.")
    return found


def standing_signature(patient: Patient, slug: str) -> Signature | None:
    """The signature that has been neither taken back nor replaced."""
    return db.session.scalars(
        select(Signature).where(
            Signature.patient_id == patient.id,
            Signature.consent == slug,
            Signature.withdrawn_at.is_(None),
            Signature.replaced_at.is_(None),
        )
    ).first()


def text_of(signature: Signature) -> Consent:
    """What was signed, as it read then."""
    return parse_consent(signature.source, signature.consent)


def _asked(consent: Consent, signature: Signature | None, zone: str, on: date) -> Asked:
    newest = Newest(version=consent.version, since=consent.reviewed)
    return Asked(consent, signature, verdict(_signed(signature, zone), newest, on=on))


def _signed(signature: Signature | None, zone: str) -> Signed | None:
    if signature is None:
        return None
    text = text_of(signature)
    return Signed(
        version=signature.consent_version,
        months=text.months,
        on=day_in(signature.signed_at, zone),
        needs_witness=text.witness,
        is_witnessed=signature.witnessed_at is not None,
        is_withdrawn=signature.withdrawn_at is not None,
    )
