"""What comes next, for a patient and for those who care for them. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# After this long the page stops asking to write; the journal itself stays open at any time.
WRITE_WITHIN = timedelta(days=14)


class Step(StrEnum):
    """The one thing a patient's home shows first."""

    BE_HERE = "be here"  # a session runs; a screen has nothing to ask
    WRITE = "write"
    FOLLOW = "follow"  # a step of a programme
    PREPARE = "prepare"
    INTEND = "intend"
    SETTLE = "settle"  # a session is planned and something else is missing that they can do
    AWAIT = "await"  # a session is planned and everything is ready
    REST = "rest"


@dataclass(frozen=True)
class Standing:
    """Where a patient stands, as far as the next step depends on it."""

    in_session: bool
    closed_at: datetime | None  # of the latest session nothing was written about
    writing_asked: bool  # by a programme that offers the journal now
    step_first: bool  # a programme asks for something that is due before any guide
    preparation_due: bool
    intention_wanted: bool  # they were asked for one, a session is planned, and none is written
    something_missing: bool  # of what the practice requires, that they can do
    session_planned: bool


def next_step(standing: Standing, *, now: datetime) -> Step:
    """The first hours after a session are when words are nearest, so writing goes before reading."""
    is_fresh = standing.closed_at is not None and now - standing.closed_at < WRITE_WITHIN
    ladder = (
        (standing.in_session, Step.BE_HERE),
        (standing.writing_asked, Step.FOLLOW),
        (is_fresh, Step.WRITE),
        (standing.step_first, Step.FOLLOW),
        (standing.preparation_due, Step.PREPARE),
        (standing.intention_wanted, Step.INTEND),
        (standing.something_missing, Step.SETTLE),
        (standing.session_planned, Step.AWAIT),
    )
    return next((step for holds, step in ladder if holds), Step.REST)


class ChartStep(StrEnum):
    """The one thing a chart shows its care team first. It never depends on what a patient keeps private."""

    RESTORE = "restore"
    RUN = "run"  # the session that runs
    TODAY = "today"
    READ = "read"  # something shared and not opened yet
    INVITE = "invite"
    ASSIGN = "assign"
    PLAN = "plan"
    NOTHING = "nothing"


@dataclass(frozen=True)
class ChartStanding:
    """Where a patient stands, as far as their care team's next step depends on it."""

    archived: bool
    in_session: bool
    session_today: bool
    unread: bool
    can_sign_in: bool  # accepted their invitation, or has one that is open
    assigned: bool
    session_planned: bool


def chart_step(standing: ChartStanding) -> ChartStep:
    """What needs someone now comes before what makes the next session possible."""
    ladder = (
        (standing.archived, ChartStep.RESTORE),
        (standing.in_session, ChartStep.RUN),
        (standing.session_today, ChartStep.TODAY),
        (standing.unread, ChartStep.READ),
        (not standing.can_sign_in, ChartStep.INVITE),
        (not standing.assigned, ChartStep.ASSIGN),
        (not standing.session_planned, ChartStep.PLAN),
    )
    return next((step for holds, step in ladder if holds), ChartStep.NOTHING)
