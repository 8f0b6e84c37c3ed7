"""Where a patient goes to do what a step asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from flask import url_for

from kap.content.guides import Guide
from kap.content.programmes import Kind
from kap.preparation import guide_queries
from kap.programmes.queries import Asked, Standing
from kap.programmes.words import prompts_title, title_of


@dataclass(frozen=True)
class Place:
    """A step as a patient reads it. No address: it is done where it stands."""

    step: Standing
    title: str
    text: str
    button: str
    icon: str
    url: str | None


@dataclass(frozen=True)
class AskedPlaces:
    """What a patient sees of their programmes; guides that are due stand among what they prepare."""

    due: list[Place]
    next: Place | None


def guides_by_name(practice_id: UUID) -> dict[str, Guide]:
    """Every guide of the practice, for its title."""
    shelf = guide_queries.shelf_of(practice_id)
    return {guide.slug: guide for guide in (*shelf.offered, *shelf.retired)}


def places_of(asked: Asked, guides: Mapping[str, Guide]) -> AskedPlaces:
    return AskedPlaces(
        due=[place_of(step, guides) for step in asked.due if step.kind is not Kind.GUIDE],
        next=place_of(asked.next, guides) if asked.next else None,
    )


def place_of(step: Standing, guides: Mapping[str, Guide]) -> Place:
    text, button, icon = _WORDS[step.kind]
    title = title_of(step.placed.step, guides)
    if step.kind is Kind.JOURNAL:
        title = f"Write: {prompts_title(step.placed.step)}"
    return Place(step, title, text, button, icon, _ADDRESSES[step.kind](step))


_WORDS: Mapping[Kind, tuple[str, str, str]] = MappingProxyType(
    {
        Kind.GUIDE: ("", "Start reading", "book-open"),
        Kind.CONSENTS: (
            "What you agree to, and what you do not. You can talk about it first.",
            "Read them",
            "notebook-pen",
        ),
        Kind.HEALTH: (
            "Your care team needs to know this before a series of sessions.",
            "Answer them",
            "list",
        ),
        Kind.INTENTION: (
            "What would you like to bring to your session? One line is enough.",
            "Write it down",
            "sprout",
        ),
        Kind.MUSIC: ("Which music you like, and what must not be played.", "Write it down", "music"),
        Kind.JOURNAL: (
            "A few words are enough, or none. Only you can read them, unless you share them.",
            "Start writing",
            "pen-line",
        ),
        Kind.TASK: ("Your therapist suggested this.", "It is done", "check"),
    }
)


def _to_read(step: Standing) -> str:
    if step.assignment is None:
        return url_for("preparation.own")
    return url_for("preparation.read", assignment_id=step.assignment.id)


def _to_write(step: Standing) -> str:
    session = step.placed.session
    return url_for(
        "integration.begin", session=session.id if session else None, prompts=step.placed.step.about
    )


_ADDRESSES: Mapping[Kind, Callable[[Standing], str | None]] = MappingProxyType(
    {
        Kind.GUIDE: _to_read,
        Kind.CONSENTS: lambda _: url_for("consents.own"),
        Kind.HEALTH: lambda _: url_for("screening.own"),
        Kind.INTENTION: _to_read,
        Kind.MUSIC: lambda _: url_for("sessions.own_wishes"),
        Kind.JOURNAL: _to_write,
        Kind.TASK: lambda _: None,
    }
)
