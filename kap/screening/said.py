"""What a patient answered and what a clinician found, as values. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from kap.content.screening import About, Factor


class Reply(StrEnum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    NOT_APPLICABLE = "not-applicable"


class Finding(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """To one question; `last` is when something was last taken, in the patient's words."""

    reply: Reply | None = None
    more: str = ""
    last: str = ""

    def __bool__(self) -> bool:
        return self != Answer()


@dataclass(frozen=True)
class Medicine:
    """As the patient writes it."""

    name: str = ""
    dose: str = ""
    since: str = ""

    def __bool__(self) -> bool:
        return self != Medicine()


@dataclass(frozen=True)
class Said:
    """The questionnaire as far as it is filled in; what is blank is left out."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    medicines: tuple[Medicine, ...] = ()
    takes_none: bool = False
    born: str = ""  # asked where the record has no date of birth
    other: str = ""

    def __bool__(self) -> bool:
        return self != Said()

    def to(self, question: str) -> Answer:
        return self.answers.get(question, Answer())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            answers={
                key: Answer(Reply(row["reply"]) if row["reply"] else None, row["more"], row["last"])
                for key, row in stored["answers"].items()
            },
            medicines=tuple(Medicine(**row) for row in stored["medicines"]),
            takes_none=stored["takes_none"],
            born=stored["born"],
            other=stored["other"],
        )


@dataclass(frozen=True)
class Judgement:
    """Of one factor; without a finding nobody has recorded one yet, which counts as unknown."""

    finding: Finding | None = None
    reasoning: str = ""

    def __bool__(self) -> bool:
        return self != Judgement()


@dataclass(frozen=True)
class Judged:
    """What a reviewer found: by factor, and about the whole."""

    factors: Mapping[str, Judgement] = field(default_factory=dict)
    reasoning: str = ""

    def of(self, factor: str) -> Judgement:
        return self.factors.get(factor, Judgement())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            factors={
                key: Judgement(Finding(row["finding"]) if row["finding"] else None, row["reasoning"])
                for key, row in stored["factors"].items()
            },
            reasoning=stored["reasoning"],
        )


def is_touched(factor: Factor, before: Said, now: Said) -> bool:
    """Whether what a factor is judged by has changed between two questionnaires."""
    if any(before.to(question.key) != now.to(question.key) for question in factor.questions):
        return True
    if factor.about is About.MEDICINES:
        return (before.medicines, before.takes_none) != (now.medicines, now.takes_none)
    return factor.about is About.AGE and before.born != now.born


def carried(judged: Judged, factors: Iterable[Factor], before: Said, now: Said) -> Judged:
    """What of an earlier review still speaks of the questionnaire of now; the rest is to be judged anew."""
    kept = {
        factor.key: judged.of(factor.key)
        for factor in factors
        if judged.of(factor.key) and not is_touched(factor, before, now)
    }
    return Judged(kept, judged.reasoning if now == before else "")
