"""Lists of tracks from and for other programs: JSPF, XSPF, M3U8 and CUE. Pure: text in, text out."""

from collections.abc import Callable
from dataclasses import dataclass

from kap.music.exchange import cue, jspf, m3u8, xspf
from kap.music.exchange.listing import Listing as Listing
from kap.music.exchange.listing import ListingError as ListingError
from kap.music.exchange.listing import Wanted as Wanted
from kap.music.exchange.listing import identifiers as identifiers
from kap.music.exchange.matching import Known as Known
from kap.music.exchange.matching import Match as Match
from kap.music.exchange.matching import match as match

MOST_BYTES = 5_000_000
"""Longer files are refused before they are read."""


@dataclass(frozen=True)
class Format:
    name: str
    media_type: str
    read: Callable[[str], Listing]
    write: Callable[[Listing], str]


FORMATS = {
    "jspf": Format("JSPF", "application/jspf+json", jspf.read, jspf.write),
    "xspf": Format("XSPF", "application/xspf+xml", xspf.read, xspf.write),
    "m3u8": Format("M3U8", "audio/x-mpegurl", m3u8.read, m3u8.write),
    "cue": Format("CUE", "application/x-cue", cue.read, cue.write),
}
_OTHER_ENDINGS = {"json": "jspf", "xml": "xspf", "m3u": "m3u8"}


def read(content: bytes, *, file_name: str) -> Listing:
    """Read a list by the ending of its name, or by how it begins. Raises `ListingError` with a sentence."""
    if len(content) > MOST_BYTES:
        raise ListingError("the file", f"is larger than {MOST_BYTES // 1_000_000} MB")
    text = _decoded(content)
    return FORMATS[_format_of(text, file_name)].read(text)


def write(listing: Listing, format_name: str) -> str:
    """Write a list; `format_name` is one of `FORMATS`."""
    return FORMATS[format_name].write(listing)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # what older programs write


def _format_of(text: str, file_name: str) -> str:
    ending = file_name.rpartition(".")[2].casefold()
    ending = _OTHER_ENDINGS.get(ending, ending)
    if ending in FORMATS:
        return ending
    begins = {"{": "jspf", "<": "xspf", "#EXTM3U": "m3u8", "FILE ": "cue", "TITLE ": "cue", "REM ": "cue"}
    found = next((name for sign, name in begins.items() if text.lstrip().startswith(sign)), None)
    if found is None:
        raise ListingError("the file", "is neither JSPF, XSPF, M3U8 nor CUE")
    return found
