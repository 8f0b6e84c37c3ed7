"""Answering, and reviewing what was answered. None of these commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.content.screening import catalogue
from kap.db import db
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.screening import queries
from kap.screening.models import ScreeningAnswers, ScreeningReview
from kap.screening.said import Judged, Said

NOT_SEEN = -1  # the version of no answers, not even of none
SITTING = timedelta(minutes=30)  # saving while typing is one act in the log, not fifty


class Overwritten(Conflict):
    """Someone wrote since the page was loaded; what stands there now is at `version`."""

    def __init__(self, sentence: str, version: int) -> None:
        super().__init__(sentence)
        self.version = version


class AnswersChanged(Conflict):
    """The patient answered anew while the review was being written."""


def answer(
    patient: Patient, said: Said, *, version: int, actor: Actor, at: datetime
) -> ScreeningAnswers | None:
    """Keep the questionnaire as it is; `version` is 0 for the first time. The same again is no change.

    Returns None while there is nothing to keep. Raises `Overwritten`.
    """
    known = queries.answers_of(patient)
    if known is not None and known.said == said:
        return known
    if _version_of(known) != version:
        raise _answered_elsewhere(known)
    if known is None:
        return _first_answers(patient, said, actor=actor, at=at) if said else None
    is_same_sitting = at - known.changed_at < SITTING
    try:
        with db.session.begin_nested():
            known.said_row, known.changed_at = said.as_dict(), at
            known.version += 1
    except StaleDataError as error:
        raise _answered_elsewhere(queries.answers_of(patient)) from error
    if not is_same_sitting:
        audit.record(Permission.SCREENING_ANSWER, actor=actor, patient_id=patient.id, subject=known)
    return known


def finish(answers: ScreeningAnswers, *, actor: Actor, at: datetime) -> None:
    """The patient says that it is complete and right as of now, for the first time or once more."""
    answers.finished_at = at
    audit.record(Permission.SCREENING_ANSWER, actor=actor, patient_id=answers.patient_id, subject=answers)


def write_review(
    patient: Patient, judged: Judged, *, version: int, answers_version: int, actor: Actor, at: datetime
) -> ScreeningReview:
    """Keep a review that is not recorded yet; the same again is no change.

    `answers_version` is that of the answers beside it on the page. Raises `Overwritten`.
    """
    newest = queries.newest_review(patient)
    if _version_of(newest) != version:
        if newest is not None and newest.judged == judged:
            return newest
        raise _reviewed_elsewhere(newest)
    if newest is None or newest.recorded_at is not None:
        newest = _begin_review(patient, judged, after=version, actor=actor, at=at)
    elif newest.judged != judged:
        _go_on(newest, judged, actor=actor, at=at)
    _note_what_was_seen(newest, answers_version)
    return newest


def record_review(
    patient: Patient, judged: Judged, *, version: int, answers_version: int, actor: Actor, at: datetime
) -> ScreeningReview:
    """Record a review over the answers at `answers_version`, for good; recording twice is once.

    Raises `Overwritten` when someone else wrote meanwhile, `AnswersChanged` when the patient did.
    """
    review = write_review(
        patient, judged, version=version, answers_version=answers_version, actor=actor, at=at
    )
    if review.recorded_at is not None:
        return review
    if answers_version != _version_of(queries.answers_of(patient)):
        raise AnswersChanged(
            "The answers changed while you were reviewing them. Nothing is recorded yet: "
            "please look at them again, then record the review."
        )
    with _noticing(review):
        review.recorded_at, review.recorded_by_id = at, actor.id
        review.changed_at, review.changed_by_id = at, _author(actor)
        review.catalogue_version = catalogue().version
        review.titles = {factor.key: factor.title for factor in catalogue().factors}
        review.version += 1
    audit.record(Permission.SCREENING_RECORD, actor=actor, patient_id=patient.id, subject=review)
    return review


def _note_what_was_seen(review: ScreeningReview, answers_version: int) -> None:
    """Keep the answers beside the review, unless the patient has changed them since the page was loaded."""
    answers = queries.answers_of(review.patient)
    if answers_version == _version_of(answers) and review.answers_version != answers_version:
        review.answers_version = answers_version
        review.seen_row = answers.said.as_dict() if answers else None


@contextmanager
def _noticing(review: ScreeningReview) -> Iterator[None]:
    """Write, unless someone else was faster."""
    try:
        with db.session.begin_nested():
            yield
    except StaleDataError as error:
        raise _reviewed_elsewhere(queries.newest_review(review.patient)) from error


def _first_answers(patient: Patient, said: Said, *, actor: Actor, at: datetime) -> ScreeningAnswers:
    try:
        # Sealing looks up the key while the row is half made.
        with db.session.begin_nested(), db.session.no_autoflush:
            answers = ScreeningAnswers(
                patient=patient, patient_id=patient.id, said_row=said.as_dict(), changed_at=at, version=1
            )
            db.session.add(answers)
    except IntegrityError as error:
        raise _answered_elsewhere(queries.answers_of(patient)) from error
    audit.record(Permission.SCREENING_ANSWER, actor=actor, patient_id=patient.id, subject=answers)
    return answers


def _begin_review(
    patient: Patient, judged: Judged, *, after: int, actor: Actor, at: datetime
) -> ScreeningReview:
    try:
        with db.session.begin_nested(), db.session.no_autoflush:
            review = ScreeningReview(
                patient=patient,
                patient_id=patient.id,
                judged_row=judged.as_dict(),
                begun_at=at,
                changed_at=at,
                changed_by_id=_author(actor),
                answers_version=NOT_SEEN,
                catalogue_version=catalogue().version,
                titles={},
                version=after + 1,
            )
            db.session.add(review)
    except IntegrityError as error:
        raise _reviewed_elsewhere(queries.newest_review(patient)) from error
    audit.record(Permission.SCREENING_REVIEW, actor=actor, patient_id=patient.id, subject=review)
    return review


def _go_on(review: ScreeningReview, judged: Judged, *, actor: Actor, at: datetime) -> None:
    is_same_sitting = review.changed_by_id == actor.id and at - review.changed_at < SITTING
    with _noticing(review):
        review.judged_row = judged.as_dict()
        review.changed_at, review.changed_by_id = at, _author(actor)
        review.version += 1
    if not is_same_sitting:
        audit.record(Permission.SCREENING_REVIEW, actor=actor, patient_id=review.patient_id, subject=review)


def _answered_elsewhere(known: ScreeningAnswers | None) -> Overwritten:
    return Overwritten(
        "Your answers were changed somewhere else. Both versions are kept.", _version_of(known)
    )


def _reviewed_elsewhere(newest: ScreeningReview | None) -> Overwritten:
    did = "recorded a review" if newest is not None and newest.recorded_at else "changed this review"
    who = newest.changed_by.name if newest else "Someone"
    return Overwritten(f"{who} {did} meanwhile. Both versions are kept.", _version_of(newest))


def _version_of(row: ScreeningAnswers | ScreeningReview | None) -> int:
    return row.version if row else 0


def _author(actor: Actor) -> UUID:
    if actor.id is None:
        raise TypeError("a review needs its author")
    return actor.id
