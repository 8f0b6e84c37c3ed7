"""What is different between two versions of a guide, in passages a person can read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from kap.content.document import parse_document
from kap.content.guides import Guide


class Kind(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Part:
    kind: Kind  # never CHANGED
    text: str


@dataclass(frozen=True)
class Passage:
    """A paragraph or a line of a list; unchanged ones that follow each other are one passage."""

    kind: Kind
    parts: tuple[Part, ...]
    paragraphs: int = 1


_WORD = re.compile(r"\S+\s*")
_OWN_LINE = re.compile(r"\s*(?:[-*+] |\d+[.)] |#|:::|>)")
# Paragraphs with less in common than this read better as one removed and one added.
ALIKE = 0.4
AHEAD = 30  # paragraphs further on are not looked at for what became of one
MOST_PAIRS = 4_000_000  # of words or paragraphs to compare; beyond, all is shown as removed and added


def changes(old: Guide, new: Guide) -> list[Passage]:
    """What became of `old` in `new`, from the title to the sources. Empty when the words are the same."""
    before, after = _paragraphs(old), _paragraphs(new)
    if before == after:
        return []
    found: list[Passage] = []
    for tag, i, j, k, m in _steps(before, after):
        if tag == "equal":
            found.append(Passage(Kind.SAME, (Part(Kind.SAME, before[i]),), j - i))
        else:
            found.extend(_replaced(before[i:j], after[k:m]))
    return found


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[Passage]:
    """Old and new paragraphs paired in their order as long as they resemble each other."""
    place = 0
    for old in before:
        ahead = range(place, min(place + AHEAD, len(after)))
        match = next((n for n in ahead if _alike(old, after[n])), None)
        if match is None:
            yield Passage(Kind.REMOVED, (Part(Kind.REMOVED, old),))
            continue
        yield from (Passage(Kind.ADDED, (Part(Kind.ADDED, text),)) for text in after[place:match])
        yield Passage(Kind.CHANGED, tuple(_words(old, after[match])))
        place = match + 1
    yield from (Passage(Kind.ADDED, (Part(Kind.ADDED, text),)) for text in after[place:])


def _alike(old: str, new: str) -> bool:
    before, after = _WORD.findall(old), _WORD.findall(new)
    if len(before) * len(after) > MOST_PAIRS:
        return False
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _words(old: str, new: str) -> Iterator[Part]:
    before, after = _WORD.findall(old), _WORD.findall(new)
    for tag, i, j, k, m in _steps(before, after):
        if tag == "equal":
            yield Part(Kind.SAME, "".join(before[i:j]))
            continue
        if i < j:
            yield Part(Kind.REMOVED, "".join(before[i:j]))
        if k < m:
            yield Part(Kind.ADDED, "".join(after[k:m]))


def _steps(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    if len(before) * len(after) > MOST_PAIRS:
        return [("replace", 0, len(before), 0, len(after))]
    return list(SequenceMatcher(None, before, after, autojunk=False).get_opcodes())


def _paragraphs(guide: Guide) -> list[str]:
    body = parse_document(guide.slug, guide.source.encode()).body
    found = [guide.title, guide.summary]
    joins = False
    for line in body.split("\n"):
        if not line.strip():
            joins = False
        elif joins and not _OWN_LINE.match(line):
            found[-1] += " " + line.strip()
        else:
            found.append(line.strip())
            joins = not line.startswith((":::", "#"))
    found += [f"Source {source.number}: {source.title}, {source.url}" for source in guide.sources]
    return found
