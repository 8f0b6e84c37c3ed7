"""48 kHz stereo blocks to finished files.

A file appears under its name only when it is whole: it is written beside its place under a name that starts
with a dot and ends in `.part`, flushed to the disk, and renamed.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast
from uuid import uuid4

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from kap.audio import RATE
from kap.audio.decode import Block


@dataclass(frozen=True)
class Format:
    """How a kind of file is made: FFmpeg's container, codec, sample format and their options."""

    container: str
    codec: str
    samples: str
    bit_rate: int | None = None
    codec_options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


FORMATS: dict[str, Format] = {
    # 24 bits: the encoder takes the upper three bytes of the four.
    "flac": Format("flac", "flac", "s32"),
    # Exact for blocks that were brought to 16 bits before, with dither.
    "flac-16": Format("flac", "flac", "s16"),
    # One voice on both channels, of which the second costs next to nothing.
    "voice-opus": Format("ogg", "libopus", "flt", 48_000, {"application": "voip", "vbr": "on"}),
    # With its index before the sound, so that a player finds any place in it without reading to the end.
    "voice-m4a": Format("mp4", "aac", "fltp", 96_000, {"aac_coder": "fast"}, {"movflags": "+faststart"}),
}


class PartFile:
    """A file being written: `file` takes its bytes, `finish` and `place` make it appear; or `discard`."""

    def __init__(self, path: Path) -> None:
        self.path, self._part = path, part_of(path)
        self.file = self._part.open("wb")

    def finish(self) -> None:
        """Put everything on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def place(self) -> None:
        """Give the finished file its name, in one step."""
        self._part.replace(self.path)
        _sync(self.path.parent)

    def discard(self) -> None:
        """Leave nothing behind that has not been placed."""
        # Closing writes what is still held, which a full disk refuses a second time.
        with suppress(OSError):
            self.file.close()
        self._part.unlink(missing_ok=True)


class Encoder:
    """One file being written. `write` blocks, then `finish`, then `place`; or `discard` at any time."""

    def __init__(self, kind: str, path: Path, *, tags: Mapping[str, str] | None = None) -> None:
        """Begin a file of a kind of `FORMATS`. Raises OSError or an FFmpeg error, as all of them do."""
        made = FORMATS[kind]
        self.path = path
        self._part = part_of(path)
        self._container = av.open(
            "file:" + os.fspath(self._part.absolute()),
            "w",
            format=made.container,
            container_options=made.container_options,
        )
        self._container.metadata.update(tags or {})
        stream = self._container.add_stream(
            made.codec, rate=RATE, options=made.codec_options, layout="stereo", format=made.samples
        )
        self._stream = cast(AudioStream, stream)
        if made.bit_rate:
            self._stream.codec_context.bit_rate = made.bit_rate
        self._stream.time_base = Fraction(1, RATE)
        self._conversion = AudioResampler(format=made.samples, layout="stereo", rate=RATE)
        self._written = 0

    def write(self, block: Block) -> None:
        """The next samples: float32 (n, 2) at 48 kHz, n of any size, full scale 1."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._written, Fraction(1, RATE)
        self._written += len(block)
        for converted in self._conversion.resample(frame):
            self._container.mux(self._stream.encode(converted))

    def finish(self) -> None:
        """Drain the encoder and put everything on the disk."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        _sync(self._part)

    def place(self) -> None:
        """Give the finished file its name, in one step."""
        self._part.replace(self.path)
        _sync(self.path.parent)

    def discard(self) -> None:
        """Leave nothing behind that has not been placed."""
        # Closing writes what the container still holds, which a full disk refuses a second time.
        with suppress(OSError, av.FFmpegError):
            self._container.close()
        self._part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(f".{path.name}.{uuid4().hex}.part")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
