"""What a safety plan is made of, and whether it is current. Pure: days are those of the practice's calendar.

The parts are those that plans of this kind have in common (https://zerosuicide.edc.org/node/1444); their
wording and order on the page are Kap's own.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kap.days import months_after

USUAL_MONTHS = 6
LONGEST_MONTHS = 24
LONGEST_PART = 5_000  # characters


class Part(StrEnum):
    """A part of the plan, in the order in which it is read."""

    SIGNS = "signs"
    ALONE = "alone"
    DISTRACTION = "distraction"
    PEOPLE = "people"
    PROFESSIONALS = "professionals"
    SURROUNDINGS = "surroundings"


@dataclass(frozen=True)
class PartWords:
    """What a part is called, and what helps to fill it in."""

    title: str
    hint: str


PARTS: dict[Part, PartWords] = {
    Part.SIGNS: PartWords(
        "How I notice that it is getting hard",
        "Warning signs: thoughts, feelings, things I do or stop doing.",
    ),
    Part.ALONE: PartWords(
        "What I can do on my own",
        "Things that have helped before, even a little, without anyone else.",
    ),
    Part.DISTRACTION: PartWords(
        "People and places that take my mind off it",
        "Who or where it is easier to be. Nothing has to be talked about there.",
    ),
    Part.PEOPLE: PartWords(
        "People I can ask for help",
        "Names and phone numbers of people to whom I can say how it is.",
    ),
    Part.PROFESSIONALS: PartWords(
        "Professionals and crisis lines",
        "Therapist, doctor, clinic, crisis line: names and numbers, and when they can be reached.",
    ),
    Part.SURROUNDINGS: PartWords(
        "How I make my surroundings safer",
        "What is put out of reach, and who helps with that.",
    ),
}


class Standing(StrEnum):
    MISSING = "missing"  # nothing is written
    WRITTEN = "written"  # nobody of the care team has gone through it with the patient
    CURRENT = "current"
    CHANGED = "changed"  # still current, and changed since it was gone through
    DUE = "due"  # gone through too long ago

    @property
    def counts(self) -> bool:
        return self in (Standing.CURRENT, Standing.CHANGED)


@dataclass(frozen=True)
class Talk:
    """That plan and patient were gone through together: the day, and which version of the plan."""

    on: date
    version: int


def standing(*, is_written: bool, version: int, talk: Talk | None, months: int, on: date) -> Standing:
    """How a plan stands on a day. A change does not make it less current: to be changed is what it is for."""
    if not is_written:
        return Standing.MISSING
    if talk is None:
        return Standing.WRITTEN
    if on > current_until(talk, months):
        return Standing.DUE
    return Standing.CURRENT if talk.version == version else Standing.CHANGED


def current_until(talk: Talk, months: int) -> date:
    """The last day on which a plan that was gone through counts as current."""
    return months_after(talk.on, months) - timedelta(days=1)


def tidied(words: dict[str, str]) -> dict[str, str]:
    """Every part, in order, without space around it; nothing else."""
    return {part.value: words.get(part.value, "").strip() for part in Part}


def is_written(words: dict[str, str]) -> bool:
    return any(words.get(part.value, "").strip() for part in Part)


def in_words(words: dict[str, str]) -> str:
    """A plan as one text, to be read beside another."""
    parts = [f"{PARTS[part].title}:\n{words[part.value]}" for part in Part if words.get(part.value)]
    return "\n\n".join(parts) or "Nothing is written down there."
