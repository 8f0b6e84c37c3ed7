"""The library of guides; what a patient was given; reading, ticking and finishing it."""

from datetime import date
from functools import partial
from uuid import UUID

from flask import Blueprint, flash, jsonify, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.accounts.queries import names_of
from kap.clock import day_in, now
from kap.content.guides import library as guides
from kap.db import db
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.preparation import actions, queries
from kap.preparation.forms import AssignForm, IntentionForm
from kap.preparation.queries import Standing
from kap.problems import Conflict, NotThere
from kap.sessions.actions import write_intention
from kap.sessions.models import Intention
from kap.sessions.queries import intention_of, upcoming_of
from kap.web.errors import wants_json
from kap.web.notices import offer_undo
from kap.web.settle import afterwards

bp = Blueprint("preparation", __name__)


@bp.get("/guides")
@requires(Permission.GUIDES_READ)
def library() -> str:
    return render_template("preparation/library.html", guides=guides().values())


@bp.get("/guides/<slug>")
@requires(Permission.GUIDES_READ)
def guide(slug: str) -> str:
    return render_template("preparation/guide.html", guide=queries.guide_of(slug))


@bp.get("/patients/<uuid:patient_id>/preparation")
@patient_view(Permission.ASSIGNMENT_READ)
def assigned(patient: Patient) -> Response:
    if patient.user_id == current_actor().id:
        return redirect(url_for("preparation.own"))
    standings = queries.assignments_of(patient)
    names = names_of({each.assignment.assigned_by_id for each in standings})
    return make_response(
        render_template(
            "preparation/assigned.html",
            patient=patient,
            standings=standings,
            retired=queries.retired_of(patient),
            names=names,
            today=_today(patient),
        )
    )


@bp.get("/patients/<uuid:patient_id>/preparation/assign")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def assignment(patient: Patient) -> str:
    return _assign_page(patient, AssignForm(today=_today(patient)))


