"""Which programmes a practice has: those that ship and those it wrote; which a patient was given."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from kap.content.programmes import Programme, programme_from, programmes
from kap.db import db
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.programmes.models import GivenProgramme, PracticeProgramme, ProgrammeText

NO_SUCH = "There is no such programme."


@dataclass(frozen=True)
class Shelf:
    """The programmes of a practice, in the order they are offered."""

    offered: list[Programme]
    retired: list[Programme]
    own: frozenset[str]

    def named(self, slug: str) -> Programme:
        """One of them, retired or not. Raises `NotThere`."""
        found = next((each for each in (*self.offered, *self.retired) if each.slug == slug), None)
        if found is None:
            raise NotThere(NO_SUCH)
        return found

    def is_retired(self, slug: str) -> bool:
        return any(each.slug == slug for each in self.retired)


def shelf_of(practice_id: UUID) -> Shelf:
    wanted = select(PracticeProgramme).where(PracticeProgramme.practice_id == practice_id)
    rows = list(db.session.scalars(wanted.order_by(PracticeProgramme.made_at)))
    own = [written(row) for row in rows if row.definition is not None]
    everything = [*programmes().values(), *own]
    retired = {row.slug for row in rows if row.retired_at is not None}
    return Shelf(
        offered=[each for each in everything if each.slug not in retired],
        retired=[each for each in everything if each.slug in retired],
        own=frozenset(each.slug for each in own),
    )


def written(row: PracticeProgramme) -> Programme:
    """What a practice wrote."""
    if row.definition is None:
        raise NotThere(NO_SUCH)
    return programme_from(row.definition, row.slug)


def practice_programme(practice_id: UUID, slug: str) -> PracticeProgramme | None:
    return db.session.scalars(
        select(PracticeProgramme).where(
            PracticeProgramme.practice_id == practice_id, PracticeProgramme.slug == slug
        )
    ).first()


def own_programme(practice_id: UUID, slug: str) -> PracticeProgramme:
    """A programme the practice wrote. Raises `NotThere`, also for one that ships."""
    row = practice_programme(practice_id, slug)
    if row is None or row.definition is None:
        raise NotThere(NO_SUCH)
    return row


def kept(practice_id: UUID, programme: Programme) -> ProgrammeText | None:
    """Where exactly these steps are kept for the practice."""
    return db.session.scalars(
        select(ProgrammeText).where(
            ProgrammeText.practice_id == practice_id,
            ProgrammeText.slug == programme.slug,
            ProgrammeText.digest == programme.digest,
        )
    ).first()


def as_given(given: GivenProgramme) -> Programme:
    """The programme with the steps it had when it was given."""
    return programme_from(given.given_text.definition, given.slug)


def given_of(patient: Patient, given_id: UUID) -> GivenProgramme:
    """One of the patient's programmes, taken back or not. Raises `NotThere`."""
    found = db.session.scalars(_given([patient.id]).where(GivenProgramme.id == given_id)).first()
    if found is None:
        raise NotThere(NO_SUCH)
    return found


def current_of(patients: Iterable[Patient]) -> list[GivenProgramme]:
    """The programmes these patients have, in the order they were given; one statement."""
    ids = [patient.id for patient in patients]
    return list(db.session.scalars(_given(ids).where(GivenProgramme.ended_at.is_(None))))


def earlier_of(patient: Patient) -> list[GivenProgramme]:
    """What was taken back, the latest first."""
    rows = db.session.scalars(_given([patient.id]).where(GivenProgramme.ended_at.is_not(None)))
    return sorted(rows, key=lambda each: each.ended_at or each.given_at, reverse=True)


def who_has(slug: str, patient_ids: Iterable[UUID]) -> set[UUID]:
    """Who of these patients has this programme now."""
    return set(
        db.session.scalars(
            select(GivenProgramme.patient_id).where(
                GivenProgramme.slug == slug,
                GivenProgramme.patient_id.in_(list(patient_ids)),
                GivenProgramme.ended_at.is_(None),
            )
        )
    )


def _given(patient_ids: list[UUID]) -> Select[GivenProgramme]:
    return (
        select(GivenProgramme)
        .where(GivenProgramme.patient_id.in_(patient_ids))
        .options(
            joinedload(GivenProgramme.given_text),
            joinedload(GivenProgramme.patient).joinedload(Patient.data_key),
        )
        .order_by(GivenProgramme.given_at, GivenProgramme.id)
    )
