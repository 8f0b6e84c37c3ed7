"""The programme of a patient: for the care team the whole of it, for the patient what is asked of them."""

from itertools import groupby
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.accounts.queries import names_of
from kap.clock import day_in, now
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.patients.queries import own_record
from kap.problems import Conflict, NotThere
from kap.programmes import actions, queries, shelf_queries, shelf_views
from kap.programmes.blueprint import bp
from kap.programmes.forms import GiveForm, SkipForm
from kap.programmes.places import AskedPlaces, guides_by_name, places_of
from kap.programmes.queries import Course, Standing
from kap.programmes.words import title_of, when_words
from kap.sessions.queries import upcoming_of
from kap.web.notices import offer_undo

__all__ = ["bp", "shelf_views"]  # its routes stand on the same blueprint


@bp.get("/patients/<uuid:patient_id>/programme")
@patient_view(Permission.PROGRAMME_READ)
def plan(patient: Patient) -> str:
    return _plan_page(patient)


@bp.get("/patients/<uuid:patient_id>/programme/give")
@patient_view(Permission.PROGRAMME_GIVE)
def giving(patient: Patient) -> str:
    return _give_page(patient, _give_form(patient))


@bp.post("/patients/<uuid:patient_id>/programme/give")
@patient_view(Permission.PROGRAMME_GIVE)
def give(patient: Patient) -> Response:
    form = _give_form(patient)
    if not form.validate():
        return make_response(_give_page(patient, form), 422)
    programme = shelf_queries.shelf_of(patient.practice_id).named(form.programme.data)
    try:
        given = actions.give(
            patient, programme, starts_on=form.starts_on.data or form.today, actor=current_actor(), at=now()
        )
    except Conflict:
        form.programme.errors = [f"{patient.name} has “{programme.title}” already."]
        return make_response(_give_page(patient, form), 409)
    offer_undo(
        f"“{programme.title}” is given.",
        url_for("programmes.take_back", patient_id=patient.id, given_id=given.id),
    )
    return redirect(_plan_url(patient), 303)


@bp.post("/patients/<uuid:patient_id>/programme/<uuid:given_id>/take-back")
@patient_view(Permission.PROGRAMME_GIVE)
def take_back(patient: Patient, given_id: UUID) -> Response:
    given = shelf_queries.given_of(patient, given_id)
    actions.take_back(given, actor=current_actor(), at=now())
    undo = url_for("programmes.give_back", patient_id=patient.id, given_id=given.id)
    offer_undo("Taken back. What was done stays, and so does every guide that was opened.", undo)
    return redirect(_plan_url(patient), 303)


@bp.post("/patients/<uuid:patient_id>/programme/<uuid:given_id>/give-back")
@patient_view(Permission.PROGRAMME_GIVE)
def give_back(patient: Patient, given_id: UUID) -> Response:
    actions.give_back(shelf_queries.given_of(patient, given_id), actor=current_actor(), at=now())
    flash("Given back, as it was.", "success")
    return redirect(_plan_url(patient), 303)


@bp.get("/patients/<uuid:patient_id>/programme/<uuid:given_id>/steps/<int:number>/skip")
@patient_view(Permission.STEP_SKIP)
def skipping(patient: Patient, given_id: UUID, number: int) -> str:
    return _skip_page(patient, given_id, number, SkipForm(formdata=None))


@bp.post("/patients/<uuid:patient_id>/programme/<uuid:given_id>/steps/<int:number>/skip")
@patient_view(Permission.STEP_SKIP)
def skip(patient: Patient, given_id: UUID, number: int) -> Response:
    form, session_id = SkipForm(), _session_id()
    if not form.validate():
        return make_response(_skip_page(patient, given_id, number, form), 422)
    given = shelf_queries.given_of(patient, given_id)
    actions.skip(given, number, session_id, reason=form.reason.data or "", actor=current_actor(), at=now())
    undo = url_for(
        "programmes.take_up", patient_id=patient.id, given_id=given_id, number=number, session=session_id
    )
    offer_undo("This step is left out. The patient is not asked for it.", undo)
    return redirect(_plan_url(patient), 303)


