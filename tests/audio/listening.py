"""What a listener would notice in a 48 kHz stereo wave (n, 2), as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.audio.sounds import Wave

RATE = 48_000
_CLICK_WINDOW = RATE // 20
_CLICK_FLOOR = 1e-5  # 100 dB under full scale: below that, a step is only rounding
CLICK = 7.5  # the largest bend of a wave beside the usual one of the 50 ms around it
_FRAME = 1 << 14
_HOP = RATE // 4
_STRETCH = 80  # frames of a quarter of a second


@dataclass(frozen=True)
class Heard:
    """`sharpest` above `CLICK` is a click; a `likeness` is the correlation of the two sides."""

    sharpest: float
    mono_loss_db: float
    likeness: float
    bass_likeness: float
    above_9500_hz_db: float
    below_20_hz_db: float


def listen(wave: Wave) -> Heard:
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave))[:, None], axis=0)) ** 2
    hz = np.fft.rfftfreq(len(wave), 1 / RATE)
    whole = power.sum()
    return Heard(
        sharpest=float(bends(wave).max()),
        mono_loss_db=_db(np.mean(wave.mean(axis=1) ** 2) / np.mean(wave**2)),
        likeness=_likeness(wave),
        bass_likeness=_likeness(_low(wave)),
        above_9500_hz_db=_db(power[hz > 9500].sum() / whole),
        below_20_hz_db=_db(power[hz < 20].sum() / whole),
    )


def bends(wave: Wave) -> NDArray[np.float64]:
    """The largest second difference of every 50 ms beside its root mean square: a click stands out."""
    bend = np.abs(np.diff(wave.mean(axis=1, dtype=np.float64), 2))
    windows = bend[: bend.size // _CLICK_WINDOW * _CLICK_WINDOW].reshape(-1, _CLICK_WINDOW)
    return np.asarray(windows.max(axis=1) / (np.sqrt((windows**2).mean(axis=1)) + _CLICK_FLOOR))


def _likeness(wave: Wave) -> float:
    left, right = wave.T.astype(np.float64)
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def _low(wave: Wave) -> Wave:
    """What is left below 100 Hz."""
    spectrum = np.fft.rfft(wave, axis=0)
    spectrum[np.fft.rfftfreq(len(wave), 1 / RATE) > 100] = 0
    return np.asarray(np.fft.irfft(spectrum, n=len(wave), axis=0), np.float32)


def _db(ratio: float) -> float:
    return float(10 * np.log10(ratio + 1e-30))


def bands(wave: Wave) -> NDArray[np.float64]:
    """Decibels in 36 bands from 60 Hz to 6 kHz, four times a second."""
    hz = np.fft.rfftfreq(_FRAME, 1 / RATE)
    edges = np.searchsorted(hz, np.geomspace(60, 6000, 37))
    mono, window = wave.mean(axis=1), np.hanning(_FRAME)
    frames = []
    for start in range(0, len(mono) - _FRAME, _HOP):
        power = np.abs(np.fft.rfft(mono[start : start + _FRAME] * window)) ** 2
        frames.append(np.add.reduceat(power, edges)[:-1] / np.diff(edges).clip(1))
    return np.asarray(10 * np.log10(np.array(frames) + 1e-9))


def movement(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every whole minute, how many decibels a band changes from five seconds to the next, on average."""
    loud = np.maximum(found, found.max() - 60)
    fives = loud[: len(loud) // 20 * 20].reshape(-1, 20, loud.shape[1]).mean(axis=1)
    changes = np.abs(np.diff(fives, axis=0)).mean(axis=1)
    return np.asarray([changes[at : at + 11].mean() for at in range(0, len(fives) - 11, 12)])


def closest_repeat(found: NDArray[np.float64]) -> float:
    """How like any 20 s are to any other 20 s, by how every band rises and sinks: 1 is the same again."""
    shape = found - found.mean(axis=0)
    shape /= shape.std(axis=0) + 1e-9
    count = len(shape) - _STRETCH
    size = 1 << int(np.ceil(np.log2(len(shape) + _STRETCH)))
    spectrum = np.fft.rfft(shape, n=size, axis=0)
    energy = np.convolve((shape**2).sum(axis=1), np.ones(_STRETCH), "valid")[: count + 1]
    closest = 0.0
    for start in range(0, count + 1, 20):
        stretch = np.fft.rfft(shape[start : start + _STRETCH], n=size, axis=0)
        likeness = np.fft.irfft((spectrum * stretch.conj()).sum(axis=1), n=size)[: count + 1]
        likeness /= np.sqrt(energy * energy[start])
        likeness[max(0, start - _STRETCH) : start + _STRETCH] = 0
        closest = max(closest, float(likeness.max()))
    return closest


def middle_band(wave: Wave) -> Wave:
    """From 1 to 3 kHz, mono, at 6 kHz: high enough that no tone of a held chord stands still there."""
    spectrum = np.fft.rfft(wave.mean(axis=1))
    hz = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum[(hz < 1000) | (hz > 3000)] = 0
    length = len(wave) // 8
    return np.asarray(np.fft.irfft(spectrum[: length // 2 + 1], n=length), np.float32)


def same_sound(band: Wave, *, stretches: int = 6) -> float:
    """How closely ten seconds, taken at several places, lie anywhere else in a `middle_band`: 1 is a loop."""
    width = 10 * RATE // 8
    size = 1 << int(np.ceil(np.log2(len(band) + width)))
    whole = np.fft.rfft(band, n=size)
    energy = np.concatenate([[0.0], np.cumsum(band.astype(np.float64) ** 2)])
    energy = energy[width:] - energy[:-width]
    closest = 0.0
    for start in np.linspace(0, len(band) - width, stretches).astype(int):
        piece = np.fft.rfft(band[start : start + width], n=size)
        likeness = np.fft.irfft(whole * piece.conj(), n=size)[: len(energy)]
        likeness = np.abs(likeness) / np.sqrt(energy * energy[start] + 1e-20)
        likeness[max(0, start - width) : start + width] = 0
        closest = max(closest, float(likeness.max()))
    return closest
