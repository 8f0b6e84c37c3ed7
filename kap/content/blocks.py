"""The body of a guide, cut into what it is made of: prose, checklists, and the blocks between lines of :::"""

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

from kap.content.document import Document
from kap.content.markdown import CITATION, render, render_line

_KEY = r"[a-z0-9-]{1,60}"
_ITEM = re.compile(rf"- \[ \] \{{({_KEY})\}} +(\S.*)")
_ITEM_LIKE = re.compile(r"\s*[-*+] \[.?\]")
_OPEN = re.compile(r"::: ?([a-z]+) *\{([^{}]*)\} *")
_OPEN_LIKE = re.compile(r"\s*:::")
_CLOSE = re.compile(r":::\s*")
_PACE = re.compile(r"in (\d+)(?:, hold (\d+))?, out (\d+), minutes (\d+)")

Lines = list[tuple[int, str]]


@dataclass(frozen=True)
class Prose:
    """`text` is the Markdown that `html` was made from."""

    kind: ClassVar[str] = "prose"
    html: Markup
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class ChecklistItem:
    """`key` stays the same when the wording changes, so that ticks survive an edit."""

    key: str
    html: Markup
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Checklist:
    kind: ClassVar[str] = "checklist"
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True)
class Question:
    """Something the patient is asked to answer in writing; the answer is stored under `key`."""

    kind: ClassVar[str] = "question"
    key: str
    html: Markup
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Acknowledgement:
    """A statement the patient confirms. `wording` tells one wording from the next."""

    kind: ClassVar[str] = "statement"
    key: str
    html: Markup
    wording: str
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Breathing:
    """A slow breath to follow with the eyes. Lengths in whole seconds, `minutes` for all of it."""

    kind: ClassVar[str] = "breathing"
    breathe_in: int
    hold: int
    breathe_out: int
    minutes: int
    html: Markup
    text: str = field(default="", compare=False)

    @property
    def breath_s(self) -> int:
        return self.breathe_in + self.hold + self.breathe_out

    @property
    def breaths(self) -> int:
        return max(1, round(self.minutes * 60 / self.breath_s))

    @property
    def words(self) -> str:
        """The exercise as one can do it without looking."""
        hold = f", wait for {_counted(self.hold, 'second')}" if self.hold else ""
        return (
            f"Breathe in for {_counted(self.breathe_in, 'second')}{hold}, "
            f"breathe out for {_counted(self.breathe_out, 'second')}. "
            f"Go on for about {_counted(self.minutes, 'minute')}: that is {self.breaths} breaths. "
            "If it feels like work, let it go and breathe as you like."
        )


@dataclass(frozen=True)
class Audio:
    """A track of the practice's library, by its title. `key` names it within the guide."""

    kind: ClassVar[str] = "audio"
    key: str
    title: str
    html: Markup
    text: str = field(default="", compare=False)


Block = Prose | Checklist | Question | Acknowledgement | Breathing | Audio


def cut(document: Document, citations: Mapping[str, int]) -> tuple[Block, ...]:
    """The blocks of a document's body in their order. Raises `ContentError` at the line that is wrong."""
    for line, text in _numbered_lines(document):
        for label in CITATION.findall(text):
            if label not in citations:
                raise document.error(f"source “{label}” is not in the list of sources", line=line)
    return tuple(_Cutting(document, citations).blocks())


