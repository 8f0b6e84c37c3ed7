"""AAC packets to an MP4 file (ISO/IEC 14496-12 and -14) whose index stands before the music.

How many packets there will be is known from the length alone, so the index has its place from the beginning
and is written into it at the end. Its edit list names the exact first and last sample.
"""

import struct
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.packets import CODECS, Packets, header
from kap.audio.tags import Chapter, Tags

_AAC = CODECS["m4a"]
_RUN = 48  # packets found through one entry of the index: about a second
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ITEMS = {"title": b"\xa9nam", "artist": b"\xa9ART", "album": b"\xa9alb"}
_MOST_CHAPTERS = 255


class Mp4Aac:
    """A file being written: `push` exactly the packets of its length, then `finish`."""

    def __init__(self, file: BinaryIO, total_samples: int, tags: Tags) -> None:
        self._file, self._total, self._tags = file, total_samples, tags
        self._count = _AAC.count(total_samples)
        self._sizes: list[NDArray[np.uint16]] = []
        empty = np.zeros(self._count, np.uint16)
        self._start = len(self._head(empty))
        file.write(bytes(self._start))

    def push(self, packets: Packets) -> None:
        self._sizes.append(packets.sizes)
        self._file.write(packets.data)

    def finish(self) -> None:
        sizes = np.concatenate(self._sizes)
        if len(sizes) != self._count:
            raise ValueError(f"{len(sizes)} packets instead of {self._count}")
        self._file.seek(0)
        self._file.write(self._head(sizes))

    def _head(self, sizes: NDArray[np.uint16]) -> bytes:
        """Everything before the music."""
        kind = _box(b"ftyp", b"M4A \0\0\x02\0M4A mp42isom")
        without = len(kind) + len(self._movie(sizes, 0)) + 8
        length = int(sizes.sum(dtype=np.int64))
        return kind + self._movie(sizes, without) + struct.pack(">I4s", length + 8, b"mdat")

    def _movie(self, sizes: NDArray[np.uint16], music_at: int) -> bytes:
        times = struct.pack(">4I", 0, 0, RATE, self._total)
        header_ = _full(
            b"mvhd", times + struct.pack(">IH10x", 0x10000, 0x100) + _MATRIX + bytes(24) + _u32(2)
        )
        return _box(b"moov", header_ + self._track(sizes, music_at) + _user_data(self._tags))

    def _track(self, sizes: NDArray[np.uint16], music_at: int) -> bytes:
        about = struct.pack(">5I8x4H", 0, 0, 1, 0, self._total, 0, 0, 0x100, 0) + _MATRIX + bytes(8)
        edit = _full(b"elst", struct.pack(">IIiHH", 1, self._total, _AAC.lead, 1, 0))
        return _box(
            b"trak",
            _full(b"tkhd", about, flags=3) + _box(b"edts", edit) + self._media(sizes, music_at),
        )

    def _media(self, sizes: NDArray[np.uint16], music_at: int) -> bytes:
        undetermined = 0x55C4  # the language "und"
        times = struct.pack(">4IHH", 0, 0, RATE, len(sizes) * _AAC.frame, undetermined, 0)
        here = _box(b"dinf", _full(b"dref", _u32(1) + _full(b"url ", b"", flags=1)))
        return _box(
            b"mdia",
            _full(b"mdhd", times)
            + _full(b"hdlr", b"\0\0\0\0soun" + bytes(12) + b"Sound\0")
            + _box(b"minf", _full(b"smhd", bytes(4)) + here + _index(sizes, music_at)),
        )


def _index(sizes: NDArray[np.uint16], music_at: int) -> bytes:
    """Where every packet lies: runs of _RUN packets, the last one shorter."""
    count = len(sizes)
    whole, rest = divmod(count, _RUN)
    runs = [(1, _RUN, 1)] * bool(whole) + [(whole + 1, rest, 1)] * bool(rest)
    edges = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    places = (edges[:-1:_RUN] + music_at).astype(">u4")
    return _box(
        b"stbl",
        _full(b"stsd", _u32(1) + _entry())
        + _full(b"stts", struct.pack(">3I", 1, count, _AAC.frame))
        + _full(b"stsc", _u32(len(runs)) + b"".join(struct.pack(">3I", *run) for run in runs))
        + _full(b"stsz", struct.pack(">2I", 0, count) + sizes.astype(">u4").tobytes())
        + _full(b"stco", _u32(len(places)) + places.tobytes())
        # A decoder that begins anywhere has to hear one packet more before.
        + _full(b"sgpd", b"roll" + struct.pack(">IIh", 2, 1, -1), version=1)
        + _full(b"sbgp", b"roll" + struct.pack(">3I", 1, count, 1)),
    )


def _entry() -> bytes:
    """How to decode: AAC, stereo, 16 bits as everybody writes, and the codec's own description."""
    specific = _described(0x05, header("m4a"))
    stream = struct.pack(">BB3sII", 0x40, 0x15, bytes(3), 2 * _AAC.bit_rate, _AAC.bit_rate)
    decoder = _described(0x04, stream + specific)
    whole = _described(0x03, struct.pack(">HB", 1, 0) + decoder + _described(0x06, b"\x02"))
    sound = struct.pack(">6xH8xHHIHH", 1, 2, 16, 0, RATE, 0)
    return _box(b"mp4a", sound + _full(b"esds", whole))


def _user_data(tags: Tags) -> bytes:
    content = b""
    if tags.chapters:
        content += _chapters(tags.chapters[:_MOST_CHAPTERS])
    items = b"".join(
        _box(_ITEMS[name], _box(b"data", struct.pack(">II", 1, 0) + text.encode()))
        for name, text in tags.named().items()
    )
    if items:
        handler = _full(b"hdlr", bytes(4) + b"mdirappl" + bytes(9))
        content += _full(b"meta", handler + _box(b"ilst", items))
    return _box(b"udta", content) if content else b""


def _chapters(chapters: tuple[Chapter, ...]) -> bytes:
    """As Nero's `chpl`, which FFmpeg and most players read: times in units of 100 ns."""
    listed = b""
    for chapter in chapters:
        title = chapter.title.encode()[:255].decode(errors="ignore").encode()
        listed += struct.pack(">QB", round(chapter.start_s * 10_000_000), len(title)) + title
    return _full(b"chpl", bytes(4) + bytes([len(chapters)]) + listed, version=1)


def _described(tag: int, content: bytes) -> bytes:
    """One of MPEG-4's nested descriptions; all of ours are short."""
    return bytes([tag, len(content)]) + content


def _full(name: bytes, content: bytes, *, version: int = 0, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags) + content)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def _u32(value: int) -> bytes:
    return struct.pack(">I", value)
