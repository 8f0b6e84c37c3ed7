"""The guard on routes: every one is public or names its permission, or the application does not start."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from flask import Flask, abort
from flask_login import current_user
from werkzeug.exceptions import Unauthorized

from kap.access.actor import Actor
from kap.access.audit import Outcome, event_of
from kap.access.permissions import Permission, Tie
from kap.access.policy import allows
from kap.db import Model
from kap.web.settle import afterwards

View = TypeVar("View", bound=Callable[..., Any])
_DECLARED = "__kap_access__"
PUBLIC = "public"


class UndeclaredRoute(Exception):
    """A route says neither that it is public nor which permission it needs."""


def public(view: View) -> View:
    """Anyone may open this, signed in or not."""
    return declare(view, PUBLIC)


def requires(permission: Permission) -> Callable[[View], View]:
    """Signed-in people may open this whose role has `permission` for themselves or their practice."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor = current_actor()
            if not may_in_practice(actor, permission):
                refuse(permission, actor)
            return view(*args, **kwargs)

        return declare(guarded, permission)  # type: ignore[return-value]

    return decorate


def declare(view: View, access: Permission | str) -> View:
    setattr(view, _DECLARED, access)
    return view


def declared(view: Callable[..., Any]) -> Permission | str | None:
    """What a view declared: its permission, `public`, or nothing."""
    access: Permission | str | None = getattr(view, _DECLARED, None)
    return access


def refuse_undeclared_routes(app: Flask) -> None:
    """Raise `UndeclaredRoute` naming every route that declares nothing."""
    silent = sorted(name for name, view in app.view_functions.items() if declared(view) is None)
    if silent:
        raise UndeclaredRoute(f"These routes declare no access: {', '.join(silent)}")


def current_actor() -> Actor:
    """The signed-in person. Raises 401, which leads to the sign-in page."""
    if not current_user.is_authenticated:
        raise Unauthorized
    actor: Actor = current_user.actor
    return actor


def may_in_practice(actor: Actor, permission: Permission) -> bool:
    """Whether `actor` may do what concerns no particular patient."""
    return actor.role is not None and (
        allows(actor.role, Tie.SELF, permission) or allows(actor.role, Tie.PRACTICE, permission)
    )


def refuse(
    permission: Permission, actor: Actor, *, patient_id: UUID | None = None, status: int = 403
) -> NoReturn:
    """Answer no, and leave a trace of it."""
    event = event_of(permission, Outcome.REFUSED, actor=actor, patient_id=patient_id)
    afterwards(lambda session: session.add(event))
    abort(status)


def observe(
    permission: Permission, *, actor: Actor, patient_id: UUID | None = None, subject: Model | None = None
) -> None:
    """Leave a trace that `actor` read something; written once this request has been settled."""
    event = event_of(permission, Outcome.READ, actor=actor, patient_id=patient_id, subject=subject)
    afterwards(lambda session: session.add(event))
