"""When reminders are due and may be sent: over all minutes of a day, and in zones whose clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kap.patients.reasons import Kind, Reason
from kap.reminders import rules
from kap.reminders.rules import Limits, Quiet

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
    "America/St_Johns", "Africa/Casablanca", "Pacific/Kiritimati", "Asia/Kolkata",
)  # fmt: skip
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
minutes = st.integers(0, rules.MINUTES_OF_DAY - 1)
quiets = st.builds(Quiet, minutes, minutes)
DAY = timedelta(days=1)


def wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def test_quiet_hours_cover_what_lies_between_over_midnight_too() -> None:
    for begins in range(0, rules.MINUTES_OF_DAY, 45):
        for ends in range(0, rules.MINUTES_OF_DAY, 45):
            length = (ends - begins) % rules.MINUTES_OF_DAY
            covered = [Quiet(begins, ends).covers(minute) for minute in range(rules.MINUTES_OF_DAY)]
            expected = {(begins + each) % rules.MINUTES_OF_DAY for each in range(length)}
            assert {minute for minute, inside in enumerate(covered) if inside} == expected


@given(moments, zones, quiets)
def test_quiet_ends_at_the_first_moment_that_is_not(moment: datetime, zone: str, quiet: Quiet) -> None:
    until = rules.quiet_until(moment, zone, quiet)
    assert not rules.is_quiet(until, zone, quiet)
    assert moment <= until <= moment + timedelta(hours=26)
    assert until == moment or rules.is_quiet(until - timedelta(minutes=1), zone, quiet)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        # Clocks go from 2:00 to 3:00, so 2:30 never comes: the quiet ends with the gap.
        ("2026-03-29T00:15+00:00", "2026-03-29T01:00+00:00"),
        # They go from 3:00 back to 2:00: quiet until 2:30 the first time, and again the second.
        ("2026-10-25T00:15+00:00", "2026-10-25T00:30+00:00"),
        ("2026-10-25T01:15+00:00", "2026-10-25T01:30+00:00"),
    ],
)
def test_quiet_that_ends_in_a_changed_hour(at: str, until: str) -> None:
    quiet = Quiet(21 * 60, 2 * 60 + 30)
    moment = datetime.fromisoformat(at)
    assert rules.is_quiet(moment, "Europe/Berlin", quiet)
    assert rules.quiet_until(moment, "Europe/Berlin", quiet) == datetime.fromisoformat(until)


@given(moments, zones)
def test_an_appointment_is_told_on_the_morning_of_the_day_before(planned_at: datetime, zone: str) -> None:
    begins = rules.appointment_begins(planned_at, zone)
    assert wall(begins, zone).date() == wall(planned_at, zone).date() - DAY
    assert wall(begins, zone).time() == rules.MORNING
    assert begins < planned_at


@given(moments, zones)
def test_times_to_write_are_so_many_days_later_at_the_same_hour(closed_at: datetime, zone: str) -> None:
    times = {name: (at, until) for name, at, until in rules.writing_times(closed_at, zone)}
    local = wall(closed_at, zone)
    for each in rules.WRITING:
        at, until = times[each.name]
        then = wall(at, zone)
        days = (then.date() - local.date()).days
        is_same = then.time() == local.time().replace(fold=0)
        skipped = then.replace(tzinfo=None) != datetime.combine(then.date(), local.time())
        assert days == each.days
        assert is_same or skipped
        assert until - at == each.lasts
        assert at > closed_at
    assert all(until <= closed_at + rules.WRITING_ENDS + DAY for _, until in times.values())


@given(moments, zones)
def test_the_evening_is_the_same_days_and_not_at_once(closed_at: datetime, zone: str) -> None:
    found = [(at, until) for name, at, until in rules.writing_times(closed_at, zone) if name == "evening"]
    local = wall(closed_at, zone)
    if local.time() < time(21, 30):
        assume(zone != "Africa/Casablanca")
        assert len(found) == 1
    for at, until in found:
        assert wall(at, zone).date() == local.date()
        assert wall(at, zone).time() >= rules.EVENING
        assert closed_at + rules.SETTLED <= at < until


@given(moments, zones)
def test_papers_are_reminded_of_twice_and_never_after(planned_at: datetime, zone: str) -> None:
    found = rules.papers_begin(planned_at, zone)
    assert [name for name, _, _ in found] == ["5", "2"]
    (_, first, first_ends), (_, second, second_ends) = found
    assert first < first_ends == second < second_ends == planned_at


@given(st.dates(date(2024, 1, 1), date(2031, 1, 1)), zones)
def test_preparing_is_reminded_of_from_the_day_before(due_on: date, zone: str) -> None:
    begins, ends = rules.preparing(due_on, zone)
    assert wall(begins, zone).replace(tzinfo=None) == datetime.combine(due_on - DAY, rules.MORNING)
    assert begins < ends
    assert wall(ends, zone).date() == due_on + DAY + rules.PREPARE_LATE


@given(
    moments, zones, st.lists(st.integers(0, 10 * 24 * 60), max_size=12), st.integers(1, 4), st.integers(1, 9)
)
def test_there_is_room_until_a_limit_is_reached(
    at: datetime, zone: str, ago: list[int], per_day: int, per_week: int
) -> None:
    sent = [at - timedelta(minutes=each) for each in ago]
    on_day = [each for each in sent if wall(each, zone).date() == wall(at, zone).date()]
    in_week = [each for each in sent if at - each < timedelta(days=7)]
    has_room = rules.has_room(sent, at=at, zone=zone, limits=Limits(per_day, per_week))
    assert has_room == (len(on_day) < per_day and len(in_week) < per_week)


def _reason(kind: Kind, key: str) -> Reason:
    return Reason(uuid4(), kind, key, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def test_what_was_told_or_is_off_is_left_out_and_nothing_is_told_twice() -> None:
    reasons = [_reason(kind, f"{kind}:{number}") for kind in Kind for number in (1, 2, 2)]
    kept = rules.chosen(reasons, told=frozenset({"write:1"}), off=frozenset({Kind.PAPERS, Kind.ANSWER}))
    assert [each.key for each in kept] == [
        "appointment:1", "appointment:2", "prepare:1", "prepare:2", "write:2",
    ]  # fmt: skip


def test_a_reason_holds_from_its_beginning_until_before_its_end() -> None:
    reason = _reason(Kind.WRITE, "x")
    second = timedelta(seconds=1)
    held = [
        reason.holds(at) for at in (reason.begins - second, reason.begins, reason.ends - second, reason.ends)
    ]
    assert held == [False, True, True, False]


@given(minutes)
def test_times_of_forms_and_minutes_of_the_day(minute: int) -> None:
    assert rules.is_zone("Europe/Berlin")
    assert not rules.is_zone("Europe/Atlantis")
    assert rules.clock_of(minute) == f"{time(*divmod(minute, 60)):%H:%M}"


def test_every_kind_has_words_and_none_is_clinical() -> None:
    assert set(rules.KIND_WORDS) == set(Kind)
