from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload

from kap.clock import day_in
from kap.db import db
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.safety import rules
from kap.safety.models import SafetyPlan, SafetyTalk
from kap.safety.rules import Standing, Talk


@dataclass(frozen=True)
class Plan:
    """A patient's plan with the last time it was gone through together; either may be missing."""

    patient: Patient
    row: SafetyPlan | None
    last_talk: SafetyTalk | None

    @property
    def words(self) -> dict[str, str]:
        return self.row.words if self.row else {}

    @property
    def version(self) -> int:
        return self.row.version if self.row else 0

    @property
    def is_written(self) -> bool:
        return rules.is_written(self.words)

    def standing(self, on: date) -> Standing:
        """How it stands on a day of the practice's calendar."""
        return rules.standing(
            is_written=self.is_written,
            version=self.version,
            talk=self._talk(),
            months=self.patient.practice.safety_plan_months,
            on=on,
        )

    @property
    def current_until(self) -> date | None:
        talk = self._talk()
        return rules.current_until(talk, self.patient.practice.safety_plan_months) if talk else None

    def _talk(self) -> Talk | None:
        last = self.last_talk
        return Talk(day_in(last.at, self.patient.practice.zone), last.plan_version) if last else None


def plan_of(patient: Patient) -> Plan:
    return plans_of_many([patient])[patient.id]


def plans_of_many(patients: Iterable[Patient]) -> dict[UUID, Plan]:
    """The plan of each, in two statements."""
    everyone = {patient.id: patient for patient in patients}
    rows = db.session.scalars(
        select(SafetyPlan)
        .where(SafetyPlan.patient_id.in_(everyone))
        .options(joinedload(SafetyPlan.patient).joinedload(Patient.data_key))
        .options(joinedload(SafetyPlan.written_by))
    )
    plans = {row.patient_id: row for row in rows}
    newest = (
        select(SafetyTalk.patient_id, func.max(SafetyTalk.at).label("at"))
        .where(SafetyTalk.patient_id.in_(everyone))
        .group_by(SafetyTalk.patient_id)
        .subquery()
    )
    talks = db.session.scalars(
        select(SafetyTalk)
        .join(newest, and_(newest.c.patient_id == SafetyTalk.patient_id, newest.c.at == SafetyTalk.at))
        .options(joinedload(SafetyTalk.therapist))
    )
    last = {talk.patient_id: talk for talk in talks}
    return {id_: Plan(patient, plans.get(id_), last.get(id_)) for id_, patient in everyone.items()}


def row_of(patient: Patient) -> SafetyPlan | None:
    """As it stands in the database now."""
    return db.session.scalars(
        select(SafetyPlan)
        .where(SafetyPlan.patient_id == patient.id)
        .execution_options(populate_existing=True)
    ).first()


def talks_of(patient: Patient) -> list[SafetyTalk]:
    """Every time the plan was gone through, newest first."""
    return list(
        db.session.scalars(
            select(SafetyTalk)
            .where(SafetyTalk.patient_id == patient.id)
            .order_by(SafetyTalk.at.desc())
            .options(joinedload(SafetyTalk.therapist))
        )
    )


def talk_of(patient: Patient, talk_id: UUID) -> SafetyTalk:
    """One of these. Raises `NotThere`."""
    found = db.session.get(SafetyTalk, talk_id)
    if found is None or found.patient_id != patient.id:
        raise NotThere("There is no such talk.")
    return found
