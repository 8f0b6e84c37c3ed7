"""Whether a signature counts on a day. Pure: days are those of the practice's calendar."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kap.days import months_after

# How long an earlier version still counts once a newer one is there, so that nobody's session falls on the
# day of an update. Said to patient and therapist from the first day on.
RENEWAL = timedelta(days=60)


class Standing(StrEnum):
    MISSING = "missing"  # never signed
    WITHDRAWN = "withdrawn"  # signed, and taken back
    UNWITNESSED = "unwitnessed"  # signed, and not yet confirmed by the care team
    VALID = "valid"
    DUE = "due"  # still counts, and should be signed anew: a newer text is there, or the time runs out soon
    OUTDATED = "outdated"  # an earlier text, whose time for renewal is over
    EXPIRED = "expired"  # signed too long ago

    @property
    def counts(self) -> bool:
        return self in (Standing.VALID, Standing.DUE)


@dataclass(frozen=True)
class Signed:
    """A signature as the rule sees it. `version` and `months` are those of the text that was signed."""

    version: int
    months: int
    on: date
    needs_witness: bool
    is_witnessed: bool
    is_withdrawn: bool


@dataclass(frozen=True)
class Newest:
    """The text as it is today; `since` is the day its version appeared."""

    version: int
    since: date


@dataclass(frozen=True)
class Verdict:
    """`until` is the last day on which it counts, where it counts at all."""

    standing: Standing
    until: date | None = None


def verdict(signed: Signed | None, newest: Newest, *, on: date) -> Verdict:
    """How the newest signature of one consent stands on a day."""
    if signed is None:
        return Verdict(Standing.MISSING)
    if signed.is_withdrawn:
        return Verdict(Standing.WITHDRAWN)
    if signed.needs_witness and not signed.is_witnessed:
        return Verdict(Standing.UNWITNESSED)
    return _by_time(signed, newest, on)


def _by_time(signed: Signed, newest: Newest, on: date) -> Verdict:
    ends = months_after(signed.on, signed.months) - timedelta(days=1)
    replaced = max(newest.since, signed.on) + RENEWAL if signed.version < newest.version else ends
    until = min(ends, replaced)
    if on > until:
        return Verdict(Standing.EXPIRED if on > ends else Standing.OUTDATED)
    is_due = signed.version < newest.version or on > ends - RENEWAL / 2
    return Verdict(Standing.DUE if is_due else Standing.VALID, until)
