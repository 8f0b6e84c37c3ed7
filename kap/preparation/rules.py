"""Where an assignment stands. Days are days on the practice's calendar; today is a parameter."""

from datetime import date, timedelta
from enum import StrEnum

# What a patient is asked to do now rather than told is coming. A week leaves a weekend to read in.
NOW_DAYS = 7


class State(StrEnum):
    """How far the patient has come with a guide."""

    NOT_OPENED = "not opened"
    OPENED = "opened"
    STARTED = "started"  # ticked something
    DONE = "done"


def state_of(*, opened: bool, ticked: int, done: bool) -> State:
    """The furthest step there is a sign of. Done may leave items open: not every one fits everyone."""
    if done:
        return State.DONE
    if ticked:
        return State.STARTED
    return State.OPENED if opened else State.NOT_OPENED


def is_overdue(due_on: date | None, *, done: bool, today: date) -> bool:
    """Whether the day has passed. The due day itself still counts as in time."""
    return due_on is not None and due_on < today and not done


def is_for_now(due_on: date | None, *, today: date) -> bool:
    """Whether to do it now rather than later. Without a day there is no reason to wait."""
    return due_on is None or due_on <= today + timedelta(days=NOW_DAYS)


def is_open(opens_on: date | None, *, today: date) -> bool:
    """Whether the patient sees it yet."""
    return opens_on is None or opens_on <= today


def due_objection(due_on: date, *, today: date) -> str | None:
    """Why a guide cannot be due on this day, in words; None when it can."""
    if due_on < today:
        return "This day has passed. Choose today or a later day."
    if due_on > today + timedelta(days=730):
        return "This day is more than two years away. Please check the year."
    return None
