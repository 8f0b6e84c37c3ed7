"""What a library needs to know about a sound file, found in one decoding pass with bounded memory."""

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import Block, Source
from kap.audio.errors import Silent, TooLong, TooShort
from kap.audio.loudness import HOP, Meter, decibels, whole_hops

PEAK_PAIRS = 1000
SILENCE_DBFS = -60.0
SILENCE_BELOW_LOUDNESS = -40.0
LINE_LENGTH = 200


@dataclass(frozen=True)
class Limits:
    """Lengths in seconds outside of which a file is refused."""

    least_s: float = 1.0
    most_s: float = 4 * 3600.0


LIMITS = Limits()


@dataclass(frozen=True)
class Measured:
    """A sound file as it will be heard: levels and lengths are those of its 48 kHz stereo version.

    `sample_rate`, `channels` and `codec` describe the file itself. Silence at an end is what stays below
    -60 dBFS and below 40 LU under the loudness, so that a natural decay is not taken for silence. `peaks` are
    1,000 pairs (lowest, highest) of the mono wave as signed bytes, 127 being full scale.
    """

    duration_s: float
    sample_rate: int
    channels: int
    codec: str
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float
    peaks: bytes
    title: str | None
    artist: str | None
    album: str | None


def measure(
    path: Path, *, limits: Limits = LIMITS, progress: Callable[[float], None] | None = None
) -> Measured:
    """Decode the file once and measure it; `progress` is called with 0..1.

    Raises AudioError with a sentence for the person who chose the file.
    """
    with Source(path) as source:
        if source.declared_s and source.declared_s > limits.most_s:
            raise TooLong(limits.most_s)
        meter, wave, samples = Meter(), _Wave(), 0
        for block in source.blocks():
            samples += len(block)
            if samples > limits.most_s * RATE:
                raise TooLong(limits.most_s)
            meter.push(block)
            wave.push(block)
            if progress and source.declared_s:
                progress(min(1.0, samples / RATE / source.declared_s))
        if samples < limits.least_s * RATE:
            raise TooShort(limits.least_s)
        lead, trail = wave.silence(meter.loudness_lufs, samples)
        return Measured(
            duration_s=samples / RATE,
            sample_rate=source.sample_rate,
            channels=source.channels,
            codec=source.codec,
            loudness_lufs=meter.loudness_lufs,
            true_peak_dbtp=round(meter.true_peak_dbtp, 3),
            lead_silence_s=lead / RATE,
            trail_silence_s=trail / RATE,
            peaks=wave.peaks(),
            title=one_line(source.tags.get("title", "")) or None,
            artist=one_line(source.tags.get("artist", "")) or None,
            album=one_line(source.tags.get("album", "")) or None,
        )


class _Wave:
    """The outline of a wave: three numbers for every 10 ms, about 17 MB for four hours."""

    def __init__(self) -> None:
        self._lowest: list[NDArray[np.float32]] = []
        self._highest: list[NDArray[np.float32]] = []
        self._largest: list[NDArray[np.float32]] = []

    def push(self, block: Block) -> None:
        whole = whole_hops(block)
        mono = ((whole[:, 0] + whole[:, 1]) / 2).reshape(-1, HOP)
        self._lowest.append(mono.min(axis=1))
        self._highest.append(mono.max(axis=1))
        self._largest.append(np.abs(whole).reshape(-1, 2 * HOP).max(axis=1))

    def silence(self, loudness_lufs: float, samples: int) -> tuple[int, int]:
        """Silent samples before and after the music. Raises Silent when there is no music."""
        threshold = min(SILENCE_DBFS, loudness_lufs + SILENCE_BELOW_LOUDNESS)
        largest = np.concatenate(self._largest)
        if math.isinf(loudness_lufs) or decibels(float(largest.max())) < SILENCE_DBFS:
            raise Silent
        heard = np.flatnonzero(largest > 10 ** (threshold / 20))
        return int(heard[0]) * HOP, max(0, samples - (int(heard[-1]) + 1) * HOP)

    def peaks(self) -> bytes:
        lowest, highest = np.concatenate(self._lowest), np.concatenate(self._highest)
        starts = np.arange(PEAK_PAIRS) * len(lowest) // PEAK_PAIRS
        pairs = np.column_stack([np.minimum.reduceat(lowest, starts), np.maximum.reduceat(highest, starts)])
        return bytes(np.rint(np.clip(pairs, -1, 1) * 127).astype(np.int8).tobytes())


def one_line(text: str) -> str:
    """A tag or a name in one line: no control or invisible formatting characters, at most 200 characters."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(visible.split())[:LINE_LENGTH].rstrip()
