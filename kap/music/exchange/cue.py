"""CUE sheets: the marks of the tracks inside one sound file, to a frame of a 75th of a second.

The format has no sign for a quotation mark inside a text, so it becomes an apostrophe.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from kap.music.exchange.listing import (
    Listing,
    ListingError,
    Wanted,
    check_count,
    identifiers,
    lines_of,
    number,
    text,
    tidied,
)

FRAMES = 75
_FILE_KINDS = {"flac": "WAVE", "wav": "WAVE", "mp3": "MP3", "aiff": "AIFF"}
_INDEX = re.compile(r"(\d{1,2})\s+(\d{1,6}):(\d{2}):(\d{2})")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")


def write(listing: Listing) -> str:
    """Entries need a `start_s`; one without stands where the one before it ends."""
    listing = tidied(listing)
    return "\n".join([*_head(listing), *_tracks(listing)]) + "\n"


def _head(listing: Listing) -> Iterator[str]:
    if listing.note:
        yield f"REM COMMENT {_quoted(listing.note)}"
    if listing.creator:
        yield f"PERFORMER {_quoted(listing.creator)}"
    if listing.title:
        yield f"TITLE {_quoted(listing.title)}"
    name = listing.sound_file or "programme.flac"
    yield f"FILE {_quoted(name)} {_FILE_KINDS.get(name.rpartition('.')[2].casefold(), 'WAVE')}"


def _tracks(listing: Listing) -> Iterator[str]:
    end_s = 0.0
    for count, entry in enumerate(listing.entries, start=1):
        start_s = end_s if entry.start_s is None else entry.start_s
        yield f"  TRACK {count:02} AUDIO"
        if entry.title:
            yield f"    TITLE {_quoted(entry.title)}"
        if entry.artist:
            yield f"    PERFORMER {_quoted(entry.artist)}"
        if _ISRC.fullmatch(entry.isrc):
            yield f"    ISRC {entry.isrc}"
        if entry.silence_s is not None:
            yield f"    REM SILENCE {entry.silence_s:.3f}"
        yield f"    INDEX 01 {_mark(start_s)}"
        end_s = start_s + (entry.silence_s or entry.duration_s or 0.0)


def _mark(at_s: float) -> str:
    frames = round(at_s * FRAMES)
    seconds, frame = divmod(frames, FRAMES)
    return f"{seconds // 60:02}:{seconds % 60:02}:{frame:02}"


def _quoted(words: str) -> str:
    return '"' + words.replace('"', "'") + '"'


@dataclass
class _Reader:
    listing: Listing = field(default_factory=Listing)
    entries: list[Wanted] = field(default_factory=list)

    def line(self, line: str, where: str) -> None:
        name, _, rest = line.partition(" ")
        inside = {"TITLE": "title", "PERFORMER": "artist"}
        outside = {"TITLE": "title", "PERFORMER": "creator", "FILE": "sound_file"}
        name, value = name.upper(), rest.strip()
        if name == "TRACK":
            self.entries.append(Wanted())
        elif name == "INDEX":
            self._index(value, where)
        elif name == "REM":
            self._remark(value, where)
        elif name == "ISRC" and self.entries:
            self._set(identifiers=identifiers(isrc=text(value, where)))
        elif self.entries and name in inside:
            self._set(**{inside[name]: _unquoted(value, where)})
        elif not self.entries and name in outside:
            found: dict[str, Any] = {outside[name]: _unquoted(value, where)}
            self.listing = replace(self.listing, **found)

    def _index(self, value: str, where: str) -> None:
        found = _INDEX.fullmatch(value)
        if found is None or not self.entries:
            raise ListingError(where, "has no mark of the kind “INDEX 01 12:34:56” inside a track")
        which, minutes, seconds, frames = map(int, found.groups())
        if which == 1:
            self._set(start_s=minutes * 60 + seconds + frames / FRAMES)

    def _remark(self, value: str, where: str) -> None:
        name, _, rest = value.partition(" ")
        if name == "SILENCE" and self.entries:
            self._set(silence_s=max(0.0, number(rest.strip(), where)))
        elif name == "COMMENT" and not self.entries:
            self.listing = replace(self.listing, note=_unquoted(rest.strip(), where))

    def _set(self, **values: object) -> None:
        self.entries[-1] = replace(self.entries[-1], **values)  # type: ignore[arg-type]


def read(content: str) -> Listing:
    """Raises `ListingError` naming the line. A track lasts until the next one begins."""
    reader = _Reader()
    for count, line in enumerate(lines_of(content), start=1):
        reader.line(line.strip(), f"line {count}")
        check_count(len(reader.entries), "the file")
    if not reader.entries:
        raise ListingError("the file", "marks no track")
    return replace(reader.listing, entries=tuple(_lasting(reader.entries)))


def _lasting(entries: list[Wanted]) -> Iterator[Wanted]:
    for entry, following in pairwise([*entries, Wanted()]):
        known = entry.start_s is not None and following.start_s is not None
        length_s = (following.start_s or 0.0) - (entry.start_s or 0.0) if known else 0.0
        lasts = length_s > 0 and entry.silence_s is None
        yield replace(entry, duration_s=length_s) if lasts else entry


def _unquoted(value: str, where: str) -> str:
    """The text between quotation marks, or all of it; after a file's name stands its kind."""
    found = re.match(r'"(.*)"', value)
    return text(found[1] if found else value, where)
