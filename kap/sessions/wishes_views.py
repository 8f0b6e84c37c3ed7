"""What music a patient likes and what must not be played: by themselves, or together with a therapist."""

from itertools import chain
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, url_for
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, observe
from kap.access.permissions import Permission, Role
from kap.clock import now
from kap.db import db
from kap.music.builder import Avoid
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.sessions import queries, wishes
from kap.sessions.blueprint import bp
from kap.sessions.forms import WishesForm
from kap.sessions.wishes import Wishes
from kap.web.errors import wants_json


@bp.get("/my/music")
@own_record_view(Permission.WISHES_WRITE)
def own_wishes(patient: Patient) -> str:
    return _page(patient, _stored_form(patient))


@bp.post("/my/music")
@own_record_view(Permission.WISHES_WRITE)
def write_own_wishes(patient: Patient) -> Response:
    return _write(patient)


@bp.get("/patients/<uuid:patient_id>/music-wishes")
@patient_view(Permission.WISHES_READ)
def patient_wishes(patient: Patient) -> Response:
    if current_actor().role is Role.PATIENT:
        return redirect(url_for("sessions.own_wishes"))
    return make_response(_page(patient, _stored_form(patient)))


@bp.post("/patients/<uuid:patient_id>/music-wishes")
@patient_view(Permission.WISHES_WRITE)
def write_patient_wishes(patient: Patient) -> Response:
    return _write(patient)


def shown_wishes(patient: Patient) -> dict[str, Any]:
    """What pages of the care team show of the wishes; that they were read leaves a trace."""
    row = queries.wishes_of(patient)
    if row is not None:
        observe(Permission.WISHES_READ, actor=current_actor(), patient_id=patient.id, subject=row)
    said = wishes.in_force(row)
    return {
        "row": row,
        "likes": said.likes,
        "no_gos": said.avoid.in_words(),
        "build_url": f"{url_for('music.new_playlist')}?{_query(said.avoid)}" if said.avoid else None,
    }


def avoid_of(patient: Patient) -> Avoid:
    return wishes.in_force(queries.wishes_of(patient)).avoid


def _query(avoid: Avoid) -> str:
    """The no-gos as the page that builds a playlist takes them. Nothing in it says whose they are."""
    return urlencode(
        [
            *([("avoid_voices", "1")] if avoid.voices else []),
            *([("avoid_culture", "1")] if avoid.religious_or_cultural else []),
            *(("avoid_language", language) for language in avoid.languages),
            *(("avoid_word", word) for word in avoid.words),
        ]
    )


def _stored_form(patient: Patient) -> WishesForm:
    row = queries.wishes_of(patient)
    return WishesForm.showing(wishes.in_force(row), version=row.version if row else 0)


def _write(patient: Patient) -> Response:
    form = WishesForm()
    if not form.validate():
        return _refused(patient, form)
    try:
        written = wishes.write(
            patient, form.wishes(), version=form.version.data or 0, actor=current_actor(), at=now()
        )
    except (Conflict, StaleDataError):
        db.session.rollback()
        return _two_versions(patient, form)
    if wants_json():
        return jsonify(version=written.version)
    flash("Saved.", "success")
    return redirect(_back(patient.id), 303)


def _refused(patient: Patient, form: WishesForm) -> Response:
    if wants_json():
        return make_response(jsonify(error=" ".join(chain.from_iterable(form.errors.values()))), 422)
    return make_response(_page(patient, form), 422)


def _two_versions(patient: Patient, form: WishesForm) -> Response:
    """What is stored beside what was sent, which is saved when it is sent again."""
    row = queries.wishes_of(patient)
    stored = _in_words(wishes.in_force(row))
    version = row.version if row else 0
    if wants_json():
        return make_response(jsonify(conflict={"text": stored, "version": version}), 409)
    form.take_version(version)
    return make_response(_page(patient, form, other=stored), 409)


def _in_words(said: Wishes) -> str:
    no_gos = ", ".join(said.avoid.in_words())
    return "\n".join([said.likes or "No likes are written down.", f"To leave out: {no_gos or 'nothing'}."])


def _page(patient: Patient, form: WishesForm, *, other: str | None = None) -> str:
    is_own = current_actor().role is Role.PATIENT
    row = queries.wishes_of(patient)
    return render_template(
        "sessions/wishes.html",
        patient=patient,
        is_own=is_own,
        form=form,
        row=row,
        other=other,
        url=_back(patient.id),
    )


def _back(patient_id: UUID) -> str:
    if current_actor().role is Role.PATIENT:
        return url_for("sessions.own_wishes")
    return url_for("sessions.patient_wishes", patient_id=patient_id)
