"""A recipe's sound from beginning to end, in blocks."""

import itertools
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from kap.audio import RATE
from kap.audio.synth.families import FAMILIES, Layers
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.space import Space
from kap.audio.synth.texture import HOP, Signal

_REACH: Final = 2  # hops before and after that the fader of the whole listens to: 11 s each way
_HELD_LUFS: Final = 2.5  # of a held chord before it is mixed: about that of a mean square of 1
# Soft ends, and no longer: in a mix they lie under a crossfade, and the two together must not make a hole.
_ARRIVE_S: Final = 3.0
_LEAVE_S: Final = 6.0
_RING_OUT_S: Final = 3.5  # what sounds in the room after the last note has gone


def _heard(
    hops: Iterator[Signal], space: Space, level_lufs: float, reach: int
) -> Iterator[tuple[Signal, float]]:
    """Yield each hop with the gain in dB that brings it and `reach` hops on either side to a loudness."""
    waiting: deque[Signal] = deque()
    powers: deque[float] = deque(maxlen=2 * reach + 1)
    for hop in hops:
        waiting.append(hop)
        powers.append(space.loudness(hop))
        if len(waiting) > reach:
            power = max(float(np.mean(powers)), 1e-9)
            yield waiting.popleft(), level_lufs + 0.691 - 10.0 * float(np.log10(power))


def _level(hops: Iterator[Signal], space: Space, level_lufs: float, reach: int) -> Iterator[Signal]:
    """Ride a slow fader, on straight lines in decibels, so that one stretch is as loud as the next."""
    along = np.arange(HOP, dtype=np.float32)[:, None] / HOP
    before: float | None = None
    for (hop, gain), (_, after) in pairwise(_heard(hops, space, level_lufs, reach)):
        begin, end = (gain if before is None else (before + gain) / 2.0), (gain + after) / 2.0
        yield hop * np.asarray(10.0 ** ((begin + (end - begin) * along) / 20.0), np.float32)
        before = gain


def _mixed(layers: Layers, space: Space) -> Iterator[Signal]:
    """Add the layers up. A held chord is brought to one loudness first, whatever its notes."""
    gains = [np.float32(layer.power**0.5) for layer in layers]
    lines = [_level(layer.hops, space, _HELD_LUFS, reach=0) if layer.held else layer.hops for layer in layers]
    for hops in zip(*lines, strict=True):
        yield np.sum([gain * hop for gain, hop in zip(gains, hops, strict=True)], axis=0)


def _course(recipe: Recipe, start: int, sample_rate: int) -> Signal:
    """Return the gain over one hop: soft ends, a slow breath, and the more intense, the more it builds.

    The last note fades while the room is still sounding.
    """
    at_s = (start + np.arange(HOP)) / sample_rate
    breath_db = 0.9 * np.sin(2.0 * np.pi * at_s / 73.0 + recipe.seed) + 0.6 * np.sin(
        2.0 * np.pi * at_s / 47.0
    )
    build_db = 8.0 * max(recipe.intensity - 0.4, 0.0) * (at_s / recipe.seconds - 0.5)
    arrive_s, leave_s = min(_ARRIVE_S, recipe.seconds / 5.0), min(_LEAVE_S, recipe.seconds / 4.0)
    left_s = recipe.seconds - min(_RING_OUT_S, recipe.seconds / 6.0) - at_s
    arrive = np.sin(0.5 * np.pi * np.clip(at_s / arrive_s, 0.0, 1.0)) ** 2
    leave = np.sin(0.5 * np.pi * np.clip(left_s / leave_s, 0.0, 1.0)) ** 2
    gain = 10.0 ** ((breath_db + build_db) / 20.0) * arrive * leave
    return np.asarray(gain[:, None], dtype=np.float32)


def _closing(recipe: Recipe, start: int, sample_rate: int) -> Signal:
    """Return the gain that lets the room's own tail end in silence."""
    left_s = recipe.seconds - (start + np.arange(HOP)) / sample_rate
    ring_s = min(_RING_OUT_S, recipe.seconds / 6.0)
    gain = np.sin(0.5 * np.pi * np.clip(left_s / ring_s, 0.0, 1.0)) ** 2
    return np.asarray(gain[:, None], dtype=np.float32)


def blocks(recipe: Recipe, *, sample_rate: int = RATE) -> Iterator[Signal]:
    """Yield exactly `recipe.seconds` of stereo as (n, 2) float32, n about five seconds; full scale is 1.

    The same recipe gives the same samples on the same NumPy. Raises KeyError for an unknown family or mode.
    """
    total = recipe.seconds * sample_rate
    layers = FAMILIES[recipe.family].layers(recipe, sample_rate)
    space = Space(sample_rate, recipe.wet, np.random.default_rng([recipe.seed, 0]))
    level = _level(_mixed(layers, space), space, recipe.level_lufs, _REACH)
    played = (hop * _course(recipe, at * HOP, sample_rate) for at, hop in zip(itertools.count(), level))
    for start, hop in zip(range(0, total, HOP), space.around(played), strict=False):
        yield (hop * _closing(recipe, start, sample_rate))[: total - start]
