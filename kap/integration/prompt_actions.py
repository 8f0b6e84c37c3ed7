"""Questions of one's own, and a patient's choices about them. None of these commits.

What a patient chooses leaves no event: whether they answer or skip is nobody else's to know.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.accounts.queries import practice_of
from kap.content.prompts import prompt_sets
from kap.db import db
from kap.integration import prompt_queries as queries
from kap.integration.prompt_models import OwnPrompt, PromptChoices
from kap.integration.prompt_rules import Choices
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid

CHANGED = (
    "A colleague changed this question meanwhile. What you typed is still in the box; theirs is above it."
)


def add(patient: Patient | None, *, moment: str, text: str, actor: Actor, at: datetime) -> OwnPrompt:
    """A question for one patient, or with None for everyone of the practice."""
    practice = practice_of(actor)
    prompt = OwnPrompt(
        practice=practice,
        practice_id=practice.id,
        patient=patient,
        patient_id=patient.id if patient else None,
        moment=_moment(moment),
        made_at=at,
        made_by_id=actor.id,
    )
    with db.session.no_autoflush:
        prompt.text = text
    db.session.add(prompt)
    db.session.flush()
    _record(prompt, actor)
    return prompt


def change(prompt: OwnPrompt, *, moment: str, text: str, version: int, actor: Actor) -> None:
    """Raises `Conflict` when someone changed it since `version`."""
    if (prompt.moment, prompt.text) == (moment, text):
        return
    if prompt.version != version:
        raise Conflict(CHANGED)
    prompt.moment, prompt.text = _moment(moment), text
    _record(prompt, actor)
    db.session.flush()


def retire(prompt: OwnPrompt, *, actor: Actor, at: datetime) -> None:
    """Ask it no more. What patients wrote to it stays theirs, question and all."""
    if prompt.retired_at is None:
        prompt.retired_at = at
        _record(prompt, actor)


def bring_back(prompt: OwnPrompt, *, actor: Actor) -> None:
    if prompt.retired_at is not None:
        prompt.retired_at = None
        _record(prompt, actor)


def choose(patient: Patient, choices: Choices) -> None:
    """Keep what the patient chose."""
    row = queries.choices_of(patient, to_change=True)
    if row is None:
        row = PromptChoices(patient=patient, patient_id=patient.id)
        row.choices = choices.as_dict()
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError as error:  # two taps at once; the page shows how it stands
            raise Conflict("Please try this once more.") from error
        return
    row.choices = choices.as_dict()


def choices_of(patient: Patient) -> Choices:
    """As they stand, kept from changing until the transaction ends."""
    row = queries.choices_of(patient, to_change=True)
    return Choices() if row is None else Choices.from_dict(row.choices)


def _moment(moment: str) -> str:
    if moment not in prompt_sets():
        raise Invalid("Please choose one of the moments.")
    return moment


def _record(prompt: OwnPrompt, actor: Actor) -> None:
    audit.record(Permission.PROMPTS_EDIT, actor=actor, patient_id=prompt.patient_id, subject=prompt)
