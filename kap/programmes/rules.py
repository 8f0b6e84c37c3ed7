"""On which day a step comes, and where it stands. Pure: zone, now and today are parameters.

Days are days on the practice's wall clock, counted from the day of a session. Nothing is added in hours, so a
change of the clocks moves no step by an hour.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from kap.content.programmes import EACH, FIRST, LAST, Hour, Kind, ProgrammeStep

# When a step without an hour of its own is due, and one for the evening: as a person would say it.
IN_THE_MORNING, IN_THE_EVENING = time(9), time(19)
# Further than this from its session no step lies: see `FURTHEST_DAYS`, and a day for the zones.
WIDEST = timedelta(days=182)


class State(StrEnum):
    """Where a step stands, for whoever may see it."""

    UNDATED = "not dated yet"
    AHEAD = "ahead"
    DUE = "due"
    LATE = "late"
    DONE = "done"
    SKIPPED = "skipped"
    OFFERED = "offered"  # of what is private: nobody but the writer knows more
    OVER = "over"  # nobody asks any more

    @property
    def is_asked(self) -> bool:
        return self in (State.DUE, State.LATE)


class Verdict(StrEnum):
    """What a person decided about a step."""

    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Session:
    """A session as the rules see it: `at` is when it began, else when it is planned for."""

    id: UUID
    at: datetime
    is_held: bool


@dataclass(frozen=True)
class Placed:
    """A step beside the session it hangs on; `ordinal` counts sessions from 1, `number` the steps.

    Undated while that session is not planned. `opens`: from which day on the patient is asked. `moment`: from
    when on, on its day, there is a reason to say so.
    """

    number: int
    step: ProgrammeStep
    ordinal: int
    session: Session | None = None
    day: date | None = None
    opens: date | None = None
    moment: datetime | None = None

    @property
    def session_id(self) -> UUID | None:
        """What a decision about it is kept by: of a step at each session, the session."""
        return self.session.id if self.session and self.step.hangs == EACH else None


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def counted(sessions: Iterable[Session], *, since: date, today: date, zone: str) -> list[Session]:
    """The sessions that count from a day on, in their order.

    One that was planned for an earlier day and not held is none: nobody is asked how it was.
    """
    found = [
        each
        for each in sessions
        if (day := day_of(each.at, zone)) >= since and (each.is_held or day >= today)
    ]
    return sorted(found, key=lambda each: (each.at, each.id))


def lay_out(
    steps: Sequence[ProgrammeStep], sessions: Sequence[Session], *, most: int | None, zone: str
) -> list[Placed]:
    """Every step on its day, those without one last. `sessions` are those that count, in their order.

    `most`: for how many sessions the programme is written; later ones are not its own.
    """
    own = sessions[:most]
    placed = [
        _placed(number, step, ordinal, own, zone)
        for number, step in enumerate(steps, start=1)
        for ordinal in _ordinals(step, own, most)
    ]
    return sorted(
        placed,
        key=lambda each: (each.day is None, each.day or date.max, _time_of(each), each.ordinal, each.number),
    )


def _time_of(placed: Placed) -> datetime:
    return placed.moment or datetime.max.replace(tzinfo=UTC)


def _ordinals(step: ProgrammeStep, own: Sequence[Session], most: int | None) -> Iterator[int]:
    if step.hangs == FIRST:
        yield 1
    elif step.hangs == LAST:
        yield most or len(own) or 1
    elif step.hangs == EACH:
        is_one_ahead = any(not each.is_held for each in own)
        yield from range(1, (most or len(own) + (not is_one_ahead)) + 1)
    else:
        yield int(step.hangs)


def _placed(number: int, step: ProgrammeStep, ordinal: int, own: Sequence[Session], zone: str) -> Placed:
    if ordinal > len(own):
        return Placed(number, step, ordinal)
    session = own[ordinal - 1]
    session_day = day_of(session.at, zone)
    # What comes before each session never comes before the session before.
    earliest = day_of(own[ordinal - 2].at, zone) if ordinal > 1 and step.hangs == EACH else date.min
    day = max(session_day + timedelta(days=step.days), earliest)
    if step.is_after:
        earliest = session_day
    lead = timedelta(days=step.rule.lead_days)
    return Placed(
        number,
        step,
        ordinal,
        session,
        day=day,
        opens=max(day - lead, earliest),
        moment=_moment(step, day, session, zone),
    )


def _moment(step: ProgrammeStep, day: date, session: Session, zone: str) -> datetime:
    """The wall-clock time of its day. One that a change of clocks skips moves on by the gap (PEP 495)."""
    began = session.at.astimezone(ZoneInfo(zone)).time().replace(fold=0)
    hour = {Hour.DAY: IN_THE_MORNING, Hour.EVENING: IN_THE_EVENING, Hour.SAME: began}[step.hour]
    moment = datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)
    return max(moment, session.at) if step.is_after else moment


def state_of(
    placed: Placed,
    *,
    verdict: Verdict | None,
    is_done: bool | None,
    replaced_at: datetime | None,
    now: datetime,
    today: date,
) -> State:
    """Where a step stands. `is_done` is what the other rooms show; None: nobody may know.

    `replaced_at`: when the next step of the journal takes the place of this one.
    """
    ladder = (
        (verdict is Verdict.SKIPPED, State.SKIPPED),
        (bool(is_done) or verdict is Verdict.DONE, State.DONE),
        (placed.day is None, State.UNDATED),
        (not _is_open(placed, now=now, today=today), State.AHEAD),
        (is_done is None, State.OFFERED),
        (_has_lapsed(placed, replaced_at, now=now, today=today), State.OVER),
        (placed.day is not None and placed.day < today, State.LATE),
    )
    return next((state for holds, state in ladder if holds), State.DUE)


def _is_open(placed: Placed, *, now: datetime, today: date) -> bool:
    if placed.opens is None or placed.opens > today or placed.session is None:
        return False
    if not placed.step.is_after:
        return True
    is_time = placed.step.hour is Hour.DAY or placed.moment is None or placed.moment <= now
    return placed.session.is_held and is_time


def _has_lapsed(placed: Placed, replaced_at: datetime | None, *, now: datetime, today: date) -> bool:
    lapse_days = placed.step.rule.lapse_days
    if placed.session is None or placed.day is None or lapse_days is None:
        return False
    if not placed.step.is_after:
        return placed.session.is_held
    is_replaced = replaced_at is not None and replaced_at <= now
    return is_replaced or today > placed.day + timedelta(days=lapse_days)


def replacements(placed: Iterable[Placed]) -> dict[Placed, datetime]:
    """When each step of the journal gives way to the next one, so that one question stands at a time."""
    journal = [
        (each.moment, each) for each in placed if each.step.kind is Kind.JOURNAL and each.moment is not None
    ]
    moments = sorted(moment for moment, _ in journal)
    later = {each: next((after for after in moments if after > moment), None) for moment, each in journal}
    return {each: after for each, after in later.items() if after is not None}


def start_objection(since: date, *, today: date) -> str | None:
    """Why sessions cannot be counted from this day, in words; None when they can."""
    if since > today + timedelta(days=730):
        return "This day is more than two years away. Please check the year."
    if since < today - timedelta(days=730):
        return "This day is more than two years ago. Please check the year."
    return None
