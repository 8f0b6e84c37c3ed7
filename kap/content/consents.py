"""The consents that ship: texts a patient signs, what they choose in them, how long a signature holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from kap.content.document import Document, parse_document, read_document
from kap.content.guides import Source, sources_of
from kap.content.markdown import render
from kap.paths import TEMPLATES

_FIELDS = (
    "title",
    "summary",
    "order",
    "version",
    "reviewed",
    "months",
    "witness",
    "optional",
    "before_medicine",
    "choices",
    "words",
    "sources",
)
LONGEST_MONTHS = 60


@dataclass(frozen=True)
class Choice:
    """Something to choose in a consent: any number of `options`, each (key, words)."""

    key: str
    title: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OwnWords:
    """Something the signer writes in a consent, such as the word that stops."""

    key: str
    title: str
    hint: str


@dataclass(frozen=True)
class Consent:
    """One version of one consent. A signature holds for `months`, counted from its day.

    `witness`: a member of the care team confirms that it was talked through. `optional`: nothing depends on
    it. `before_medicine`: it cannot be given while a dosing session is open. `digest` is the SHA-256 of
    `source`.
    """

    slug: str
    title: str
    summary: str
    order: int
    version: int
    reviewed: date
    months: int
    witness: bool
    optional: bool
    before_medicine: bool
    choices: tuple[Choice, ...]
    words: tuple[OwnWords, ...]
    sources: tuple[Source, ...]
    body: str = field(repr=False)
    digest: str
    source: str = field(repr=False)

    @property
    def citations(self) -> Mapping[str, int]:
        return {source.key: source.number for source in self.sources}

    @property
    def html(self) -> Markup:
        return render(self.body, self.citations)


@cache
def consents() -> Mapping[str, Consent]:
    """The consents of this version of Kap, by slug, in the order they are read."""
    found = sorted(_loaded(TEMPLATES / "consents"), key=lambda consent: (consent.order, consent.slug))
    return MappingProxyType({consent.slug: consent for consent in found})


def load_consent(path: Path) -> Consent:
    """Read one consent; the file's name is its slug. Raises `ContentError` naming file, line and reason."""
    return _consent(read_document(path), path.stem)


@lru_cache(maxsize=200)
def parse_consent(text: str, slug: str) -> Consent:
    """A consent from the text that was signed. Raises `ContentError`."""
    return _consent(parse_document(slug, text.encode()), slug)


def _loaded(folder: Path) -> Iterator[Consent]:
    return (load_consent(path) for path in folder.glob("*.md"))


def _consent(document: Document, slug: str) -> Consent:
    document.only(_FIELDS)
    months = document.whole("months")
    if months > LONGEST_MONTHS:
        raise document.error(f"“months” can be {LONGEST_MONTHS} at most", field="months")
    return Consent(
        slug=slug,
        title=document.text("title"),
        summary=document.text("summary"),
        order=document.whole("order"),
        version=document.whole("version"),
        reviewed=document.day("reviewed"),
        months=months,
        witness=document.flag("witness"),
        optional=document.flag("optional"),
        before_medicine=document.flag("before_medicine"),
        choices=tuple(_choices(document)),
        words=tuple(_words(document)),
        sources=sources_of(document) if "sources" in document.fields else (),
        body=document.body.strip(),
        digest=document.digest,
        source=document.source,
    )


def _choices(document: Document) -> Iterator[Choice]:
    for row in document.tables("choices"):
        options = row.get("options")
        if not isinstance(options, dict) or not options:
            raise document.error("a choice needs options", field="choices")
        yield Choice(
            key=_key(document, row, "choices"),
            title=str(row.get("title", "")),
            options=tuple((str(key), str(words)) for key, words in options.items()),
        )


def _words(document: Document) -> Iterator[OwnWords]:
    for row in document.tables("words"):
        yield OwnWords(
            key=_key(document, row, "words"), title=str(row.get("title", "")), hint=str(row.get("hint", ""))
        )


def _key(document: Document, row: Mapping[str, object], name: str) -> str:
    key = row.get("key")
    if not isinstance(key, str) or not key or not row.get("title"):
        raise document.error(f"each of “{name}” needs a key and a title", field=name)
    return key
