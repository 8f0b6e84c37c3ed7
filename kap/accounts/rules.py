"""When a sign-in ends, when tries are too many, what a password must be. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from zxcvbn import zxcvbn

from kap.access.permissions import Role

# A password is one of two things that keep a journal closed; NIST SP 800-63B asks for length, not symbols.
MIN_PASSWORD = 10
MAX_PASSWORD = 200
MIN_STRENGTH = 3  # zxcvbn: 3 withstands 10**10 guesses
ZXCVBN_LIMIT = 72  # it refuses longer input

# A request for a call is answered the same day.
TALK_HOURS, MOST_TALK_HOURS = 4, 24

THROTTLE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_ACCOUNT = 5
MAX_FAILURES_ADDRESS = 40  # a whole practice may share one address


@dataclass(frozen=True)
class Lifetimes:
    """How long a sign-in lasts without a request, and in all."""

    idle: timedelta
    absolute: timedelta


def is_live(
    *,
    signed_in_at: datetime,
    seen_at: datetime,
    ended_at: datetime | None,
    now: datetime,
    lifetimes: Lifetimes,
) -> bool:
    """Whether a browser session may still be used."""
    return ended_at is None and now - seen_at < lifetimes.idle and now - signed_in_at < lifetimes.absolute


def is_throttled(*, failures: int, since: datetime, now: datetime, limit: int) -> bool:
    """Whether another try must wait: `limit` failures within the window that began at `since`."""
    return failures >= limit and now - since < THROTTLE_WINDOW


def is_open_invitation(
    *, expires_at: datetime, accepted_at: datetime | None, revoked_at: datetime | None, now: datetime
) -> bool:
    return accepted_at is None and revoked_at is None and now < expires_at


def password_objection(password: str, *, about: list[str]) -> str | None:
    """Why this password will not do, as a sentence, or None. `about` are words it must not lean on."""
    if len(password) < MIN_PASSWORD:
        return f"Please use at least {MIN_PASSWORD} characters; a short sentence works well."
    if len(password) > MAX_PASSWORD:
        return f"Please use at most {MAX_PASSWORD} characters."
    if zxcvbn(password[:ZXCVBN_LIMIT], user_inputs=about)["score"] < MIN_STRENGTH:
        return "This password would be guessed too soon. A few unrelated words make a good one."
    return None


def lifetimes_of(role: Role, *, staff: Lifetimes, patient: Lifetimes) -> Lifetimes:
    return patient if role is Role.PATIENT else staff


def normal_email(address: str) -> str:
    """The form an address is looked up by: people do not remember how they capitalised it."""
    return address.strip().lower()


def device_of(user_agent: str) -> str:
    """A browser's header as words a person recognises: "Firefox on Android"."""
    browsers = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
    systems = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
               "Mac OS": "Mac", "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip
    browser = next((name for mark, name in browsers.items() if mark in user_agent), "A browser")
    system = next((name for mark, name in systems.items() if mark in user_agent), "an unknown device")
    return f"{browser} on {system}"
