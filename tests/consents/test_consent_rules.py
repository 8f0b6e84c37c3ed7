"""Whether a signature counts on a day, for every way it can stand."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.consents.rules import RENEWAL, Newest, Signed, Standing, Verdict, verdict
from kap.days import months_after

DAY = date(2026, 3, 10)
NEWEST = Newest(version=2, since=date(2026, 1, 1))


def signed(**changes: object) -> Signed:
    facts = {
        "version": 2,
        "months": 12,
        "on": DAY,
        "needs_witness": False,
        "is_witnessed": False,
        "is_withdrawn": False,
    }
    return Signed(**{**facts, **changes})  # type: ignore[arg-type]


def test_nothing_signed() -> None:
    assert verdict(None, NEWEST, on=DAY) == Verdict(Standing.MISSING)


@pytest.mark.parametrize(
    "what, on, expected",
    [
        ({}, DAY, Verdict(Standing.VALID, date(2027, 3, 9))),
        ({}, date(2027, 2, 7), Verdict(Standing.VALID, date(2027, 3, 9))),
        ({}, date(2027, 2, 8), Verdict(Standing.DUE, date(2027, 3, 9))),
        ({}, date(2027, 3, 9), Verdict(Standing.DUE, date(2027, 3, 9))),
        ({}, date(2027, 3, 10), Verdict(Standing.EXPIRED)),
        ({"is_withdrawn": True}, DAY, Verdict(Standing.WITHDRAWN)),
        ({"needs_witness": True}, DAY, Verdict(Standing.UNWITNESSED)),
        ({"needs_witness": True, "is_witnessed": True}, DAY, Verdict(Standing.VALID, date(2027, 3, 9))),
        ({"version": 1}, DAY + RENEWAL, Verdict(Standing.DUE, DAY + RENEWAL)),
        ({"version": 1}, DAY + RENEWAL + timedelta(1), Verdict(Standing.OUTDATED)),
        ({"version": 1, "months": 1}, DAY, Verdict(Standing.DUE, date(2026, 4, 9))),
        ({"version": 1, "months": 1}, date(2026, 4, 10), Verdict(Standing.EXPIRED)),
        ({"version": 1, "on": date(2025, 6, 1)}, date(2026, 3, 2), Verdict(Standing.DUE, date(2026, 3, 2))),
        ({"version": 1, "on": date(2025, 6, 1)}, date(2026, 3, 3), Verdict(Standing.OUTDATED)),
    ],
)
def test_a_signature_on_a_day(what: dict[str, object], on: date, expected: Verdict) -> None:
    assert verdict(signed(**what), NEWEST, on=on) == expected


@given(
    on=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    ahead=st.integers(0, 4000),
    months=st.integers(1, 60),
    version=st.integers(1, 3),
    witness=st.booleans(),
)
def test_it_counts_up_to_the_day_it_says_and_no_longer(
    on: date, ahead: int, months: int, version: int, witness: bool
) -> None:
    one = signed(on=on, months=months, version=version, needs_witness=witness, is_witnessed=witness)
    found = verdict(one, NEWEST, on=on + timedelta(days=ahead))
    assert found.standing.counts == (found.until is not None)
    if found.until is not None:
        assert verdict(one, NEWEST, on=found.until).standing.counts
        assert not verdict(one, NEWEST, on=found.until + timedelta(days=1)).standing.counts


@given(on=st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_what_was_taken_back_never_counts(on: date) -> None:
    assert not verdict(signed(is_withdrawn=True), NEWEST, on=on).standing.counts


@pytest.mark.parametrize(
    "day, months, expected",
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 5, 15), 24, date(2028, 5, 15)),
    ],
)
def test_months_are_calendar_months(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected
