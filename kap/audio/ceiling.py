"""Keeps the sum of two overlapping pieces under the true peak ceiling.

Alone, every piece is under the ceiling by its gain; two of them, each at -2 dBTP, can reach +1 dBTP where
they cross. Lowering a whole piece for one such moment would move it away from its target, so the mix is
lowered there alone: by the few decibels needed, foreseen and smoothed over a second, untouched elsewhere.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kap.audio.decode import Block
from kap.audio.loudness import HOP, TruePeaks, decibels, whole_hops

Gains = NDArray[np.float64]

_SMOOTH = 50
# The lowest need around a hop holds for all smoothing windows that touch it or its neighbours.
_HOLD = _SMOOTH + 2
_REACH = _SMOOTH + _HOLD + 1
REACH = _REACH * HOP
"""Samples before and after a peak within which the music may be lowered for it."""

_SHAPE = np.hanning(2 * _SMOOTH + 3)[1:-1]


class Ceiling:
    def __init__(self, ceiling_dbtp: float) -> None:
        self._ceiling = 10 ** (ceiling_dbtp / 20)
        self._peaks = TruePeaks()
        self._needs: Gains = np.ones(_REACH)
        self._held: Block = np.empty((0, 2), np.float32)
        self._lowest = 1.0

    @property
    def reduction_db(self) -> float:
        """The largest reduction so far, 0 or more."""
        return abs(decibels(self._lowest))

    def limit(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The same samples, lowered where they must be. Blocks hold whole hops, all but the last."""
        samples = 0
        for block in blocks:
            samples += len(block)
            yield from self._push(whole_hops(block))
        for last in self._push(np.zeros((_REACH * HOP, 2), np.float32)):
            yield last[: len(last) - (-samples % HOP)]

    def _push(self, block: Block) -> Iterator[Block]:
        peaks = self._peaks.of(block, above=self._ceiling)
        self._needs = np.concatenate([self._needs, np.minimum(1, self._ceiling / np.maximum(peaks, 1e-9))])
        self._held = np.concatenate([self._held, block])
        ready = len(self._needs) - 2 * _REACH
        if ready <= 0:
            return
        needs, self._needs = self._needs, self._needs[ready:]
        out, self._held = self._held[: ready * HOP], self._held[ready * HOP :]
        yield out if needs.min() >= 1 else self._lowered(out, needs)

    def _lowered(self, block: Block, needs: Gains) -> Block:
        """`needs` reaches _REACH hops before and after the block."""
        held = sliding_window_view(needs, 2 * _HOLD + 1).min(axis=1)
        smooth = np.convolve(held, _SHAPE / _SHAPE.sum(), "valid")
        self._lowest = min(self._lowest, float(smooth.min()))
        centres = (np.arange(len(smooth)) - 0.5) * HOP
        gains = np.interp(np.arange(len(block)), centres, smooth)
        return np.asarray(block * gains[:, None], np.float32)
