"""Twelve ambient tracks of five to eight minutes in five formats, measured: `twelve TRACKS [SHORTER]`.

`SHORTER` makes them that many times shorter.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from kap.audio.measure import measure
from tests.bench.work import tracks

MINUTES = (5.0, 6.5, 8.0, 5.5, 7.0, 6.0, 7.5, 5.2, 6.8, 5.8, 6.2, 7.2)
# name: container, codec, sample format of the encoder, rate
KINDS = {
    "mp3": ("mp3", "libmp3lame", "fltp", 44_100),
    "flac": ("flac", "flac", "s16", 44_100),
    "ogg": ("ogg", "vorbis", "fltp", 44_100),
    "opus": ("ogg", "libopus", "flt", 48_000),
    "wav": ("wav", "pcm_s16le", "s16", 44_100),
}
BLOCK_S = 10


def main(described: str, shorter: str = "1") -> None:
    folder = Path(described).parent
    wanted = zip(range(len(MINUTES)), MINUTES, cycle(KINDS), strict=False)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda one: _track(folder, *one, shorter=float(shorter)), wanted))
    tracks.save(described, made)


def _track(folder: Path, number: int, minutes: float, kind: str, *, shorter: float) -> tracks.Track:
    path = folder / f"track-{number}.{kind}"
    _write(path, kind, _music(number, minutes * 60 / shorter, KINDS[kind][3]))
    found = measure(path)
    return tracks.Track(
        path=str(path),
        duration_s=found.duration_s,
        loudness_lufs=found.loudness_lufs,
        true_peak_dbtp=found.true_peak_dbtp,
        lead_silence_s=found.lead_silence_s,
        trail_silence_s=found.trail_silence_s,
    )


def _music(seed: int, seconds: float, rate: int) -> Iterator[NDArray[np.float32]]:
    """A chord whose tones swell and drift, and a little air; a second of silence at both ends."""
    rng = np.random.default_rng(seed)
    root = 55 * 2 ** (seed / 12)
    hertz = root * np.array([1, 1.5, 2, 2.51, 3, 4.02, 6.01, 8.03])
    slow = rng.uniform(0.02, 0.11, len(hertz))
    sides = rng.uniform(0.3, 1.0, (len(hertz), 2))
    level = 0.35 * 2.0 ** -rng.uniform(0, 3)
    silence = np.zeros((rate, 2), np.float32)
    yield silence
    for start in np.arange(0, seconds - 2, BLOCK_S):
        at = start + np.arange(round(min(BLOCK_S, seconds - 2 - start) * rate)) / rate
        wave = 0.004 * rng.standard_normal((len(at), 2))
        for number, tone in enumerate(hertz):
            swell = (1 + np.sin(2 * np.pi * slow[number] * at + number)) / (2 + number)
            wave += (swell * np.sin(2 * np.pi * tone * at))[:, None] * sides[number] * level
        yield wave.astype(np.float32)
    yield silence


def _write(path: Path, kind: str, blocks: Iterator[NDArray[np.float32]]) -> None:
    container_name, codec, samples, rate = KINDS[kind]
    options = {"strict": "-2"} if codec == "vorbis" else {}
    with av.open(str(path), "w", format=container_name) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="stereo", format=samples, options=options)
        position = 0
        for block in blocks:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
            position += len(block)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


main(*sys.argv[1:])