@bp.post("/patients/<uuid:patient_id>/programme/<uuid:given_id>/steps/<int:number>/take-up")
@patient_view(Permission.STEP_SKIP)
def take_up(patient: Patient, given_id: UUID, number: int) -> Response:
    given = shelf_queries.given_of(patient, given_id)
    actions.take_up(given, number, _session_id(), actor=current_actor(), at=now())
    flash("The step is part of the programme again.", "success")
    return redirect(_plan_url(patient), 303)


@bp.post("/my/programme/<uuid:given_id>/steps/<int:number>/done")
@own_record_view(Permission.STEP_DO)
def do(patient: Patient, given_id: UUID, number: int) -> Response:
    given, session_id = shelf_queries.given_of(patient, given_id), _session_id()
    actions.do(given, number, session_id, actor=current_actor(), at=now())
    offer_undo(
        "Marked as done.",
        url_for("programmes.undo", given_id=given_id, number=number, session=session_id),
    )
    return redirect(url_for("home.index"), 303)


@bp.post("/my/programme/<uuid:given_id>/steps/<int:number>/undone")
@own_record_view(Permission.STEP_DO)
def undo(patient: Patient, given_id: UUID, number: int) -> Response:
    given = shelf_queries.given_of(patient, given_id)
    actions.undo(given, number, _session_id(), actor=current_actor())
    return redirect(url_for("home.index"), 303)


@bp.app_template_global()
def steps_asked_of_me() -> AskedPlaces:
    """For the page of what a patient prepares, whose room does not know programmes."""
    patient = own_record(current_actor())
    if patient is None:
        raise NotThere("There is no record here.")
    asked = queries.asked_of(patient, at=now())
    return places_of(asked, guides_by_name(patient.practice_id))


def _session_id() -> UUID | None:
    """Of a step that comes at each session, which one: from the form, or the address of an undo."""
    return request.values.get("session", type=UUID)


def _plan_url(patient: Patient) -> str:
    return url_for("programmes.plan", patient_id=patient.id)


def _plan_page(patient: Patient) -> str:
    at = now()
    courses = queries.courses_of(shelf_queries.current_of([patient]), at=at)
    earlier = shelf_queries.earlier_of(patient)
    people = {course.given.given_by_id for course in courses}
    people |= {step.mark.by_id for course in courses for step in course.steps if step.mark}
    guides = guides_by_name(patient.practice_id)
    return render_template(
        "programmes/plan.html",
        patient=patient,
        courses=[(course, _by_session(course)) for course in courses],
        earlier=[(given, shelf_queries.as_given(given)) for given in earlier],
        names=names_of(people),
        today=day_in(at, patient.practice.zone),
        title=lambda step: title_of(step.placed.step, guides),
        when=lambda step: when_words(step.placed.step),
    )


def _by_session(course: Course) -> list[tuple[int, list[Standing]]]:
    """The steps under the session they hang on."""
    ordered = sorted(course.steps, key=lambda step: step.placed.ordinal)
    return [(number, list(steps)) for number, steps in groupby(ordered, key=lambda step: step.placed.ordinal)]


def _give_form(patient: Patient) -> GiveForm:
    offered = shelf_queries.shelf_of(patient.practice_id).offered
    return GiveForm(today=day_in(now(), patient.practice.zone), offered=offered)


def _give_page(patient: Patient, form: GiveForm) -> str:
    has = [shelf_queries.as_given(given).title for given in shelf_queries.current_of([patient])]
    upcoming = upcoming_of(patient, now())
    return render_template("programmes/give.html", patient=patient, form=form, has=has, upcoming=upcoming)


def _skip_page(patient: Patient, given_id: UUID, number: int, form: SkipForm) -> str:
    course = queries.course_of(shelf_queries.given_of(patient, given_id), at=now())
    wanted = (number, _session_id())
    found = next(
        (each for each in course.steps if (each.placed.number, each.placed.session_id) == wanted), None
    )
    if found is None:
        raise NotThere(actions.NO_SUCH_STEP)
    guides = guides_by_name(patient.practice_id)
    return render_template(
        "programmes/skip.html",
        patient=patient,
        step=found,
        form=form,
        title=title_of(found.placed.step, guides),
        when=when_words(found.placed.step),
    )
