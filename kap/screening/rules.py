"""When a screening counts. Pure: days are those of the practice's calendar.

Nothing here decides whether someone may be treated; it says only whether a clinician has looked, and at what.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kap.content.screening import Factor, Kind
from kap.screening.said import Answer, Finding, Judged, Reply, Said

# Sessions further apart than this belong to two series, and each series is screened for.
SERIES_GAP = timedelta(days=28)
# How long before the first session of a series one may screen for it.
AHEAD = timedelta(days=30)
# A series that goes on is screened for again after this.
LONGEST = timedelta(days=180)


class Standing(StrEnum):
    MISSING = "missing"  # nobody has recorded a review
    DUE = "due"  # it was for an earlier series, or too long ago
    OUTDATED = "outdated"  # the patient changed answers since
    UNKNOWN = "unknown"  # recorded, with something unknown in it
    REVIEWED = "reviewed"  # recorded, and nothing in it is unknown

    @property
    def counts(self) -> bool:
        return self is Standing.REVIEWED


@dataclass(frozen=True)
class Reviewed:
    """A recorded review as the rule sees it. `version` is that of the answers it was made over."""

    on: date
    version: int
    unknown: int


def series_start(days: Iterable[date], *, on: date) -> date | None:
    """The first day of the series to which the next session from `on` belongs; None without one."""
    known = sorted(set(days))
    ahead = [day for day in known if day >= on]
    if not ahead:
        return None
    first = ahead[0]
    for day in reversed([day for day in known if day < first]):
        if first - day > SERIES_GAP:
            break
        first = day
    return first


def standing(review: Reviewed | None, *, version: int, series_start: date | None, on: date) -> Standing:
    """How the newest recorded review stands on a day; `version` is that of the answers as they are."""
    if review is None:
        return Standing.MISSING
    if not is_fresh(review.on, series_start=series_start, on=on):
        return Standing.DUE
    if review.version != version:
        return Standing.OUTDATED
    return Standing.UNKNOWN if review.unknown else Standing.REVIEWED


def is_fresh(done_on: date, *, series_start: date | None, on: date) -> bool:
    """Whether what was done on a day still holds: for this series, and not for too long."""
    if series_start is not None and done_on < series_start - AHEAD:
        return False
    return on - done_on <= LONGEST


def unknown_in(judged: Judged, factors: Iterable[Factor]) -> list[Factor]:
    """The factors of which nothing is known, or nothing was recorded."""
    return [each for each in factors if judged.of(each.key).finding in (None, Finding.UNKNOWN)]


def present_in(judged: Judged, factors: Iterable[Factor]) -> list[Factor]:
    return [each for each in factors if judged.of(each.key).finding is Finding.PRESENT]


def unreasoned_in(judged: Judged, factors: Iterable[Factor]) -> list[Factor]:
    """Contraindications recorded as present without a word about why the treatment is considered."""
    return [
        each
        for each in present_in(judged, factors)
        if each.kind is Kind.CONTRAINDICATION and not judged.of(each.key).reasoning.strip()
    ]


def named_by(medicine: str, factors: Iterable[Factor]) -> list[Factor]:
    """The interactions to which a medicine belongs by its name."""
    return [each for each in factors if each.is_named_in(medicine)]


def stands_out(answer: Answer) -> bool:
    """Whether an answer is anything but a plain no."""
    return answer not in (Answer(Reply.NO), Answer(Reply.NOT_APPLICABLE))


def unanswered(said: Said, questions: Iterable[str]) -> list[str]:
    """The questions, by key, that have no yes, no or not sure."""
    return [key for key in questions if said.to(key).reply is None]
