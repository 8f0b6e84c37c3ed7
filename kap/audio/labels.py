"""What a sound file says of itself, cleaned: its tags are as much in a stranger's hand as its sound."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

LINE_LENGTH = 200
_OWNER = b"http://musicbrainz.org\0"
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


@dataclass(frozen=True)
class Labels:
    """None is whatever the file does not say. `isrc` and `recording_mbid` name a recording worldwide."""

    title: str | None
    artist: str | None
    album: str | None
    isrc: str | None
    recording_mbid: str | None


def labels(tags: Mapping[str, str], id3: bytes = b"") -> Labels:
    """From tags by lower-case names, as Source gives them. Programs spell the identifiers in several ways.

    The recording goes by an older name for it; in MP3 files it stands in a frame of `id3` that
    FFmpeg leaves out.
    """
    recording = tags.get("musicbrainz_trackid") or tags.get("musicbrainz track id") or _ufid(id3)
    return Labels(
        title=one_line(tags.get("title", "")) or None,
        artist=one_line(tags.get("artist", "")) or None,
        album=one_line(tags.get("album", "")) or None,
        isrc=_isrc(tags.get("isrc") or tags.get("tsrc") or ""),
        recording_mbid=_uuid(recording),
    )


def one_line(text: str) -> str:
    """A tag or a name in one line: no control or invisible formatting characters, at most 200 characters."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(visible.split())[:LINE_LENGTH].rstrip()


def _isrc(text: str) -> str | None:
    code = text.upper().replace("-", "").replace(" ", "")
    return code if _ISRC.fullmatch(code) else None


def _ufid(id3: bytes) -> str:
    begin = id3.find(_OWNER) + len(_OWNER)
    return id3[begin : begin + 36].decode("ascii", "replace") if _OWNER in id3 else ""


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text.strip()))
    except ValueError:
        return None
