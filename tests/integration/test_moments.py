"""What was written when after which session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.integration.moments import FIRST, MOMENTS, moment_of
from tests.conftest import NOON

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Entry:
    made_at: datetime
    session_id: UUID | None = None


@dataclass(frozen=True)
class Session:
    id: UUID
    closed_at: datetime | None


EARLIER, LATER = Session(uuid4(), NOON), Session(uuid4(), NOON + 100 * HOUR)
BOTH = (LATER, EARLIER)


def test_the_moments_follow_one_another_without_a_gap() -> None:
    found = list(MOMENTS.values())
    assert [one.to_h for one, _ in pairwise(found)] == [other.from_h for _, other in pairwise(found)]
    assert (found[0].from_h, FIRST in MOMENTS) == (0, True)


@pytest.mark.parametrize(
    "hours, name",
    [
        (0, "evening"),
        (11.9, "evening"),
        (12, "24h"),
        (24, "24h"),
        (72, "72h"),
        (7 * 24, "1-week"),
        (14 * 24, "2-weeks"),
        (30 * 24, "1-month"),
        (91 * 24, "3-months"),
    ],
)
def test_each_moment_holds_the_time_it_is_named_for(hours: float, name: str) -> None:
    assert moment_of(Entry(NOON + hours * HOUR), [EARLIER]) == (EARLIER.id, name)


@pytest.mark.parametrize("hours", [-1, 120 * 24])
def test_before_and_long_after_there_is_none(hours: float) -> None:
    assert moment_of(Entry(NOON + hours * HOUR), [EARLIER]) is None


def test_an_entry_belongs_to_the_session_it_names_else_to_the_latest() -> None:
    at = NOON + 124 * HOUR
    assert moment_of(Entry(at), BOTH) == (LATER.id, "24h")
    assert moment_of(Entry(at, EARLIER.id), BOTH) == (EARLIER.id, "1-week")
    assert moment_of(Entry(NOON + 24 * HOUR, LATER.id), BOTH) is None  # written before it
    assert moment_of(Entry(at, uuid4()), BOTH) is None  # about a session that is gone
    assert moment_of(Entry(at), []) is None
    assert moment_of(Entry(at), [Session(uuid4(), None)]) is None


@given(st.floats(0, 120 * 24, exclude_max=True))
def test_whatever_was_written_after_a_session_stands_in_one_moment(hours: float) -> None:
    found = [name for name, moment in MOMENTS.items() if moment.from_h <= hours < moment.to_h]
    assert len(found) == 1
