"""Screening as the care team sees it: the answers, and a review over them."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import day_in, now
from kap.content.screening import Factor, catalogue
from kap.db import db
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.patients.rules import age_on
from kap.screening import actions, forms, queries, rules
from kap.screening.actions import AnswersChanged, Overwritten
from kap.screening.blueprint import bp
from kap.screening.queries import Screening
from kap.screening.rules import AHEAD, LONGEST, SERIES_GAP, Standing
from kap.screening.said import Judged, Judgement, carried, is_touched
from kap.screening.words import FINDINGS, KINDS, REPLIES, judged_in_words
from kap.web.errors import wants_json


@bp.get("/patients/<uuid:patient_id>/screening")
@patient_view(Permission.SCREENING_READ)
def standing(patient: Patient) -> Response:
    if patient.user_id == current_actor().id:
        return redirect(url_for("screening.own"))
    found = queries.screening_of(patient, at=now())
    return make_response(
        render_template(
            "screening/standing.html",
            patient=patient,
            screening=found,
            said=found.said,
            earlier=queries.reviews_of(patient)[1:],
            present=_with_judgement(found),
            gap_days=SERIES_GAP.days,
            ahead_days=AHEAD.days,
            longest_days=LONGEST.days,
            **_shown(patient),
        )
    )


@bp.get("/patients/<uuid:patient_id>/screening/review")
@patient_view(Permission.SCREENING_REVIEW)
def review(patient: Patient) -> str:
    found = queries.screening_of(patient, at=now())
    newest = found.draft or found.review
    judged = _to_begin_with(found)
    return _review_page(
        patient,
        found,
        judged,
        version=newest.version if newest else 0,
        is_carried=found.draft is None and bool(judged.factors),
    )


@bp.post("/patients/<uuid:patient_id>/screening/review")
@patient_view(Permission.SCREENING_REVIEW)
def write_review(patient: Patient) -> Response:
    judged, version = forms.read_judged(catalogue(), request.form), _version()
    if missing := forms.reasoning_too_long(catalogue(), judged):
        return _review_refused(patient, judged, version, missing, 422)
    try:
        kept = actions.write_review(
            patient,
            judged,
            version=version,
            answers_version=_answers_version(),
            actor=current_actor(),
            at=now(),
        )
    except Overwritten as other:
        return _two_reviews(patient, judged, other)
    if wants_json():
        return jsonify(version=kept.version)
    flash("Saved, and not recorded yet.", "success")
    return redirect(url_for("screening.review", patient_id=patient.id), 303)


@bp.post("/patients/<uuid:patient_id>/screening/review/record")
@patient_view(Permission.SCREENING_RECORD)
def record(patient: Patient) -> Response:
    judged, version = forms.read_judged(catalogue(), request.form), _version()
    if missing := forms.objections(catalogue(), judged):
        return _review_refused(patient, judged, version, missing, 422)
    try:
        recorded = actions.record_review(
            patient,
            judged,
            version=version,
            answers_version=_answers_version(),
            actor=current_actor(),
            at=now(),
        )
    except Overwritten as other:
        return _two_reviews(patient, judged, other)
    except AnswersChanged as changed:
        db.session.rollback()
        return _review_refused(patient, judged, version, [("", str(changed))], 409)
    flash("Recorded.", "success")
    address = url_for("screening.recorded", patient_id=patient.id, review_id=recorded.id)
    return redirect(address, 303)


@bp.get("/patients/<uuid:patient_id>/screening/reviews/<uuid:review_id>")
@patient_view(Permission.SCREENING_REVIEW)
def recorded(patient: Patient, review_id: UUID) -> str:
    row = queries.review_of(patient, review_id)
    known = {factor.key for factor in catalogue().factors}
    return render_template(
        "screening/recorded.html",
        patient=patient,
        review=row,
        judged=row.judged,
        said=row.seen,
        gone=[(title, row.judged.of(key)) for key, title in row.titles.items() if key not in known],
        **_shown(patient),
    )


def _version() -> int:
    return forms.whole(request.form.get("version", ""))


def _answers_version() -> int:
    return forms.whole(request.form.get("answers_version", ""))


def _to_begin_with(found: Screening) -> Judged:
    """A review that is being written; else what the last one said and what still speaks of these answers."""
    if found.draft is not None:
        return found.draft.judged
    if found.review is None or found.standing is Standing.DUE:
        return Judged()
    return carried(found.review.judged, catalogue().factors, found.review.seen, found.said)


def _review_page(
    patient: Patient,
    found: Screening,
    judged: Judged,
    *,
    version: int,
    missing: list[tuple[str, str]] | None = None,
    other: list[str] | None = None,
    conflict: str = "",
    is_carried: bool = False,
) -> str:
    return render_template(
        "screening/review.html",
        patient=patient,
        screening=found,
        said=found.said,
        judged=judged,
        version=version,
        missing=missing or [],
        other=other,
        conflict=conflict,
        is_carried=is_carried,
        touched=_touched(found),
        **_shown(patient),
    )


def _touched(found: Screening) -> set[str]:
    """The factors whose answers changed since the last review, or while this one is being written."""
    looked = [row.seen for row in (found.review, found.draft) if row is not None and row.seen_row]
    return {
        factor.key
        for factor in catalogue().factors
        for seen in looked
        if is_touched(factor, seen, found.said)
    }


def _review_refused(
    patient: Patient, judged: Judged, version: int, missing: list[tuple[str, str]], status: int
) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(sentence for _, sentence in missing)), status)
    found = queries.screening_of(patient, at=now())
    return make_response(_review_page(patient, found, judged, version=version, missing=missing), status)


def _two_reviews(patient: Patient, judged: Judged, other: Overwritten) -> Response:
    db.session.rollback()
    newest = queries.newest_review(patient)
    stored = judged_in_words(newest.judged if newest else Judged())
    if wants_json():
        conflict = {"text": "\n".join(stored), "version": other.version}
        return make_response(jsonify(error=str(other), conflict=conflict), 409)
    found = queries.screening_of(patient, at=now())
    page = _review_page(patient, found, judged, version=other.version, other=stored, conflict=str(other))
    return make_response(page, 409)


def _with_judgement(found: Screening) -> list[tuple[Factor, Judgement]]:
    judged = found.review.judged if found.review else Judged()
    return [(factor, judged.of(factor.key)) for factor in found.present]


def _shown(patient: Patient) -> dict[str, Any]:
    """What every page of the care team shows answers and findings with."""
    return {
        "catalogue": catalogue(),
        "kinds": KINDS,
        "replies": REPLIES,
        "findings": FINDINGS,
        "stands_out": rules.stands_out,
        "named_by": lambda medicine: rules.named_by(medicine.name, catalogue().factors),
        "born": patient.birthday,
        "age": age_on(patient.birthday, _today(patient)) if patient.birthday else None,
    }


def _today(patient: Patient) -> date:
    return day_in(now(), patient.practice.zone)
