"""Wall clocks and moments, across the changes of summer time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from kap.clock import from_wall, in_zone

ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])


def test_a_time_that_happens_twice_is_the_first() -> None:
    assert from_wall(datetime(2026, 10, 25, 2, 30), "Europe/Berlin") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_a_time_that_never_happens_moves_forward() -> None:
    moment = from_wall(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")
    assert in_zone(moment, "Europe/Berlin").replace(tzinfo=None) == datetime(2026, 3, 29, 3, 30)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)), ZONES)
def test_a_wall_time_comes_back_unless_a_clock_change_took_it(local: datetime, zone: str) -> None:
    back = in_zone(from_wall(local, zone), zone).replace(tzinfo=None)
    exists = (
        local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        == local
    )
    assert back == local if exists else timedelta(0) < back - local <= timedelta(hours=1)
