"""Reasons to write to a patient: what one is, and where other rooms say that they have some.

A room adds its own with one function:

    @source("programmes")
    def steps_due(patients: Sequence[Patient], window: Window) -> list[Reason]: ...

It is asked now and then for all patients of a practice at once, and must answer in a fixed number of
statements, however many they are. It is asked once more, for one patient, at the moment a letter is written:
what was done meanwhile is no reason any more, and nothing is sent for it.

What is kept private must not decide. The care team sees which letters went out and which lost their reason,
so a reason that vanished because someone wrote in their journal would tell that they did.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from kap.patients.models import Patient


class Kind(StrEnum):
    """What a patient may be reminded of, and may turn off one by one."""

    APPOINTMENT = "appointment"
    PREPARE = "prepare"
    PAPERS = "papers"
    WRITE = "write"
    ANSWER = "answer"


@dataclass(frozen=True)
class Reason:
    """One reason to write to one patient.

    `key` names it for good: for one key at most one letter is written, ever. It may be told from `begins`
    until before `ends`. `tells` is the moment of an appointment, which is the one thing a letter says of a
    reason besides its kind.

    `link` makes the path that a letter leads to in place of the home page, where this is its only reason.
    It is called as the letter is written, in a transaction that may write, and once more at every further
    attempt; a letter may arrive twice, so an earlier path should still work. It must tell nothing of what is
    behind it.
    """

    patient_id: UUID
    kind: Kind
    key: str
    begins: datetime
    ends: datetime
    tells: datetime | None = None
    link: Callable[[], str] | None = None

    def holds(self, at: datetime) -> bool:
        return self.begins <= at < self.ends


@dataclass(frozen=True)
class Window:
    """The moment that is asked about, and each patient's clock: their own zone, else the practice's."""

    at: datetime
    zones: Mapping[UUID, str]


Source = Callable[[Sequence["Patient"], Window], Iterable[Reason]]
SOURCES: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Register a function that knows reasons. It may return some that do not hold yet, or no longer."""

    def decorate(function: Source) -> Source:
        if name in SOURCES:
            raise ValueError(f"two sources are called {name}")
        SOURCES[name] = function
        return function

    return decorate


def reasons_for(patients: "Sequence[Patient]", window: Window) -> list[Reason]:
    """What every source has for these patients that holds now, the earliest first."""
    if not patients:
        return []
    found = [reason for ask in SOURCES.values() for reason in ask(patients, window)]
    return sorted((each for each in found if each.holds(window.at)), key=lambda each: (each.begins, each.key))
