"""The caseload, who a patient is, their care team, who looked at their record."""

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap import mail
from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.access.words import words_for
from kap.accounts import messages
from kap.accounts import queries as people
from kap.clock import now
from kap.config import current_config
from kap.patients import actions, queries
from kap.patients.forms import PatientForm
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.web.notices import offer_undo
from kap.web.paging import page_of, read_page

bp = Blueprint("patients", __name__)
TRACE_PER_PAGE = 50


@bp.get("/patients")
@requires(Permission.PATIENTS_LIST)
def listing() -> str:
    search, archived = request.args.get("q", "")[:100], "archived" in request.args
    found = queries.caseload(current_actor(), search=search, archived=archived)
    page = page_of(found.patients, request.args.get("page", 1, int))
    return render_template(
        "patients/list.html", page=page, search=search, archived=archived, archived_count=found.archived
    )


@bp.get("/patients/new")
@requires(Permission.PATIENT_ADMIT)
def admission() -> str:
    return render_template("patients/new.html", form=PatientForm())


@bp.post("/patients/new")
@requires(Permission.PATIENT_ADMIT)
def admit() -> Response:
    form = PatientForm()
    if not form.validate():
        return make_response(render_template("patients/new.html", form=form), 422)
    patient = actions.admit(
        practice=current_user.user.practice, identity=form.identity(), actor=current_actor(), at=now()
    )
    return redirect(url_for("home.chart", patient_id=patient.id))


@bp.get("/patients/<uuid:patient_id>/edit")
@patient_view(Permission.PATIENT_EDIT)
def details(patient: Patient) -> str:
    return _details_page(patient, _details_form(patient))


@bp.post("/patients/<uuid:patient_id>/edit")
@patient_view(Permission.PATIENT_EDIT)
def edit(patient: Patient) -> Response:
    form = PatientForm()
    if not form.validate():
        return make_response(_details_page(patient, form), 422)
    try:
        actions.edit(
            patient,
            identity=form.identity(),
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except Conflict as conflict:
        form.take_version(patient.version)
        return make_response(_details_page(patient, form, conflict=str(conflict)), 409)
    except Invalid as invalid:
        form.email.errors = [str(invalid)]
        return make_response(_details_page(patient, form), 422)
    flash("Saved.", "success")
    return redirect(url_for("home.chart", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/archive")
@patient_view(Permission.PATIENT_ARCHIVE)
def archive(patient: Patient) -> Response:
    actions.archive(patient, actor=current_actor(), at=now())
    offer_undo("Archived. Nothing is deleted.", url_for("patients.restore", patient_id=patient.id))
    return redirect(url_for("home.chart", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/restore")
@patient_view(Permission.PATIENT_ARCHIVE)
def restore(patient: Patient) -> Response:
    actions.restore(patient, actor=current_actor())
    flash("Restored.", "success")
    return redirect(url_for("home.chart", patient_id=patient.id))


@bp.get("/patients/<uuid:patient_id>/team")
@patient_view(Permission.TEAM_CHANGE)
def team(patient: Patient) -> str:
    members = queries.team_of(patient)
    inside = {member.user_id for member in members}
    others = [user for user in people.therapists_of(patient.practice_id) if user.id not in inside]
    return render_template("patients/team.html", patient=patient, members=members, others=others)


@bp.post("/patients/<uuid:patient_id>/team/join")
@patient_view(Permission.TEAM_CHANGE)
def join_team(patient: Patient) -> Response:
    user_id = request.form.get("user_id", type=UUID)
    if user_id is None:
        raise Invalid("Please choose a colleague first.")
    colleague = people.staff_member(current_actor(), user_id)
    actions.join_team(patient, colleague=colleague, actor=current_actor(), at=now())
    flash(f"{colleague.name} is on the care team.", "success")
    return redirect(url_for("patients.team", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/team/<uuid:user_id>/leave")
@patient_view(Permission.TEAM_CHANGE)
def leave_team(patient: Patient, user_id: UUID) -> Response:
    actions.leave_team(patient, user_id=user_id, actor=current_actor(), at=now())
    if user_id == current_user.id:
        return redirect(url_for("patients.listing"))
    return redirect(url_for("patients.team", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/invite")
@patient_view(Permission.PATIENT_INVITE)
def invite(patient: Patient) -> Response:
    days = current_config().invitation_days
    invitation, token = actions.invite(patient, actor=current_actor(), days=days, at=now())
    if mail.configured():
        messages.send_invitation(invitation, patient_id=patient.id)
        flash("The invitation is on its way by e-mail.", "success")
        return redirect(url_for("home.chart", patient_id=patient.id))
    link = messages.invitation_link(token)
    back = (patient.name, url_for("home.chart", patient_id=patient.id))
    return make_response(
        render_template("accounts/invited.html", invitation=invitation, link=link, back=back)
    )


@bp.post("/patients/<uuid:patient_id>/invite/revoke")
@patient_view(Permission.PATIENT_INVITE)
def revoke_invitation(patient: Patient) -> Response:
    actions.revoke_invitation(patient, actor=current_actor(), at=now())
    flash("The invitation is revoked.", "success")
    return redirect(url_for("home.chart", patient_id=patient.id))


@bp.get("/patients/<uuid:patient_id>/trace")
@patient_view(Permission.TRACE_READ)
def trace(patient: Patient) -> str:
    return _trace_page(patient)


@bp.get("/my/trace")
@own_record_view(Permission.TRACE_READ)
def own_trace(patient: Patient) -> str:
    return _trace_page(patient)


def _trace_page(patient: Patient) -> str:
    page = read_page(
        queries.trace_of(patient, current_actor()), request.args.get("page", 1, int), TRACE_PER_PAGE
    )
    # Someone of another practice who tried an address of ours stays nameless: no name crosses over.
    names = people.names_of(
        {row.actor_id for row in page.rows if row.actor_id and row.practice_id == patient.practice_id}
    )
    return render_template(
        "patients/trace.html", patient=patient, page=page, names=names, words_for=words_for
    )


def _details_page(patient: Patient, form: PatientForm, conflict: str | None = None) -> str:
    return render_template("patients/edit.html", patient=patient, form=form, conflict=conflict)


def _details_form(patient: Patient) -> PatientForm:
    return PatientForm(
        data={
            "name": patient.name,
            "born": patient.birthday,
            "email": patient.email,
            "phone": patient.phone,
            "version": patient.version,
        }
    )
