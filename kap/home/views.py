"""The pages that look into several rooms."""

from flask import Blueprint, render_template
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from kap.access.guard import current_actor, public, requires
from kap.access.permissions import Permission, Role
from kap.accounts import queries as people
from kap.accounts import signin
from kap.accounts.crisis_help import crisis_help
from kap.clock import day_in, now
from kap.home import queries
from kap.home.timeline import timeline_of
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.patients.queries import own_record
from kap.sessions.rules import ROUTE_WORDS

bp = Blueprint("home", __name__)


@bp.get("/")
@requires(Permission.HOME_READ)
def index() -> str:
    pages = {Role.PATIENT: _patient_page, Role.THERAPIST: _therapist_page, Role.ADMIN: _admin_page}
    return pages[current_user.role]()


@bp.get("/patients/<uuid:patient_id>")
@patient_view(Permission.PATIENT_READ)
def chart(patient: Patient) -> str:
    moment = now()
    found = queries.chart_of(patient, current_actor(), at=moment)
    return render_template(
        "home/chart.html", patient=patient, chart=found, events=timeline_of(patient, found), at=moment
    )


@bp.get("/help-now")
@public  # help must not wait for a sign-in that has just ended
def help_now() -> str:
    practice = people.practice_for_help(signin.practice_here())
    words = crisis_help(practice.help_text) if practice else ""
    return render_template("home/help_now.html", words=words, place=practice.name if practice else None)


def _patient_page() -> str:
    actor, moment = current_actor(), now()
    patient = own_record(actor)
    if patient is None:  # the sign-in of a patient whose record is gone
        raise Forbidden
    home = queries.patient_home(patient, actor, at=moment)
    today = day_in(moment, patient.practice.zone)
    return render_template("home/patient.html", home=home, today=today)


def _therapist_page() -> str:
    moment = now()
    practice = current_user.user.practice
    home = queries.therapist_home(current_actor(), practice, at=moment)
    today = day_in(moment, practice.zone)
    return render_template("home/therapist.html", home=home, today=today, at=moment, routes=ROUTE_WORDS)


def _admin_page() -> str:
    return render_template("home/admin.html", home=queries.admin_home(current_actor(), at=now()))
