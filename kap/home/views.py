"""The pages that look into several rooms."""

from typing import Any

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
from kap.home.rules import Step
from kap.home.timeline import timeline_of
from kap.mail.rules import sentence
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.patients.queries import own_record
from kap.programmes.places import guides_by_name, place_of, places_of
from kap.readiness.views import own_links
from kap.reminders.queries import REMINDER
from kap.sessions.rules import ROUTE_WORDS

bp = Blueprint("home", __name__)
LETTER_NAMES = {"accounts.invitation": "An invitation", REMINDER: "A reminder"}


@bp.get("/")
@requires(Permission.HOME_READ)
def index() -> str:
    pages = {Role.PATIENT: _patient_page, Role.THERAPIST: _therapist_page, Role.ADMIN: _admin_page}
    return pages[current_user.role]()


@bp.get("/patients/<uuid:patient_id>")
@patient_view(Permission.PATIENT_READ)
def chart(patient: Patient) -> str:
    found = queries.chart_of(patient, current_actor(), at=now())
    return render_template(
        "home/chart.html", patient=patient, chart=found, events=timeline_of(patient, found)
    )


@bp.get("/help-now")
@public  # help must not wait for a sign-in that has just ended
def help_now() -> str:
    has_plan = current_user.is_authenticated and current_user.role is Role.PATIENT
    return render_template("home/help_now.html", has_plan=has_plan, **_help())


@bp.get("/help-now/here")
@public  # the same, as a patient's device keeps it for when there is no network
def help_here() -> str:
    return render_template("home/help_here.html", has_plan=False, **_help())


def _help() -> dict[str, Any]:
    practice = people.practice_for_help(signin.practice_here())
    return {
        "words": crisis_help(practice.help_text) if practice else "",
        "place": practice.name if practice else None,
    }


def _patient_page() -> str:
    actor, moment = current_actor(), now()
    patient = own_record(actor)
    if patient is None:  # the sign-in of a patient whose record is gone
        raise Forbidden
    home = queries.patient_home(patient, actor, at=moment)
    today = day_in(moment, patient.practice.zone)
    guides = guides_by_name(patient.practice_id) if home.asked.due or home.asked.next else {}
    places = places_of(home.asked, guides)
    return render_template(
        "home/patient.html",
        home=home,
        today=today,
        links=own_links(home.upcoming[0]) if home.upcoming else {},
        follow=place_of(home.follow, guides) if home.follow else None,
        due=[place for place in places.due if place.step != home.follow or home.step != Step.FOLLOW],
        coming=places.next,
    )


def _therapist_page() -> str:
    moment = now()
    practice = current_user.user.practice
    home = queries.therapist_home(current_actor(), practice, at=moment)
    today = day_in(moment, practice.zone)
    return render_template(
        "home/therapist.html",
        home=home,
        today=today,
        routes=ROUTE_WORDS,
        names=LETTER_NAMES,
        sentence=sentence,
    )


def _admin_page() -> str:
    return render_template("home/admin.html", home=queries.admin_home(current_actor(), at=now()))
