"""What stands between a patient and a session, for both; what is arranged; opening a session."""

from itertools import chain
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission, Role
from kap.clock import now
from kap.db import db
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.preparation import queries as preparation
from kap.problems import Conflict, Invalid, NotThere
from kap.readiness import actions, queries
from kap.readiness.actions import NotReady, Overwritten
from kap.readiness.forms import ArrangementsForm, ChoiceForm, ReasonForm, mark
from kap.readiness.rules import Item
from kap.readiness.wording import FASTING, TRAVEL
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession, SessionState
from kap.sessions.rules import ROUTE_WORDS
from kap.sessions.views import session_page
from kap.web.errors import STATUS, wants_json

bp = Blueprint("readiness", __name__)

Links = dict[Item, str]


@bp.app_context_processor
def _offer() -> dict[str, Any]:
    """The page of a planned session, which stands below this room, asks by it what is missing."""
    return {"readiness_of": lambda session: queries.readiness_of(session, at=now())}


@bp.get("/my/upcoming")
@own_record_view(Permission.READINESS_READ)
def upcoming(patient: Patient) -> Response:
    """The next session's page."""
    found = sessions.upcoming_of(patient, now())
    if found:
        return redirect(url_for("readiness.own", session_id=found[0].id))
    return make_response(render_template("readiness/none.html"))


@bp.get("/my/upcoming/<uuid:session_id>")
@own_record_view(Permission.READINESS_READ)
def own(patient: Patient, session_id: UUID) -> str:
    return _page(_planned(patient, session_id))


@bp.post("/my/upcoming/<uuid:session_id>")
@own_record_view(Permission.ARRANGEMENTS_WRITE)
def arrange_own(patient: Patient, session_id: UUID) -> Response:
    return _arrange(_planned(patient, session_id))


@bp.get("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/readiness")
@patient_view(Permission.READINESS_READ)
def of_session(patient: Patient, session_id: UUID) -> Response:
    if current_actor().role is Role.PATIENT:
        return redirect(url_for("readiness.own", session_id=session_id))
    return make_response(_page(_planned(patient, session_id)))


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/arrangements")
@patient_view(Permission.ARRANGEMENTS_WRITE)
def arrange(patient: Patient, session_id: UUID) -> Response:
    return _arrange(_planned(patient, session_id))


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/open")
@patient_view(Permission.SESSION_RECORD)
def open_session(patient: Patient, session_id: UUID) -> Response:
    """The only way to open a session: with everything that is required, or with a written reason."""
    session = sessions.session_of(patient, session_id)
    reason = ReasonForm().reason.data or ""
    try:
        actions.open_session(
            session, reason=reason, seen=request.form.getlist("seen"), actor=current_actor(), at=now()
        )
    except NotReady as refused:
        page = session_page(session, told=str(refused), found=refused.found, reason=reason)
        return make_response(page, 409)
    except (Conflict, Invalid) as problem:
        # The page may have no place for a reason any more.
        words = f" Your reason is not kept yet: “{reason}”" if reason else ""
        page = session_page(session, told=f"{problem}{words}", reason=reason)
        return make_response(page, STATUS[type(problem)])
    return redirect(url_for("sessions.page", patient_id=patient.id, session_id=session.id), 303)


@bp.get("/readiness/required")
@requires(Permission.READINESS_SET)
def choice() -> str:
    practice = current_user.user.practice
    found = queries.choice_of(practice.id)
    return _choice_page(ChoiceForm.showing(found, practice.safety_plan_months))


@bp.post("/readiness/required")
@requires(Permission.READINESS_SET)
def choose() -> Response:
    form = ChoiceForm()
    if not form.validate():
        return make_response(_choice_page(form), 422)
    practice = current_user.user.practice
    try:
        actions.choose(
            practice,
            required=form.required(),
            fasting=form.own("fasting"),
            travel=form.own("travel"),
            plan_months=form.months.data or 0,
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except Conflict as conflict:
        form.take_version(queries.choice_of(practice.id).version)
        return make_response(_choice_page(form, told=str(conflict)), 409)
    flash("Saved. It holds for every planned session from now on.", "success")
    return redirect(url_for("readiness.choice"), 303)


def _planned(patient: Patient, session_id: UUID) -> DosingSession:
    session = sessions.session_of(patient, session_id)
    if session.state is not SessionState.PLANNED:
        raise NotThere("This session is not planned any more, so nothing is missing for it.")
    return session


def _arrange(session: DosingSession) -> Response:
    form = ArrangementsForm()
    if not form.validate():
        return _refused(session, form)
    try:
        kept = actions.arrange(
            session,
            form.wanted(**_known_words(session)),
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except Overwritten as other:
        return _two_versions(session, form, other)
    except Conflict as conflict:
        if wants_json():
            raise
        return make_response(_page(session, form, told=str(conflict)), 409)
    if wants_json():
        return jsonify(version=kept.version if kept else 0)
    flash("Saved." if kept else "There is nothing to save yet.", "success")
    return redirect(_url(session), 303)


def _known_words(session: DosingSession) -> dict[str, list[str]]:
    """The words that a page may have shown for each statement: those of now, and those confirmed before."""
    chosen = queries.choice_of(session.patient.practice_id)
    row = queries.arrangements_of(session)
    before = (row.fasting_words or "", row.travel_words or "") if row else ("", "")
    return {
        "fasting": [chosen.fasting(session.route).text, before[0]],
        "travel": [chosen.travel(session.route).text, before[1]],
    }


def _refused(session: DosingSession, form: ArrangementsForm) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(chain.from_iterable(form.errors.values()))), 422)
    return make_response(_page(session, form), 422)


