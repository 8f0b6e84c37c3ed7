from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.days import months_after
from kap.safety.rules import (
    PARTS,
    Part,
    Standing,
    Talk,
    current_until,
    in_words,
    is_written,
    standing,
    tidied,
)

DAY = date(2026, 11, 28)
AGO = (None, 0, 1, 180, 181, 182, 183, 184, 400)  # days since it was gone through


@pytest.mark.parametrize("written, ago, changed", list(product((True, False), AGO, (True, False))))
def test_a_plan_in_every_standing(written: bool, ago: int | None, changed: bool) -> None:
    talk = None if ago is None else Talk(DAY - timedelta(days=ago), 1)
    found = standing(is_written=written, version=2 if changed else 1, talk=talk, months=6, on=DAY)
    if not written:
        assert found is Standing.MISSING
    elif talk is None:
        assert found is Standing.WRITTEN
    elif months_after(talk.on, 6) <= DAY:
        assert found is Standing.DUE
    else:
        assert found is (Standing.CHANGED if changed else Standing.CURRENT)
    assert found.counts is (found in (Standing.CURRENT, Standing.CHANGED))


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(1, 24), st.integers(0, 1000))
def test_current_until_the_day_before_the_months_are_over(on: date, months: int, later: int) -> None:
    talk = Talk(on, 1)
    day = on + timedelta(days=later)
    found = standing(is_written=True, version=1, talk=talk, months=months, on=day)
    assert found.counts is (day <= current_until(talk, months)) is (day < months_after(on, months))


def test_the_parts_are_named_in_our_own_words() -> None:
    assert list(PARTS) == list(Part)
    everything = " ".join(f"{about.title} {about.hint}" for about in PARTS.values())
    assert [name for name in ("Stanley", "Brown", "Step 1", "!") if name in everything] == []


def test_blanks_are_no_words_and_unknown_parts_are_dropped() -> None:
    assert tidied({"signs": " a ", "other": "b"}) == {
        part.value: "a" if part is Part.SIGNS else "" for part in Part
    }
    assert [is_written(words) for words in ({}, {"signs": " \n"}, {"other": "b"}, {"people": "P"})] == [
        False,
        False,
        False,
        True,
    ]
    assert in_words({"people": "P"}) == "People I can ask for help:\nP"
    assert in_words({}) == "Nothing is written down there."
