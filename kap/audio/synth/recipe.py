"""What a generated track is made from: a seed and a few musical choices."""

from dataclasses import dataclass
from typing import Final

MODES: Final[dict[str, tuple[float, ...]]] = {
    # Just ratios over the root: beatless over a drone, so nothing in a held chord needs to resolve.
    "pentatonic": (1, 9 / 8, 5 / 4, 3 / 2, 5 / 3),
    "add9": (1, 9 / 8, 5 / 4, 3 / 2),
    "open": (1, 3 / 2),
    "suspended": (1, 9 / 8, 4 / 3, 3 / 2),
    "minor": (1, 6 / 5, 4 / 3, 3 / 2, 9 / 5),
}


@dataclass(frozen=True)
class Recipe:
    """One track. `intensity`, `brightness` and `density` run from 0 to 1; `seconds` is the exact length.

    `root_hz` is the drone's pitch, `mode` a key of `MODES`, `family` a key of `families.FAMILIES`.
    """

    slug: str
    title: str
    family: str
    seed: int
    seconds: int
    intensity: float
    root_hz: float
    mode: str
    brightness: float
    density: float
    note: str

    def ladder(self, low: float, high: float) -> list[float]:
        """The mode's pitches in hertz from `low` to `high` times the root, rising."""
        ratios = (degree * 2.0**octave for octave in range(-1, 6) for degree in MODES[self.mode])
        return sorted(self.root_hz * ratio for ratio in ratios if low <= ratio <= high)

    @property
    def cutoff_hz(self) -> float:
        """Where partials start to fall away: the more intense, the darker, as guides choose peak music.

        Barrett et al. 2017 found peak-period music in psilocybin sessions lower in brightness.
        """
        return (3800.0 - 3200.0 * self.intensity) * (0.7 + 0.6 * self.brightness)