def _two_versions(session: DosingSession, form: ArrangementsForm, other: Overwritten) -> Response:
    """What is stored beside what was sent, which is saved when it is sent again."""
    db.session.rollback()
    row = queries.arrangements_of(session)
    version = row.version if row else 0
    escort = row.escort if row else {}
    stored = f"{escort.get('name') or 'No name'}, {escort.get('phone') or 'no phone number'}"
    if wants_json():
        conflict = {"text": stored, "version": version}
        return make_response(jsonify(error=str(other), conflict=conflict), 409)
    form.take_version(version)
    return make_response(_page(session, form, other=stored, told=str(other)), 409)


def _page(
    session: DosingSession, form: ArrangementsForm | None = None, *, other: str | None = None, told: str = ""
) -> str:
    is_own = current_actor().role is Role.PATIENT
    chosen = queries.choice_of(session.patient.practice_id)
    row = queries.arrangements_of(session)
    return render_template(
        "readiness/own.html" if is_own else "readiness/session.html",
        session=session,
        patient=session.patient,
        is_own=is_own,
        readiness=queries.readiness_of(session, at=now()),
        links=own_links(session) if is_own else _team_links(session),
        route=ROUTE_WORDS[session.route],
        form=form or ArrangementsForm.showing(row),
        row=row,
        fasting=chosen.fasting(session.route),
        travel=chosen.travel(session.route),
        mark_of=mark,
        items=Item,
        other=other,
        told=told,
        url=_arrange_url(session),
    )


def own_links(session: DosingSession) -> Links:
    """Where a patient settles each item before one of their sessions."""
    arrangements = url_for("readiness.own", session_id=session.id, _anchor="arrangements")
    return {
        Item.CONSENTS: url_for("consents.own"),
        Item.SCREENING: url_for("screening.own"),
        Item.GUIDES: url_for("preparation.own"),
        Item.ESCORT: arrangements,
        Item.FASTING: arrangements,
        Item.TRAVEL: arrangements,
        Item.MUSIC: url_for("sessions.own_wishes"),
        Item.INTENTION: _intention_url(session.patient),
        Item.SAFETY_PLAN: url_for("safety.own"),
    }


def _intention_url(patient: Patient) -> str:
    tasks = preparation.tasks_of_many([patient])[patient.id]
    asking = next((task for task in reversed(tasks) if task.guide.asks == "intention"), None)
    if asking is None:
        return url_for("preparation.own")
    return url_for("preparation.read", assignment_id=asking.assignment.id)


def _team_links(session: DosingSession) -> Links:
    """Where the care team settles each item, or sees who can."""
    names: dict[str, Any] = {"patient_id": session.patient_id}
    preparation_url = url_for("preparation.assigned", **names)
    arrangements = url_for("readiness.of_session", **names, session_id=session.id, _anchor="arrangements")
    return {
        Item.CONSENTS: url_for("consents.standing", **names),
        Item.SCREENING: url_for("screening.standing", **names),
        Item.GUIDES: preparation_url,
        Item.ESCORT: arrangements,
        Item.FASTING: arrangements,
        Item.TRAVEL: arrangements,
        Item.MUSIC: url_for("sessions.patient_wishes", **names),
        Item.INTENTION: preparation_url,
        Item.SAFETY_PLAN: url_for("safety.of_patient", **names),
    }


def _url(session: DosingSession) -> str:
    if current_actor().role is Role.PATIENT:
        return url_for("readiness.own", session_id=session.id)
    return url_for("readiness.of_session", patient_id=session.patient_id, session_id=session.id)


def _arrange_url(session: DosingSession) -> str:
    if current_actor().role is Role.PATIENT:
        return url_for("readiness.arrange_own", session_id=session.id)
    return url_for("readiness.arrange", patient_id=session.patient_id, session_id=session.id)


def _choice_page(form: ChoiceForm, *, told: str = "") -> str:
    return render_template(
        "readiness/required.html",
        form=form,
        told=told,
        items=Item,
        routes=ROUTE_WORDS,
        fasting=FASTING,
        travel=TRAVEL,
        row=queries.choice_row(current_user.user.practice_id),
    )
