"""Marks for the next session, by the writer or by whoever may read an entry."""

from uuid import UUID

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission, Role
from kap.clock import now
from kap.integration import mark_actions, queries
from kap.integration.blueprint import bp
from kap.integration.models import JournalEntry
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.web.notices import offer_undo


@bp.post("/patients/<uuid:patient_id>/journal/<uuid:entry_id>/bring")
@patient_view(Permission.JOURNAL_MARK)
def bring(patient: Patient, entry_id: UUID) -> Response:
    entry = _entry(patient, entry_id)
    mark_actions.bring(entry, actor=current_actor(), at=now())
    undo = url_for("integration.leave", patient_id=patient.id, entry_id=entry_id)
    offer_undo("It is on the list for the next session.", undo)
    return _back(patient, entry_id)


@bp.post("/patients/<uuid:patient_id>/journal/<uuid:entry_id>/leave")
@patient_view(Permission.JOURNAL_MARK)
def leave(patient: Patient, entry_id: UUID) -> Response:
    entry = _entry(patient, entry_id)
    mark_actions.leave(entry, actor=current_actor())
    flash("It is off the list for the next session.", "success")
    return _back(patient, entry_id)


def _entry(patient: Patient, entry_id: UUID) -> JournalEntry:
    """The writer's own entry, or what of it is shared with the actor; nothing else."""
    actor = current_actor()
    if actor.role is Role.PATIENT:
        return queries.own_entry(patient, entry_id, to_change=True)
    return queries.shared_entry(actor, patient, entry_id, to_change=True).row


def _back(patient: Patient, entry_id: UUID) -> Response:
    if current_actor().role is Role.PATIENT:
        return redirect(url_for("integration.entry", entry_id=entry_id), 303)
    return redirect(url_for("integration.shared_entry", patient_id=patient.id, entry_id=entry_id), 303)
