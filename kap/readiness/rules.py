"""What stands between a patient and a planned session. Pure: days are those of the practice's calendar.

Nothing here says that someone is fit for a session: it says what was given or reviewed, and what was not.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kap.consents.rules import Standing as Consent
from kap.safety.rules import Standing as SafetyPlan
from kap.screening.rules import Standing as Screening


class Item(StrEnum):
    """What is looked at, in the order in which it is shown."""

    CONSENTS = "consents"
    SCREENING = "screening"
    GUIDES = "guides"
    ESCORT = "escort"
    FASTING = "fasting"
    TRAVEL = "travel"
    MUSIC = "music"
    INTENTION = "intention"
    SAFETY_PLAN = "safety plan"


ITEM_WORDS: Mapping[Item, str] = {
    Item.CONSENTS: "Consents",
    Item.SCREENING: "Screening",
    Item.GUIDES: "Guides",
    Item.ESCORT: "Escort",
    Item.FASTING: "Food and drink",
    Item.TRAVEL: "Way home",
    Item.MUSIC: "Music likes and no-gos",
    Item.INTENTION: "Intention",
    Item.SAFETY_PLAN: "Safety plan",
}

# An intention is the patient's own; a practice may require one, and none does so before it says so.
USUALLY_REQUIRED = frozenset(Item) - {Item.INTENTION}


class State(StrEnum):
    """How one item stands, in the only words that are used for it."""

    GIVEN = "given"
    REVIEWED = "reviewed"
    NOT_YET = "not yet"  # begun, or given and not confirmed
    MISSING = "missing"

    @property
    def is_settled(self) -> bool:
        return self in (State.GIVEN, State.REVIEWED)


class Confirmed(StrEnum):
    """Whether the patient confirmed a statement."""

    NO = "no"
    EARLIER = "earlier"  # another wording: the practice has changed it since, or the route is another
    YES = "yes"


@dataclass(frozen=True)
class Facts:
    """Everything the rules ask, of one patient and the day of one session.

    `consents`: of those that are not optional, each with its title. `guides`: whether each that counts for
    this session is done, by title. `wants_answers`: the patient should go through the health questions.
    `asks_intention`: they were given the guide on which one is written.
    """

    consents: tuple[tuple[str, Consent], ...]
    screening: Screening
    wants_answers: bool
    guides: tuple[tuple[str, bool], ...]
    escort_name: bool
    escort_phone: bool
    fasting: Confirmed
    travel: Confirmed
    music: bool
    intention: bool
    asks_intention: bool
    safety_plan: SafetyPlan


@dataclass(frozen=True)
class Line:
    """One item: how it stands, what of it is lacking in words, and whether the patient can do that."""

    item: Item
    state: State
    lacking: tuple[str, ...] = ()
    by_patient: bool = False
    required: bool = True

    @property
    def title(self) -> str:
        return ITEM_WORDS[self.item]

    @property
    def is_missing(self) -> bool:
        """Whether it stands between the patient and the session."""
        return self.required and not self.state.is_settled

    @property
    def words(self) -> str:
        """Escort: phone number"""
        return f"{self.title}: {', '.join(self.lacking)}" if self.lacking else self.title

    @property
    def brief(self) -> str:
        """The same for lists of many sessions: Guides (2)"""
        are_titles = self.item in (Item.CONSENTS, Item.GUIDES)
        return f"{self.title} ({len(self.lacking)})" if are_titles and len(self.lacking) > 1 else self.words


@dataclass(frozen=True)
class Readiness:
    """Every item for one session, on `on`."""

    lines: tuple[Line, ...]
    on: date

    @property
    def missing(self) -> list[Line]:
        return [line for line in self.lines if line.is_missing]

    @property
    def for_patient(self) -> list[Line]:
        """What is missing, or would be good to have, and the patient can do."""
        return [line for line in self.lines if line.by_patient and not line.state.is_settled]

    def line(self, item: Item) -> Line:
        return next(line for line in self.lines if line.item is item)


def readiness(facts: Facts, *, required: Iterable[Item], on: date) -> Readiness:
    """Every item, in order; `required` is the practice's choice."""
    wanted = frozenset(required)
    return Readiness(tuple(_of(item, facts, item in wanted) for item in Item), on)


def counts_for(due_on: date | None, *, on: date) -> bool:
    """Whether a guide belongs to the session of a day: due by then, or without a day."""
    return due_on is None or due_on <= on


def day_of(planned_on: date, *, today: date) -> date:
    """The day a planned session is looked at for: its own, or today once that has passed."""
    return max(planned_on, today)


