"""When someone who would like to talk has waited for too long. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum


class Standing(StrEnum):
    """Where a request stands. None of them is reached by time alone but `OVERDUE`."""

    WAITING = "waiting"
    OVERDUE = "overdue"
    SEEN = "seen"  # by a person with a name; what came of it is still to be written
    ENDED = "ended"


def due_at(asked_at: datetime, hours: int) -> datetime:
    """By when someone of the care team should have seen it."""
    return asked_at + timedelta(hours=hours)


def standing_of(
    *, due_at: datetime, seen_at: datetime | None, ended_at: datetime | None, now: datetime
) -> Standing:
    if ended_at is not None:
        return Standing.ENDED
    if seen_at is not None:
        return Standing.SEEN
    return Standing.OVERDUE if now >= due_at else Standing.WAITING


def rank(standing: Standing, asked_at: datetime) -> tuple[int, datetime]:
    """Who needs someone first: overdue, waiting, seen; of each the one who waits longest."""
    order = (Standing.OVERDUE, Standing.WAITING, Standing.SEEN, Standing.ENDED)
    return order.index(standing), asked_at
