"""The questions beside the page, and those a practice wrote."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.content.prompts import ANY_TIME, PromptSet, prompt_sets, prompts_for
from kap.db import db
from kap.integration.prompt_models import OwnPrompt, PromptChoices
from kap.integration.prompt_rules import Choices, Prompt, hours_since, shipped, shown
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions.models import DosingSession


@dataclass(frozen=True)
class Prompting:
    """What stands beside the page of one patient: the questions of a moment, as far as they want any."""

    title: str
    prompts: list[Prompt]
    off: bool
    skipped: int  # how many are left out because they were skipped
    occasion: str  # what a skip holds for

    def text_of(self, key: str) -> str:
        return next((each.text for each in self.prompts if each.key == key), "")


def prompting(
    patient: Patient, session: DosingSession | None, at: datetime, *, moment: str = ""
) -> Prompting:
    """The questions for writing now, `session` being what is written about; or of a `moment` by name."""
    hours = hours_since(session.closed_at if session else None, at)
    chosen = prompt_sets().get(moment) or prompts_for(hours)
    occasion = str(session.id) if session is not None and chosen.when != ANY_TIME else chosen.when
    return _prompting(patient, chosen, occasion)


def prompting_by_link(patient: Patient, moment: str, session_id: UUID | None) -> Prompting:
    """The questions of one moment for whoever holds a link: none that was written for this patient alone."""
    chosen = prompt_sets().get(moment) or prompt_sets()[ANY_TIME]
    occasion = str(session_id) if session_id is not None and chosen.when != ANY_TIME else chosen.when
    return _prompting(patient, chosen, occasion, personal=False)


def choices_of(patient: Patient, *, to_change: bool = False) -> PromptChoices | None:
    """For the patient's own pages only: whether they skip or answer is theirs to know."""
    found = select(PromptChoices).where(PromptChoices.patient_id == patient.id)
    return db.session.scalars(found.with_for_update() if to_change else found).first()


def own_prompts(actor: Actor, patient: Patient | None) -> list[OwnPrompt]:
    """Questions written for this patient, or for the whole practice; newest first, retired ones last."""
    rows = list(db.session.scalars(_own(actor.practice_id, patient).order_by(OwnPrompt.made_at.desc())))
    return sorted(rows, key=lambda row: row.retired_at is not None)


def own_prompt(actor: Actor, patient: Patient | None, prompt_id: UUID) -> OwnPrompt:
    """One of them. Raises `NotThere`."""
    found = db.session.scalars(_own(actor.practice_id, patient).where(OwnPrompt.id == prompt_id)).first()
    if found is None:
        raise NotThere("There is no such question.")
    return found


def _prompting(patient: Patient, chosen: PromptSet, occasion: str, *, personal: bool = True) -> Prompting:
    row = choices_of(patient)
    choices = Choices() if row is None else Choices.from_dict(row.choices)
    everything = [*_own_for(patient, chosen.when, personal=personal), *shipped(chosen.prompts)]
    prompts = shown(everything, choices, occasion)
    skipped = 0 if choices.off else len(everything) - len(prompts)
    return Prompting(chosen.title, prompts, choices.off, skipped, occasion)


def _own_for(patient: Patient, moment: str, *, personal: bool) -> list[Prompt]:
    """What the care team asks this patient (if `personal`) first, then what the practice asks everyone."""
    of_everyone = OwnPrompt.patient_id.is_(None)
    rows = db.session.scalars(
        select(OwnPrompt)
        .where(
            OwnPrompt.practice_id == patient.practice_id,
            of_everyone | (OwnPrompt.patient_id == patient.id) if personal else of_everyone,
            OwnPrompt.moment.in_({moment, ANY_TIME}),
            OwnPrompt.retired_at.is_(None),
        )
        .order_by(OwnPrompt.made_at)
    ).all()
    ordered = sorted(rows, key=lambda row: row.patient_id is None)
    return [Prompt(row.id.hex, row.text, own=True) for row in ordered]


def _own(practice_id: UUID, patient: Patient | None) -> Select[OwnPrompt]:
    return (
        select(OwnPrompt)
        .where(
            OwnPrompt.practice_id == practice_id,
            OwnPrompt.patient_id.is_(None) if patient is None else OwnPrompt.patient_id == patient.id,
        )
        .options(joinedload(OwnPrompt.made_by))
    )
