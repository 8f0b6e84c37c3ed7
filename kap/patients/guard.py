"""Load a patient and allow the act on them, in one step."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import abort, request

from kap.access.actor import Actor
from kap.access.guard import current_actor, declare, observe, refuse
from kap.access.permissions import Permission, Role, Tie
from kap.access.policy import allows
from kap.patients import queries
from kap.patients.models import Patient
from kap.web.settle import SAFE_METHODS

View = TypeVar("View", bound=Callable[..., Any])
SHOWN_AGAIN = frozenset({409, 422})  # a form not accepted comes back on its page, which is read by that


def patient_view(permission: Permission) -> Callable[[View], View]:
    """The view takes the `Patient` in place of `patient_id`.

    Someone without a tie to them gets 404, as for a patient who does not exist; a tie without the
    permission gets 403. Reading someone else's record leaves a trace.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, patient_id: UUID, **kwargs: Any) -> Any:
            actor = current_actor()
            patient = admitted(actor, patient_id, permission)
            is_read = request.method in SAFE_METHODS
            if is_read:
                _leave_trace(permission, actor, patient)
            answer = view(*args, patient=patient, **kwargs)
            if not is_read and answer.status_code in SHOWN_AGAIN:
                _leave_trace(permission, actor, patient)
            return answer

        return declare(guarded, permission)  # type: ignore[return-value]

    return decorate


def own_record_view(permission: Permission) -> Callable[[View], View]:
    """The view takes the signed-in patient's own record. Anyone who is not a patient gets 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor = current_actor()
            patient = queries.own_record(actor)
            if patient is None or not allows(Role.PATIENT, Tie.SELF, permission):
                refuse(permission, actor)
            return view(*args, patient=patient, **kwargs)

        return declare(guarded, permission)  # type: ignore[return-value]

    return decorate


def _leave_trace(permission: Permission, actor: Actor, patient: Patient) -> None:
    if actor.role is not Role.PATIENT:
        observe(permission, actor=actor, patient_id=patient.id)


def admitted(actor: Actor, patient_id: UUID, permission: Permission) -> Patient:
    """The patient, if `actor` may do `permission` on them; otherwise the request ends here."""
    patient = queries.patient_by_id(patient_id)
    if patient is None or actor.role is None:
        abort(404)
    tie = queries.tie(actor, patient)
    if not allows(actor.role, tie, permission):
        refuse(permission, actor, patient_id=patient.id, status=404 if tie is Tie.NONE else 403)
    return patient


def may_on(actor: Actor, permission: Permission, patient: Patient) -> bool:
    """For templates: the same question the guard asks."""
    return actor.role is not None and allows(actor.role, queries.tie(actor, patient), permission)
