"""The questionnaire, as a patient fills it in."""

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.content.screening import catalogue
from kap.db import db
from kap.patients.guard import own_record_view
from kap.patients.models import Patient
from kap.screening import actions, forms, queries, review_views
from kap.screening.actions import Overwritten
from kap.screening.blueprint import bp
from kap.screening.models import ScreeningAnswers
from kap.screening.said import Medicine, Said
from kap.screening.words import REPLIES, said_in_words
from kap.web.errors import wants_json

__all__ = ["bp", "review_views"]  # its routes stand on the same blueprint

BLANK_ROWS = 3


@bp.get("/my/screening")
@own_record_view(Permission.SCREENING_ANSWER)
def own(patient: Patient) -> str:
    answers = queries.answers_of(patient)
    said = answers.said if answers else Said()
    version = answers.version if answers else 0
    left = list(_left(patient, said)) if "check" in request.args else []
    return _page(patient, said, version=version, left=left)


@bp.post("/my/screening")
@own_record_view(Permission.SCREENING_ANSWER)
def answer(patient: Patient) -> Response:
    """Save; `do` says what else: more rows for medicines, or that it is complete."""
    said = forms.read_said(catalogue(), request.form)
    version = forms.whole(request.form.get("version", ""))
    if refused := forms.too_long(said):
        return _refused(patient, said, version, refused)
    try:
        kept = actions.answer(patient, said, version=version, actor=current_actor(), at=now())
    except Overwritten as other:
        return _two_versions(patient, said, other)
    if wants_json():
        return jsonify(version=kept.version if kept else 0)
    return _next(patient, said, kept)


def _next(patient: Patient, said: Said, kept: ScreeningAnswers | None) -> Response:
    wanted = request.form.get("do")
    if wanted == "rows":
        return redirect(url_for("screening.own", _anchor="medicines"), 303)
    if wanted != "finish" or kept is None:
        flash("Saved." if kept else "There is nothing to save yet.", "success")
        return redirect(url_for("screening.own"), 303)
    if "as-it-is" not in request.form and any(_left(patient, said)):
        return redirect(url_for("screening.own", check=1), 303)  # saved, and the page says what is left
    actions.finish(kept, actor=current_actor(), at=now())
    flash("Thank you. Your care team sees that you are done.", "success")
    return redirect(url_for("screening.own"), 303)


def _left(patient: Patient, said: Said) -> list[tuple[str, str]]:
    return list(forms.unfinished(catalogue(), said, asks_born=patient.birthday is None))


def _refused(patient: Patient, said: Said, version: int, refused: list[str]) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(refused)), 422)
    return make_response(_page(patient, said, version=version, refused=refused), 422)


def _two_versions(patient: Patient, said: Said, other: Overwritten) -> Response:
    """What is stored beside what was sent, which is saved when it is sent again."""
    db.session.rollback()
    answers = queries.answers_of(patient)
    stored = said_in_words(answers.said if answers else Said())
    if wants_json():
        conflict = {"text": "\n".join(stored), "version": other.version}
        return make_response(jsonify(error=str(other), conflict=conflict), 409)
    return make_response(_page(patient, said, version=other.version, other=stored), 409)


def _page(
    patient: Patient,
    said: Said,
    *,
    version: int,
    left: list[tuple[str, str]] | None = None,
    refused: list[str] | None = None,
    other: list[str] | None = None,
) -> str:
    """`left`: still to answer; `refused`: why nothing was saved; `other`: a version from elsewhere."""
    return render_template(
        "screening/own.html",
        catalogue=catalogue(),
        answers=queries.answers_of(patient),
        said=said,
        version=version,
        left=left or [],
        refused=refused or [],
        other=other,
        replies=REPLIES,
        rows=[*said.medicines, *[Medicine()] * BLANK_ROWS],
        asks_born=patient.birthday is None,
        draft_key=patient.id,
    )
