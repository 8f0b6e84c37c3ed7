"""Endless sound from spectra: every frame gets fresh random phases, so nothing ever loops.

The idea is PADsynth's (Nasca: each harmonic a Gaussian band, random phases, one inverse FFT), but instead
of reading one table round and round, overlapping frames are made anew and joined at equal power. Under the
bands of the lower partials lies a steady line whose phase runs on from frame to frame: bands alone fade in
and out too deeply where few of them sound. A spectrum has no content above `CEILING_HZ`, so there is
nothing to alias.
"""

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

HOP: Final = 1 << 18  # samples; 5.5 s at 48 kHz, the shortest time in which a chord or a colour can change
FRAME: Final = 2 * HOP
CEILING_HZ: Final = 9000.0
_STEADIEST: Final = 0.9  # the line's share of a low partial; pure lines above 1 kHz would whistle
_STEADY_BELOW_HZ: Final = 900.0
_SLOWEST_HZ: Final = 0.22  # narrower, and a note's shimmer would be gone for many seconds at a time

_EQUAL_POWER: Final[Signal] = np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME).astype(np.float32)[:, None]


class Spectrum:
    """Power per frequency bin of one frame, in units of mean-square amplitude per channel."""

    def __init__(self, sample_rate: int) -> None:
        self.bin_hz = sample_rate / FRAME
        self.power: Signal = np.zeros(int(CEILING_HZ / self.bin_hz), dtype=np.float32)
        self.lines: Signal = np.zeros_like(self.power)

    def add_partial(self, hz: float, width_hz: float, power: float) -> None:
        """Add a Gaussian band of standard deviation `width_hz` and, below about 900 Hz, its steady line."""
        first = max(int((hz - 3.5 * width_hz) / self.bin_hz), 1)
        last = min(int((hz + 3.5 * width_hz) / self.bin_hz) + 2, self.power.size)
        if first >= last:
            return
        offset = (np.arange(first, last) * self.bin_hz - hz) / width_hz
        shape = np.exp(-0.5 * offset**2)
        steady = _STEADIEST / (1.0 + (hz / _STEADY_BELOW_HZ) ** 4)
        self.power[first:last] += ((1.0 - steady) * power * shape / shape.sum()).astype(np.float32)
        self.lines[min(round(hz / self.bin_hz), last - 1)] += steady * power

    def add_harmonics(self, hz: float, amplitudes: Signal, spread_cents: float, power: float) -> None:
        """Add a tone of total `power`; the bands widen with the square root of the harmonic's number.

        A band's width is also how fast it wavers, so it stays between a slow tide and a tremble.
        """
        share = amplitudes.astype(np.float64) ** 2
        share *= power / share.sum()
        width = max(hz * (2.0 ** (spread_cents / 1200.0) - 1.0), _SLOWEST_HZ)
        for number in np.flatnonzero(share > power * 1e-7) + 1:
            self.add_partial(hz * number, width * float(number) ** 0.5, float(share[number - 1]))

    def add_noise(self, low_hz: float, high_hz: float, tilt: float, power: float) -> None:
        """Add noise from `low_hz` to `high_hz` with soft edges; power falls as frequency to the `tilt`."""
        hz = np.arange(1, self.power.size) * self.bin_hz
        shape = hz**-tilt / ((1.0 + (low_hz / hz) ** 6) * (1.0 + (hz / high_hz) ** 6))
        shape *= np.clip((CEILING_HZ - hz) / 1000.0, 0.0, 1.0)
        self.power[1:] += (power * shape / shape.sum()).astype(np.float32)

    def core(self, phases: NDArray[np.float64]) -> Signal:
        """Return the steady lines as (FRAME, 1) samples, the same for both channels, unwindowed."""
        bins = np.flatnonzero(self.lines)
        spectrum = np.zeros(self.lines.size, dtype=np.complex64)
        spectrum[bins] = np.sqrt(2.0 * self.lines[bins]) * (FRAME / 2.0) * np.exp(1j * phases[bins])
        return np.fft.irfft(spectrum, n=FRAME).astype(np.float32, copy=False)[:, None]

    def shimmer(self, rng: np.random.Generator) -> Signal:
        """Return the bands as (FRAME, 2) samples, unwindowed.

        The channels share their lows (one bass for both ears, whatever the loudspeaker) and go halfway
        apart above, which stays whole when summed to mono.
        """
        bins = self.power.size
        chance = rng.standard_normal((3, bins, 2), dtype=np.float32).view(np.complex64)[..., 0]
        hz = np.arange(bins) * self.bin_hz
        shared = 0.45 + 0.55 / (1.0 + (hz / 200.0) ** 4)
        size = np.sqrt(self.power) * (FRAME / 2.0)
        common, own = (size * np.sqrt(shared)), (size * np.sqrt(1.0 - shared))
        channels = common * chance[0] + own * chance[1:]
        return np.ascontiguousarray(np.fft.irfft(channels.astype(np.complex64), n=FRAME).T, dtype=np.float32)


def flow(spectra: Iterator[Spectrum], rng: np.random.Generator) -> Iterator[Signal]:
    """Join the frames of `spectra`; yield hops of (HOP, 2) samples without end.

    Bands of neighbouring frames are strangers and cross at equal power; lines are the same and cross at
    equal gain, half a frame being a whole number of half turns of every bin.
    """
    first = next(spectra)
    turns = np.pi * np.arange(first.lines.size)
    phases = rng.uniform(0.0, 2.0 * np.pi, first.lines.size)
    previous = np.zeros((HOP, 2), dtype=np.float32)
    for count, spectrum in enumerate(itertools.chain([first], spectra)):
        frame = _EQUAL_POWER * spectrum.shimmer(rng)
        if spectrum.lines.any():
            frame += _EQUAL_POWER**2 * spectrum.core(phases + turns * count)
        if count > 0:
            yield previous + frame[:HOP]
        previous = frame[HOP:]
