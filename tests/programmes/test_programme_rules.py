"""On which day a step comes, across zones and changes of the clocks; where it stands, in every case."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.content.programmes import EACH, FIRST, KINDS, LAST, Hour, Kind, ProgrammeStep
from kap.programmes.rules import (
    Placed,
    Session,
    State,
    Verdict,
    counted,
    day_of,
    lay_out,
    replacements,
    start_objection,
    state_of,
)

# Clocks change in both hemispheres, by an hour or half of one; some zones lie half an hour off the hour.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
)
BERLIN = "Europe/Berlin"


def session(number: int, at: datetime, *, held: bool = False) -> Session:
    return Session(UUID(int=number), at, held)


def wall(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]


def task(hangs: str, days: int, hour: Hour = Hour.DAY) -> ProgrammeStep:
    return ProgrammeStep(Kind.TASK, hangs, days, hour, "x")


def days(placed: list[Placed]) -> list[tuple[int, int, date | None]]:
    return [(each.number, each.ordinal, each.day) for each in placed]


moments = st.datetimes(
    min_value=datetime(2025, 1, 1), max_value=datetime(2028, 12, 31), timezones=st.just(UTC)
)
zones = st.sampled_from(ZONES)
steps = st.builds(
    task,
    st.sampled_from((FIRST, LAST, EACH, "2")),
    st.integers(-40, 40),
    st.sampled_from(Hour),
)


@given(st.lists(moments, max_size=6), st.lists(steps, max_size=6), zones, st.integers(1, 6))
def test_every_step_lies_so_many_days_from_its_session_on_the_clock_of_the_wall(
    planned: list[datetime], wanted: list[ProgrammeStep], zone: str, most: int
) -> None:
    own = counted(
        [session(number, at, held=True) for number, at in enumerate(planned)],
        since=date.min,
        today=date.min,
        zone=zone,
    )
    placed = lay_out(wanted, own, most=most, zone=zone)
    per_step = {
        number: [each for each in placed if each.number == number] for number in range(1, len(wanted) + 1)
    }
    for number, step in enumerate(wanted, start=1):
        ordinals = {FIRST: [1], LAST: [most], EACH: list(range(1, most + 1)), "2": [2]}[step.hangs]
        assert sorted(each.ordinal for each in per_step[number]) == ordinals
    for each in placed:
        if each.ordinal > min(len(own), most):
            assert (each.session, each.day, each.opens, each.moment) == (None, None, None, None)
            continue
        assert each.session == own[each.ordinal - 1]
        began = each.session.at.astimezone(ZoneInfo(zone))
        wanted_day = began.date() + timedelta(days=each.step.days)
        if each.step.hangs == EACH and each.ordinal > 1:
            wanted_day = max(wanted_day, day_of(own[each.ordinal - 2].at, zone))
        assert each.day == wanted_day
        assert each.moment is not None
        assert each.opens is not None
        assert each.opens <= each.day
        local = each.moment.astimezone(ZoneInfo(zone))
        if each.step.is_after and each.moment == each.session.at:
            continue  # in the evening of a session that began later than that
        clock = {Hour.DAY: time(9), Hour.EVENING: time(19), Hour.SAME: began.time()}[each.step.hour]
        assert local.date() == each.day
        assert local.time() == clock or _is_skipped(datetime.combine(each.day, clock), zone)
        if each.step.is_after:
            assert each.opens >= began.date()
            assert each.moment >= each.session.at


def _is_skipped(clock: datetime, zone: str) -> bool:
    """Whether a change of the clocks leaves this time out."""
    moment = clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != clock


@given(st.lists(moments, min_size=1, max_size=5, unique=True), zones, st.randoms())
def test_the_order_in_which_sessions_were_planned_changes_nothing(
    planned: list[datetime], zone: str, random: object
) -> None:
    rows = [session(number, at) for number, at in enumerate(planned)]
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    wanted = [task(FIRST, -3), task(EACH, 1, Hour.SAME), task(LAST, 7)]
    both = [
        lay_out(
            wanted, counted(some, since=date.min, today=date.min, zone=zone), most=len(planned), zone=zone
        )
        for some in (rows, shuffled)
    ]
    assert both[0] == both[1]


@given(moments, st.timedeltas(timedelta(days=-60), timedelta(days=60)), zones, st.lists(steps, min_size=1))
def test_moving_the_one_session_moves_every_step_by_as_many_days(
    at: datetime, by: timedelta, zone: str, wanted: list[ProgrammeStep]
) -> None:
    before, after = (
        lay_out(wanted, [session(1, moment, held=True)], most=1, zone=zone) for moment in (at, at + by)
    )
    moved = day_of(at + by, zone) - day_of(at, zone)
    by_step = {each.number: each.day for each in after if each.ordinal == 1}
    for each in before:
        if each.ordinal == 1 and each.day:
            assert by_step[each.number] == each.day + moved


@pytest.mark.parametrize(
    "zone, before, after",
    [
        ("Europe/Berlin", (2026, 3, 27, 10, 30), (2026, 3, 30, 10, 30)),  # clocks go forward on the 29th
        ("Europe/Berlin", (2026, 10, 23, 10, 30), (2026, 10, 26, 10, 30)),  # and back on the 25th
        ("America/New_York", (2026, 3, 6, 10, 30), (2026, 3, 9, 10, 30)),
        ("Australia/Sydney", (2026, 4, 3, 10, 30), (2026, 4, 6, 10, 30)),
        ("Australia/Lord_Howe", (2026, 10, 2, 10, 30), (2026, 10, 5, 10, 30)),  # by half an hour
        ("America/Santiago", (2026, 9, 4, 10, 30), (2026, 9, 7, 10, 30)),
    ],
)
def test_a_session_moved_across_a_change_of_the_clocks(
    zone: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    wanted = [task(FIRST, -7), task(FIRST, 0, Hour.EVENING), task(FIRST, 3, Hour.SAME)]
    for parts in (before, after):
        placed = lay_out(wanted, [session(1, wall(zone, *parts))], most=1, zone=zone)
        local = [each.moment.astimezone(ZoneInfo(zone)) for each in placed if each.moment]
        day = date(*parts[:3])
        assert [(each.date(), each.time()) for each in local] == [
            (day - timedelta(days=7), time(9)),
            (day, time(19)),
            (day + timedelta(days=3), time(10, 30)),
        ]


def test_a_time_that_the_clocks_skip_moves_on_and_one_they_repeat_is_the_first() -> None:
    night = lay_out(
        [task(FIRST, 1, Hour.SAME)], [session(1, wall(BERLIN, 2026, 3, 28, 2, 30))], most=1, zone=BERLIN
    )
    assert night[0].moment == wall(BERLIN, 2026, 3, 29, 3, 30)
    twice = lay_out(
        [task(FIRST, 1, Hour.SAME)], [session(1, wall(BERLIN, 2026, 10, 24, 2, 30))], most=1, zone=BERLIN
    )
    assert twice[0].moment == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_day_is_that_of_the_practice_and_not_of_utc() -> None:
    late = session(1, datetime(2026, 6, 1, 22, 30, tzinfo=UTC))  # half past midnight in Berlin
    assert [each.day for each in lay_out([task(FIRST, -1)], [late], most=1, zone=BERLIN)] == [
        date(2026, 6, 1)
    ]
    assert [each.day for each in lay_out([task(FIRST, -1)], [late], most=1, zone="UTC")] == [
        date(2026, 5, 31)
    ]


def test_a_session_that_overtakes_another_takes_its_place() -> None:
    a, b = session(1, wall(BERLIN, 2026, 6, 1, 10)), session(2, wall(BERLIN, 2026, 6, 8, 10))
    moved = session(1, wall(BERLIN, 2026, 6, 15, 10))
    wanted = [task(FIRST, -2), task(LAST, 1)]
    for some, first, last in (([a, b], 1, 8), ([moved, b], 8, 15)):
        own = counted(some, since=date(2026, 5, 1), today=date(2026, 5, 1), zone=BERLIN)
        assert days(lay_out(wanted, own, most=2, zone=BERLIN)) == [
            (1, 1, date(2026, 6, first) - timedelta(days=2)),
            (2, 2, date(2026, 6, last) + timedelta(days=1)),
        ]


def test_two_sessions_on_one_day_have_a_step_each_in_their_order() -> None:
    own = [session(1, wall(BERLIN, 2026, 6, 1, 9)), session(2, wall(BERLIN, 2026, 6, 1, 15))]
    placed = lay_out([task(EACH, 1, Hour.SAME), task(EACH, -3)], own, most=2, zone=BERLIN)
    assert days(placed) == [
        (2, 1, date(2026, 5, 29)),
        (2, 2, date(2026, 6, 1)),  # nothing of the second comes before the first
        (1, 1, date(2026, 6, 2)),
        (1, 2, date(2026, 6, 2)),
    ]


def test_steps_of_sessions_that_are_not_planned_wait_without_a_day() -> None:
    placed = lay_out(
        [task(FIRST, -1), task(EACH, 1), task(LAST, 7), task("3", -1)],
        [session(1, wall(BERLIN, 2026, 6, 1, 9))],
        most=3,
        zone=BERLIN,
    )
    assert days(placed) == [
        (1, 1, date(2026, 5, 31)),
        (2, 1, date(2026, 6, 2)),
        (2, 2, None),
        (2, 3, None),
        (3, 3, None),
        (4, 3, None),
    ]


def test_an_open_programme_has_one_place_for_the_session_to_come() -> None:
    held = session(1, wall(BERLIN, 2026, 6, 1, 9), held=True)
    ahead = session(2, wall(BERLIN, 2026, 6, 8, 9))
    for some, ordinals in (([], [1]), ([held], [1, 2]), ([held, ahead], [1, 2])):
        placed = lay_out([task(EACH, 1)], some, most=None, zone=BERLIN)
        assert [each.ordinal for each in placed] == ordinals


def test_sessions_beyond_the_programme_are_not_its_own() -> None:
    own = [session(number, wall(BERLIN, 2026, 6, number, 9)) for number in (1, 2, 3)]
    placed = lay_out([task(EACH, 0), task(LAST, 1)], own, most=2, zone=BERLIN)
    assert days(placed) == [(1, 1, date(2026, 6, 1)), (1, 2, date(2026, 6, 2)), (2, 2, date(2026, 6, 3))]


def test_what_counts_as_a_session() -> None:
    today = date(2026, 6, 10)
    rows = [
        session(1, wall(BERLIN, 2026, 5, 1, 9), held=True),  # before the programme
        session(2, wall(BERLIN, 2026, 6, 5, 9), held=True),
        session(3, wall(BERLIN, 2026, 6, 9, 9)),  # planned for yesterday and not held
        session(4, wall(BERLIN, 2026, 6, 10, 9)),  # today, though its hour may be over
        session(5, wall(BERLIN, 2026, 6, 20, 9)),
    ]
    found = counted(rows, since=date(2026, 6, 1), today=today, zone=BERLIN)
    assert [each.id.int for each in found] == [2, 4, 5]


def test_how_long_before_its_day_a_step_is_asked_for() -> None:
    own = [session(1, wall(BERLIN, 2026, 6, 20, 9)), session(2, wall(BERLIN, 2026, 6, 23, 9))]
    wanted = [
        ProgrammeStep(Kind.CONSENTS, FIRST, -3),
        ProgrammeStep(Kind.INTENTION, EACH, -1),
        ProgrammeStep(Kind.GUIDE, FIRST, 1, about="the-days-after"),
    ]
    opens = {(each.number, each.ordinal): each.opens for each in lay_out(wanted, own, most=2, zone=BERLIN)}
    assert opens == {
        (1, 1): date(2026, 6, 17) - timedelta(days=7),
        (2, 1): date(2026, 6, 19) - timedelta(days=2),
        (2, 2): date(2026, 6, 20),  # not before the session before it
        (3, 1): date(2026, 6, 20),  # not before its own
    }


def test_the_journal_asks_one_question_at_a_time() -> None:
    def journal(hangs: str, about: str, days: int) -> ProgrammeStep:
        return ProgrammeStep(Kind.JOURNAL, hangs, days, Hour.SAME, about)

    own = [session(1, wall(BERLIN, 2026, 6, 1, 9)), session(2, wall(BERLIN, 2026, 6, 3, 9))]
    placed = lay_out(
        [journal(EACH, "24h", 1), journal(EACH, "72h", 3), task(FIRST, 2)], own, most=2, zone=BERLIN
    )
    after = {(each.number, each.ordinal): moment for each, moment in replacements(placed).items()}
    assert after == {
        (1, 1): wall(BERLIN, 2026, 6, 4, 9),
        (1, 2): wall(BERLIN, 2026, 6, 6, 9),
        (2, 1): wall(BERLIN, 2026, 6, 6, 9),
    }


NOW = wall(BERLIN, 2026, 6, 10, 12)
TODAY = date(2026, 6, 10)


def standing(
    step: ProgrammeStep,
    at: datetime,
    *,
    held: bool = False,
    verdict: Verdict | None = None,
    is_done: bool | None = False,
    replaced_at: datetime | None = None,
) -> State:
    (placed,) = lay_out([step], [session(1, at, held=held)], most=1, zone=BERLIN)
    return state_of(placed, verdict=verdict, is_done=is_done, replaced_at=replaced_at, now=NOW, today=TODAY)


def test_what_was_decided_or_seen_goes_before_every_date() -> None:
    undated = Placed(1, task(FIRST, 0), 1)
    ahead, over = (
        lay_out([task(FIRST, -1)], [session(1, at, held=held)], most=1, zone=BERLIN)[0]
        for at, held in ((wall(BERLIN, 2027, 1, 1, 9), False), (wall(BERLIN, 2026, 1, 1, 9), True))
    )
    for placed, is_done in product((undated, ahead, over), (True, False, None)):
        for verdict, state in ((Verdict.SKIPPED, State.SKIPPED), (Verdict.DONE, State.DONE)):
            found = state_of(placed, verdict=verdict, is_done=is_done, replaced_at=None, now=NOW, today=TODAY)
            assert found is state
        if is_done:
            found = state_of(placed, verdict=None, is_done=True, replaced_at=None, now=NOW, today=TODAY)
            assert found is State.DONE


@pytest.mark.parametrize("is_done", [False, None])
def test_without_a_day_nothing_is_asked(is_done: bool | None) -> None:
    placed = Placed(1, task(FIRST, 0), 1)
    found = state_of(placed, verdict=None, is_done=is_done, replaced_at=None, now=NOW, today=TODAY)
    assert found is State.UNDATED


def test_a_step_before_a_session_in_the_course_of_time() -> None:
    step = ProgrammeStep(Kind.MUSIC, FIRST, -3)  # asked two days before its day
    expected = {
        16: State.AHEAD,  # its day is the 13th, and the 11th is tomorrow
        15: State.DUE,
        13: State.DUE,  # today is the day
        12: State.LATE,
        11: State.LATE,
    }
    for day, state in expected.items():
        assert standing(step, wall(BERLIN, 2026, 6, day, 9)) is state
    assert standing(step, wall(BERLIN, 2026, 6, 10, 9), held=True) is State.OVER
    guide = ProgrammeStep(Kind.GUIDE, FIRST, -3, about="x")
    assert standing(guide, wall(BERLIN, 2026, 6, 10, 9), held=True) is State.LATE


def test_a_step_after_a_session_waits_until_it_was_held() -> None:
    step = task(FIRST, 1)
    yesterday = wall(BERLIN, 2026, 6, 9, 9)
    assert standing(step, yesterday) is State.AHEAD
    assert standing(step, yesterday, held=True) is State.DUE
    assert standing(step, wall(BERLIN, 2026, 6, 8, 9), held=True) is State.LATE
    lapse = KINDS[Kind.TASK].lapse_days
    assert lapse is not None
    long_ago = wall(BERLIN, 2026, 6, 9, 9) - timedelta(days=lapse)
    assert standing(step, long_ago, held=True) is State.LATE
    assert standing(step, long_ago - timedelta(days=1), held=True) is State.OVER


def test_a_step_with_an_hour_waits_for_it() -> None:
    evening = task(FIRST, 0, Hour.EVENING)
    assert standing(evening, wall(BERLIN, 2026, 6, 10, 9), held=True) is State.AHEAD
    same = task(FIRST, 1, Hour.SAME)
    assert standing(same, wall(BERLIN, 2026, 6, 9, 12, 1), held=True) is State.AHEAD
    assert standing(same, wall(BERLIN, 2026, 6, 9, 12), held=True) is State.DUE


def test_the_journal_gives_way_and_lapses() -> None:
    step = ProgrammeStep(Kind.JOURNAL, FIRST, 1, Hour.SAME, "24h")
    yesterday = wall(BERLIN, 2026, 6, 9, 9)
    assert standing(step, yesterday, held=True) is State.DUE
    assert standing(step, yesterday, held=True, is_done=True) is State.DONE
    assert standing(step, yesterday, held=True, replaced_at=NOW) is State.OVER
    assert standing(step, yesterday, held=True, replaced_at=NOW + timedelta(seconds=1)) is State.DUE
    assert standing(step, yesterday - timedelta(days=8), held=True) is State.OVER


def test_of_what_is_private_others_know_only_that_it_was_offered() -> None:
    step = ProgrammeStep(Kind.JOURNAL, FIRST, 1, Hour.SAME, "24h")
    for at, state in (
        (wall(BERLIN, 2026, 6, 10, 9), State.AHEAD),
        (wall(BERLIN, 2026, 6, 9, 9), State.OFFERED),
        (wall(BERLIN, 2026, 1, 1, 9), State.OFFERED),
    ):
        assert standing(step, at, held=True, is_done=None, replaced_at=NOW) is state


@pytest.mark.parametrize("by, is_fine", [(0, True), (730, True), (731, False), (-730, True), (-731, False)])
def test_sessions_count_from_a_day_within_two_years(by: int, is_fine: bool) -> None:
    objection = start_objection(TODAY + timedelta(days=by), today=TODAY)
    assert (objection is None) is is_fine
