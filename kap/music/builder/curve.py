"""An arc fitted to a length, with what it asks for over any stretch of seconds."""

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kap.music.arcs import Arc, Phase

Array = NDArray[np.float64]

# A piece keeps the rules of every phase it is heard in, but for this long at either end: phases overlap.
LEEWAY_S = 60.0


class Curve:
    """Mean and spread of the target intensity over stretches, and which phases they reach into."""

    STEP_S = 5.0

    def __init__(self, arc: Arc, length_s: float) -> None:
        self.length_s = length_s
        self.arc = arc.fitted(length_s / 60)
        middles = self.STEP_S * (np.arange(math.ceil(length_s / self.STEP_S)) + 0.5)
        minutes, intensities = zip(*self.arc.curve, strict=True)
        self.samples: Array = np.interp(self.arc.start_min + middles / 60, minutes, intensities)
        self._sums = np.concatenate(([0.0], np.cumsum(self.samples)))
        self._squares = np.concatenate(([0.0], np.cumsum(self.samples**2)))
        self._starts_s = np.array([(phase.start_min - self.arc.start_min) * 60 for phase in self.arc.phases])

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        return self.arc.phases

    def moments(self, start_s: Array, end_s: Array) -> tuple[Array, Array]:
        """Mean of the target, and mean of its square; what lies beyond the end is left out."""
        low, high = self._steps(start_s), self._steps(end_s)
        span = np.maximum(high - low, 1e-9)
        at_low, at_high = self._whole(low), self._whole(high)
        return tuple(  # type: ignore[return-value]
            (
                (sums[at_high] - sums[at_low])
                + (high - at_high) * slope[at_high]
                - (low - at_low) * slope[at_low]
            )
            / span
            for sums, slope in ((self._sums, self.samples), (self._squares, self.samples**2))
        )

    def mean(self, start_s: float, end_s: float) -> float:
        if start_s >= self.length_s or end_s <= start_s:
            return float(self.samples[-1])
        mean, _ = self.moments(np.array(start_s), np.array(end_s))
        return float(mean)

    def phases_within(self, start_s: Array, end_s: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last phase whose rules a piece heard from `start_s` to `end_s` has to keep."""
        leeway = np.minimum(LEEWAY_S, (end_s - start_s) / 2)
        return self.phase_index(start_s + leeway), self.phase_index(end_s - leeway)

    def phase_index(self, at_s: Array) -> NDArray[np.intp]:
        return np.maximum(np.searchsorted(self._starts_s, at_s, side="right") - 1, 0)

    def phase(self, at_s: float) -> Phase:
        return self.phases[int(self.phase_index(np.array(at_s)))]

    def _steps(self, at_s: Array) -> Array:
        return np.minimum(at_s / self.STEP_S, float(len(self.samples)))

    def _whole(self, steps: Array) -> NDArray[np.intp]:
        return np.minimum(steps.astype(np.intp), len(self.samples) - 1)
