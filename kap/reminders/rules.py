"""When a patient may be written to, when each reminder is due, how many letters are enough. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from kap.patients.reasons import Kind, Reason

MINUTES_OF_DAY = 24 * 60
MINUTE = timedelta(minutes=1)

KIND_WORDS: dict[Kind, str] = {
    Kind.APPOINTMENT: "An appointment is near",
    Kind.PREPARE: "Something to read or do is due",
    Kind.PAPERS: "Questions or papers wait for you",
    Kind.WRITE: "A good time to write something down",
    Kind.ANSWER: "Someone answered you",
}

# The same in the words of those who look at them from outside.
STAFF_WORDS: dict[Kind, str] = {
    Kind.APPOINTMENT: "an appointment",
    Kind.PREPARE: "something to read or do",
    Kind.PAPERS: "questions or papers",
    Kind.WRITE: "a time to write",
    Kind.ANSWER: "an answer",
}

# Reminders of the day are told in the morning, when there is still time to do something.
MORNING = time(10)
EVENING = time(19)
HOURS_BEFORE = timedelta(hours=1)  # nearer to an appointment nobody reads mail about it
SETTLED = timedelta(hours=2)  # after a session: home, and with a moment to sit down
PAPERS_DAYS = (5, 2)
PREPARE_DAYS = 1
PREPARE_UNDATED_DAYS = 3
PREPARE_LATE = timedelta(days=3)
ANSWER_FOR = timedelta(days=3)
ANSWER_AFTER = timedelta(minutes=15)  # a second line often follows the first


@dataclass(frozen=True)
class Writing:
    """A time to write after a session: days later at the same hour, and how long it stays a good time."""

    name: str
    days: int
    lasts: timedelta


# The times the prompts are written for (templates/prompts).
WRITING = (
    Writing("24h", 1, timedelta(hours=24)),
    Writing("72h", 3, timedelta(hours=48)),
    Writing("1-week", 7, timedelta(days=3)),
    Writing("2-weeks", 14, timedelta(days=3)),
    Writing("1-month", 30, timedelta(days=5)),
    Writing("3-months", 90, timedelta(days=7)),
)
WRITING_ENDS = timedelta(days=90 + 8)  # a session longer ago is no reason to write any more


@dataclass(frozen=True)
class Quiet:
    """Hours in which nothing is sent, as minutes of the day on the reader's clock. The same twice: none."""

    begins: int
    ends: int

    def covers(self, minute: int) -> bool:
        if self.begins <= self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


@dataclass(frozen=True)
class Limits:
    """At most so many letters on one day of the reader's, and in any seven days."""

    per_day: int
    per_week: int


def is_quiet(moment: datetime, zone: str, quiet: Quiet) -> bool:
    local = _local(moment, zone)
    return quiet.covers(local.hour * 60 + local.minute)


def quiet_until(moment: datetime, zone: str, quiet: Quiet) -> datetime:
    """The first moment from `moment` on that is not quiet.

    Minute by minute, because a clock change may skip or repeat the hour in which the quiet ends.
    """
    at = moment
    while is_quiet(at, zone, quiet):
        at = at.replace(second=0, microsecond=0) + MINUTE
    return at


def has_room(sent: Iterable[datetime], *, at: datetime, zone: str, limits: Limits) -> bool:
    """Whether one more letter may be sent now to someone who got letters at `sent`."""
    moments = [each for each in sent if each <= at]
    today = _local(at, zone).date()
    on_today = sum(_local(each, zone).date() == today for each in moments)
    in_week = sum(each > at - timedelta(days=7) for each in moments)
    return on_today < limits.per_day and in_week < limits.per_week


def appointment_begins(planned_at: datetime, zone: str) -> datetime:
    """From when an appointment is reminded of: the morning of the day before, on the reader's clock."""
    return _days_before(planned_at, 1, zone)


def papers_begin(planned_at: datetime, zone: str) -> list[tuple[str, datetime, datetime]]:
    """(name, from, until) of each reminder of what has to be signed or answered before an appointment."""
    begins = [(str(days), _days_before(planned_at, days, zone)) for days in PAPERS_DAYS]
    ends = [*(at for _, at in begins[1:]), planned_at]
    return [(name, at, end) for (name, at), end in zip(begins, ends, strict=True) if at < end]


def preparing(due_on: date, zone: str) -> tuple[datetime, datetime]:
    """From when until when something to prepare is reminded of."""
    begins = _moment(due_on - timedelta(days=PREPARE_DAYS), MORNING, zone)
    return begins, _moment(due_on + timedelta(days=1) + PREPARE_LATE, time.min, zone)


def preparing_undated(planned_at: datetime, zone: str) -> tuple[datetime, datetime]:
    """The same for what has no day of its own: before the appointment."""
    return _days_before(planned_at, PREPARE_UNDATED_DAYS, zone), planned_at


def writing_times(closed_at: datetime, zone: str) -> list[tuple[str, datetime, datetime]]:
    """(name, from, until) of the times to write after a session that ended at `closed_at`.

    By that alone, and never by whether something was written: the care team sees when letters went out.
    """
    local = _local(closed_at, zone)
    tomorrow = _moment(local.date() + timedelta(days=1), time.min, zone)
    evening = max(_moment(local.date(), EVENING, zone), closed_at + SETTLED)
    times = [("evening", evening, tomorrow)] if evening < tomorrow else []
    for each in WRITING:
        at = _moment(local.date() + timedelta(days=each.days), local.time(), zone)
        times.append((each.name, at, at + each.lasts))
    return times


def chosen(reasons: Iterable[Reason], *, told: frozenset[str], off: frozenset[Kind]) -> list[Reason]:
    """Those to tell one patient now: not told before, of a kind that is on, each once."""
    by_key = {each.key: each for each in reasons if each.key not in told and each.kind not in off}
    return list(by_key.values())


def clock_of(minutes: int) -> str:
    """21:30"""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def is_zone(name: str) -> bool:
    return name in available_timezones()


def _days_before(planned_at: datetime, days: int, zone: str) -> datetime:
    """The morning so many days before, on the reader's clock."""
    day = _local(planned_at, zone).date() - timedelta(days=days)
    return _moment(day, MORNING, zone)


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _moment(day: date, at: time, zone: str) -> datetime:
    """The UTC moment of a wall-clock time: the first of two where it is repeated, later where skipped."""
    return datetime.combine(day, at.replace(fold=0), ZoneInfo(zone)).astimezone(UTC)
