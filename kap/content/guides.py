"""The preparation and aftercare guides: prose, checklists and the sources of every fact in them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from kap.content.document import ContentError, Document, read_document
from kap.content.markdown import CITATION, render, render_line, source_anchor
from kap.paths import TEMPLATES

__all__ = [
    "Checklist",
    "ChecklistItem",
    "ContentError",
    "Guide",
    "Prose",
    "Source",
    "library",
    "load_guide",
    "load_library",
]

# Slower than silent reading is usually measured, because these readers may be anxious or tired.
WORDS_PER_MINUTE = 180

_FIELDS = ("title", "summary", "order", "version", "reviewed", "audience", "asks", "sources")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ITEM = re.compile(r"- \[ \] \{([a-z0-9-]+)\} +(\S.*)")
_ITEM_LIKE = re.compile(r"\s*[-*+] \[.?\]")


@dataclass(frozen=True)
class Source:
    """One entry of the list of sources; `number` is what a citation in the text shows."""

    key: str
    title: str
    url: str
    number: int

    @property
    def anchor(self) -> str:
        return source_anchor(self.key)


@dataclass(frozen=True)
class ChecklistItem:
    """`key` stays the same when the wording changes, so that ticks survive an edit."""

    key: str
    text: Markup


@dataclass(frozen=True)
class Prose:
    html: Markup


@dataclass(frozen=True)
class Checklist:
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True)
class Guide:
    """`digest` is the SHA-256 of the file, so that a record can say exactly which text was read.

    `asks` names what the reader is invited to write on the page: "intention" or nothing.
    """

    slug: str
    title: str
    summary: str
    order: int
    version: int
    reviewed: date
    audience: str
    asks: str | None
    minutes: int
    sources: tuple[Source, ...]
    blocks: tuple[Prose | Checklist, ...]
    digest: str

    @property
    def items(self) -> tuple[ChecklistItem, ...]:
        return tuple(item for block in self.blocks if isinstance(block, Checklist) for item in block.items)


@cache
def library() -> Mapping[str, Guide]:
    """The guides that ship, by slug, in the order a patient meets them."""
    return load_library(TEMPLATES / "guides")


def load_library(folder: Path) -> Mapping[str, Guide]:
    """Every guide in a folder. Raises `ContentError` for the first file that cannot be used."""
    guides = sorted(
        (load_guide(path) for path in folder.glob("*.md")), key=lambda guide: (guide.order, guide.slug)
    )
    return MappingProxyType({guide.slug: guide for guide in guides})


def load_guide(path: Path) -> Guide:
    """Read one guide; the file's name is its slug. Raises `ContentError` naming file, line and reason."""
    document = read_document(path)
    if not _SLUG.fullmatch(path.stem):
        raise document.error("the file name may hold small letters, digits and single hyphens")
    document.only(_FIELDS)
    sources = _sources(document)
    numbers = {source.key: source.number for source in sources}
    _check_citations(document, numbers)
    return Guide(
        slug=path.stem,
        title=document.text("title"),
        summary=document.text("summary"),
        order=document.whole("order"),
        version=document.whole("version"),
        reviewed=document.day("reviewed"),
        audience=document.text("audience"),
        asks=_asks(document),
        minutes=_minutes(document.body),
        sources=sources,
        blocks=_blocks(document, numbers),
        digest=document.digest,
    )


def _asks(document: Document) -> str | None:
    if "asks" not in document.fields:
        return None
    asks = document.text("asks")
    if asks != "intention":
        raise document.error("“asks” can only be intention", field="asks")
    return asks


def _sources(document: Document) -> tuple[Source, ...]:
    rows = document.rows("sources")
    keys = [row.get("key", "") for row in rows]
    for key in keys:
        if not CITATION.fullmatch(f"[^{key}]") or keys.count(key) > 1:
            raise document.error(f"source key “{key}” is missing, misspelt or used twice", field="sources")
    return tuple(_source(document, row, number) for number, row in enumerate(rows, start=1))


def _source(document: Document, row: Mapping[str, str], number: int) -> Source:
    url = f"https://doi.org/{row['doi']}" if "doi" in row else row.get("url", "")
    if not url.startswith(("https://", "http://")) or not row.get("title"):
        raise document.error(f"source “{row['key']}” needs a title and a doi or web url", field="sources")
    return Source(key=row["key"], title=row["title"], url=url, number=number)


def _check_citations(document: Document, known: Mapping[str, int]) -> None:
    for line, text in _numbered_lines(document):
        for label in CITATION.findall(text):
            if label not in known:
                raise document.error(f"source “{label}” is not in the list of sources", line=line)


def _minutes(body: str) -> int:
    words = len(re.findall(r"[^\W\d_]+", CITATION.sub("", body)))
    return max(1, math.ceil(words / WORDS_PER_MINUTE))


def _blocks(document: Document, numbers: Mapping[str, int]) -> tuple[Prose | Checklist, ...]:
    blocks: list[Prose | Checklist] = []
    seen: set[str] = set()
    for is_checklist, run in groupby(_numbered_lines(document), key=lambda entry: _looks_like_item(entry[1])):
        lines = list(run)
        if is_checklist:
            blocks.append(
                Checklist(tuple(_item(document, line, text, numbers, seen) for line, text in lines))
            )
        elif blocks and isinstance(blocks[-1], Checklist) and lines[0][1].strip():
            raise document.error(
                "a checklist line ends at its own line; leave one empty after", line=lines[0][0]
            )
        elif any(text.strip() for _, text in lines):
            blocks.append(Prose(render("\n".join(text for _, text in lines), numbers)))
    return tuple(blocks)


def _looks_like_item(text: str) -> bool:
    return _ITEM_LIKE.match(text) is not None


def _item(
    document: Document, line: int, text: str, numbers: Mapping[str, int], seen: set[str]
) -> ChecklistItem:
    found = _ITEM.fullmatch(text)
    if not found:
        raise document.error("a checklist line is written “- [ ] {key} text”", line=line)
    key, wording = found.groups()
    if key in seen:
        raise document.error(f"checklist key “{key}” is used twice", line=line)
    seen.add(key)
    return ChecklistItem(key, render_line(wording, numbers))


def _numbered_lines(document: Document) -> Iterator[tuple[int, str]]:
    return enumerate(document.body.split("\n"), start=document.body_line)
