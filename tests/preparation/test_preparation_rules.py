from datetime import date, timedelta
from itertools import product

import pytest

from kap.preparation.rules import NOW_DAYS, State, due_objection, is_for_now, is_overdue, state_of

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(("opened", "ticked", "done"), list(product((False, True), (0, 1, 5), (False, True))))
def test_the_furthest_sign_counts(opened: bool, ticked: int, done: bool) -> None:
    expected = (
        State.DONE if done else State.STARTED if ticked else State.OPENED if opened else State.NOT_OPENED
    )
    assert state_of(opened=opened, ticked=ticked, done=done) is expected


@pytest.mark.parametrize(
    ("days", "done", "overdue"), [(-1, False, True), (0, False, False), (1, False, False), (-1, True, False)]
)
def test_only_a_day_that_has_passed_is_overdue(days: int, done: bool, overdue: bool) -> None:
    assert is_overdue(TODAY + timedelta(days), done=done, today=TODAY) is overdue


def test_without_a_day_nothing_is_overdue_and_everything_is_for_now() -> None:
    assert not is_overdue(None, done=False, today=TODAY)
    assert is_for_now(None, today=TODAY)


def test_a_week_ahead_is_now_and_a_day_more_is_coming() -> None:
    assert is_for_now(TODAY - timedelta(1), today=TODAY)
    assert is_for_now(TODAY + timedelta(NOW_DAYS), today=TODAY)
    assert not is_for_now(TODAY + timedelta(NOW_DAYS + 1), today=TODAY)


def test_a_guide_is_due_today_or_later_within_reason() -> None:
    assert due_objection(TODAY, today=TODAY) is None
    assert due_objection(TODAY + timedelta(730), today=TODAY) is None
    assert due_objection(TODAY - timedelta(1), today=TODAY) == (
        "This day has passed. Choose today or a later day."
    )
    assert due_objection(TODAY + timedelta(731), today=TODAY) == (
        "This day is more than two years away. Please check the year."
    )
