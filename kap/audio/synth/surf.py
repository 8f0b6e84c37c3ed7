"""Water and air: noise whose level and colour follow slow, irregular waves."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kap.audio.synth.texture import HOP, Signal, Spectrum, flow

_RISE_S: Final = 4.5
_FALL_S: Final = 8.5
_GRID: Final = 512  # samples between the points at which a wave's height is worked out

# (low edge, high edge, tilt, share of the power, decibels between trough and crest): the crest opens the
# colour as well as the level, as a breaking wave does.
_BANDS: Final = (
    (60.0, 400.0, 1.2, 0.50, 4.0),
    (200.0, 1500.0, 1.0, 0.42, 7.0),
    (900.0, 5000.0, 1.2, 0.08, 11.0),
)


def _heights(starts: NDArray[np.float64], at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the water's height, 0 to 1, at each of `at_s`, from waves that begin at `starts`."""
    near = starts[(starts > at_s[0] - _RISE_S - _FALL_S) & (starts < at_s[-1])]
    age = at_s[:, None] - near[None, :]
    rising = np.sin(0.5 * np.pi * np.clip(age / _RISE_S, 0.0, 1.0)) ** 2
    falling = np.cos(0.5 * np.pi * np.clip((age - _RISE_S) / _FALL_S, 0.0, 1.0)) ** 2
    height: NDArray[np.float64] = np.tanh((rising * falling).sum(axis=1))
    return height


def _band(
    low: float, high: float, tilt: float, sample_rate: int, rng: np.random.Generator
) -> Iterator[Signal]:
    spectrum = Spectrum(sample_rate)
    spectrum.add_noise(low, high, tilt, 1.0)
    return flow(iter(lambda: spectrum, None), rng)


def waves(seconds: int, darkness: float, sample_rate: int, rng: np.random.Generator) -> Iterator[Signal]:
    """Yield hops of surf with a mean square near 1; each wave comes from its own side, 7 to 13 s apart.

    `darkness` from 0 to 1 takes the spray away and leaves the swell.
    """
    starts = np.cumsum(rng.uniform(7.0, 13.0, size=seconds // 7 + 8)) - 15.0
    sides = rng.uniform(-0.7, 0.7, size=starts.size)
    bands = [_band(low, high, tilt, sample_rate, rng) for low, high, tilt, _, _ in _BANDS]
    points = np.arange(0, HOP + 1, _GRID)
    samples = np.arange(HOP)
    start = 0
    while True:
        at_s = (start + points) / sample_rate
        heights = [_heights(starts + side, at_s) for side in (sides, -sides)]
        hop = np.zeros((HOP, 2), dtype=np.float32)
        for noise, (_, high, _, share, range_db) in zip(bands, _BANDS, strict=True):
            level = (share * (1.0 - darkness * (high > 2000.0))) ** 0.5
            sound = next(noise)
            for channel, height in enumerate(heights):
                gain = level * 10.0 ** (range_db * (height - 0.6) / 20.0)
                hop[:, channel] += sound[:, channel] * np.interp(samples, points, gain).astype(np.float32)
        yield hop
        start += HOP
