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
    preparation_due: bool
    intention_wanted: bool  # they were asked for one, a session is planned, and none is written
    something_missing: bool  # of what the practice requires, that they can do
    session_planned: bool


def next_step(standing: Standing, *, now: datetime) -> Step:
    """The first hours after a session are when words are nearest, so writing goes before reading."""
    if standing.in_session:
        return Step.BE_HERE
    if standing.closed_at is not None and now - standing.closed_at < WRITE_WITHIN:
        return Step.WRITE
    if standing.preparation_due:
        return Step.PREPARE
    if standing.intention_wanted:
        return Step.INTEND
    if standing.something_missing:
        return Step.SETTLE
    return Step.AWAIT if standing.session_planned else Step.REST


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
