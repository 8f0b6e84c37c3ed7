"""Opus packets to an Ogg file (RFC 3533, RFC 7845), as a stream that holds only the page being filled."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.packets import CODECS, Packets, header
from kap.audio.tags import Tags

_FRAME, _LEAD = CODECS["opus"].frame, CODECS["opus"].lead
_PAGE_PACKETS = 50
_PAGE_LACES = 255
_FIRST, _LAST = 0x02, 0x04
_SERIAL = 1  # one stream to a file, and the same mix is the same file
_PAGE = struct.Struct("<4sBBqIIIB")
_NO_POSITION = -1

# The checksum of Ogg runs through bits from the other end than zlib's: turned around, it is the same.
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggOpus:
    """`begin`, then `push` packets, then `finish`; each returns the bytes that are complete."""

    def __init__(self, total_samples: int, tags: Tags) -> None:
        self._total, self._tags = total_samples, tags
        self._pages = 0
        self._packets = 0
        self._sizes: NDArray[np.uint16] = np.empty(0, np.uint16)
        self._data = b""

    def begin(self) -> bytes:
        comments = b"OpusTags" + self._tags.vorbis_comment()
        return self._page(_laces(np.array([19])), header("opus"), 0, _FIRST) + b"".join(
            self._comment_pages(comments)
        )

    def push(self, packets: Packets) -> bytes:
        """Pages that are full; one packet at least waits for the end."""
        self._sizes = np.concatenate([self._sizes, packets.sizes])
        self._data += packets.data
        return b"".join(self._full_pages(keep=1))

    def finish(self) -> bytes:
        """The last pages. Where the music ends inside the last packet stands in the last one's position."""
        pages = b"".join(self._full_pages(keep=_PAGE_PACKETS))
        count = _fitting(self._sizes)
        while count < len(self._sizes):
            pages += self._music_page(count, 0)
            count = _fitting(self._sizes)
        return pages + self._music_page(count, _LAST)

    def _full_pages(self, *, keep: int) -> Iterator[bytes]:
        while len(self._sizes) > _PAGE_PACKETS + keep:
            yield self._music_page(_fitting(self._sizes), 0)

    def _music_page(self, count: int, flags: int) -> bytes:
        sizes, self._sizes = self._sizes[:count], self._sizes[count:]
        length = int(sizes.sum(dtype=np.int64))
        body, self._data = self._data[:length], self._data[length:]
        self._packets += count
        position = self._total + _LEAD if flags & _LAST else self._packets * _FRAME
        return self._page(_laces(sizes), body, position, flags)

    def _comment_pages(self, comments: bytes) -> Iterator[bytes]:
        laces, continued = _laces(np.array([len(comments)])), 0
        while laces:
            now, laces = laces[:_PAGE_LACES], laces[_PAGE_LACES:]
            body, comments = comments[: sum(now)], comments[sum(now) :]
            yield self._page(now, body, _NO_POSITION if laces else 0, continued)
            continued = 0x01

    def _page(self, laces: bytes, body: bytes, position: int, flags: int) -> bytes:
        head = _PAGE.pack(b"OggS", 0, flags, position, _SERIAL, self._pages, 0, len(laces)) + laces
        self._pages += 1
        return head[:22] + struct.pack("<I", _checksum(head + body)) + head[26:] + body


def music_in(data: bytes) -> float:
    """Seconds of music in whole pages at the beginning of a file, as a player can know them."""
    at, position = 0, 0
    while len(data) >= at + _PAGE.size:
        name, _, _, here, _, _, _, laces = _PAGE.unpack_from(data, at)
        body = sum(data[at + _PAGE.size : at + _PAGE.size + laces])
        at += _PAGE.size + laces + body
        if name != b"OggS" or at > len(data):
            break
        position = max(position, here)
    return max(0, position - _LEAD) / RATE


def _fitting(sizes: NDArray[np.uint16]) -> int:
    """How many of the next packets make a page."""
    laces = np.cumsum(sizes[:_PAGE_PACKETS] // 255 + 1)
    return int(np.searchsorted(laces, _PAGE_LACES, "right"))


def _laces(sizes: NDArray[np.integer]) -> bytes:
    """Sizes as Ogg writes them: as many 255 as fit, and the rest."""
    ends = np.cumsum(sizes // 255 + 1)
    laces = np.full(ends[-1] if len(ends) else 0, 255, np.uint8)
    laces[ends - 1] = sizes % 255
    return laces.tobytes()


def _checksum(page: bytes) -> int:
    turned = zlib.crc32(page.translate(_TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(turned.to_bytes(4, "little").translate(_TURNED), "big")
