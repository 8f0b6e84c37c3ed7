"""What a list of tracks can hold, in whatever format it is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MOST_ENTRIES = 2000
MOST_LINES = 40_000
MOST_CHARACTERS = 10_000

PLAYLIST_EXTENSION = "urn:x-kap:playlist:1"
TRACK_EXTENSION = "urn:x-kap:track:1"

_RECORDING = "https://musicbrainz.org/recording/"
_ISRC = "urn:isrc:"
_SHA256 = "urn:sha256:"
_NOT_IN_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\ufeff]")


class ListingError(Exception):
    """A list cannot be read; `where` is a line or a field, as “line 3” or “playlist.track[2].duration”."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"{where[0].upper()}{where[1:]} {reason}." if " " in where else f"{where}: {reason}."
        )
        self.where = where
        self.reason = reason


@dataclass(frozen=True)
class Wanted:
    """A track as a list names it, or silence of a length.

    `identifiers` are addresses and names that stand for this very recording, see `identifiers`. What only Kap
    knows: where it is pinned, its intensity, its gain, and at which second of a mix it begins.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    duration_s: float | None = None
    identifiers: tuple[str, ...] = ()
    location: str = ""
    note: str = ""
    silence_s: float | None = None
    pinned_at_s: float | None = None
    start_s: float | None = None
    gain_db: float | None = None
    intensity: float | None = None

    @property
    def recording_mbid(self) -> str:
        """The MusicBrainz recording, in small letters."""
        return _after(_RECORDING, self.identifiers).casefold()

    @property
    def isrc(self) -> str:
        return plain_isrc(_after(_ISRC, self.identifiers))

    @property
    def digest(self) -> str:
        """SHA-256 of the file, as another Kap writes it."""
        return _after(_SHA256, self.identifiers).casefold()


@dataclass(frozen=True)
class Listing:
    """A list, and for a programme of Kap's the arc it follows (`Arc.as_dict`), its lengths and its seed."""

    title: str = ""
    creator: str = ""
    note: str = ""
    entries: tuple[Wanted, ...] = ()
    arc: Mapping[str, Any] | None = field(default=None, hash=False)
    length_s: float | None = None
    surplus_s: float | None = None
    seed: int | None = None
    sound_file: str = ""  # the one file that `start_s` of the entries counts in


def identifiers(*, recording_mbid: str = "", isrc: str = "", digest: str = "") -> tuple[str, ...]:
    """How a track is named so that any program can tell it is this one."""
    pairs = ((_RECORDING, recording_mbid), (_ISRC, plain_isrc(isrc)), (_SHA256, digest))
    return tuple(f"{prefix}{value}" for prefix, value in pairs if value)


def plain_isrc(isrc: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", isrc.upper())


def one_line(text: str) -> str:
    """Text as it can stand on a line of any format."""
    return " ".join(_NOT_IN_TEXT.sub(" ", text).split())


def tidied(listing: Listing) -> Listing:
    """A list with every text on one line, so that each format holds it."""
    entries = tuple(
        replace(
            entry,
            title=one_line(entry.title),
            artist=one_line(entry.artist),
            album=one_line(entry.album),
            location=one_line(entry.location),
            note=one_line(entry.note),
            identifiers=tuple(filter(None, map(one_line, entry.identifiers))),
        )
        for entry in listing.entries
    )
    return replace(
        listing,
        title=one_line(listing.title),
        creator=one_line(listing.creator),
        note=one_line(listing.note),
        sound_file=one_line(listing.sound_file),
        entries=entries,
    )


_TRACK_FIELDS = ("silence_s", "pinned_at_s", "start_s", "gain_db", "intensity")
_NUMBERS = ("length_s", "surplus_s")


def track_extension(entry: Wanted) -> dict[str, float]:
    """What no other program knows of an entry; empty when there is nothing."""
    values = {name: getattr(entry, name) for name in _TRACK_FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def playlist_extension(listing: Listing) -> dict[str, Any]:
    values = {"arc": listing.arc, **{name: getattr(listing, name) for name in (*_NUMBERS, "seed")}}
    values["sound_file"] = listing.sound_file or None
    return {name: value for name, value in values.items() if value is not None}


def with_track_extension(entry: Wanted, values: Mapping[str, Any], where: str) -> Wanted:
    """The entry with what `track_extension` wrote of it. Raises `ListingError` naming the field."""
    known: dict[str, Any] = {
        name: number(values[name], f"{where}.{name}")
        for name in _TRACK_FIELDS
        if values.get(name) is not None
    }
    for name in ("silence_s", "pinned_at_s", "start_s"):
        if known.get(name, 0.0) < 0:
            raise ListingError(f"{where}.{name}", "must be 0 or more")
    return replace(entry, **known)


def with_playlist_extension(listing: Listing, values: Mapping[str, Any], where: str) -> Listing:
    arc, seed, sound_file = values.get("arc"), values.get("seed"), values.get("sound_file")
    if arc is not None and not isinstance(arc, Mapping):
        raise ListingError(f"{where}.arc", "must be an object")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ListingError(f"{where}.seed", "must be a whole number")
    known: dict[str, Any] = {
        name: number(values[name], f"{where}.{name}") for name in _NUMBERS if values.get(name) is not None
    }
    return replace(listing, arc=arc, seed=seed, sound_file=text(sound_file, f"{where}.sound_file"), **known)


def text(value: object, where: str) -> str:
    """Text on one line; nothing for null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ListingError(where, "must be text")
    if len(value) > MOST_CHARACTERS:
        raise ListingError(where, f"is longer than {MOST_CHARACTERS:,} characters")
    return one_line(value)


def number(value: object, where: str) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:
        raise ListingError(where, "must be a number")
    return float(value)


def milliseconds(value: object, where: str) -> float | None:
    """Seconds from the milliseconds of a list; None for null, and for the -1 or 0 that stand for unknown."""
    if value is None or value == "":
        return None
    found = number(value, where)
    return found / 1000 if found > 0 else None


def check_count(count: int, where: str) -> None:
    if count > MOST_ENTRIES:
        raise ListingError(where, f"holds more than {MOST_ENTRIES:,} tracks")


def lines_of(content: str) -> list[str]:
    lines = content.splitlines()
    if len(lines) > MOST_LINES:
        raise ListingError("the file", f"has more than {MOST_LINES:,} lines")
    return lines


def _after(prefix: str, values: tuple[str, ...]) -> str:
    found = next((value for value in values if value.casefold().startswith(prefix)), "")
    return found[len(prefix) :].strip("/ ")
