"""Questions beside the page: the patient's choices, and what therapists write themselves."""

from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.content.prompts import prompt_sets
from kap.integration import actions, prompt_actions, prompt_queries
from kap.integration.actions import Overwritten
from kap.integration.blueprint import bp
from kap.integration.forms import EntryForm
from kap.integration.places import phase_names, placed
from kap.integration.prompt_forms import OwnPromptForm
from kap.integration.prompt_models import OwnPrompt
from kap.integration.prompt_rules import Choices
from kap.integration.views import prompting_for, two_versions, writing_page
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession
from kap.web.errors import wants_json
from kap.web.notices import offer_undo


@bp.post("/my/journal/<uuid:entry_id>/prompts")
@own_record_view(Permission.JOURNAL_WRITE)
def choose_prompts(patient: Patient, entry_id: UUID) -> Response:
    """A question answered, skipped, or all of them turned off. What is typed already is kept first."""
    about, plans = sessions.past_of(patient), sessions.plans_heard_by(patient)
    form = EntryForm.on(about, phase_names(plans.values()))
    if wants_json():  # a script skips; the words stay on the page and save themselves
        _choose(patient, form, about)
        return make_response(jsonify(ok=True))
    if not form.validate() and not form.is_half_typed:
        return make_response(writing_page(patient, entry_id, form, about), 422)
    version = form.version.data or 0
    try:
        actions.write(
            patient, entry_id=entry_id, writing=placed(form.writing(), plans), version=version, at=now()
        )
    except Overwritten as other:
        return two_versions(patient, entry_id, form, about, other)
    _choose(patient, form, about)
    asked = request.form.get("ask")
    page = url_for(
        "integration.writing",
        entry_id=entry_id,
        session=form.session.data or None,
        prompts=request.args.get("prompts"),
        ask=asked,
        _anchor=None if asked else "prompts",
    )
    return redirect(page, 303)


def _choose(patient: Patient, form: EntryForm, about: list[DosingSession]) -> None:
    occasion = prompting_for(patient, form, about).occasion
    choices = _chosen(prompt_actions.choices_of(patient), occasion)
    if choices is not None:
        prompt_actions.choose(patient, choices)


def _chosen(choices: Choices, occasion: str) -> Choices | None:
    """What the tapped button asks for; None where it only answers a question."""
    if "skip" in request.form:
        return choices.skipping(request.form["skip"][:64], occasion)
    if "off" in request.form:
        return choices.turned(off=True)
    if "on" in request.form:
        return choices.turned(off=False).without_skips(occasion)
    return None


@bp.get("/prompts")
@requires(Permission.PROMPTS_EDIT)
def practice_prompts() -> str:
    return _prompts_page(None, OwnPromptForm.on(formdata=None))


@bp.post("/prompts")
@requires(Permission.PROMPTS_EDIT)
def add_practice_prompt() -> Response:
    return _add(None)


@bp.get("/prompts/<uuid:prompt_id>")
@requires(Permission.PROMPTS_EDIT)
def practice_prompt(prompt_id: UUID) -> str:
    return _prompt_page(None, prompt_queries.own_prompt(current_actor(), None, prompt_id))


@bp.post("/prompts/<uuid:prompt_id>")
@requires(Permission.PROMPTS_EDIT)
def change_practice_prompt(prompt_id: UUID) -> Response:
    return _change(None, prompt_id)


@bp.post("/prompts/<uuid:prompt_id>/retire")
@requires(Permission.PROMPTS_EDIT)
def retire_practice_prompt(prompt_id: UUID) -> Response:
    return _retire(None, prompt_id)


@bp.post("/prompts/<uuid:prompt_id>/bring-back")
@requires(Permission.PROMPTS_EDIT)
def bring_back_practice_prompt(prompt_id: UUID) -> Response:
    return _bring_back(None, prompt_id)


@bp.get("/patients/<uuid:patient_id>/prompts")
@patient_view(Permission.PROMPTS_EDIT)
def patient_prompts(patient: Patient) -> str:
    return _prompts_page(patient, OwnPromptForm.on(formdata=None))


@bp.post("/patients/<uuid:patient_id>/prompts")
@patient_view(Permission.PROMPTS_EDIT)
def add_patient_prompt(patient: Patient) -> Response:
    return _add(patient)


