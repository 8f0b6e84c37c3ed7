from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.clock import day_in
from kap.content.screening import Factor, catalogue
from kap.db import db
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.screening import rules
from kap.screening.models import ScreeningAnswers, ScreeningReview
from kap.screening.rules import Reviewed, Standing
from kap.screening.said import Said
from kap.sessions.models import DosingSession, SessionState


@dataclass(frozen=True)
class Screening:
    """How screening stands for one patient on a day.

    `review` is the newest that was recorded, `draft` one that is being written after it. `wants_answers`:
    the patient should go through the questionnaire before the series that comes.
    """

    answers: ScreeningAnswers | None
    review: ScreeningReview | None
    draft: ScreeningReview | None
    standing: Standing
    series_start: date | None
    wants_answers: bool

    @property
    def said(self) -> Said:
        return self.answers.said if self.answers else Said()

    @property
    def answers_version(self) -> int:
        return self.answers.version if self.answers else 0

    @property
    def unknown(self) -> list[Factor]:
        """What the newest review left open."""
        return rules.unknown_in(self.review.judged, catalogue().factors) if self.review else []

    @property
    def present(self) -> list[Factor]:
        return rules.present_in(self.review.judged, catalogue().factors) if self.review else []


def screening_of(patient: Patient, *, at: datetime, on: date | None = None) -> Screening:
    """How screening stands now, or would on a day of the practice's calendar."""
    return screening_of_all([patient], at=at, on=on)[patient.id]


def screening_of_all(
    patients: Iterable[Patient], *, at: datetime, on: date | None = None
) -> dict[UUID, Screening]:
    """The same for many patients of one practice, in as many statements as for one."""
    everyone = list(patients)
    screened = screened_of_many(everyone, at=at)
    return {patient.id: screened.screening_of(patient, on=on) for patient in everyone}


@dataclass(frozen=True)
class Screened:
    """Answers, reviews and session days of many patients, to be asked about any day."""

    answers: Mapping[UUID, ScreeningAnswers]
    recorded: Mapping[UUID, ScreeningReview]
    drafts: Mapping[UUID, ScreeningReview]
    days: Mapping[UUID, list[date]]
    at: datetime

    def screening_of(self, patient: Patient, *, on: date | None = None) -> Screening:
        """As `screening_of`, without another statement."""
        return _stands(
            patient,
            self.answers.get(patient.id),
            self.recorded.get(patient.id),
            self.drafts.get(patient.id),
            days=self.days[patient.id],
            on=on or day_in(self.at, patient.practice.zone),
        )


def screened_of_many(patients: Iterable[Patient], *, at: datetime) -> Screened:
    """In three statements."""
    everyone = list(patients)
    ids = [patient.id for patient in everyone]
    answers = {
        row.patient_id: row
        for row in db.session.scalars(
            select(ScreeningAnswers)
            .where(ScreeningAnswers.patient_id.in_(ids))
            .options(joinedload(ScreeningAnswers.patient).joinedload(Patient.data_key))
        )
    }
    recorded: dict[UUID, ScreeningReview] = {}
    drafts: dict[UUID, ScreeningReview] = {}
    for row in db.session.scalars(
        select(ScreeningReview)
        .where(ScreeningReview.patient_id.in_(ids))
        .options(joinedload(ScreeningReview.patient).joinedload(Patient.data_key))
        .order_by(ScreeningReview.version)
    ):
        (recorded if row.recorded_at else drafts)[row.patient_id] = row
    return Screened(answers, recorded, drafts, _session_days(everyone, at), at)


def answers_of(patient: Patient) -> ScreeningAnswers | None:
    return db.session.scalars(
        select(ScreeningAnswers).where(ScreeningAnswers.patient_id == patient.id)
    ).first()


def newest_review(patient: Patient) -> ScreeningReview | None:
    """The one that was begun last, recorded or not."""
    return db.session.scalars(
        select(ScreeningReview)
        .where(ScreeningReview.patient_id == patient.id)
        .order_by(ScreeningReview.version.desc())
        .options(joinedload(ScreeningReview.changed_by))
        .limit(1)
    ).first()


def reviews_of(patient: Patient) -> list[ScreeningReview]:
    """Everything that was recorded, newest first."""
    return list(
        db.session.scalars(
            select(ScreeningReview)
            .where(ScreeningReview.patient_id == patient.id, ScreeningReview.recorded_at.is_not(None))
            .order_by(ScreeningReview.version.desc())
            .options(joinedload(ScreeningReview.recorded_by))
        )
    )


def review_of(patient: Patient, review_id: UUID) -> ScreeningReview:
    """One of the patient's recorded reviews. Raises `NotThere`."""
    found = db.session.get(ScreeningReview, review_id)
    if found is None or found.patient_id != patient.id or found.recorded_at is None:
        raise NotThere("There is no such review.")
    return found


def _session_days(patients: list[Patient], at: datetime) -> dict[UUID, list[date]]:
    """The days on which each was, or is to be, in a session. One that was planned and not held is none."""
    zones = {patient.id: patient.practice.zone for patient in patients}
    days: dict[UUID, list[date]] = {patient.id: [] for patient in patients}
    found = db.session.execute(
        select(
            DosingSession.patient_id, DosingSession.state, DosingSession.planned_at, DosingSession.opened_at
        ).where(DosingSession.patient_id.in_(zones), DosingSession.state != SessionState.CANCELLED)
    )
    for patient_id, state, planned_at, opened_at in found:
        day = day_in(opened_at or planned_at, zones[patient_id])
        if state is not SessionState.PLANNED or day >= day_in(at, zones[patient_id]):
            days[patient_id].append(day)
    return days


def _stands(
    patient: Patient,
    answers: ScreeningAnswers | None,
    review: ScreeningReview | None,
    draft: ScreeningReview | None,
    *,
    days: list[date],
    on: date,
) -> Screening:
    zone = patient.practice.zone
    start = rules.series_start(days, on=on)
    version = answers.version if answers else 0
    finished = answers.finished_at if answers else None
    is_answered = finished is not None and rules.is_fresh(day_in(finished, zone), series_start=start, on=on)
    return Screening(
        answers=answers,
        review=review,
        draft=draft,
        standing=rules.standing(_reviewed(review, zone), version=version, series_start=start, on=on),
        series_start=start,
        wants_answers=start is not None and not is_answered,
    )


def _reviewed(review: ScreeningReview | None, zone: str) -> Reviewed | None:
    if review is None or review.recorded_at is None:
        return None
    return Reviewed(
        on=day_in(review.recorded_at, zone),
        version=review.answers_version,
        unknown=len(rules.unknown_in(review.judged, catalogue().factors)),
    )
