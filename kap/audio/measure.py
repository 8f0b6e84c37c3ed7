"""What a library needs to know about a sound file, found in one decoding pass with bounded memory."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE, intact
from kap.audio.decode import Block, Source
from kap.audio.errors import Silent, TooLong, TooShort
from kap.audio.features import Listener
from kap.audio.labels import labels
from kap.audio.levels import levels
from kap.audio.loudness import HOP, Meter, decibels, whole_hops

PEAK_PAIRS = 1000
SILENCE_DBFS = -60.0
SILENCE_BELOW_LOUDNESS = -40.0
FULL_SCALE = 0.98
# Four samples in a row that differ by less than this are no crest of a wave.
_FLAT = 2**-13


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
    1,000 pairs (lowest, highest) of the mono wave as signed bytes, 127 being full scale; `levels` one byte
    for every second, to be read by `levels_to_lufs`. Brightness, onsets and startles (the seconds at which
    they begin) are defined in kap.audio.features. `clipped_share` is the share of the samples that were cut
    off at full scale.
    """

    duration_s: float
    sample_rate: int
    channels: int
    codec: str
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float
    loudness_range_lu: float
    short_term_max_lufs: float
    startles_s: tuple[float, ...]
    brightness_hz: float
    onsets_per_s: float
    clipped_share: float
    peaks: bytes
    levels: bytes
    title: str | None
    artist: str | None
    album: str | None
    isrc: str | None
    recording_mbid: str | None


def measure(
    path: Path, *, limits: Limits = LIMITS, progress: Callable[[float], None] | None = None
) -> Measured:
    """Decode the file once and measure it; `progress` is called with 0..1.

    Raises AudioError with a sentence for the person who chose the file.
    """
    with Source(path) as source:
        if source.declared_s and source.declared_s > limits.most_s:
            raise TooLong(limits.most_s)
        meter, wave, listener, samples = Meter(), Wave(), Listener(), 0
        for block in source.blocks():
            samples += len(block)
            if samples > limits.most_s * RATE:
                raise TooLong(limits.most_s)
            meter.push(block)
            wave.push(block)
            listener.push(block)
            if progress and source.declared_s:
                progress(min(1.0, samples / RATE / source.declared_s))
        if samples < limits.least_s * RATE:
            raise TooShort(limits.least_s)
        lead, trail = wave.silence(meter.loudness_lufs, samples)
        heard = listener.features(start_s=lead / RATE)
        said = labels(source.tags, intact.id3(path))
        return Measured(
            duration_s=samples / RATE,
            sample_rate=source.sample_rate,
            channels=source.channels,
            codec=source.codec,
            loudness_lufs=meter.loudness_lufs,
            true_peak_dbtp=round(meter.true_peak_dbtp, 3),
            lead_silence_s=lead / RATE,
            trail_silence_s=trail / RATE,
            loudness_range_lu=round(meter.loudness_range_lu, 2),
            short_term_max_lufs=round(meter.short_term_max_lufs, 2),
            startles_s=heard.startles_s,
            brightness_hz=heard.brightness_hz,
            onsets_per_s=heard.onsets_per_s,
            clipped_share=wave.clipped / samples / 2,
            peaks=wave.peaks(),
            levels=levels(meter.momentary_lufs),
            **asdict(said),
        )


class Wave:
    """The outline of a wave: three numbers for every 10 ms, about 17 MB for four hours."""

    def __init__(self) -> None:
        self._lowest: list[NDArray[np.float32]] = []
        self._highest: list[NDArray[np.float32]] = []
        self._largest: list[NDArray[np.float32]] = []
        self.clipped = 0

    def push(self, block: Block) -> None:
        whole = whole_hops(block)
        mono = ((whole[:, 0] + whole[:, 1]) / 2).reshape(-1, HOP)
        self._lowest.append(mono.min(axis=1))
        self._highest.append(mono.max(axis=1))
        self._largest.append(np.abs(whole).reshape(-1, 2 * HOP).max(axis=1))
        if self._largest[-1].max() >= FULL_SCALE:
            self.clipped += _clipped(block)

    def silence(self, loudness_lufs: float, samples: int) -> tuple[int, int]:
        """Silent samples before and after the music. Raises Silent when there is no music."""
        threshold = min(SILENCE_DBFS, loudness_lufs + SILENCE_BELOW_LOUDNESS)
        largest = np.concatenate(self._largest)
        if loudness_lufs == -math.inf or decibels(float(largest.max())) < SILENCE_DBFS:
            raise Silent
        heard = np.flatnonzero(largest > 10 ** (threshold / 20))
        return int(heard[0]) * HOP, max(0, samples - (int(heard[-1]) + 1) * HOP)

    def peaks(self) -> bytes:
        lowest, highest = np.concatenate(self._lowest), np.concatenate(self._highest)
        starts = np.arange(PEAK_PAIRS) * len(lowest) // PEAK_PAIRS
        pairs = np.column_stack([np.minimum.reduceat(lowest, starts), np.maximum.reduceat(highest, starts)])
        return bytes(np.rint(np.clip(pairs, -1, 1) * 127).astype(np.int8).tobytes())


def _clipped(block: Block) -> int:
    """Samples over full scale, which a decoder makes of a cut crest, and those of a flat top below it."""
    size = np.abs(block)
    flat = (size[:-1] >= FULL_SCALE) & (np.abs(np.diff(size, axis=0)) < _FLAT)
    top = flat[:-2] & flat[1:-1] & flat[2:]
    return int(np.count_nonzero(size > 1.0) + np.count_nonzero(top & (size[1:-2] <= 1.0)))