@bp.post("/patients/<uuid:patient_id>/preparation/assign")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def assign(patient: Patient) -> Response:
    form = AssignForm(today=_today(patient))
    if not form.validate():
        return make_response(_assign_page(patient, form), 422)
    chosen = queries.guide_of(form.guide.data)
    try:
        actions.assign(
            patient,
            guide=chosen,
            due_on=form.due_on.data,
            line=(form.line.data or "").strip() or None,
            actor=current_actor(),
            at=now(),
        )
    except Conflict:
        form.guide.errors = [f"{patient.name} has “{chosen.title}” already and is not done with it."]
        return make_response(_assign_page(patient, form), 409)
    flash(f"“{chosen.title}” is given.", "success")
    return redirect(url_for("preparation.assigned", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/preparation/<uuid:assignment_id>/withdraw")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def withdraw(patient: Patient, assignment_id: UUID) -> Response:
    row = queries.assignment_of(patient, assignment_id)
    actions.withdraw(row, actor=current_actor(), at=now())
    undo = url_for("preparation.give_back", patient_id=patient.id, assignment_id=row.id)
    offer_undo("Taken back. Nothing the patient ticked is lost.", undo)
    return redirect(url_for("preparation.assigned", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/preparation/<uuid:assignment_id>/give-back")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def give_back(patient: Patient, assignment_id: UUID) -> Response:
    actions.give_back(queries.assignment_of(patient, assignment_id), actor=current_actor())
    flash("Given back, as it was.", "success")
    return redirect(url_for("preparation.assigned", patient_id=patient.id))


@bp.get("/my/preparation")
@own_record_view(Permission.ASSIGNMENT_DO)
def own(patient: Patient) -> str:
    today = _today(patient)
    return render_template("preparation/own.html", plan=queries.plan_of(patient, today), today=today)


@bp.get("/my/preparation/<uuid:assignment_id>")
@own_record_view(Permission.ASSIGNMENT_DO)
def read(patient: Patient, assignment_id: UUID) -> str:
    standing = queries.given(patient, assignment_id)
    if standing.assignment.opened_at is None:
        afterwards(partial(actions.note_opening, assignment_id=assignment_id, at=now()))
    return _reading_page(patient, standing)


@bp.post("/my/preparation/<uuid:assignment_id>/items/<item>")
@own_record_view(Permission.ASSIGNMENT_DO)
def tick(patient: Patient, assignment_id: UUID, item: str) -> Response:
    """Set or clear one item; the form says which, so that pressing twice or from two tabs is harmless."""
    row = queries.given(patient, assignment_id).assignment
    if request.form.get("ticked") == "yes":
        actions.tick(row, item=item, actor=current_actor(), at=now())
    else:
        actions.untick(row, item=item, actor=current_actor())
    if "HX-Request" in request.headers:
        return make_response(
            render_template("preparation/ticked.html", standing=queries.standing(row), key=item)
        )
    return redirect(_reading_url(assignment_id, f"item-{item}"), 303)


@bp.post("/my/preparation/<uuid:assignment_id>/done")
@own_record_view(Permission.ASSIGNMENT_DO)
def finish(patient: Patient, assignment_id: UUID) -> Response:
    standing = queries.given(patient, assignment_id)
    actions.finish(standing.assignment, actor=current_actor(), at=now())
    undo = url_for("preparation.reopen", assignment_id=assignment_id)
    offer_undo(f"“{standing.guide.title}” is marked as done.", undo)
    return redirect(url_for("preparation.own"))


@bp.post("/my/preparation/<uuid:assignment_id>/reopen")
@own_record_view(Permission.ASSIGNMENT_DO)
def reopen(patient: Patient, assignment_id: UUID) -> Response:
    actions.reopen(queries.given(patient, assignment_id).assignment, actor=current_actor())
    return redirect(_reading_url(assignment_id))


@bp.post("/my/preparation/<uuid:assignment_id>/intention")
@own_record_view(Permission.INTENTION_WRITE)
def write(patient: Patient, assignment_id: UUID) -> Response:
    standing = queries.given(patient, assignment_id)
    if standing.guide.asks != "intention":
        raise NotThere("This guide does not ask for an intention.")
    form = IntentionForm()
    if not form.validate():
        return _intention_refused(patient, standing, form)
    try:
        written = write_intention(
            patient,
            text=form.text.data or "",
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except (Conflict, StaleDataError):
        db.session.rollback()
        return _intention_conflict(patient, queries.given(patient, assignment_id), form)
    if wants_json():
        return jsonify(version=written.version, saved_at=written.written_at.isoformat(), text=written.text)
    flash("Your intention is saved.", "success")
    return redirect(_reading_url(assignment_id, "intention"), 303)


def _intention_refused(patient: Patient, standing: Standing, form: IntentionForm) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(form.text.errors)), 422)
    return make_response(_reading_page(patient, standing, form), 422)


def _intention_conflict(patient: Patient, standing: Standing, form: IntentionForm) -> Response:
    """Both texts: the one that is stored, and the one that was sent, which is saved when sent again."""
    stored = intention_of(patient)
    text, version = (stored.text, stored.version) if stored else ("", 0)
    if wants_json():
        return make_response(jsonify(conflict={"text": text, "version": version}), 409)
    form.take_version(version)
    return make_response(_reading_page(patient, standing, form, other=text), 409)


def _reading_page(
    patient: Patient, standing: Standing, form: IntentionForm | None = None, other: str | None = None
) -> str:
    stored = intention_of(patient) if standing.guide.asks == "intention" else None
    giver = standing.assignment.assigned_by_id
    return render_template(
        "preparation/read.html",
        standing=standing,
        assigner=names_of({giver}).get(giver, "Your therapist"),
        today=_today(patient),
        stored=stored,
        form=form or _intention_form(stored),
        other=other,
    )


def _intention_form(stored: Intention | None) -> IntentionForm:
    return IntentionForm(
        formdata=None, text=stored.text if stored else "", version=stored.version if stored else 0
    )


def _reading_url(assignment_id: UUID, anchor: str | None = None) -> str:
    return url_for("preparation.read", assignment_id=assignment_id, _anchor=anchor)


def _assign_page(patient: Patient, form: AssignForm) -> str:
    has = [f"“{each.guide.title}”" for each in queries.assignments_of(patient) if not each.is_done]
    upcoming = upcoming_of(patient, now())
    return render_template(
        "preparation/assign.html",
        patient=patient,
        form=form,
        has=has,
        session=upcoming[0] if upcoming else None,
    )


def _today(patient: Patient) -> date:
    """The day on the practice's calendar, which due days are written in."""
    return day_in(now(), patient.practice.zone)
