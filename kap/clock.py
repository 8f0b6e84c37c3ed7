"""The one place that says what time it is."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


def in_zone(moment: datetime, zone: str) -> datetime:
    """The same moment on the wall clock of `zone`, an IANA name."""
    return moment.astimezone(ZoneInfo(zone))


def day_in(moment: datetime, zone: str) -> date:
    """The day that calendars in `zone` show at this moment."""
    return in_zone(moment, zone).date()


def midnight(day: date, zone: str) -> datetime:
    """The UTC moment at which `day` begins in `zone`."""
    return from_wall(datetime.combine(day, time.min), zone)


def from_wall(local: datetime, zone: str) -> datetime:
    """The UTC moment of a naive wall-clock time in `zone`.

    A time that a clock change repeats means its first occurrence; one that a clock change skips moves
    forward by the gap, as calendars do (PEP 495, fold=0).
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
