"""The delivery log of one patient, for their care team: what went out, and what became of it."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.mail import configured
from kap.mail import queries as mail
from kap.mail.composing import TITLES
from kap.mail.posting import is_bad
from kap.mail.rules import UNDELIVERED, sentence
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.reminders import actions, queries
from kap.reminders.blueprint import bp
from kap.reminders.rules import STAFF_WORDS
from kap.web.notices import offer_undo
from kap.web.paging import read_page

PER_PAGE = 30


@bp.get("/patients/<uuid:patient_id>/letters")
@patient_view(Permission.LETTERS_READ)
def log(patient: Patient) -> str:
    page = read_page(mail.letters_of_patient(patient.id), request.args.get("page", 1, int), PER_PAGE)
    address = queries.address_of(patient)
    return render_template(
        "reminders/log.html",
        patient=patient,
        page=page,
        kinds=queries.kinds_of([letter.about for letter in page.rows]),
        words=STAFF_WORDS,
        titles=TITLES,
        sentence=sentence,
        undelivered=UNDELIVERED,
        standing=queries.standing_of(patient),
        address=address,
        address_is_bad=is_bad(patient.practice_id, address),
        configured=configured(),
    )


@bp.post("/patients/<uuid:patient_id>/letters/<uuid:letter_id>/again")
@patient_view(Permission.LETTERS_SETTLE)
def send_again(patient: Patient, letter_id: UUID) -> Response:
    letter = mail.letter_of_patient(patient.id, letter_id)
    actions.send_again(patient, letter, actor=current_actor(), at=now())
    flash("It is on its way again. If its reason is gone by now, it is not sent.", "success")
    return redirect(url_for("reminders.log", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/letters/<uuid:letter_id>/aside")
@patient_view(Permission.LETTERS_SETTLE)
def put_aside(patient: Patient, letter_id: UUID) -> Response:
    letter = mail.letter_of_patient(patient.id, letter_id)
    actions.put_aside(patient, letter, actor=current_actor(), at=now())
    undo = url_for("reminders.take_up", patient_id=patient.id, letter_id=letter.id)
    offer_undo("Put aside. It stays in this log.", undo)
    return redirect(url_for("reminders.log", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/letters/<uuid:letter_id>/take-up")
@patient_view(Permission.LETTERS_SETTLE)
def take_up(patient: Patient, letter_id: UUID) -> Response:
    actions.take_up(patient, mail.letter_of_patient(patient.id, letter_id), actor=current_actor())
    return redirect(url_for("reminders.log", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/letters/pause")
@patient_view(Permission.LETTERS_PAUSE)
def pause(patient: Patient) -> Response:
    actions.pause(patient, actor=current_actor(), at=now())
    offer_undo("Reminders are paused.", url_for("reminders.go_on", patient_id=patient.id))
    return redirect(url_for("reminders.log", patient_id=patient.id))


@bp.post("/patients/<uuid:patient_id>/letters/go-on")
@patient_view(Permission.LETTERS_PAUSE)
def go_on(patient: Patient) -> Response:
    actions.go_on(patient, actor=current_actor())
    flash("Reminders go out again.", "success")
    return redirect(url_for("reminders.log", patient_id=patient.id))
