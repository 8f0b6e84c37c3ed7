"""The form in which a journal travels (docs/journal-format.md): what a file says, checked. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kap.integration.rules import (
    HIGHEST,
    LONGEST_TAG,
    LONGEST_TITLE,
    LOWEST,
    MOST_TAGS,
    SCALES,
    FileKind,
)

FORMAT, VERSION = "kap-journal", 1
MANIFEST, ENTRIES, MEDIA = "journal.json", "entries/", "media/"
LONGEST_NAME, MOST_COMMENTS, LONGEST_COMMENT, MOST_FILES = 200, 1000, 10_000, 200
LONGEST_WORDS_BESIDE = 2000
LONGEST_MOMENT_S = 48 * 3600
FLAT = "gIA="  # the outline of a sound that nobody has looked at: one flat place
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
}


class NotAJournal(Exception):
    """What is wrong with a file, as the second half of a sentence."""


@dataclass(frozen=True)
class BroughtFile:
    id: UUID
    kind: FileKind
    made_at: datetime
    member: str  # its name in the archive
    about: Mapping[str, Any]


@dataclass(frozen=True)
class BroughtEntry:
    """An entry as it stands in the file, every value within the limits of a page of the journal."""

    id: UUID
    made_at: datetime
    edited_at: datetime
    written_about: datetime | None
    title: str
    text: str
    tags: tuple[str, ...]
    ratings: Mapping[str, int]
    session_at: datetime | None
    moment_s: float | None
    comments: tuple[Mapping[str, Any], ...]
    files: tuple[BroughtFile, ...]


def type_of(beginning: bytes) -> str | None:
    """The media type of a voice note or picture by its first 16 bytes or more; None for anything else."""
    if beginning[4:8] == b"ftyp":
        return "audio/mp4"
    if beginning[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(beginning[8:12])
    kinds = (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1aE\xdf\xa3", "audio/webm"),
        (b"ID3", "audio/mpeg"),
        (b"\xff\xfb", "audio/mpeg"),
        (b"\xff\xf3", "audio/mpeg"),
    )
    return next((kind for start, kind in kinds if beginning.startswith(start)), None)


def reads_from_the_right(text: str) -> bool:
    """Whether the first letter with a direction belongs to a script that is read from the right."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def check_manifest(found: Any) -> None:
    """Raises `NotAJournal`."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NotAJournal("it is no journal that was taken away from Kap")
    if found.get("version") != VERSION:
        raise NotAJournal("it was made by a newer version of Kap than this one")


def entry_in(found: Any, *, at: datetime, longest_text: int) -> BroughtEntry:
    """An entry of the file. Unknown names are passed over, as a later minor version may add some.

    `at` is now: nothing can have been written later. Raises `NotAJournal`.
    """
    entry = _Fields(found, at)
    made_at = entry.time("made_at")
    if made_at is None:
        raise NotAJournal("an entry says not when it was written")
    ratings = entry.value("ratings", dict) or {}
    if not all(name in SCALES and _is_rating(value) for name, value in ratings.items()):
        raise NotAJournal("a rating is not one from 0 to 10 that this version of Kap knows")
    tags = entry.list_of("themes", str, most=MOST_TAGS)
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise NotAJournal("a theme is too long")
    about = _Fields(entry.value("session", dict) or {}, at)
    return BroughtEntry(
        id=entry.id(),
        made_at=made_at,
        edited_at=max(entry.time("edited_at") or made_at, made_at),
        written_about=entry.time("written_about"),
        title=entry.text("title", LONGEST_TITLE).strip(),
        text=entry.text("text", longest_text).replace("\r\n", "\n").replace("\r", "\n"),
        tags=tuple(without_lone_surrogates(tag) for tag in tags),
        ratings=ratings,
        session_at=about.time("at"),
        moment_s=about.number("moment_seconds", LONGEST_MOMENT_S),
        comments=tuple(_comment(each, at) for each in entry.list_of("comments", dict, most=MOST_COMMENTS)),
        files=tuple(_file(each, at) for each in entry.list_of("files", dict, most=MOST_FILES)),
    )


def _comment(found: dict[str, Any], at: datetime) -> Mapping[str, Any]:
    said = _Fields(found, at)
    when = said.time("at")
    if when is None:
        raise NotAJournal("a comment says not when it was made")
    return {
        "author": said.text("author", LONGEST_NAME),
        "at": when.isoformat(),
        "text": said.text("text", LONGEST_COMMENT),
        "own": found.get("own") is True,
    }


def _file(found: dict[str, Any], at: datetime) -> BroughtFile:
    file = _Fields(found, at)
    kind, member = found.get("kind"), file.text("member", LONGEST_NAME)
    made_at = file.time("made_at")
    if kind not in set(FileKind) or made_at is None or not member.startswith(MEDIA):
        raise NotAJournal("a voice note or a picture is described wrongly")
    seconds, words = file.number("seconds", LONGEST_MOMENT_S), file.text("words", LONGEST_WORDS_BESIDE)
    # What pages ask of a file, though the outline of a sound and the size of a picture did not travel.
    about: dict[str, Any] = (
        {"seconds": seconds or 0.0, "words": words, "peaks": FLAT, "remark": None}
        if kind == FileKind.VOICE
        else {"seconds": seconds, "words": words, "width": "", "height": ""}
    )
    return BroughtFile(file.id(), FileKind(kind), made_at, member, about)


def without_lone_surrogates(text: str) -> str:
    """JSON can hold half of a character, which nothing that stores text can."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_rating(value: Any) -> bool:
    return type(value) is int and LOWEST <= value <= HIGHEST


class _Fields:
    """A JSON object whose values are asked for by the kind that they must have."""

    def __init__(self, found: Any, at: datetime) -> None:
        if not isinstance(found, dict):
            raise NotAJournal("something in it is not described as it should be")
        self._found, self._at = found, at

    def value(self, name: str, kind: type) -> Any:
        value = self._found.get(name)
        if value is not None and not isinstance(value, kind):
            raise NotAJournal(f"“{name}” is not what it should be")
        return value

    def id(self) -> UUID:
        try:
            return UUID(self._found.get("id"))
        except (AttributeError, TypeError, ValueError) as error:
            raise NotAJournal("something in it has no proper “id”") from error

    def text(self, name: str, longest: int) -> str:
        value: str = self.value(name, str) or ""
        if len(value) > longest:
            raise NotAJournal(f"“{name}” is longer than {longest:,} characters")
        return without_lone_surrogates(value)

    def list_of(self, name: str, kind: type, *, most: int) -> list[Any]:
        values: list[Any] = self.value(name, list) or []
        if len(values) > most or not all(isinstance(value, kind) for value in values):
            raise NotAJournal(f"“{name}” has too much in it, or something else than it should")
        return values

    def number(self, name: str, highest: float) -> float | None:
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
            raise NotAJournal(f"“{name}” is not a number that can be")
        return float(value)

    def time(self, name: str) -> datetime | None:
        """With its zone, and not later than now."""
        text = self.value(name, str)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise NotAJournal(f"“{name}” is not a moment with its time zone") from error
        if moment < EARLIEST:
            raise NotAJournal(f"“{name}” is too long ago")
        return min(moment, self._at)
