"""Consents: read, signed, confirmed, taken back, kept as a PDF."""

from datetime import date, datetime
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.accounts.queries import names_of
from kap.clock import day_in, in_zone, now
from kap.consents import actions, queries
from kap.consents.actions import Given
from kap.consents.forms import objections, read_given
from kap.consents.models import Signature
from kap.consents.rules import RENEWAL
from kap.content.consents import Consent
from kap.content.pdf import consent_pdf
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict

bp = Blueprint("consents", __name__)

LONGEST_DEVICE = 200


@bp.get("/my/consents")
@own_record_view(Permission.CONSENT_SIGN)
def own(patient: Patient) -> str:
    return render_template(
        "consents/own.html",
        asked=queries.asked_of(patient, on=_today(patient)),
        earlier=_earlier(patient),
    )


@bp.get("/my/consents/<consent>")
@own_record_view(Permission.CONSENT_SIGN)
def read(patient: Patient, consent: str) -> str:
    return _reading_page(patient, queries.consent_of(consent))


@bp.post("/my/consents/<consent>")
@own_record_view(Permission.CONSENT_SIGN)
def sign(patient: Patient, consent: str) -> Response:
    text = queries.consent_of(consent)
    given = read_given(text, request.form)
    missing = objections(text, given, agreed="agreed" in request.form)
    if missing:
        return make_response(_reading_page(patient, text, given=given, missing=missing), 422)
    try:
        actions.sign(
            patient,
            text,
            given=given,
            seen=request.form.get("digest", ""),
            device=request.user_agent.string[:LONGEST_DEVICE],
            actor=current_actor(),
            at=now(),
        )
    except Conflict as conflict:
        return make_response(_reading_page(patient, text, given=given, missing=[str(conflict)]), 409)
    flash("Signed. Your care team sees it now.", "success")
    return redirect(url_for("consents.own"), 303)


@bp.post("/my/consents/<consent>/withdraw")
@own_record_view(Permission.CONSENT_SIGN)
def withdraw(patient: Patient, consent: str) -> Response:
    signature = queries.standing_signature(patient, queries.consent_of(consent).slug)
    if signature is not None:
        actions.withdraw(signature, actor=current_actor(), at=now())
        flash("Taken back. It holds from now on, and your care team sees it.", "success")
    return redirect(url_for("consents.own"), 303)


@bp.get("/patients/<uuid:patient_id>/consents")
@patient_view(Permission.CONSENT_READ)
def standing(patient: Patient) -> Response:
    if patient.user_id == current_actor().id:
        return redirect(url_for("consents.own"))
    asked = queries.asked_of(patient, on=_today(patient))
    return make_response(
        render_template("consents/standing.html", patient=patient, asked=asked, earlier=_earlier(patient))
    )


@bp.get("/patients/<uuid:patient_id>/consents/<uuid:signature_id>")
@patient_view(Permission.CONSENT_READ)
def signed(patient: Patient, signature_id: UUID) -> str:
    signature = queries.signature_of(patient, signature_id)
    return render_template(
        "consents/signed.html",
        patient=patient,
        signature=signature,
        consent=queries.text_of(signature),
        said=_said(patient, signature),
        is_own=patient.user_id == current_actor().id,
    )


@bp.get("/patients/<uuid:patient_id>/consents/<uuid:signature_id>/pdf")
@patient_view(Permission.CONSENT_READ)
def pdf(patient: Patient, signature_id: UUID) -> Response:
    """What was signed, to keep. The file's name names nobody."""
    signature = queries.signature_of(patient, signature_id)
    text = queries.text_of(signature)
    footer = f"{patient.practice.name} · version {text.version} · SHA-256 {signature.digest[:16]}…"
    answer = make_response(consent_pdf(text, said=_said(patient, signature), footer=footer))
    answer.mimetype = "application/pdf"
    answer.headers.set("Content-Disposition", "attachment", filename=f"consent-{text.slug}.pdf")
    return answer


@bp.post("/patients/<uuid:patient_id>/consents/<uuid:signature_id>/witness")
@patient_view(Permission.CONSENT_WITNESS)
def witness(patient: Patient, signature_id: UUID) -> Response:
    signature = queries.signature_of(patient, signature_id)
    actions.witness(signature, actor=current_actor(), at=now())
    flash("Confirmed.", "success")
    return redirect(url_for("consents.standing", patient_id=patient.id), 303)


def _reading_page(
    patient: Patient, consent: Consent, *, given: Given | None = None, missing: list[str] | None = None
) -> str:
    return render_template(
        "consents/read.html",
        consent=consent,
        standing=queries.standing_signature(patient, consent.slug),
        given=given or Given(name="", choices={}, words={}),
        missing=missing or [],
        renewal_days=RENEWAL.days,
    )


def _said(patient: Patient, signature: Signature) -> list[tuple[str, str]]:
    """What the signer chose, and who signed and confirmed when, as pairs of a label and words."""
    text, chosen = queries.text_of(signature), signature.chosen
    said = [
        (
            choice.title,
            "; ".join(words for key, words in choice.options if key in chosen["choices"][choice.key]),
        )
        for choice in text.choices
        if chosen["choices"].get(choice.key)
    ]
    said += [(own.title, chosen["words"][own.key]) for own in text.words if chosen["words"].get(own.key)]
    said.append(("Signed by", f"{signature.name}, {_moment(patient, signature.signed_at)}"))
    said.append(("From", signature.device or "a browser that did not say what it is"))
    if signature.witnessed_at and signature.witness_id:
        name = names_of({signature.witness_id}).get(signature.witness_id, "a member of the care team")
        said.append(("Talked through with", f"{name}, {_moment(patient, signature.witnessed_at)}"))
    if signature.withdrawn_at:
        said.append(("Taken back", _moment(patient, signature.withdrawn_at)))
    if signature.replaced_at:
        said.append(("Replaced by a newer signature", _moment(patient, signature.replaced_at)))
    return said


def _moment(patient: Patient, moment: datetime) -> str:
    local = in_zone(moment, patient.practice.zone)
    return f"{local.day} {local:%B %Y, %H:%M} ({patient.practice.zone})"


def _earlier(patient: Patient) -> list[tuple[Signature, Consent]]:
    """Signatures that no longer stand, with the texts they stand under."""
    return [
        (signature, queries.text_of(signature))
        for signature in queries.signatures_of(patient)
        if signature.withdrawn_at or signature.replaced_at
    ]


def _today(patient: Patient) -> date:
    return day_in(now(), patient.practice.zone)