class _Cutting:
    def __init__(self, document: Document, citations: Mapping[str, int]) -> None:
        self.document, self.citations = document, citations
        self.lines = deque(_numbered_lines(document))
        self.keys: set[str] = set()
        self.kinds: dict[str, Callable[[str, int, str], Block]] = {
            "question": self._question,
            "acknowledge": self._acknowledgement,
            "breathing": self._breathing,
            "audio": self._audio,
        }

    def blocks(self) -> Iterator[Block]:
        prose: Lines = []
        while self.lines:
            line, text = self.lines.popleft()
            if not _OPEN_LIKE.match(text) and not _ITEM_LIKE.match(text):
                prose.append((line, text))
                continue
            yield from self._prose(prose)
            prose = []
            yield self._container(line, text) if _OPEN_LIKE.match(text) else self._checklist(line, text)
        yield from self._prose(prose)

    def _checklist(self, line: int, text: str) -> Checklist:
        items = [self._item(line, text)]
        while self.lines and _ITEM_LIKE.match(self.lines[0][1]):
            items.append(self._item(*self.lines.popleft()))
        if self.lines and self.lines[0][1].strip() and not _OPEN_LIKE.match(self.lines[0][1]):
            reason = "a checklist line ends at its own line; leave one empty after"
            raise self.document.error(reason, line=self.lines[0][0])
        return Checklist(tuple(items))

    def _prose(self, lines: Lines) -> Iterator[Prose]:
        if any(text.strip() for _, text in lines):
            text = "\n".join(text for _, text in lines)
            yield Prose(render(text, self.citations), text)

    def _item(self, line: int, text: str) -> ChecklistItem:
        found = _ITEM.fullmatch(text)
        if not found:
            raise self.document.error("a checklist line is written “- [ ] {key} text”", line=line)
        key, wording = found.groups()
        return ChecklistItem(
            self._key(key, line, "checklist key"), render_line(wording, self.citations), wording
        )

    def _container(self, line: int, opening: str) -> Block:
        found = _OPEN.fullmatch(opening)
        if not found:
            raise self.document.error("a block begins with “::: name {…}” on a line of its own", line=line)
        name, argument = found.groups()
        if name not in self.kinds:
            known = ", ".join(self.kinds)
            raise self.document.error(f"there is no block called “{name}”; there are {known}", line=line)
        inside: list[str] = []
        while self.lines:
            number, text = self.lines.popleft()
            if _CLOSE.fullmatch(text):
                return self.kinds[name](argument.strip(), line, "\n".join(inside).strip())
            if _OPEN_LIKE.match(text) or _ITEM_LIKE.match(text):
                raise self.document.error(
                    "a block holds plain text only; close it with ::: first", line=number
                )
            inside.append(text)
        raise self.document.error("this block is never closed; end it with a line of :::", line=line)

    def _question(self, argument: str, line: int, text: str) -> Question:
        return Question(self._key(argument, line), self._words(line, text), text)

    def _acknowledgement(self, argument: str, line: int, text: str) -> Acknowledgement:
        key, html = self._key(argument, line), self._words(line, text)
        return Acknowledgement(key, html, hashlib.sha256(text.encode()).hexdigest()[:16], text)

    def _breathing(self, argument: str, line: int, text: str) -> Breathing:
        found = _PACE.fullmatch(argument)
        if not found:
            example = "“::: breathing {in 4, hold 1, out 6, minutes 3}”; hold may be left out"
            raise self.document.error(f"a breathing exercise is written {example}", line=line)
        breathe_in, hold, breathe_out, minutes = (int(part or 0) for part in found.groups())
        if not (2 <= breathe_in <= 10 and hold <= 10 and 2 <= breathe_out <= 15 and 1 <= minutes <= 15):
            reason = "in takes 2 to 10 seconds, hold 0 to 10, out 2 to 15, and all of it 1 to 15 minutes"
            raise self.document.error(reason, line=line)
        return Breathing(breathe_in, hold, breathe_out, minutes, render(text, self.citations), text)

    def _audio(self, argument: str, line: int, text: str) -> Audio:
        key, _, title = argument.partition(":")
        if not title.strip():
            raise self.document.error("audio is written “::: audio {key: title of a track}”", line=line)
        return Audio(self._key(key.strip(), line), title.strip(), self._words(line, text), text)

    def _key(self, key: str, line: int, what: str = "key") -> str:
        if not re.fullmatch(_KEY, key):
            raise self.document.error("a key may hold small letters, digits and hyphens", line=line)
        if key in self.keys:
            raise self.document.error(f"{what} “{key}” is used twice", line=line)
        self.keys.add(key)
        return key

    def _words(self, line: int, text: str) -> Markup:
        if not text:
            raise self.document.error("this block is empty; write its words between the two lines", line=line)
        return render(text, self.citations)


def _numbered_lines(document: Document) -> Iterator[tuple[int, str]]:
    return enumerate(document.body.split("\n"), start=document.body_line)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
