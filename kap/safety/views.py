"""The safety plan: read, written and gone through together; and the page that shows it without a network."""

from itertools import chain
from uuid import UUID

from flask import Blueprint, flash, jsonify, make_response, redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, public
from kap.access.permissions import Permission, Role
from kap.accounts.crisis_help import crisis_help
from kap.clock import day_in, now
from kap.db import db
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.safety import actions, queries, rules
from kap.safety.actions import Overwritten
from kap.safety.forms import PlanForm
from kap.web.errors import STATUS, wants_json

bp = Blueprint("safety", __name__)


@bp.get("/my/safety-plan")
@own_record_view(Permission.SAFETY_READ)
def own(patient: Patient) -> str:
    return _plan_page(patient)


@bp.get("/my/safety-plan/sheet")
@own_record_view(Permission.SAFETY_READ)
def sheet(patient: Patient) -> Response:
    """The plan as a device keeps it, if its owner wants that: words, and nothing that names anybody."""
    html = render_template("safety/sheet.html", **_sheet(patient))
    return jsonify(html=html)


@bp.get("/my/safety-plan/edit")
@own_record_view(Permission.SAFETY_WRITE)
def edit_own(patient: Patient) -> str:
    return _edit_page(patient, _stored_form(patient))


@bp.post("/my/safety-plan/edit")
@own_record_view(Permission.SAFETY_WRITE)
def write_own(patient: Patient) -> Response:
    return _write(patient)


@bp.get("/patients/<uuid:patient_id>/safety-plan")
@patient_view(Permission.SAFETY_READ)
def of_patient(patient: Patient) -> Response:
    if current_actor().role is Role.PATIENT:
        return redirect(url_for("safety.own"))
    return make_response(_plan_page(patient))


@bp.get("/patients/<uuid:patient_id>/safety-plan/edit")
@patient_view(Permission.SAFETY_WRITE)
def edit(patient: Patient) -> Response:
    if current_actor().role is Role.PATIENT:
        return redirect(url_for("safety.edit_own"))
    return make_response(_edit_page(patient, _stored_form(patient)))


@bp.post("/patients/<uuid:patient_id>/safety-plan/edit")
@patient_view(Permission.SAFETY_WRITE)
def write(patient: Patient) -> Response:
    return _write(patient)


@bp.post("/patients/<uuid:patient_id>/safety-plan/talk")
@patient_view(Permission.SAFETY_CONFIRM)
def note_talk(patient: Patient) -> Response:
    """A therapist says that they have gone through it with the patient."""
    try:
        actions.note_talk(patient, version=PlanForm().version.data or 0, actor=current_actor(), at=now())
    except (Conflict, Invalid) as problem:
        return make_response(_plan_page(patient, told=str(problem)), STATUS[type(problem)])
    flash("Kept, with the plan as it is today.", "success")
    return redirect(url_for("safety.of_patient", patient_id=patient.id), 303)


@bp.get("/patients/<uuid:patient_id>/safety-plan/talks/<uuid:talk_id>")
@patient_view(Permission.SAFETY_READ)
def talk(patient: Patient, talk_id: UUID) -> str:
    return render_template(
        "safety/talk.html", patient=patient, talk=queries.talk_of(patient, talk_id), parts=rules.PARTS
    )


@bp.get("/safety-plan/here")
@public  # it names nobody, and fills itself from what the device kept
def here() -> str:
    return render_template("safety/here.html")


def _plan_page(patient: Patient, *, told: str = "") -> str:
    plan = queries.plan_of(patient)
    return render_template(
        "safety/plan.html",
        patient=patient,
        is_own=current_actor().role is Role.PATIENT,
        told=told,
        standing=plan.standing(day_in(now(), patient.practice.zone)),
        talks=queries.talks_of(patient),
        **_sheet(patient, plan),
    )


def _sheet(patient: Patient, plan: queries.Plan | None = None) -> dict[str, object]:
    plan = plan or queries.plan_of(patient)
    return {"plan": plan, "words": plan.words, "parts": rules.PARTS, "crisis": _crisis(patient)}


def _crisis(patient: Patient) -> Markup:
    return crisis_help(patient.practice.help_text)


def _stored_form(patient: Patient) -> PlanForm:
    plan = queries.plan_of(patient)
    return PlanForm.showing(plan.words, version=plan.version)


def _write(patient: Patient) -> Response:
    form = PlanForm()
    if not form.validate():
        return _refused(patient, form)
    try:
        kept = actions.write(
            patient, form.words(), version=form.version.data or 0, actor=current_actor(), at=now()
        )
    except Overwritten as other:
        return _two_versions(patient, form, other)
    if wants_json():
        return jsonify(version=kept.version if kept else 0)
    flash("Saved." if kept else "There is nothing to save yet.", "success")
    return redirect(_url(patient), 303)


def _refused(patient: Patient, form: PlanForm) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(chain.from_iterable(form.errors.values()))), 422)
    return make_response(_edit_page(patient, form), 422)


def _two_versions(patient: Patient, form: PlanForm, other: Overwritten) -> Response:
    """What is stored beside what was sent, which is saved when it is sent again."""
    db.session.rollback()
    plan = queries.plan_of(patient)
    stored = rules.in_words(plan.words)
    if wants_json():
        conflict = {"text": stored, "version": plan.version}
        return make_response(jsonify(error=str(other), conflict=conflict), 409)
    form.take_version(plan.version)
    return make_response(_edit_page(patient, form, other=stored), 409)


def _edit_page(patient: Patient, form: PlanForm, *, other: str | None = None) -> str:
    is_own = current_actor().role is Role.PATIENT
    return render_template(
        "safety/edit.html",
        patient=patient,
        is_own=is_own,
        form=form,
        row=queries.row_of(patient),
        other=other,
        back=_url(patient),
        url=url_for("safety.write_own") if is_own else url_for("safety.write", patient_id=patient.id),
    )


def _url(patient: Patient) -> str:
    if current_actor().role is Role.PATIENT:
        return url_for("safety.own")
    return url_for("safety.of_patient", patient_id=patient.id)
