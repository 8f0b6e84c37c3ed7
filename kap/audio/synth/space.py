"""The room: a long synthetic reverberation, convolved by FFT one hop at a time, over a bass in the middle."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kap.audio.synth.texture import FRAME, HOP, Signal

# (centre in hertz, seconds to fall by 60 dB, share of the power that both sides have in common): a large hall
# whose air takes the highs first, and in which two ears hear the more alike the lower the tone. Nothing below
# 150 Hz or above 6 kHz is reverberated, which keeps the bass clear and the tail dark.
_BANDS: Final = (
    (220.0, 6.5, 0.85),
    (440.0, 6.3, 0.75),
    (880.0, 5.6, 0.55),
    (1760.0, 3.6, 0.4),
    (3520.0, 1.8, 0.3),
)
_SOFT_START_S: Final = 0.03
_ROOM: Final = HOP - (1 << 13)  # shorter than a hop, so that the filters' own ringing fits behind it
_LOWEST_HZ: Final = 30.0
_NARROW_BELOW_HZ: Final = 120.0

Curve = NDArray[np.float64]


def impulse_response(sample_rate: int, rng: np.random.Generator) -> Signal:
    """Return the room as (HOP, 2) samples of mean gain 1 for a chord's middle; its sides part upwards."""
    hz = np.fft.rfftfreq(HOP, 1.0 / sample_rate)
    octaves = np.log2(np.maximum(hz, 1.0))
    time_s = np.arange(HOP) / sample_rate
    room = np.zeros((HOP, 2))
    for centre, fall_s, alike in _BANDS:
        shape = np.cos(np.clip((octaves - np.log2(centre)) * np.pi / 2.0, -np.pi / 2, np.pi / 2))
        noise = rng.standard_normal((3, hz.size)) + 1j * rng.standard_normal((3, hz.size))
        noise = alike**0.5 * noise[:1] + (1.0 - alike) ** 0.5 * noise[1:]
        room += np.fft.irfft(noise * shape, n=HOP).T * 10.0 ** (-3.0 * time_s / fall_s)[:, None]
    room *= (np.minimum(time_s / _SOFT_START_S, 1.0) ** 2)[:, None]
    room *= np.cos(0.5 * np.pi * np.minimum(np.arange(HOP) / _ROOM, 1.0))[:, None] ** 0.5
    response = np.fft.rfft(room, axis=0)[(hz > 200.0) & (hz < 1600.0)]
    return np.asarray(room / np.sqrt(np.mean(np.abs(response) ** 2)), dtype=np.float32)


def _high_pass(hz: Curve, edge_hz: float, sample_rate: int) -> NDArray[np.complex64]:
    """Return a second-order Butterworth high-pass by the bilinear transform: nothing rings ahead."""
    turn = 1j * np.tan(np.pi * hz / sample_rate) / np.tan(np.pi * edge_hz / sample_rate)
    return np.asarray(turn**2 / (1.0 + np.sqrt(2.0) * turn + turn**2), dtype=np.complex64)


class Space:
    """One room around one track. Low notes stand in the middle and are not reverberated."""

    def __init__(self, sample_rate: int, wet: float, rng: np.random.Generator) -> None:
        """`wet` is the reverberation's share of the power, 0 to 1."""
        hz = np.fft.rfftfreq(FRAME, 1.0 / sample_rate).astype(np.float64)
        room = np.fft.rfft(impulse_response(sample_rate, rng).T, n=FRAME)
        self._wide = _high_pass(hz, _NARROW_BELOW_HZ, sample_rate)
        sides = (1.0 - wet) ** 0.5 + wet**0.5 * self._centred(room, 1)
        self._response = (sides * _high_pass(hz, _LOWEST_HZ, sample_rate)).astype(np.complex64)
        self._weight = _k_weight(hz).astype(np.float32)

    def _sounded(self, hop: Signal, every: int) -> NDArray[np.complex64]:
        """Return the spectrum of a hop in the room, (2, bins), at `every` so many-th frequency."""
        spectrum = np.fft.rfft(np.ascontiguousarray(hop.T), n=FRAME // every)
        return np.asarray(self._centred(spectrum, every) * self._response[:, ::every], dtype=np.complex64)

    def _centred(self, spectrum: NDArray[np.complexfloating], every: int) -> NDArray[np.complex64]:
        middle = spectrum.mean(axis=0)
        return np.asarray(middle + (spectrum - middle) * self._wide[::every], dtype=np.complex64)

    def loudness(self, hop: Signal) -> float:
        """Return the power a hop will have for the ear, in the room, as ITU-R BS.1770 weights it."""
        spectrum = self._sounded(hop, 2)
        power = (spectrum.real**2 + spectrum.imag**2) * self._weight[::2]
        return float(power.sum(dtype=np.float64)) * 2.0 / HOP**2

    def around(self, hops: Iterator[Signal]) -> Iterator[Signal]:
        """Yield each hop as it is heard in the room."""
        tail: Signal = np.zeros((HOP, 2), dtype=np.float32)
        for hop in hops:
            sounded = np.fft.irfft(self._sounded(hop, 1), n=FRAME).T.astype(np.float32, copy=False)
            yield tail + sounded[:HOP]
            tail = sounded[HOP:]


def _k_weight(hz: Curve) -> Curve:
    """Return the power gain of BS.1770's two filters, from the coefficients it gives for 48 kHz."""
    z = np.exp(-2j * np.pi * np.minimum(hz, 24000.0) / 48000.0)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1.0 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    low = (1.0 - 2.0 * z + z**2) / (1.0 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.asarray(np.abs(shelf * low) ** 2)
