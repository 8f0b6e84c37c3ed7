from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from kap.sessions.rules import (
    REOPEN_WITHIN,
    SessionState,
    Verb,
    after,
    day_objection,
    may_reopen,
    moments_of,
    music_position,
    written_at,
)

S, V = SessionState, Verb
PERMITTED = {
    (S.PLANNED, V.CHANGE): S.PLANNED,
    (S.PLANNED, V.CANCEL): S.CANCELLED,
    (S.PLANNED, V.OPEN): S.OPEN,
    (S.CANCELLED, V.REINSTATE): S.PLANNED,
    (S.OPEN, V.CHOOSE_MUSIC): S.OPEN,
    (S.OPEN, V.PLAY): S.OPEN,
    (S.OPEN, V.NOTE): S.OPEN,
    (S.OPEN, V.CLOSE): S.CLOSED,
    (S.CLOSED, V.NOTE): S.CLOSED,
    (S.CLOSED, V.REOPEN): S.OPEN,
    (S.CLOSED, V.LET_LISTEN): S.CLOSED,
}


@pytest.mark.parametrize(("state", "verb"), list(product(SessionState, Verb)))
def test_every_verb_in_every_state(state: SessionState, verb: Verb) -> None:
    assert after(state, verb) == PERMITTED.get((state, verb))


def test_a_session_can_be_reopened_for_an_hour() -> None:
    closed = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert may_reopen(closed, at=closed + REOPEN_WITHIN)
    assert not may_reopen(closed, at=closed + REOPEN_WITHIN + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("day", "objection"),
    [
        (date(2026, 11, 21), "This day is over. Choose today or a later day."),
        (date(2026, 11, 22), None),
        (date(2028, 11, 21), None),
        (date(2028, 11, 22), "Please check the year."),
    ],
)
def test_days_a_session_can_be_planned_for(day: date, objection: str | None) -> None:
    assert day_objection(day, today=date(2026, 11, 22)) == objection


@pytest.mark.parametrize(
    ("wall", "zone", "moments"),
    [
        (datetime(2026, 11, 22, 9), "Europe/Berlin", [datetime(2026, 11, 22, 8, tzinfo=UTC)]),
        (datetime(2026, 7, 1, 9), "Europe/Berlin", [datetime(2026, 7, 1, 7, tzinfo=UTC)]),
        (datetime(2026, 3, 29, 2, 30), "Europe/Berlin", []),
        (datetime(2026, 3, 29, 3), "Europe/Berlin", [datetime(2026, 3, 29, 1, tzinfo=UTC)]),
        (
            datetime(2026, 10, 25, 2, 30),
            "Europe/Berlin",
            [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)],
        ),
        (datetime(2026, 3, 8, 2, 30), "America/New_York", []),
        (datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe", []),  # a change of half an hour
        (datetime(2026, 10, 25, 2, 30), "UTC", [datetime(2026, 10, 25, 2, 30, tzinfo=UTC)]),
    ],
)
def test_what_a_wall_clock_means(wall: datetime, zone: str, moments: list[datetime]) -> None:
    assert moments_of(wall, zone) == moments


@pytest.mark.parametrize(
    ("given", "position"),
    [
        ("12.5", 12.5),
        ("0", 0.0),
        ("700", 600.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_where_the_music_stood(given: str | None, position: float | None) -> None:
    assert music_position(given, length_s=600) == position


AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age_s", "moment"),
    [
        (None, AT),
        ("", AT),
        ("0", AT),
        ("90", AT - timedelta(seconds=90)),
        ("1e9", AT - timedelta(hours=1)),  # never before the session opened
        ("-90", AT),  # nor in the future
        ("inf", AT),
        ("nan", AT),
        ("yesterday", AT),
    ],
)
def test_when_a_late_note_was_written(age_s: str | None, moment: datetime) -> None:
    assert written_at(age_s, opened_at=AT - timedelta(hours=1), at=AT) == moment
