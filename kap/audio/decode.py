"""Any sound file to blocks of 48 kHz stereo.

Everything downstream (measuring, mixing, encoding) sees float32 arrays of shape (n, 2) at 48 kHz, full scale
1.0, so a gain computed from a measurement is exact for what is mixed.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from kap.audio import RATE, intact
from kap.audio.errors import Damaged, MovingPicture, NotAudio, Truncated

Block = NDArray[np.float32]

BLOCK = RATE

# FFmpeg also opens playlists and scripts that name other files; only formats that hold sound are let in.
_FORMATS = "aac,aiff,ape,asf,au,caf,flac,matroska,mov,mp3,ogg,tta,w64,wav,wv"
_COVER = Disposition.attached_pic | Disposition.timed_thumbnails
_BAD_PACKETS_ALLOWED = 0.01
# Files of floating point numbers can hold any; this is 60 dB over full scale.
_BEYOND_SOUND = 1000.0
# Encoder padding that a header does not mention stays well below this.
_LENGTH_TOLERANCE_S = 0.5


class Source(AbstractContextManager["Source"]):
    """An opened sound file. Raises AudioError when it cannot be used; never an FFmpeg error."""

    def __init__(self, path: Path, *, may_be_cut: bool = False) -> None:
        """`may_be_cut` lets in what ends too early, whose blocks then go as far as there are any."""
        try:
            intact.check(path)
        except Truncated:
            if not may_be_cut:
                raise
        self._container = _open(path)
        try:
            self._stream = _sound_of(self._container)
            self.sample_rate = self._stream.rate
            self.channels = self._stream.codec_context.channels
            self.codec = self._stream.codec_context.codec.canonical_name
            self.tags = _tags(self._container, self._stream)
            self.declared_s = float(self._declared() or 0)
            self._length_is_fact = intact.declares_length(path, self._container.format.name)
        except BaseException:
            self._container.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def blocks(self, start: int = 0) -> Generator[Block, None, None]:
        """Float32 (n, 2) at 48 kHz, n = BLOCK but for the last. Raises Truncated or Damaged at the end.

        With `start`, a whole second, from that sample on, found by seeking: `kap.audio.excerpt` knows how far
        to trust it.
        """
        stop = self._edit_list_end()
        done = start
        try:
            for block in _in_blocks(self._converted(start)):
                kept = block if stop is None else block[: max(0, stop - done)]
                done += len(kept)
                if not np.abs(kept).max(initial=0.0) < _BEYOND_SOUND:  # not a number fails this too
                    raise Damaged
                if len(kept):
                    yield kept
        except (av.FFmpegError, ValueError) as error:
            raise (Damaged if done else NotAudio) from error
        if done == 0:
            raise NotAudio
        if self._length_is_fact and self.declared_s and done / RATE < self.declared_s - _LENGTH_TOLERANCE_S:
            raise Truncated

    def _declared(self) -> Fraction | None:
        if self._stream.duration is None or self._stream.time_base is None:
            return None
        return self._stream.duration * self._stream.time_base

    def _edit_list_end(self) -> int | None:
        """MP4 states where the music ends inside its last frame; FFmpeg hands out the whole frame."""
        declared = self._declared()
        return round(declared * RATE) if declared and "mp4" in self._container.format.name else None

    def _converted(self, start: int) -> Iterator[AudioFrame]:
        conversion = _conversion()
        shape: tuple[str, str, int] | None = None
        for frame in self._frames_from(start) if start else self._frames():
            before, shape = shape, (frame.format.name, frame.layout.name, frame.sample_rate)
            if before not in (None, shape):
                # A chained stream may change its rate or channels on the way.
                yield from conversion.resample(None)
                conversion = _conversion()
            # Lengths are counted in samples: jumps in the time stamps are no concern of the mix.
            frame.pts = None
            yield from conversion.resample(frame)
        yield from conversion.resample(None)

    def _frames_from(self, start: int) -> Iterator[AudioFrame]:
        """Frames from a whole second (in samples at 48 kHz) on; none if they do not lead there."""
        wanted = start // RATE * self.sample_rate
        frames = self._frames()
        beginning = next(frames, None)
        frames.close()
        if beginning is None or beginning.pts is None or beginning.time_base is None:
            return
        offset = round(beginning.pts * beginning.time_base * self.sample_rate)
        self._container.seek(
            int((wanted + offset) / self.sample_rate / beginning.time_base), stream=self._stream
        )
        self._stream.codec_context.flush_buffers()
        for frame in self._frames():
            if frame.pts is None or frame.time_base is None:
                return
            at = round(frame.pts * frame.time_base * frame.sample_rate) - offset
            if at + frame.samples <= wanted:
                continue
            if at > wanted:
                return
            yield _cut(frame, wanted - at)
            break
        else:
            return
        yield from self._frames()

    def _frames(self) -> Generator[AudioFrame, None, None]:
        good = bad = 0
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                bad += 1
                continue
            good += 1
            yield from frames
        if bad > max(1, _BAD_PACKETS_ALLOWED * good):
            raise Damaged if good > bad else NotAudio


def _open(path: Path) -> InputContainer:
    try:
        # The prefix keeps a name such as "concat:a" from being taken for another protocol.
        return av.open(
            "file:" + os.fspath(path.absolute()),
            "r",
            container_options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise NotAudio from error


def _sound_of(container: InputContainer) -> AudioStream:
    if any(not stream.disposition & _COVER for stream in container.streams.video):
        raise MovingPicture
    if not container.streams.audio:
        raise NotAudio
    stream = container.streams.audio[0]
    # A stream whose codec FFmpeg does not know has no rate at all.
    if not getattr(stream, "rate", 0) or not stream.codec_context.channels:
        raise NotAudio
    return stream


def _cut(frame: AudioFrame, start: int) -> AudioFrame:
    """A frame without its first samples."""
    samples: Any = frame.to_ndarray()
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    cut = AudioFrame.from_ndarray(
        np.ascontiguousarray(samples[:, start * width :]), frame.format.name, frame.layout.name
    )
    cut.sample_rate = frame.sample_rate
    return cut


def _conversion() -> AudioResampler:
    return AudioResampler(format="flt", layout="stereo", rate=RATE)


def _tags(container: InputContainer, stream: AudioStream) -> dict[str, str]:
    """Lower-case names; Ogg keeps its tags with the stream, the others with the container."""
    return {name.lower(): text for name, text in (container.metadata | stream.metadata).items()}


def _in_blocks(frames: Iterator[AudioFrame]) -> Iterator[Block]:
    held: list[Block] = []
    count = 0
    for frame in frames:
        held.append(np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1, 2))
        count += len(held[-1])
        while count >= BLOCK:
            joined = np.concatenate(held)
            yield joined[:BLOCK]
            held, count = [joined[BLOCK:]], count - BLOCK
    if count:
        yield np.concatenate(held)
