"""Programmes: steps before and after sessions, as they ship, and as a practice writes its own."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kap.content.document import ContentError
from kap.content.guides import library
from kap.content.prompts import prompt_sets
from kap.paths import TEMPLATES

OWN = "own-"  # begins the slug of a programme that a practice wrote
MOST_STEPS = 80
MOST_SESSIONS = 60
FURTHEST_DAYS = 180
LONGEST_WORDS = 300


class Kind(StrEnum):
    """What a step asks of a patient."""

    GUIDE = "guide"
    CONSENTS = "consents"
    HEALTH = "health"
    INTENTION = "intention"
    MUSIC = "music"
    JOURNAL = "journal"
    TASK = "task"


class Concerns(StrEnum):
    """What a step has to name beside its kind."""

    GUIDE = "guide"  # the slug of a guide
    MOMENT = "moment"  # the name of a set of prompts
    WORDS = "words"  # what to do, in words of its own


@dataclass(frozen=True)
class KindRule:
    """How steps of one kind behave. `label` is for whoever writes a programme, `asks` for the patient.

    `lead_days`: how long before its day a patient is asked. `lapse_days`: how long after its day nobody asks
    any more; None: as long as it is not done. `is_private`: the care team sees that it was offered and never
    whether it was done. `brings`: the guide without which it cannot be done.
    """

    label: str
    asks: str
    concerns: Concerns | None = None
    lead_days: int = 2
    lapse_days: int | None = 14
    is_private: bool = False
    brings: str = ""


KINDS: Mapping[Kind, KindRule] = MappingProxyType(
    {
        Kind.GUIDE: KindRule("Give a guide", "Read", Concerns.GUIDE, lapse_days=None),
        Kind.CONSENTS: KindRule("Sign the consents", "Read and sign the consents", lead_days=7),
        Kind.HEALTH: KindRule("Answer the health questions", "Answer the health questions", lead_days=7),
        Kind.INTENTION: KindRule("Write the intention", "Write your intention", brings="intention"),
        Kind.MUSIC: KindRule("Say which music is welcome", "Say which music you like"),
        Kind.JOURNAL: KindRule(
            "Offer the journal", "Write", Concerns.MOMENT, lead_days=0, lapse_days=7, is_private=True
        ),
        Kind.TASK: KindRule("A task in your own words", "", Concerns.WORDS, lead_days=1),
    }
)


class Hour(StrEnum):
    """At what time of its day a step comes."""

    DAY = "day"
    EVENING = "evening"
    SAME = "same"  # as the session began: one day later is 24 hours by the clock on the wall


FIRST, LAST, EACH = "first", "last", "each"


@dataclass(frozen=True)
class ProgrammeStep:
    """`hangs` says on which session: first, last, each, or its number. `days` count from its day."""

    kind: Kind
    hangs: str
    days: int
    hour: Hour = Hour.DAY
    about: str = ""

    @property
    def rule(self) -> KindRule:
        return KINDS[self.kind]

    @property
    def is_after(self) -> bool:
        return self.days > 0 or (self.days == 0 and self.hour is Hour.EVENING)

    @property
    def guide(self) -> str:
        """The guide that has to be given for it, if any."""
        return self.about if self.kind is Kind.GUIDE else self.rule.brings


@dataclass(frozen=True)
class Programme:
    """`sessions`: for how many it is written; None: for as many as there will be."""

    slug: str
    title: str
    summary: str
    sessions: int | None
    steps: tuple[ProgrammeStep, ...]
    version: int = 1
    order: int = 100
    reviewed: str = ""  # ISO date, of those that ship
    note: str = ""  # what a therapist should know before giving it
    sources: tuple[Mapping[str, str], ...] = field(default=())

    def definition(self) -> dict[str, Any]:
        """Everything but the slug, as JSON takes it; `programme_from` reads it."""
        values = asdict(self)
        del values["slug"]
        values["steps"] = [asdict(step) for step in self.steps]
        values["sources"] = [dict(source) for source in self.sources]
        return values

    @property
    def digest(self) -> str:
        text = json.dumps(self.definition(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def programmes() -> Mapping[str, Programme]:
    """The programmes that ship, in their order."""
    return load_programmes(TEMPLATES / "programmes")


def load_programmes(folder: Path) -> Mapping[str, Programme]:
    """Every programme in a folder. Raises `ContentError` for the first file that cannot be used."""
    found = [load_programme(path) for path in sorted(folder.glob("*.toml"))]
    found.sort(key=lambda each: each.order)
    return MappingProxyType({each.slug: each for each in found})


def load_programme(path: Path) -> Programme:
    """Read one; its guides and prompts have to ship too. Raises `ContentError` naming what is wrong."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        table["reviewed"] = table["reviewed"].isoformat()
        found = programme_from(table, path.stem)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise ContentError(path, 1, str(error)) from error
    except KeyError as error:
        raise ContentError(path, 1, f"“{error.args[0]}” is missing") from error
    complaints = [
        f"step {number}: {words}"
        for number, step in enumerate(found.steps, start=1)
        for words in [step_objection(step, sessions=found.sessions, guides=library())]
        if words
    ]
    if not found.sources:
        complaints.append("a programme needs its sources")
    if complaints:
        raise ContentError(path, 1, complaints[0])
    return found


def programme_from(table: Mapping[str, Any], slug: str) -> Programme:
    """A programme of plain values. Raises `KeyError`, `TypeError` and `ValueError`."""
    values = {**table, "steps": tuple(_step(row) for row in table["steps"])}
    values["sources"] = tuple(dict(row) for row in table.get("sources", ()))
    values.setdefault("sessions", None)
    return Programme(slug=slug, **values)


def step_objection(step: ProgrammeStep, *, sessions: int | None, guides: Mapping[str, Any]) -> str | None:
    """Why a step cannot stand in a programme for so many sessions, in words; None when it can."""
    known = {Concerns.GUIDE: guides, Concerns.MOMENT: prompt_sets()}
    concerns = step.rule.concerns
    checks = (
        (
            concerns in known and step.about not in known.get(concerns or Concerns.WORDS, {}),
            "Choose what it is about.",
        ),
        (concerns is Concerns.WORDS and not step.about.strip(), "Say in a few words what to do."),
        (len(step.about) > LONGEST_WORDS, f"At most {LONGEST_WORDS} characters, please."),
        (abs(step.days) > FURTHEST_DAYS, f"At most {FURTHEST_DAYS} days before or after."),
        (step.hangs == LAST and sessions is None, "Without a number of sessions there is no last one."),
        (not _is_there(step.hangs, sessions), "There is no such session in this programme."),
        (step.kind is Kind.GUIDE and step.hangs == EACH, "A guide is given once: choose one session."),
    )
    return next((words for is_so, words in checks if is_so), None)


def _is_there(hangs: str, sessions: int | None) -> bool:
    if hangs in (FIRST, LAST, EACH):
        return True
    return hangs.isascii() and hangs.isdigit() and 1 <= int(hangs) <= (sessions or MOST_SESSIONS)


def _step(row: Mapping[str, Any]) -> ProgrammeStep:
    values = {**row, "kind": Kind(row["kind"]), "hour": Hour(row.get("hour", Hour.DAY))}
    return ProgrammeStep(**values)
