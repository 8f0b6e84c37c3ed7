"""What a dosing session permits in each state, and what its times and positions mean."""

import math
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Route(StrEnum):
    """How the medicine is given."""

    IV = "iv"
    IM = "im"
    SUBLINGUAL = "sublingual"
    INTRANASAL = "intranasal"


ROUTE_WORDS = {
    Route.IV: "Intravenous",
    Route.IM: "Intramuscular",
    Route.SUBLINGUAL: "Sublingual",
    Route.INTRANASAL: "Intranasal",
}


class Outlet(StrEnum):
    """What a device plays through, so that two in one room can be told apart."""

    UNNAMED = "unnamed"
    HEADPHONES = "headphones"
    SPEAKERS = "speakers"


OUTLET_WORDS = {
    Outlet.UNNAMED: "Another device",
    Outlet.HEADPHONES: "Headphones",
    Outlet.SPEAKERS: "Room speakers",
}


class SessionState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What can be done to a session."""

    CHANGE = "change"
    CANCEL = "cancel"
    REINSTATE = "reinstate"
    OPEN = "open"
    CHOOSE_MUSIC = "choose music"
    PLAY = "play"
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"
    LET_LISTEN = "let listen"


# A closed session still takes notes: one written during it may arrive late, over a bad connection.
TRANSITIONS: dict[tuple[SessionState, Verb], SessionState] = {
    (SessionState.PLANNED, Verb.CHANGE): SessionState.PLANNED,
    (SessionState.PLANNED, Verb.CANCEL): SessionState.CANCELLED,
    (SessionState.PLANNED, Verb.OPEN): SessionState.OPEN,
    (SessionState.CANCELLED, Verb.REINSTATE): SessionState.PLANNED,
    (SessionState.OPEN, Verb.CHOOSE_MUSIC): SessionState.OPEN,
    (SessionState.OPEN, Verb.PLAY): SessionState.OPEN,
    (SessionState.OPEN, Verb.NOTE): SessionState.OPEN,
    (SessionState.OPEN, Verb.CLOSE): SessionState.CLOSED,
    (SessionState.CLOSED, Verb.NOTE): SessionState.CLOSED,
    (SessionState.CLOSED, Verb.REOPEN): SessionState.OPEN,
    (SessionState.CLOSED, Verb.LET_LISTEN): SessionState.CLOSED,
}

# Long enough to notice a slip of the hand; later, a record is not brought back to life.
REOPEN_WITHIN = timedelta(hours=1)
# A device that said nothing for so long has left, or has lost its network.
HEARD_WITHIN = timedelta(seconds=90)
# Nobody plans further ahead; a date beyond is a slip in the year.
PLAN_AHEAD = timedelta(days=730)


def after(state: SessionState, verb: Verb) -> SessionState | None:
    """The state `verb` leads to, or None where `state` does not permit it."""
    return TRANSITIONS.get((state, verb))


def may_reopen(closed_at: datetime, *, at: datetime) -> bool:
    return at - closed_at <= REOPEN_WITHIN


def day_objection(day: date, *, today: date) -> str | None:
    """Why no session can be planned for `day`, or None."""
    if day < today:
        return "This day is over. Choose today or a later day."
    if day - today > PLAN_AHEAD:
        return "Please check the year."
    return None


def moments_of(wall: datetime, zone: str) -> list[datetime]:
    """The UTC moments at which clocks in `zone`, an IANA name, show `wall`, a naive time.

    None where a clock change skips it, two in order where one repeats it (PEP 495).
    """
    readings = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(
        moment for moment in readings if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall
    )


def music_position(given: str | None, *, length_s: float) -> float | None:
    """Seconds into the music that a page says it stood at; None for anything that is no such position."""
    try:
        position = float(given or "")
    except ValueError:
        return None
    if not math.isfinite(position) or position < 0:
        return None
    return min(position, length_s)


def written_at(age_s: str | None, *, opened_at: datetime, at: datetime) -> datetime:
    """When a note was written that took `age_s` seconds to arrive: never before the session opened."""
    try:
        age = timedelta(seconds=float(age_s or "0"))
    except (ValueError, OverflowError):
        return at
    return min(at, max(opened_at, at - age)) if age > timedelta(0) else at
