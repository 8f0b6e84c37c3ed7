"""The catalogue of screening that ships: what a patient is asked, what a clinician records, the sources."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from kap.content.document import ContentError
from kap.paths import TEMPLATES


class Kind(StrEnum):
    CONTRAINDICATION = "contraindication"
    CAUTION = "caution"
    INTERACTION = "interaction"


class About(StrEnum):
    """What else than an answer a factor is judged by."""

    MEDICINES = "medicines"
    AGE = "age"


@dataclass(frozen=True)
class Source:
    """`short` is what stands beside a note; the whole title stands at the end of the page."""

    key: str
    short: str
    title: str
    url: str


@dataclass(frozen=True)
class Question:
    """Asked in the patient's words. `last_use`: also when it was last taken."""

    key: str
    text: str
    hint: str = ""
    last_use: bool = False
    may_not_apply: bool = False


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Factor:
    """Recorded in the clinician's words. `names` are parts of names of medicines that belong to it.

    `sources` stand behind the note, `named_in` behind the names.
    """

    key: str
    kind: Kind
    title: str
    note: str
    sources: tuple[Source, ...]
    questions: tuple[Question, ...]
    about: About | None
    names: tuple[str, ...]
    named_in: tuple[Source, ...]

    def is_named_in(self, medicine: str) -> bool:
        """Whether a medicine's name says that it belongs here. No is no answer: few names are known."""
        return any(name in medicine.casefold() for name in self.names)


@dataclass(frozen=True)
class Catalogue:
    version: int
    reviewed: date
    sources: tuple[Source, ...]
    sections: tuple[Section, ...]
    factors: tuple[Factor, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for section in self.sections for question in section.questions)

    def of_kind(self, kind: Kind) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.factors if factor.kind is kind)


@cache
def catalogue() -> Catalogue:
    """The catalogue of this version of Kap."""
    return load_catalogue(TEMPLATES / "screening" / "catalogue.toml")


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue. Raises `ContentError` naming the file and what is wrong in it."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        sources = {row["key"]: Source(**row) for row in table["sources"]}
        sections = tuple(_section(row) for row in table["sections"])
        questions = {each.key: each for section in sections for each in section.questions}
        factors = tuple(_factor(row, sources, questions) for row in table["factors"])
        found = Catalogue(table["version"], table["reviewed"], tuple(sources.values()), sections, factors)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ContentError(path, 1, str(error)) from error
    except KeyError as error:
        raise ContentError(path, 1, f"“{error.args[0]}” is missing") from error
    for complaint in _complaints(found):
        raise ContentError(path, 1, complaint)
    return found


def _section(row: Mapping[str, Any]) -> Section:
    return Section(row["key"], row["title"], tuple(Question(**each) for each in row["questions"]))


def _factor(
    row: Mapping[str, Any], sources: Mapping[str, Source], questions: Mapping[str, Question]
) -> Factor:
    asked = [row["question"]] if "question" in row else []
    return Factor(
        key=row["key"],
        kind=Kind(row["kind"]),
        title=row["title"],
        note=row["note"],
        sources=tuple(sources[key] for key in row["sources"]),
        questions=tuple(questions[key] for key in [*asked, *row.get("also", [])]),
        about=About(row["about"]) if "about" in row else None,
        names=tuple(row.get("names", ())),
        named_in=tuple(sources[key] for key in row.get("named_in", ())),
    )


def _complaints(found: Catalogue) -> Iterator[str]:
    """What would leave an answer unread, a finding without its source, or two things under one name."""
    for what, keys in (
        ("question", [each.key for each in found.questions]),
        ("factor", [each.key for each in found.factors]),
    ):
        yield from (f"{what} “{key}” is there twice" for key in _repeated(keys))
    read = {question.key for factor in found.factors for question in factor.questions}
    for question in found.questions:
        if question.key not in read:
            yield f"no factor is judged by question “{question.key}”"
    for factor in found.factors:
        yield from _about(factor)


def _about(factor: Factor) -> Iterator[str]:
    if not factor.sources and factor.about is not About.AGE:
        yield f"factor “{factor.key}” needs a source"
    if not factor.questions and factor.about is None:
        yield f"nothing says by what factor “{factor.key}” is judged"
    if bool(factor.names) != bool(factor.named_in):
        yield f"factor “{factor.key}” needs names and where they are from, or neither"
    if any(name != name.casefold() or len(name) < 5 for name in factor.names):
        yield f"names of factor “{factor.key}” must be in small letters, five at least"


def _repeated(keys: Iterable[str]) -> list[str]:
    seen = list(keys)
    return sorted({key for key in seen if seen.count(key) > 1})
