"""Where in a session an entry belongs: a moment of its music, and what that part is called. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from kap.integration.rules import Writing
from kap.sessions.programme import MINUTE, Programme

# For sessions whose music is not there: the five parts that every arc of ours has.
USUAL_PHASES = ("Onset", "Ascent", "Peak", "Descent", "Return")

Plans = Mapping[UUID, dict[str, Any]]
"""The plans of mixes, by the sessions that heard them."""


def phase_names(plans: Iterable[dict[str, Any]]) -> Sequence[str]:
    """What the parts of these sessions are called, each once, in the order in which they come."""
    names = dict.fromkeys(phase["label"] for plan in plans for phase in plan["phases"])
    return tuple(names) or USUAL_PHASES


def phase_at(plan: dict[str, Any], moment_s: float) -> str:
    """What the part of the session is called in which that second of the music lies."""
    phases = Programme.of(plan).phases
    begun = [phase.label for phase in phases if phase.start_min * MINUTE <= moment_s]
    return begun[-1] if begun else ""


def placed(writing: Writing, plans: Plans) -> Writing:
    """`writing` with the part that its moment lies in: where music played, that says it and not a choice."""
    plan = plans.get(writing.session_id) if writing.session_id else None
    if writing.moment_s is None or plan is None:
        return writing
    return replace(writing, phase=phase_at(plan, writing.moment_s) or writing.phase)
