"""Blocks of sound to packets, the pieces of music that a file is made of.

A packet stands for one frame of samples at a fixed place, so packets of one encoding can follow those of
another wherever both encoders have just heard the same.
"""

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import Block


@dataclass(frozen=True)
class Codec:
    """How packets of a kind are made. `lead` samples are decoded before the first one that was given."""

    name: str
    samples: str
    bit_rate: int
    frame: int
    lead: int
    options: dict[str, str] = field(default_factory=dict)

    def count(self, samples: int) -> int:
        """Packets that hold this many samples to the last one."""
        return -(-(samples + self.lead) // self.frame)


CODECS: dict[str, Codec] = {
    "opus": Codec("libopus", "flt", 160_000, 960, 312, {"application": "audio", "vbr": "on"}),
    # FFmpeg's manual: the fast coder is the better and much faster one above 64 kbit/s. Of even quality (1.3
    # times 118) instead of even rate: what a frame may spend then depends on nothing that came before it, so
    # packets of two encodings are alike where they meet. Dark music comes to about the rate that is stated.
    "m4a": Codec(
        "aac", "fltp", 192_000, 1024, 1024, {"aac_coder": "fast", "flags": "+qscale", "global_quality": "153"}
    ),
}


@dataclass(frozen=True)
class Packets:
    """Packets one behind the other, and the size of each."""

    sizes: NDArray[np.uint16]
    data: bytes

    def __len__(self) -> int:
        return len(self.sizes)


class PacketEncoder:
    """Blocks in order to packets; `finish` when there are no more. Both raise an FFmpeg error."""

    def __init__(self, kind: str) -> None:
        self._context, self._position = _context(kind), 0

    def push(self, block: Block) -> Packets:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._position, Fraction(1, RATE)
        self._position += len(block)
        return _packets(self._context.encode(frame))

    def finish(self) -> Packets:
        return _packets(self._context.encode(None))


class Sieve:
    """Lets pass those from number `first` up to but not including `last`."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self._at = 0

    def __call__(self, portion: Packets) -> Packets:
        at, self._at = self._at, self._at + len(portion)
        begin, end = max(0, self._first - at), max(0, min(len(portion), self._last - at))
        if begin == 0 and end == len(portion):
            return portion
        edges = np.concatenate([[0], np.cumsum(portion.sizes, dtype=np.int64)])
        begin = min(begin, end)
        return Packets(portion.sizes[begin:end], portion.data[edges[begin] : edges[end]])


@cache
def header(kind: str) -> bytes:
    """What a decoder must know before the first packet."""
    found = bytes(_context(kind).extradata or b"")
    if kind == "opus" and struct.unpack_from("<H", found, 10)[0] != CODECS[kind].lead:
        raise RuntimeError("this version of the Opus encoder needs another lead")
    return found


@cache
def made_by(kind: str) -> str:
    """Names everything but the sound that decides what packets hold."""
    versions = av.library_versions
    return f"{CODECS[kind]!r} {versions['libavcodec']} {versions['libswresample']}"


def _packets(found: list["av.Packet[Any]"]) -> Packets:
    parts = [bytes(packet) for packet in found]
    return Packets(np.fromiter(map(len, parts), np.uint16, len(parts)), b"".join(parts))


def _context(kind: str) -> AudioCodecContext:
    codec = CODECS[kind]
    context = cast(AudioCodecContext, av.CodecContext.create(codec.name, "w"))
    context.sample_rate, context.layout, context.format = RATE, "stereo", codec.samples
    context.bit_rate, context.time_base, context.options = codec.bit_rate, Fraction(1, RATE), codec.options
    context.open()
    return context