def unseen(missing: Iterable[Line], seen: Iterable[str]) -> list[Line]:
    """What is missing now and was not when the page was made that named `seen`."""
    known = set(seen)
    return [line for line in missing if line.item.value not in known]


def _of(item: Item, facts: Facts, required: bool) -> Line:
    state, lacking, by_patient = _JUDGES[item](facts)
    return Line(item, state, tuple(lacking), by_patient and not state.is_settled, required)


Judgement = tuple[State, list[str], bool]

CONSENT_WORDS: Mapping[Consent, str] = {
    Consent.MISSING: "not signed",
    Consent.WITHDRAWN: "taken back",
    Consent.UNWITNESSED: "signed, not yet confirmed by the care team",
    Consent.OUTDATED: "signed in an earlier text",
    Consent.EXPIRED: "signed too long ago",
}


def _consents(facts: Facts) -> Judgement:
    lacking = [(title, standing) for title, standing in facts.consents if not standing.counts]
    if not lacking:
        return State.GIVEN, [], False
    waits = all(standing is Consent.UNWITNESSED for _, standing in lacking)
    words = [f"{title} ({CONSENT_WORDS[standing]})" for title, standing in lacking]
    # What only waits for the care team is nothing the patient can do.
    return (State.NOT_YET if waits else State.MISSING), words, not waits


SCREENING_WORDS: Mapping[Screening, str] = {
    Screening.MISSING: "no review is recorded",
    Screening.DUE: "the review was for an earlier series, or is too old",
    Screening.OUTDATED: "answers changed since the review",
    Screening.UNKNOWN: "reviewed, with something unknown",
}


def _screening(facts: Facts) -> Judgement:
    if facts.screening.counts:
        return State.REVIEWED, [], False
    answers = ["health questions not answered for this series"] if facts.wants_answers else []
    state = State.MISSING if facts.screening is Screening.MISSING else State.NOT_YET
    return state, [*answers, SCREENING_WORDS[facts.screening]], facts.wants_answers


def _guides(facts: Facts) -> Judgement:
    if not facts.guides:
        return State.MISSING, ["none was given for this session"], False
    undone = [title for title, is_done in facts.guides if not is_done]
    if not undone:
        return State.GIVEN, [], False
    return (State.MISSING if len(undone) == len(facts.guides) else State.NOT_YET), undone, True


def _escort(facts: Facts) -> Judgement:
    lacking = [] if facts.escort_name else ["name"]
    lacking += [] if facts.escort_phone else ["phone number"]
    return (State.GIVEN, State.NOT_YET, State.MISSING)[len(lacking)], lacking, True


def _confirmed(confirmed: Confirmed) -> Judgement:
    if confirmed is Confirmed.YES:
        return State.GIVEN, [], False
    if confirmed is Confirmed.EARLIER:
        return State.NOT_YET, ["confirmed in another wording"], True
    return State.MISSING, ["not confirmed"], True


def _music(facts: Facts) -> Judgement:
    return (State.GIVEN, [], False) if facts.music else (State.MISSING, ["not asked yet"], True)


def _intention(facts: Facts) -> Judgement:
    if facts.intention:
        return State.GIVEN, [], False
    if not facts.asks_intention:
        return State.MISSING, ["the guide on which it is written was not given"], False
    return State.MISSING, ["not written"], True


SAFETY_PLAN_WORDS: Mapping[SafetyPlan, str] = {
    SafetyPlan.MISSING: "nothing is written",
    SafetyPlan.WRITTEN: "written, not gone through together",
    SafetyPlan.DUE: "gone through together too long ago",
}


def _safety_plan(facts: Facts) -> Judgement:
    if facts.safety_plan.counts:
        return State.GIVEN, [], False
    is_missing = facts.safety_plan is SafetyPlan.MISSING
    words = [SAFETY_PLAN_WORDS[facts.safety_plan]]
    return (State.MISSING if is_missing else State.NOT_YET), words, is_missing


_JUDGES: Mapping[Item, Callable[[Facts], Judgement]] = {
    Item.CONSENTS: _consents,
    Item.SCREENING: _screening,
    Item.GUIDES: _guides,
    Item.ESCORT: _escort,
    Item.FASTING: lambda facts: _confirmed(facts.fasting),
    Item.TRAVEL: lambda facts: _confirmed(facts.travel),
    Item.MUSIC: _music,
    Item.INTENTION: _intention,
    Item.SAFETY_PLAN: _safety_plan,
}
