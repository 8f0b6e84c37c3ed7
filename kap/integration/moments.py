"""The days and weeks after each session, to lay side by side what was written in them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

DAY = 24.0
HOUR_S = 3600


@dataclass(frozen=True)
class Moment:
    """A time after a session: `from_h` up to but not including `to_h` hours after it was closed."""

    name: str
    words: str
    from_h: float
    to_h: float


# Each reaches half-way to the next, so that whatever was written after a session stands somewhere.
MOMENTS: Mapping[str, Moment] = {
    each.name: each
    for each in (
        Moment("evening", "The same day", 0, 12),
        Moment("24h", "After 24 hours", 12, 2 * DAY),
        Moment("72h", "After 72 hours", 2 * DAY, 5 * DAY),
        Moment("1-week", "After a week", 5 * DAY, 10.5 * DAY),
        Moment("2-weeks", "After two weeks", 10.5 * DAY, 22 * DAY),
        Moment("1-month", "After a month", 22 * DAY, 60 * DAY),
        Moment("3-months", "After three months", 60 * DAY, 120 * DAY),
    )
}
FIRST = "24h"


class Written(Protocol):
    """An entry: when it was begun, and which session its writer said it is about."""

    @property
    def made_at(self) -> datetime: ...
    @property
    def session_id(self) -> UUID | None: ...


class Held(Protocol):
    """A session that is over."""

    @property
    def id(self) -> UUID: ...
    @property
    def closed_at(self) -> datetime | None: ...


def moment_of(entry: Written, sessions: Sequence[Held]) -> tuple[UUID, str] | None:
    """After which session, and at which moment, the entry was written.

    The session it is about; where it names none, the latest that was over by then.
    """
    about = _about(entry, sessions)
    if about is None or about.closed_at is None:
        return None
    hours = (entry.made_at - about.closed_at).total_seconds() / HOUR_S
    found = (moment.name for moment in MOMENTS.values() if moment.from_h <= hours < moment.to_h)
    name = next(found, None)
    return None if name is None else (about.id, name)


def _about(entry: Written, sessions: Sequence[Held]) -> Held | None:
    if entry.session_id is not None:
        return next((session for session in sessions if session.id == entry.session_id), None)
    before = [session for session in sessions if session.closed_at and session.closed_at <= entry.made_at]
    return max(before, key=lambda session: session.closed_at or entry.made_at, default=None)
