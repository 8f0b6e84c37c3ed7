"""Does a file hold all that its own structure promises?

FFmpeg plays what is there and says nothing about what is missing. For WAV, Ogg and MP4 the promise stands
in the container and is checked here before decoding; for the others the declared length is compared with
the decoded one afterwards (`declares_length` says whether that length is a fact or an estimate).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kap.audio.errors import EmptyAudio, Missing, NotAudio, Protected, Truncated

# Streamed WAV files carry one of these where the length was not known yet.
_UNKNOWN_SIZES = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000}
_OGG_PAGE_MAX = 65_307
_END_OF_STREAM = 0x04
_PROTECTED_ENTRIES = {b"drms", b"enca", b"aavd"}
# Boxes inside one another, down to the one that describes the samples.
_TO_SAMPLE_ENTRIES = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
# Hours of one-second fragments have tens of thousands; a file of nothing but headers must not keep us busy.
_MOST_PARTS = 100_000


def check(path: Path) -> None:
    """Raise Missing, EmptyAudio, Truncated, Protected or NotAudio when the file itself says so."""
    if not path.is_file():
        raise Missing
    size = path.stat().st_size
    if size == 0:
        raise EmptyAudio
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            _check_wav(file, size)
        elif head[:4] == b"OggS":
            _check_ogg(file, size)
        elif head[4:8] == b"ftyp":
            _check_mp4(file, size)


def declares_length(path: Path, container: str) -> bool:
    """Whether the declared duration is stated in the file rather than guessed from its bit rate."""
    if container == "aac":
        return False
    if container != "mp3":
        return True
    with path.open("rb") as file:
        file.seek(_id3_size(file.read(10)))
        start = file.read(4096)
    return any(mark in start for mark in (b"Xing", b"Info", b"VBRI"))


def _id3_size(head: bytes) -> int:
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    a, b, c, d = head[6:10]
    return 10 + (a << 21 | b << 14 | c << 7 | d)


def _check_wav(file: BinaryIO, size: int) -> None:
    position = 12
    for _ in range(_MOST_PARTS):
        if position + 8 > size:
            break
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            if length not in _UNKNOWN_SIZES and position + 8 + length > size:
                raise Truncated
            return
        position += 8 + length + length % 2
    raise Truncated


def _check_ogg(file: BinaryIO, size: int) -> None:
    """The last page must be whole and carry the end-of-stream mark (RFC 3533 section 6)."""
    file.seek(max(0, size - _OGG_PAGE_MAX))
    tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:] if start >= 0 else b""
    if len(page) < 27 or len(page) < 27 + page[26]:
        raise Truncated
    whole = 27 + page[26] + sum(page[27 : 27 + page[26]])
    if len(page) < whole or not page[5] & _END_OF_STREAM:
        raise Truncated


def _check_mp4(file: BinaryIO, size: int) -> None:
    movie, parts = None, iter(range(_MOST_PARTS))
    for name, start, end in _boxes(file, 0, size, parts):
        if end > size:
            raise Truncated
        if name == b"moov":
            movie = (start, end)
    if movie is None:
        raise Truncated
    if not _PROTECTED_ENTRIES.isdisjoint(_sample_entries(file, *movie, parts)):
        raise Protected


def _boxes(file: BinaryIO, start: int, end: int, parts: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of the content, first byte after the box) of the boxes between two places.

    Takes one of `parts` for each. Raises NotAudio when there are none left.
    """
    while start + 8 <= end:
        if next(parts, None) is None:
            raise NotAudio
        file.seek(start)
        length, name = struct.unpack(">I4s", file.read(8))
        content = start + 8
        if length == 1:
            wide = file.read(8)
            if len(wide) < 8:
                raise Truncated
            (length,) = struct.unpack(">Q", wide)
            content += 8
        stop = end if length == 0 else start + length
        if stop < content:
            raise Truncated
        yield name, content, stop
        start = stop


def _sample_entries(
    file: BinaryIO,
    start: int,
    end: int,
    parts: Iterator[int],
    path: tuple[bytes, ...] = _TO_SAMPLE_ENTRIES,
) -> Iterator[bytes]:
    """The codes of the sample descriptions (`mp4a`, `drms`, ...) of every track of a movie box."""
    for name, content, stop in _boxes(file, start, end, parts):
        if not path:
            yield name
        elif name == path[0]:
            # The last box begins with eight bytes of its own: version, flags, how many follow.
            skipped = 8 if len(path) == 1 else 0
            yield from _sample_entries(file, content + skipped, min(stop, end), parts, path[1:])
