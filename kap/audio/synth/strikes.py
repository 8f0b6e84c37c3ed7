"""Sounds that begin and die away: bowls, soft keys, swells; and the line that carries them."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from kap.audio.synth.texture import CEILING_HZ, FRAME, HOP, Signal, Spectrum

Event = tuple[float, Signal]
"""A start in seconds and stereo samples of shape (n, 2)."""

Struck = Callable[[float, np.random.Generator], Signal]
"""Makes one sound at a pitch in hertz."""

LONGEST_S: Final = 24.0

# Modes of a Tibetan prayer bowl as frequency pairs: Synthesis ToolKit, BandedWG preset 3 (Essl & Cook,
# ICMC 2002). Each pair beats, as a bowl that is never quite round does. Level and ring time are by ear.
_BOWL_MODES: Final = (
    (0.99611, 1.00389, 1.0, 20.0),
    (2.97918, 2.99330, 0.42, 13.0),
    (5.70445, 5.70445, 0.13, 8.0),
    (8.99820, 9.01550, 0.06, 5.0),
    (12.80738, 12.83303, 0.025, 3.5),
    (17.28082, 17.28082, 0.010, 2.5),
)
_STRIDE: Final = 2048
_FASTEST_BEAT_HZ: Final = 2.5  # a faster beat reads as a tremble


Partial = tuple[float, float, float, float]
"""One decaying mode: hertz, seconds to fall by 60 dB, level left, level right."""


def _rings(partials: list[Partial], rng: np.random.Generator, samples: int, sample_rate: int) -> Signal:
    """Return the sum of decaying cosines as (samples, 2).

    A power of a pole is the product of a long stride and a short one, so all partials together are one
    matrix product per channel. What would lie above the ceiling is left out.
    """
    partials = [partial for partial in partials if partial[0] < CEILING_HZ]
    hz, ring_s, *levels = np.array(partials).T
    pole = (-np.log(1000.0) / ring_s + 2j * np.pi * hz) / sample_rate
    short, long = np.arange(_STRIDE), np.arange(-(-samples // _STRIDE)) * _STRIDE
    phase = 1j * rng.uniform(0.0, 2.0 * np.pi, hz.size)
    fine, coarse = np.exp(np.outer(pole, short)), np.exp(np.outer(long, pole) + phase)
    basis = np.concatenate([fine.real, -fine.imag]).astype(np.float32)
    sides = []
    for level in levels:
        strides = np.concatenate([coarse.real * level, coarse.imag * level], axis=1).astype(np.float32)
        sides.append((strides @ basis).reshape(-1)[:samples])
    return np.stack(sides, axis=1)


def _shaped(signal: Signal, attack_s: float, sample_rate: int) -> Signal:
    """Round the beginning and the end, and bring one strike to unit energy (mean square times seconds)."""
    rise = int(attack_s * sample_rate)
    signal[:rise] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)).astype(np.float32)[:, None]
    rest = signal.shape[0] // 4
    signal[-rest:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(1, rest + 1) / rest)).astype(np.float32)[:, None]
    energy = float(np.mean(np.square(signal, dtype=np.float64)) * signal.shape[0] / sample_rate)
    signal *= np.float32(energy**-0.5)
    return signal


def _lean(pan: float) -> tuple[float, float]:
    """Return the levels left and right of a place between -1 and 1, at equal power."""
    angle = (pan + 1.0) * np.pi / 4.0
    return float(np.cos(angle)), float(np.sin(angle))


def _softening(hz: float, cutoff_hz: float) -> float:
    return float(1.0 / np.sqrt(1.0 + (hz / cutoff_hz) ** 6))


def bowl(hz: float, rng: np.random.Generator, *, cutoff_hz: float, sample_rate: int) -> Signal:
    """Return one soft mallet stroke on a bowl whose lowest mode is `hz`; its beats cross the stereo field."""
    side = float(rng.choice((-0.35, 0.35)))
    partials = []
    for low, high, level, ring_s in _BOWL_MODES:
        middle = hz * (low + high) / 2.0
        beat = min(hz * (high - low), _FASTEST_BEAT_HZ) / 2.0
        heard = level * _softening(middle, cutoff_hz)
        length_s = ring_s * min((150.0 / hz) ** 0.4, 1.2)
        for offset, pan in ((-beat, -side), (beat, side)):
            left, right = _lean(pan)
            partials.append((middle + offset, length_s, heard * left, heard * right))
    return _shaped(_rings(partials, rng, int(LONGEST_S * sample_rate), sample_rate), 0.45, sample_rate)


def key(hz: float, rng: np.random.Generator, *, cutoff_hz: float, sample_rate: int) -> Signal:
    """Return one felted key: a few harmonics, the upper ones gone first, two strings a hair apart."""
    partials = []
    for number in range(1, 7):
        level = number**-1.9 * _softening(hz * number, cutoff_hz)
        for cents, pan in ((-1.2, -0.3), (1.2, 0.3)):
            left, right = _lean(pan)
            string_hz = hz * number * 2.0 ** (cents / 1200.0)
            partials.append((string_hz, 7.5 / number**0.8, level * left, level * right))
    return _shaped(_rings(partials, rng, int(9.0 * sample_rate), sample_rate), 0.09, sample_rate)


def pluck(hz: float, rng: np.random.Generator, *, cutoff_hz: float, sample_rate: int) -> Signal:
    """Return one string of a harp, plucked a fifth of the way along: each fifth harmonic is weak."""
    pan = float(rng.uniform(-0.35, 0.35))
    left, right = _lean(pan)
    partials = []
    for number in range(1, 11):
        touched = 0.25 + abs(np.sin(np.pi * number / 5.0))
        level = float(number**-1.6 * touched * _softening(hz * number, cutoff_hz))
        stretched = hz * number * (1.0 + 0.00012 * number**2)
        partials.append((stretched, 5.0 / number**0.9, level * left, level * right))
    return _shaped(_rings(partials, rng, int(6.0 * sample_rate), sample_rate), 0.06, sample_rate)


def drop(rng: np.random.Generator, *, cutoff_hz: float, sample_rate: int) -> Signal:
    """Return one drop into shallow water: a short soft tone that bends upwards as its bubble closes."""
    samples = int(0.22 * sample_rate)
    at_s = np.arange(samples) / sample_rate
    hz = float(rng.uniform(500.0, 1500.0)) * min(cutoff_hz / 2000.0, 1.2)
    phase = 2.0 * np.pi * hz * (at_s + 0.9 * at_s**2) + rng.uniform(0.0, 2.0 * np.pi)
    tone = np.cos(phase) * np.exp(-at_s / 0.045)
    left, right = _lean(float(rng.uniform(-0.8, 0.8)))
    sound = np.stack([tone * left, tone * right], axis=1).astype(np.float32)
    return _shaped(sound, 0.03, sample_rate)


def swell(
    hz: float, rng: np.random.Generator, *, harmonics: Signal, spread_cents: float, sample_rate: int
) -> Signal:
    """Return one bowed-sounding tone that takes three seconds to arrive and eight to leave."""
    spectrum = Spectrum(sample_rate)
    spectrum.add_harmonics(hz, harmonics, spread_cents, 1.0)
    rise = int(FRAME * 0.28)
    envelope = np.ones(FRAME, dtype=np.float32)
    envelope[:rise] = np.sin(0.5 * np.pi * np.arange(rise) / rise) ** 2
    envelope[rise:] = np.cos(0.5 * np.pi * np.arange(1, FRAME - rise + 1) / (FRAME - rise)) ** 1.5
    phases = rng.uniform(0.0, 2.0 * np.pi, spectrum.lines.size)
    sound = spectrum.shimmer(rng) + spectrum.core(phases)
    return _shaped(sound * envelope[:, None], 0.05, sample_rate)


def scatter(events: Iterator[Event], sample_rate: int) -> Iterator[Signal]:
    """Lay `events`, which never end and come in order of time, on one line; yield hops of (HOP, 2)."""
    line = np.zeros((HOP + int(LONGEST_S * sample_rate) + 1, 2), dtype=np.float32)
    start = 0
    at_s, sound = next(events)
    while True:
        while (offset := round(at_s * sample_rate) - start) < HOP:
            line[offset : offset + sound.shape[0]] += sound
            at_s, sound = next(events)
        yield line[:HOP].copy()
        line[:-HOP] = line[HOP:].copy()
        line[-HOP:] = 0.0
        start += HOP
