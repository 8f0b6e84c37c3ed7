"""The preparation and aftercare guides: texts with blocks of their own, every fact with its source."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from kap.content.blocks import (
    Acknowledgement,
    Audio,
    Block,
    Breathing,
    Checklist,
    ChecklistItem,
    Prose,
    Question,
    cut,
)
from kap.content.document import ContentError, Document, parse_document, read_document
from kap.content.markdown import CITATION, source_anchor
from kap.paths import TEMPLATES

__all__ = [
    "Acknowledgement",
    "Audio",
    "Breathing",
    "Checklist",
    "ChecklistItem",
    "ContentError",
    "Guide",
    "Prose",
    "Question",
    "Source",
    "earlier",
    "library",
    "load_guide",
    "load_library",
    "parse_guide",
    "predecessors_of",
    "successor_of",
]

# Slower than silent reading is usually measured, because these readers may be anxious or tired.
WORDS_PER_MINUTE = 180
OWN = "own-"  # begins the slug of a guide that a practice wrote, so that none that ships ever takes its place

# Guides that were split: whoever has the old one is moved on to the part that carries on its checklist.
_SUCCESSORS = {"set-setting-intention": "set-and-setting", "after-the-session": "the-first-night"}

GUIDE, PRACTICE = "guide", "practice"
_FIELDS = ("kind", "title", "summary", "order", "version", "reviewed", "audience", "asks", "sources")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_EARLIER = re.compile(r"(.+)\.v(\d+)")


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
class Guide:
    """`source` is the whole text and `digest` its SHA-256, so that a record can say exactly what was read.

    `kind` is "practice" for something to do again and again, such as a slow breath; it stands under the
    journal.
    `asks` names what the reader is invited to write on the page beside the questions: "intention" or nothing.
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
    blocks: tuple[Block, ...]
    digest: str
    source: str = field(repr=False)
    kind: str = GUIDE

    @property
    def is_practice(self) -> bool:
        return self.kind == PRACTICE

    @property
    def mark(self) -> str:
        """What names this text in an address: a version may repeat where nothing important changed."""
        return self.digest[:12]

    @property
    def items(self) -> tuple[ChecklistItem, ...]:
        return tuple(item for block in self.blocks if isinstance(block, Checklist) for item in block.items)

    @property
    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Acknowledgement))

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Question))

    @property
    def audio(self) -> tuple[Audio, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Audio))


@cache
def library() -> Mapping[str, Guide]:
    """The guides that ship, by slug, in the order a patient meets them."""
    return load_library(TEMPLATES / "guides")


@cache
def earlier() -> Mapping[tuple[str, int], Guide]:
    """Texts that shipped before each patient's own version was kept, by slug and version."""
    return MappingProxyType(
        {(guide.slug, guide.version): guide for guide in _loaded(TEMPLATES / "guides" / "earlier")}
    )


def successor_of(slug: str) -> str:
    """The slug under which a guide goes on today; mostly its own."""
    return _SUCCESSORS.get(slug, slug)


def predecessors_of(slug: str) -> list[str]:
    """The slugs of guides that go on under this one."""
    return [old for old, new in _SUCCESSORS.items() if new == slug]


def load_library(folder: Path) -> Mapping[str, Guide]:
    """Every guide in a folder. Raises `ContentError` for the first file that cannot be used."""
    guides = sorted(_loaded(folder), key=lambda guide: (guide.order, guide.slug))
    return MappingProxyType({guide.slug: guide for guide in guides})


def _loaded(folder: Path) -> Iterator[Guide]:
    return (load_guide(path) for path in folder.glob("*.md"))


def load_guide(path: Path) -> Guide:
    """Read one guide; the file's name is its slug. Raises `ContentError` naming file, line and reason."""
    document = read_document(path)
    of_before = _EARLIER.fullmatch(path.stem)
    slug = of_before[1] if of_before else path.stem
    if not _SLUG.fullmatch(slug):
        raise document.error("the file name may hold small letters, digits and single hyphens")
    if slug.startswith(OWN):
        raise document.error(f"names beginning with {OWN} are kept for the guides of practices")
    return _guide(document, slug)


@lru_cache(maxsize=500)
def parse_guide(text: str, slug: str, name: str = "the guide") -> Guide:
    """A guide from its text. Raises `ContentError`; `name` is what its complaint begins with."""
    return _guide(parse_document(name, text.encode()), slug)


def _guide(document: Document, slug: str) -> Guide:
    document.only(_FIELDS)
    kind = _kind(document)
    # A practice that states no fact has no source to name.
    sources = () if kind == PRACTICE and "sources" not in document.fields else sources_of(document)
    return Guide(
        slug=slug,
        title=document.text("title"),
        summary=document.text("summary"),
        order=document.whole("order"),
        version=document.whole("version"),
        reviewed=document.day("reviewed"),
        audience=document.text("audience"),
        asks=_asks(document),
        minutes=_minutes(document.body),
        sources=sources,
        blocks=cut(document, {source.key: source.number for source in sources}),
        digest=document.digest,
        source=document.source,
        kind=kind,
    )


def _kind(document: Document) -> str:
    if "kind" not in document.fields:
        return GUIDE
    kind = document.text("kind")
    if kind != PRACTICE:
        raise document.error("“kind” can only be practice", field="kind")
    return kind


def _asks(document: Document) -> str | None:
    if "asks" not in document.fields:
        return None
    asks = document.text("asks")
    if asks != "intention":
        raise document.error("“asks” can only be intention", field="asks")
    return asks


def sources_of(document: Document) -> tuple[Source, ...]:
    """The numbered sources of a document's front matter. Raises `ContentError`."""
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


def _minutes(body: str) -> int:
    words = len(re.findall(r"[^\W\d_]+", CITATION.sub("", body)))
    return max(1, math.ceil(words / WORDS_PER_MINUTE))
