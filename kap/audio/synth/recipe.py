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
    "bittersweet": (1, 9 / 8, 6 / 5, 3 / 2, 5 / 3),
}

_D: Final = 220.0 / 3.0  # 73.3 Hz, a pure fifth under A
_OVER_D: Final = {
    "B♭": 4 / 5,
    "B": 5 / 6,
    "C": 8 / 9,
    "C♯": 15 / 16,
    "D": 1,
    "E♭": 16 / 15,
    "E": 9 / 8,
    "F": 6 / 5,
    "F♯": 5 / 4,
    "G": 4 / 3,
    "A♭": 64 / 45,
    "A": 3 / 2,
}
ROOTS: Final[dict[str, float]] = {
    **{note: _D * ratio for note, ratio in _OVER_D.items()},
    **{f"{note}, an octave higher": 2 * _D * ratio for note, ratio in _OVER_D.items()},
}
"""Notes a drone may stand on, in hertz: pure against D, so that any two tracks agree."""

SHORTEST_S: Final = 60
LONGEST_S: Final = 3600


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

    @property
    def wet(self) -> float:
        """The reverberation's share of the power."""
        return 0.5 + 0.2 * self.intensity

    @property
    def level_lufs(self) -> float:
        """Loudness around -20 LUFS, 5 LU from one end of the scale of intensity to the other."""
        return -20.0 + 5.0 * (self.intensity - 0.45)
