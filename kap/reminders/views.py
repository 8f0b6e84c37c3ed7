"""What a patient chooses about letters, stopping them without a sign-in, private calendar addresses."""

from datetime import time
from uuid import UUID
from zoneinfo import available_timezones

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap.access.guard import public, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.config import current_config
from kap.mail.posting import is_bad
from kap.patients.guard import own_record_view
from kap.patients.models import Patient
from kap.patients.queries import patient_by_id
from kap.patients.reasons import Kind
from kap.problems import Conflict, NotThere
from kap.reminders import actions, feed, log_views, practice_views, queries
from kap.reminders.actions import Choices
from kap.reminders.blueprint import bp
from kap.reminders.forms import ChoiceForm
from kap.reminders.letters import NO_LINK, read_stop_token
from kap.reminders.models import LetterChoice
from kap.reminders.rules import KIND_WORDS, clock_of
from kap.sealed import instance_key
from kap.sessions.models import DosingSession
from kap.sessions.rules import SessionState

__all__ = ["bp", "log_views", "practice_views"]


@bp.get("/my/reminders")
@own_record_view(Permission.LETTERS_CHOOSE)
def own(patient: Patient) -> str:
    choice = queries.choice_of(patient)
    off = choice.kinds_off if choice else frozenset()
    return _own_page(patient, _choice_form(choice), on=frozenset(Kind) - off)


@bp.post("/my/reminders")
@own_record_view(Permission.LETTERS_CHOOSE)
def choose(patient: Patient) -> Response:
    form, on = ChoiceForm(), _kinds_sent() | _kinds_not_shown(patient)
    if not form.validate():
        return make_response(_own_page(patient, form, on=on), 422)
    wanted = Choices(on=on, quiet=form.quiet(), zone=form.zone.data or None)
    try:
        actions.choose(patient, wanted=wanted, version=form.version.data or 0)
    except Conflict as conflict:
        choice = queries.choice_of(patient)
        form.take_version(choice.version if choice else 0)
        return make_response(_own_page(patient, form, on=on, conflict=str(conflict)), 409)
    flash("Saved.", "success")
    return redirect(url_for("reminders.own"))


@bp.get("/stop/<token>")
@public  # whoever holds the letter may stop such letters; the link opens nothing
def stopping(token: str) -> str:
    """Nothing is changed by opening it: programs that look through mail open every link."""
    _, kinds = _addressed(token)
    return render_template("reminders/stopping.html", token=token, kinds=kinds, words=KIND_WORDS)


@bp.post("/stop/<token>")
@public
def stop(token: str) -> Response:
    """By the button of the page, or by a mail program in one step (RFC 8058)."""
    patient, kinds = _addressed(token)
    actions.stop(patient, kinds)
    if request.form.get("List-Unsubscribe") == "One-Click":
        return make_response("Stopped.\n", {"Content-Type": "text/plain; charset=utf-8"})
    return make_response(
        render_template("reminders/stopped.html", token=token, kinds=kinds, words=KIND_WORDS, on_again=False)
    )


@bp.post("/stop/<token>/undo")
@public
def resume(token: str) -> Response:
    patient, kinds = _addressed(token)
    actions.resume(patient, kinds)
    return make_response(
        render_template("reminders/stopped.html", token=token, kinds=kinds, words=KIND_WORDS, on_again=True)
    )


@bp.get("/account/calendar")
@requires(Permission.CALENDAR_KEEP)
def calendar() -> str:
    found = queries.feed_of(current_user.id)
    address = ""
    if found is not None:
        path = url_for("reminders.calendar_feed", token=queries.feed_token(found))
        address = current_config().address + path
    return render_template("reminders/calendar.html", address=address, feed=found)


@bp.post("/account/calendar")
@requires(Permission.CALENDAR_KEEP)
def open_calendar() -> Response:
    renewed = queries.feed_of(current_user.id)
    actions.open_feed(current_user.user, at=now())
    words = "There is a new address. The old one shows nothing any more."
    flash(words if renewed else "Your calendar has an address.", "success")
    return redirect(url_for("reminders.calendar"))


@bp.post("/account/calendar/remove")
@requires(Permission.CALENDAR_KEEP)
def close_calendar() -> Response:
    actions.close_feed(current_user.user)
    flash("The address is removed. Calendars that read it show nothing new.", "success")
    return redirect(url_for("reminders.calendar"))


@bp.get("/calendar/<token>.ics")
@public  # calendars cannot sign in; the address is the secret
def calendar_feed(token: str) -> Response:
    found = queries.feed_by_token(token)
    rows = queries.appointments_of(found.user, at=now())
    answer = make_response(feed.calendar(_appointment(found.user_id, each) for each in rows))
    answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = 'inline; filename="appointments.ics"'
    answer.headers["Cache-Control"] = "private, no-cache"  # kept by the reader alone, and asked for anew
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.add_etag()
    return answer.make_conditional(request)


def _appointment(user_id: UUID, session: DosingSession) -> feed.Appointment:
    # Not the row's id: two calendars must not show by it that they speak of one appointment.
    name = instance_key().lookup_digest("appointment", f"{user_id}|{session.id}")[:32]
    begins = session.opened_at or session.planned_at
    return feed.Appointment(
        uid=f"{name}@kap",
        begins=begins,
        ends=max(session.closed_at or begins + feed.USUALLY, begins),
        sequence=session.version,
        changed_at=session.changed_at or session.opened_at or session.planned_at,
        cancelled=session.state is SessionState.CANCELLED,
    )


def _addressed(token: str) -> tuple[Patient, list[Kind]]:
    patient_id, kinds = read_stop_token(token)
    patient = patient_by_id(patient_id)
    if patient is None:
        raise NotThere(NO_LINK)
    return patient, kinds


def _kinds_sent() -> frozenset[Kind]:
    return frozenset(Kind(name) for name in request.form.getlist("kind") if name in set(Kind))


def _kinds_not_shown(patient: Patient) -> frozenset[Kind]:
    """Kinds that are on and not sent by the practice now: what the page does not show it cannot turn off."""
    choice = queries.choice_of(patient)
    return queries.rules_of(patient.practice_id).kinds_off - (choice.kinds_off if choice else frozenset())


def _own_page(patient: Patient, form: ChoiceForm, *, on: frozenset[Kind], conflict: str | None = None) -> str:
    general = queries.rules_of(patient.practice_id)
    address = queries.address_of(patient)
    return render_template(
        "reminders/own.html",
        form=form,
        on=on,
        words={kind: words for kind, words in KIND_WORDS.items() if kind not in general.kinds_off},
        conflict=conflict,
        zones=sorted(available_timezones()),
        usual_zone=patient.practice.zone,
        usual_quiet=(clock_of(general.quiet_from), clock_of(general.quiet_until)),
        usual_is_none=general.quiet_from == general.quiet_until,
        limits=general.limits,
        address=address,
        address_is_bad=is_bad(patient.practice_id, address),
    )


def _choice_form(choice: LetterChoice | None) -> ChoiceForm:
    quiet = choice.quiet if choice else None
    return ChoiceForm(
        data={
            "zone": choice.zone if choice else None,
            "quiet_from": _time(quiet.begins) if quiet else None,
            "quiet_until": _time(quiet.ends) if quiet else None,
            "version": choice.version if choice else 0,
        }
    )


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)
