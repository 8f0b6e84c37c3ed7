"""I would like to talk to someone: for the patient one tap, for the care team a name and an outcome."""

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.accounts.crisis_help import crisis_help
from kap.clock import now
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.talks import actions, queries
from kap.talks.forms import OutcomeForm
from kap.web.notices import offer_undo

bp = Blueprint("talks", __name__)


@bp.get("/my/talk")
@own_record_view(Permission.TALK_ASK)
def own(patient: Patient) -> str:
    return render_template(
        "talks/own.html",
        patient=patient,
        requests=queries.requests_of(patient),
        team=[user.name for user in queries.members_of(patient)],
        words=crisis_help(patient.practice.help_text),
        at=now(),
    )


@bp.post("/my/talk")
@own_record_view(Permission.TALK_ASK)
def ask(patient: Patient) -> Response:
    actions.ask(patient, actor=current_actor(), at=now())
    return redirect(url_for("talks.own"), 303)


@bp.post("/my/talk/no-longer")
@own_record_view(Permission.TALK_ASK)
def no_longer(patient: Patient) -> Response:
    for talk in queries.open_of(patient):
        actions.no_longer(talk, actor=current_actor(), at=now())
    offer_undo("Your care team sees that it is no longer needed.", url_for("talks.ask"))
    return redirect(url_for("talks.own"), 303)


@bp.get("/patients/<uuid:patient_id>/talks")
@patient_view(Permission.TALK_ANSWER)
def requests(patient: Patient) -> str:
    return _page(patient, OutcomeForm(formdata=None))


@bp.post("/patients/<uuid:patient_id>/talks/<uuid:request_id>/seen")
@patient_view(Permission.TALK_ANSWER)
def see(patient: Patient, request_id: UUID) -> Response:
    talk = queries.request_of(patient, request_id)
    if actions.see(talk, actor=current_actor(), at=now()):
        flash(f"{patient.name} sees that you have seen this.", "success")
    else:
        flash("Someone was here before you. Please see below who it was.", "info")
    return redirect(url_for("talks.requests", patient_id=patient.id), 303)


@bp.post("/patients/<uuid:patient_id>/talks/<uuid:request_id>/outcome")
@patient_view(Permission.TALK_ANSWER)
def end(patient: Patient, request_id: UUID) -> Response:
    talk = queries.request_of(patient, request_id)
    form = OutcomeForm()
    if not form.validate():
        return make_response(_page(patient, form, request_id), 422)
    try:
        outcome = (form.outcome.data or "").strip()
        actions.end(talk, outcome=outcome, actor=current_actor(), at=now())
    except Conflict as conflict:
        return make_response(_page(patient, form, request_id, str(conflict)), 409)
    flash("It is written down, and this request is closed.", "success")
    return redirect(url_for("talks.requests", patient_id=patient.id), 303)


def _page(patient: Patient, form: OutcomeForm, about: UUID | None = None, told: str | None = None) -> str:
    return render_template(
        "talks/requests.html",
        patient=patient,
        requests=queries.requests_of(patient),
        form=form,
        blank=OutcomeForm(formdata=None),
        about=about,
        told=told,
        at=now(),
    )
