"""How long a link to write lives. Pure."""

from datetime import datetime, timedelta

LONGEST_IN_A_REMINDER = timedelta(hours=24)
# A letter that was held up on its way for longer than this is about a wish of some time ago.
ASKED_FOR = timedelta(hours=1)
MAX_ASKED_ACCOUNT = 3  # in the window of the throttle; nobody needs more letters in a quarter of an hour
MAX_ASKED_ADDRESS = 40  # a whole practice may share one address


def asked_until(written_at: datetime, minutes: int) -> datetime:
    """When a link ends that was asked for. From the writing of the letter: mail may be slow."""
    return written_at + timedelta(minutes=minutes)


def reminded_until(moment_ends: datetime, written_at: datetime) -> datetime:
    """When a reminder's link ends: with its moment, and a day after the letter at the latest."""
    return min(moment_ends, written_at + LONGEST_IN_A_REMINDER)


def may_be_opened(
    *, expires_at: datetime, opened_at: datetime | None, ended_at: datetime | None, now: datetime
) -> bool:
    return opened_at is None and ended_at is None and now < expires_at


def grants(*, opened_at: datetime | None, ended_at: datetime | None, hours: int, now: datetime) -> bool:
    """Whether what was opened may still be written on."""
    return opened_at is not None and ended_at is None and now - opened_at < timedelta(hours=hours)
