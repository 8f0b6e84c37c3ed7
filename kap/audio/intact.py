"""Does a file hold all that its own structure promises?

FFmpeg plays what is there and says nothing about what is missing. For WAV, Ogg and MP4 the promise stands
in the container and is checked here before decoding; for the others the declared length is compared with
the decoded one afterwards (`declares_length` says whether that length is a fact or an estimate). Bare MP3 and
AAC frames promise nothing but their own length: there, a last frame that is not whole gives the cut away.
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
_FRAME_COUNTS = (b"Xing", b"Info", b"VBRI")
_FRAMES_LOOKED_AT = 65_536
_ID3_LOOKED_AT = 1 << 18
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
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
        elif _is_frames(file, head):
            _check_last_frame(file, size)


def declares_length(path: Path, container: str) -> bool:
    """Whether the declared duration is stated in the file rather than guessed from its bit rate."""
    if container == "aac":
        return False
    if container != "mp3":
        return True
    with path.open("rb") as file:
        file.seek(_id3_size(file.read(10)))
        start = file.read(4096)
    return any(mark in start for mark in _FRAME_COUNTS)


def id3(path: Path) -> bytes:
    """The tag at the head of an MP3 file, without the pictures that may come late in it; empty when none."""
    with path.open("rb") as file:
        size = _id3_size(file.read(10))
        return file.read(min(size, _ID3_LOOKED_AT)) if size else b""


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


def _is_frames(file: BinaryIO, head: bytes) -> bool:
    """Bare frames, perhaps after an ID3 tag, that no header counts."""
    file.seek(_id3_size(head))
    start = file.read(4096)
    return _frame_length(start[:7]) is not None and not any(mark in start for mark in _FRAME_COUNTS)


def _check_last_frame(file: BinaryIO, size: int) -> None:
    """The frames at the end, one after the other, have to come out where the file or its tags end."""
    file.seek(max(0, size - _FRAMES_LOOKED_AT))
    tail = _without_tags(file.read())
    at = next((at for at in range(len(tail)) if _followed(tail, at)), None)
    while at is not None and at < len(tail):
        length = _frame_length(tail[at : at + 7])
        if length is None:
            if tail[at] == 0xFF and len(tail) - at < 7:
                raise Truncated
            return  # something else than music follows
        at += length
        if at > len(tail):
            raise Truncated


def _without_tags(tail: bytes) -> bytes:
    """MP3 files may carry tags behind the music: ID3v1, and APE before it."""
    if tail[-128:-125] == b"TAG":
        tail = tail[:-128]
    footer = tail[-32:]
    if footer[:8] == b"APETAGEX":
        length, flags = struct.unpack("<12xI4xI8x", footer)
        header = 32 if flags >> 31 else 0
        tail = tail[: max(0, len(tail) - length - header)]
    return tail


def _followed(tail: bytes, at: int) -> bool:
    """Whether three frames begin here, one after the other; two bytes alone look like one too often."""
    for _ in range(3):
        length = _frame_length(tail[at : at + 7])
        if length is None:
            return False
        at += length
    return True


def _frame_length(head: bytes) -> int | None:
    """Bytes of the MPEG audio frame that begins here: layer III, or AAC in ADTS (ISO 11172-3, 13818-7)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 0x03) << 11 | head[4] << 3 | head[5] >> 5
        return length if length > 7 else None
    version, layer = head[1] >> 3 & 0x03, head[1] >> 1 & 0x03
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 0x03
    if version == 1 or layer != 1 or bit_rate in (0, 15) or rate == 3:
        return None
    first = version == 3
    kilobits = (_KILOBITS_1 if first else _KILOBITS_2)[bit_rate - 1]
    hertz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if first else 72) * kilobits * 1000 // hertz + (head[2] >> 1 & 1)


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
