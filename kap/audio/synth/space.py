"""The room: a long synthetic reverberation, convolved by FFT one hop at a time."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from kap.audio.synth.texture import FRAME, HOP, Signal

# (centre in hertz, seconds to fall by 60 dB): a large hall whose air takes the highs first. Nothing below
# 150 Hz or above 6 kHz is reverberated, which keeps the bass clear and the tail dark.
_BANDS: Final = ((220.0, 6.5), (440.0, 6.3), (880.0, 5.6), (1760.0, 3.6), (3520.0, 1.8))
_SOFT_START_S: Final = 0.03


def impulse_response(sample_rate: int, rng: np.random.Generator) -> Signal:
    """Return the room as (HOP, 2) samples, the two sides independent, of mean gain 1 for a chord's middle."""
    hz = np.fft.rfftfreq(HOP, 1.0 / sample_rate)
    octaves = np.log2(np.maximum(hz, 1.0))
    time_s = np.arange(HOP) / sample_rate
    room = np.zeros((HOP, 2))
    for centre, fall_s in _BANDS:
        shape = np.cos(np.clip((octaves - np.log2(centre)) * np.pi / 2.0, -np.pi / 2, np.pi / 2))
        noise = rng.standard_normal((2, hz.size)) + 1j * rng.standard_normal((2, hz.size))
        room += np.fft.irfft(noise * shape, n=HOP).T * 10.0 ** (-3.0 * time_s / fall_s)[:, None]
    room *= (np.minimum(time_s / _SOFT_START_S, 1.0) ** 2)[:, None]
    room *= np.cos(0.5 * np.pi * np.arange(HOP) / HOP)[:, None] ** 0.5
    response = np.fft.rfft(room, axis=0)[(hz > 200.0) & (hz < 1600.0)]
    return np.asarray(room / np.sqrt(np.mean(np.abs(response) ** 2)), dtype=np.float32)


def reverberate(hops: Iterator[Signal], room: Signal, wet: float) -> Iterator[Signal]:
    """Mix each hop with its reverberation; `wet` is the reverberation's share of the power, 0 to 1."""
    dry_gain, wet_gain = np.float32((1.0 - wet) ** 0.5), np.float32(wet**0.5)
    response = np.fft.rfft(room, n=FRAME, axis=0)
    tail: Signal = np.zeros((HOP, 2), dtype=np.float32)
    for hop in hops:
        spectrum = np.fft.rfft(hop, n=FRAME, axis=0) * response
        sounded = np.fft.irfft(spectrum, n=FRAME, axis=0).astype(np.float32, copy=False)
        yield dry_gain * hop + wet_gain * (tail + sounded[:HOP])
        tail = sounded[HOP:]
