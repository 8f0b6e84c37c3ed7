from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from kap.db import db
from kap.mail.models import BadAddress, SentLetter
from kap.mail.rules import UNDELIVERED, LetterState
from kap.problems import NotThere

NOT_THERE = "There is no such letter."


def letters_of_patient(patient_id: UUID) -> Select[SentLetter]:
    """The delivery log of one patient, newest first."""
    return (
        select(SentLetter)
        .where(SentLetter.patient_id == patient_id)
        .order_by(SentLetter.made_at.desc(), SentLetter.id)
    )


def letters_of_practice(practice_id: UUID) -> Select[SentLetter]:
    """The letters of a practice that are about no patient, newest first."""
    return (
        select(SentLetter)
        .where(SentLetter.practice_id == practice_id, SentLetter.patient_id.is_(None))
        .order_by(SentLetter.made_at.desc(), SentLetter.id)
    )


def letter_of_patient(patient_id: UUID, letter_id: UUID) -> SentLetter:
    """Raises `NotThere`. Held until the transaction ends, so that it is sent again once."""
    found = db.session.scalars(
        letters_of_patient(patient_id).where(SentLetter.id == letter_id).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotThere(NOT_THERE)
    return found


def undelivered(patient_ids: Select[UUID]) -> list[SentLetter]:
    """Letters about these patients that did not arrive and that nobody has put aside, newest first."""
    return list(
        db.session.scalars(
            select(SentLetter)
            .where(
                SentLetter.patient_id.in_(patient_ids),
                SentLetter.state.in_(UNDELIVERED),
                SentLetter.put_aside_at.is_(None),
            )
            .order_by(SentLetter.made_at.desc())
        )
    )


def sent_since(practice_id: UUID, name: str, since: datetime) -> dict[UUID, list[datetime]]:
    """When letters of this name were made for each patient, those left out that were not needed."""
    found: dict[UUID, list[datetime]] = {}
    rows = db.session.execute(
        select(SentLetter.patient_id, SentLetter.made_at).where(
            SentLetter.practice_id == practice_id,
            SentLetter.name == name,
            SentLetter.made_at >= since,
            SentLetter.state != LetterState.NOT_NEEDED,
        )
    )
    for patient_id, made_at in rows:
        if patient_id is not None:
            found.setdefault(patient_id, []).append(made_at)
    return found


def bad_among(practice_id: UUID, digests: Sequence[str]) -> set[str]:
    """Those of these addresses that take no letters."""
    return set(
        db.session.scalars(
            select(BadAddress.digest).where(
                BadAddress.practice_id == practice_id, BadAddress.digest.in_(digests)
            )
        )
    )
