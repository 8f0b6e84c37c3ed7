"""Loudness over time in one byte for every second, for pictures and for listening again."""

import math

import numpy as np
from numpy.typing import NDArray

SILENT_LUFS = -70.0
PER_SECOND = 10
"""Readings of the momentary loudness in a second."""

READINGS_BACK = 2
"""A momentary reading is of the 400 ms that end with it, so it speaks of a moment two readings before."""

_FIRST_READING = 3
_STEPS_PER_LU = 3


def levels(momentary_lufs: NDArray[np.float64]) -> bytes:
    """The loudness of the three seconds around every second, from readings of 400 ms every 100 ms.

    At the ends, where there are no three seconds, it is that of what there is. A byte is 0 below -70 LUFS,
    else three steps for each LU above it.
    """
    count = len(momentary_lufs)
    power = np.where(momentary_lufs > SILENT_LUFS, 10 ** (momentary_lufs / 10), 0.0)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    begin = np.arange(0, count, PER_SECOND) - PER_SECOND + READINGS_BACK
    first = np.clip(begin, min(_FIRST_READING, count - 1), count - 1)
    last = np.clip(begin + 3 * PER_SECOND, first + 1, count)
    lufs = 10 * np.log10(np.maximum((sums[last] - sums[first]) / (last - first), 1e-12))
    steps = np.clip(np.rint((lufs - SILENT_LUFS) * _STEPS_PER_LU), 1, 255)
    return bytes(np.where(lufs < SILENT_LUFS, 0, steps).astype(np.uint8).tobytes())


def levels_to_lufs(kept: bytes) -> list[float]:
    """What the bytes stand for, in LUFS; minus infinity where nothing is heard."""
    return [SILENT_LUFS + byte / _STEPS_PER_LU if byte else -math.inf for byte in kept]


def loudness_range_lu(short_term_lufs: NDArray[np.float64]) -> float:
    """EBU Tech 3342: from the 10th to the 95th percentile of short-term loudness, after both gates."""
    heard = short_term_lufs[short_term_lufs >= SILENT_LUFS]
    if not len(heard):
        return 0.0
    mean = 10 * math.log10(float(np.mean(10 ** (heard / 10))))
    low, high = np.percentile(heard[heard >= mean - 20], [10, 95])
    return float(high - low)
