"""What a patient was given; reading, ticking, answering and finishing it."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.accounts.queries import names_of
from kap.clock import day_in, now
from kap.content.guides import successor_of
from kap.db import db
from kap.music.rules import content_type
from kap.music.streaming import file_response
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.preparation import actions, answers, guide_actions, guide_queries, guide_views, queries
from kap.preparation.blueprint import bp
from kap.preparation.forms import AnswerForm, AssignForm, ConfirmForm, IntentionForm
from kap.preparation.queries import Standing
from kap.problems import Conflict, NotThere
from kap.sessions.actions import write_intention
from kap.sessions.models import Intention
from kap.sessions.queries import intention_of, upcoming_of
from kap.web.errors import wants_json
from kap.web.notices import offer_undo
from kap.web.settle import afterwards

__all__ = ["bp", "guide_views"]  # its routes stand on the same blueprint


@bp.get("/patients/<uuid:patient_id>/preparation")
@patient_view(Permission.ASSIGNMENT_READ)
def assigned(patient: Patient) -> Response:
    if patient.user_id == current_actor().id:
        return redirect(url_for("preparation.own"))
    standings = queries.assignments_of(patient)
    offered = guide_queries.offered(patient.practice_id)
    names = names_of({each.assignment.assigned_by_id for each in standings})
    return make_response(
        render_template(
            "preparation/assigned.html",
            patient=patient,
            standings=standings,
            newer={
                each.assignment.id: guide_queries.newer_than(each.guide, offered)
                for each in standings
                if not each.is_done
            },
            shelved={each.assignment.id: successor_of(each.guide.slug) for each in standings},
            before={each.assignment.id: queries.questions_from_before(each) for each in standings},
            gone=queries.gone_of(patient),
            names=names,
            today=_today(patient),
        )
    )


@bp.get("/patients/<uuid:patient_id>/preparation/assign")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def assignment(patient: Patient) -> str:
    return _assign_page(patient, _assign_form(patient))


@bp.post("/patients/<uuid:patient_id>/preparation/assign")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def assign(patient: Patient) -> Response:
    form = _assign_form(patient)
    if not form.validate():
        return make_response(_assign_page(patient, form), 422)
    chosen = guide_queries.guide_for(patient.practice_id, form.guide.data)
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


@bp.post("/patients/<uuid:patient_id>/preparation/<uuid:assignment_id>/move-on")
@patient_view(Permission.ASSIGNMENT_ASSIGN)
def move_on(patient: Patient, assignment_id: UUID) -> Response:
    """Have the patient read the newest text of what they were given."""
    standing = queries.given(patient, assignment_id)
    newest = guide_queries.newer_than(standing.guide, guide_queries.offered(patient.practice_id))
    if newest is not None and guide_actions.move_on(
        standing.assignment, to=newest, actor=current_actor(), at=now()
    ):
        flash(f"{patient.name} has the newest text now. Ticks and answers are kept.", "success")
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


@bp.get("/my/preparation/<uuid:assignment_id>/pdf")
@own_record_view(Permission.ASSIGNMENT_DO)
def own_pdf(patient: Patient, assignment_id: UUID) -> Response:
    return guide_views.pdf_answer(queries.given(patient, assignment_id).guide, patient.practice.name)


@bp.get("/my/preparation/<uuid:assignment_id>/audio/<sound>")
@own_record_view(Permission.ASSIGNMENT_DO)
def audio(patient: Patient, assignment_id: UUID, sound: str) -> Response:
    """A track that a guide names: the only music of the practice that a patient can open by themselves."""
    guide = queries.given(patient, assignment_id).guide
    track = guide_queries.tracks_for(patient.practice_id, guide).get(sound)
    if track is None or track.file_key is None:
        raise NotThere("This recording is not here. Your therapist can add it.")
    return file_response(track.file_key, mimetype=content_type(track.codec))


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
        standing = queries.given(patient, assignment_id)
        return make_response(render_template("preparation/ticked.html", standing=standing, key=item))
    return redirect(_reading_url(assignment_id, f"item-{item}"), 303)


@bp.post("/my/preparation/<uuid:assignment_id>/statements/<item>")
@own_record_view(Permission.ASSIGNMENT_DO)
def confirm(patient: Patient, assignment_id: UUID, item: str) -> Response:
    """Confirm a statement in the wording that was on the page, or take that back."""
    row, form = queries.given(patient, assignment_id).assignment, ConfirmForm()
    if form.confirmed.data != "yes":
        actions.untick(row, item=item, actor=current_actor())
        return redirect(_reading_url(assignment_id, f"item-{item}"), 303)
    try:
        actions.confirm(row, item=item, wording=form.wording.data or "", actor=current_actor(), at=now())
    except Conflict as changed:
        flash(str(changed), "warning")
    return redirect(_reading_url(assignment_id, f"item-{item}"), 303)


@bp.post("/my/preparation/<uuid:assignment_id>/answers/<item>")
@own_record_view(Permission.ASSIGNMENT_DO)
def answer(patient: Patient, assignment_id: UUID, item: str) -> Response:
    standing, form = queries.given(patient, assignment_id), AnswerForm()
    if not form.validate():
        return _not_taken(patient, standing, item, form)
    try:
        written = answers.write(
            standing.assignment,
            item=item,
            words=form.text.data or "",
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except answers.Overwritten as other:
        return _two_answers(patient, standing, item, form, other)
    if wants_json():
        return jsonify(version=written.version if written else 0)
    flash("Your answer is saved." if written else "There is nothing to save yet.", "success")
    return redirect(_reading_url(assignment_id, f"question-{item}"), 303)


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


def _not_taken(patient: Patient, standing: Standing, item: str, form: AnswerForm) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(form.text.errors)), 422)
    return make_response(_reading_page(patient, standing, answering=Answering(item, form)), 422)


def _two_answers(
    patient: Patient, standing: Standing, item: str, form: AnswerForm, other: answers.Overwritten
) -> Response:
    if wants_json():
        return make_response(jsonify(conflict={"text": other.words, "version": other.version}), 409)
    form.take_version(other.version)
    return make_response(_reading_page(patient, standing, answering=Answering(item, form, other.words)), 409)


@dataclass(frozen=True)
class Answering:
    """An answer that came back: to which question, as it was typed, and what stands there instead."""

    item: str
    form: AnswerForm
    other: str | None = None


def _reading_page(
    patient: Patient,
    standing: Standing,
    form: IntentionForm | None = None,
    other: str | None = None,
    answering: Answering | None = None,
) -> str:
    stored = intention_of(patient) if standing.guide.asks == "intention" else None
    giver = standing.assignment.assigned_by_id
    before = queries.questions_from_before(standing)
    return render_template(
        "preparation/read.html",
        standing=standing,
        assigner=names_of({giver}).get(giver, "Your therapist"),
        today=_today(patient),
        stored=stored,
        form=form or _intention_form(stored),
        other=other,
        before=before,
        answering=answering,
        answer_forms={
            question.key: _answer_form(standing, question.key, answering)
            for question in (*standing.guide.questions, *before)
        },
        tracks=guide_queries.tracks_for(patient.practice_id, standing.guide),
    )


def _answer_form(standing: Standing, key: str, answering: Answering | None) -> AnswerForm:
    if answering is not None and answering.item == key:
        form = answering.form
    else:
        known = standing.answer(key)
        form = AnswerForm(
            formdata=None, text=known.words if known else "", version=known.version if known else 0
        )
    form.text.id = f"answer-{key}"
    return form


def _intention_form(stored: Intention | None) -> IntentionForm:
    return IntentionForm(
        formdata=None, text=stored.text if stored else "", version=stored.version if stored else 0
    )


def _reading_url(assignment_id: UUID, anchor: str | None = None) -> str:
    return url_for("preparation.read", assignment_id=assignment_id, _anchor=anchor)


def _assign_form(patient: Patient) -> AssignForm:
    return AssignForm(today=_today(patient), guides=guide_queries.offered(patient.practice_id))


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
