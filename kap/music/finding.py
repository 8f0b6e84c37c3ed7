"""Which tracks of a library a page shows, in which order, and how that stands in its address. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from kap.music.words import CULTURE, FAMILIARITY, PULSE, UNSAID, VOCALS

LONGEST = 100
LONGEST_STYLE = 40
UNKNOWN = "unknown"
QUIET, MIDDLE, STRONG, STRONGEST = "quiet", "middle", "strong", "very-strong"
# From, and below; the borders are those of the builder's bands.
BANDS = {QUIET: (0.0, 0.3), MIDDLE: (0.3, 0.55), STRONG: (0.55, 0.8), STRONGEST: (0.8, 1.01)}


@dataclass(frozen=True)
class Facet:
    """Something to filter by: what it is called, and its choices in words."""

    label: str
    choices: Mapping[str, str]

    def chip(self, value: str) -> str:
        """The choice as it reads alone, without its label beside it."""
        return f"{self.label}: nobody has said" if self.choices[value] == UNSAID else self.choices[value]


_UNSAID = {UNKNOWN: UNSAID}
FACETS: dict[str, Facet] = {
    "intensity": Facet(
        "Intensity",
        {
            UNKNOWN: "Not judged yet",
            QUIET: "Quiet, below 0.3",
            MIDDLE: "Middle, 0.3 to 0.55",
            STRONG: "Strong, 0.55 to 0.8",
            STRONGEST: "Very strong, from 0.8",
        },
    ),
    "vocals": Facet("Voices", VOCALS | _UNSAID),
    "pulse": Facet("Pulse", PULSE | _UNSAID),
    "culture": Facet("Culture", CULTURE | _UNSAID),
    "familiarity": Facet("Familiarity", FAMILIARITY | _UNSAID),
    "startles": Facet("Startles", {"none": "No sudden rises in level", "some": "Sudden rises in level"}),
    "licence": Facet("Licence", {"missing": "No licence entered", "given": "Licence entered"}),
}
# What a practice writes in its own words.
OWN_WORDS = {"language": "Language", "style": "Style"}
SORTS = {
    "": "What needs work first",
    "title": "Title",
    "artist": "Artist",
    "intensity": "Intensity",
    "length": "Length",
    "loudness": "Loudness",
    "newest": "Newest first",
}


def facets(*, language: Iterable[str], style: Iterable[str]) -> dict[str, Facet]:
    """Everything to filter by; own words are offered as far as there are any."""
    own = {name: {word: word for word in words} for name, words in (("language", language), ("style", style))}
    return FACETS | {name: Facet(OWN_WORDS[name], words) for name, words in own.items() if words}


@dataclass(frozen=True)
class Wanted:
    """What of the library is wanted. An empty string asks for nothing in particular."""

    q: str = ""
    intensity: str = ""
    vocals: str = ""
    language: str = ""
    pulse: str = ""
    culture: str = ""
    familiarity: str = ""
    style: str = ""
    startles: str = ""
    licence: str = ""
    sort: str = ""
    retired: bool = False

    def in_address(self) -> dict[str, Any]:
        """The parts of an address that say this, each a string."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "retired"}
        return {name: value for name, value in said.items() if value} | (
            {"retired": "1"} if self.retired else {}
        )

    @property
    def filters(self) -> dict[str, str]:
        """The filters in use, by name: no search, no order."""
        names = [*FACETS, *OWN_WORDS]
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def without(self, name: str) -> "Wanted":
        return replace(self, **{name: ""})  # type: ignore[arg-type] # a filter, so a string


@dataclass(frozen=True)
class Chip:
    """A filter in use, in words, and what is wanted without it."""

    words: str
    without: Wanted


def wanted_from(address: Mapping[str, str]) -> Wanted:
    """What an address asks for; what it asks for in vain is passed over."""
    chosen = {name: address.get(name, "") for name in FACETS}
    said = {name: value for name, value in chosen.items() if value in FACETS[name].choices}
    words = {name: " ".join(address.get(name, "").split())[:LONGEST] for name in ("q", *OWN_WORDS)}
    sort = address.get("sort", "")
    return Wanted(**said, **words, sort=sort if sort in SORTS else "", retired="retired" in address)


def chips(wanted: Wanted) -> list[Chip]:
    def words(name: str, value: str) -> str:
        return FACETS[name].chip(value) if name in FACETS else f"{OWN_WORDS[name]}: {value}"

    return [Chip(words(name, value), wanted.without(name)) for name, value in wanted.filters.items()]


def folded(text: str) -> str:
    """Text as it is searched and sorted: without case, accents or other marks."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def search_text(titles: Iterable[str], *, language: str = "", styles: Iterable[str] = ()) -> str:
    """Everything a track is found by, folded and title first: one line each, so that a line can be sought."""
    lines = [*(folded(title) for title in titles), language_line(language), *map(style_line, styles)]
    return "\n".join(["", *(" ".join(line.split()) for line in lines), ""])


def language_line(language: str) -> str:
    return f"@{folded(language)}"


def style_line(style: str) -> str:
    return f"#{folded(style)}"


def styles_in(text: str) -> list[str]:
    """Styles as a person lists them, between commas; each once, however it is written."""
    found: dict[str, str] = {}
    for part in text.split(","):
        found.setdefault(folded(part.strip()), " ".join(part.split()))
    return [style for style in found.values() if style]
