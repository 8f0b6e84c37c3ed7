"""What a programme asks for, as reasons to write to a patient."""

from collections.abc import Sequence
from datetime import timedelta

from kap.content.programmes import Kind as StepKind
from kap.patients.models import Patient
from kap.patients.reasons import Kind, Reason, Window, source
from kap.programmes import queries

# A letter may wait for the end of quiet hours, or for the next day's share.
DUE_FOR = timedelta(days=2)
# Guides are reminded of by the day they are due, and the journal by the clock after each session: whoever has
# a programme gets no second letter for the same.
REMINDED = {
    StepKind.CONSENTS: Kind.PAPERS,
    StepKind.HEALTH: Kind.PAPERS,
    StepKind.INTENTION: Kind.PREPARE,
    StepKind.MUSIC: Kind.PREPARE,
    StepKind.TASK: Kind.PREPARE,
}


@source("programmes")
def steps_due(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """Steps whose moment has come and that are not done. One whose day is moved is another reason."""
    if not patients:
        return []
    just_after = window.at + timedelta.resolution
    found = queries.due_between(
        patients[0].practice, window.at - DUE_FOR, just_after, among=[patient.id for patient in patients]
    )
    return [
        Reason(
            patient_id=step.given.patient_id,
            kind=REMINDED[step.kind],
            key=f"step:{step.given.id}:{step.placed.number}:{step.placed.session_id}:{step.placed.day}",
            begins=step.due_at,
            ends=step.due_at + DUE_FOR,
        )
        for step in found
        if step.kind in REMINDED and step.due_at is not None
    ]