@bp.get("/patients/<uuid:patient_id>/prompts/<uuid:prompt_id>")
@patient_view(Permission.PROMPTS_EDIT)
def patient_prompt(patient: Patient, prompt_id: UUID) -> str:
    return _prompt_page(patient, prompt_queries.own_prompt(current_actor(), patient, prompt_id))


@bp.post("/patients/<uuid:patient_id>/prompts/<uuid:prompt_id>")
@patient_view(Permission.PROMPTS_EDIT)
def change_patient_prompt(patient: Patient, prompt_id: UUID) -> Response:
    return _change(patient, prompt_id)


@bp.post("/patients/<uuid:patient_id>/prompts/<uuid:prompt_id>/retire")
@patient_view(Permission.PROMPTS_EDIT)
def retire_patient_prompt(patient: Patient, prompt_id: UUID) -> Response:
    return _retire(patient, prompt_id)


@bp.post("/patients/<uuid:patient_id>/prompts/<uuid:prompt_id>/bring-back")
@patient_view(Permission.PROMPTS_EDIT)
def bring_back_patient_prompt(patient: Patient, prompt_id: UUID) -> Response:
    return _bring_back(patient, prompt_id)


def _add(patient: Patient | None) -> Response:
    form = OwnPromptForm.on()
    if not form.validate():
        return make_response(_prompts_page(patient, form), 422)
    prompt = prompt_actions.add(
        patient, moment=form.moment.data, text=form.text.data or "", actor=current_actor(), at=now()
    )
    offer_undo("The question is added.", _address("retire", patient, prompt.id))
    return _to_list(patient)


def _change(patient: Patient | None, prompt_id: UUID) -> Response:
    prompt = prompt_queries.own_prompt(current_actor(), patient, prompt_id)
    form = OwnPromptForm.on()
    if not form.validate():
        return make_response(_prompt_page(patient, prompt, form), 422)
    try:
        prompt_actions.change(
            prompt,
            moment=form.moment.data,
            text=form.text.data or "",
            version=form.version.data or 0,
            actor=current_actor(),
        )
    except Conflict as conflict:
        form.take_version(prompt.version)
        return make_response(_prompt_page(patient, prompt, form, str(conflict)), 409)
    flash("Saved.", "success")
    return _to_list(patient)


def _retire(patient: Patient | None, prompt_id: UUID) -> Response:
    prompt = prompt_queries.own_prompt(current_actor(), patient, prompt_id)
    prompt_actions.retire(prompt, actor=current_actor(), at=now())
    offer_undo("The question is asked no more.", _address("bring_back", patient, prompt_id))
    return _to_list(patient)


def _bring_back(patient: Patient | None, prompt_id: UUID) -> Response:
    prompt = prompt_queries.own_prompt(current_actor(), patient, prompt_id)
    prompt_actions.bring_back(prompt, actor=current_actor())
    flash("The question is asked again.", "success")
    return _to_list(patient)


def _prompts_page(patient: Patient | None, form: OwnPromptForm) -> str:
    return render_template(
        "integration/prompts.html",
        patient=patient,
        form=form,
        own=prompt_queries.own_prompts(current_actor(), patient),
        sets=prompt_sets(),
        address=_address,
    )


def _prompt_page(
    patient: Patient | None, prompt: OwnPrompt, form: OwnPromptForm | None = None, told: str | None = None
) -> str:
    if form is None:
        form = OwnPromptForm.on(formdata=None, text=prompt.text, moment=prompt.moment, version=prompt.version)
    return render_template(
        "integration/prompt.html", patient=patient, prompt=prompt, form=form, told=told, address=_address
    )


def _address(verb: str, patient: Patient | None, prompt_id: UUID) -> str:
    """The address of what can be done to a question: `change`, `retire` or `bring_back`."""
    if patient is None:
        return url_for(f"integration.{verb}_practice_prompt", prompt_id=prompt_id)
    return url_for(f"integration.{verb}_patient_prompt", patient_id=patient.id, prompt_id=prompt_id)


def _to_list(patient: Patient | None) -> Response:
    if patient is None:
        return redirect(url_for("integration.practice_prompts"), 303)
    return redirect(url_for("integration.patient_prompts", patient_id=patient.id), 303)
