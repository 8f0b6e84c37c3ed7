"""A first guess at how intense a piece is, for the person who decides.

No source gives a scale, and what makes music intense (harmony, voices, memory) is not measured here: level,
movement, attacks and brightness are only what goes with it. So it is a guess, with its reasons beside it, to
the nearest twentieth.
"""

import math
from dataclasses import dataclass
from typing import Protocol

CAVEAT = "A rough guess from the sound alone: it hears level, movement, attacks and brightness, not meaning."

_QUIET_LUFS, _LOUD_LUFS = -30.0, -10.0
_STEADY_LU, _MOVING_LU = 3.0, 15.0
_DARK_HZ, _BRIGHT_HZ = 250.0, 4000.0
_MANY_ONSETS = 4.0
# Loudest passage, movement, onsets, brightness; and what is left when all of them are low.
_WEIGHTS, _LEAST = (0.3, 0.15, 0.3, 0.15), 0.1


class Heard(Protocol):
    """What `measure` found, in any object that keeps it."""

    @property
    def short_term_max_lufs(self) -> float | None: ...
    @property
    def loudness_range_lu(self) -> float | None: ...
    @property
    def brightness_hz(self) -> float | None: ...
    @property
    def onsets_per_s(self) -> float | None: ...


@dataclass(frozen=True)
class Suggestion:
    """`pulse` is "none", "slow", "moderate" or "fast"; `because` the reasons in words."""

    intensity: float
    pulse: str
    because: str

    @property
    def sentence(self) -> str:
        return f"Suggested {self.intensity:g}: {self.because}."


def suggest(heard: Heard) -> Suggestion | None:
    """None when it has not been measured for this."""
    level, moves = heard.short_term_max_lufs, heard.loudness_range_lu
    bright, onsets = heard.brightness_hz, heard.onsets_per_s
    if level is None or moves is None or bright is None or onsets is None:
        return None
    shares = (
        _share(level, _QUIET_LUFS, _LOUD_LUFS),
        _share(moves, _STEADY_LU, _MOVING_LU),
        _share(onsets, 0.0, _MANY_ONSETS),
        _share(math.log(max(bright, 1.0)), math.log(_DARK_HZ), math.log(_BRIGHT_HZ)),
    )
    intensity = _LEAST + sum(weight * share for weight, share in zip(_WEIGHTS, shares, strict=True))
    return Suggestion(round(intensity * 20) / 20, _pulse(onsets), _because(*shares))


def _share(value: float, least: float, most: float) -> float:
    return min(1.0, max(0.0, (value - least) / (most - least)))


def _pulse(onsets_per_s: float) -> str:
    """As far as onsets tell: many of them need not be a beat."""
    for below, name in ((0.3, "none"), (1.0, "slow"), (2.5, "moderate")):
        if onsets_per_s < below:
            return name
    return "fast"


def _because(level: float, moves: float, onsets: float, bright: float) -> str:
    return ", ".join(
        (
            _word(onsets, "few attacks", "some attacks", "many attacks"),
            _word(bright, "dark", "neither dark nor bright", "bright"),
            _word(
                level,
                "quiet even where it is loudest",
                "of middle level where it is loudest",
                "loud in places",
            ),
            _word(moves, "steady", "moving a little", "from soft to loud"),
        )
    )


def _word(share: float, low: str, middle: str, high: str) -> str:
    return low if share < 1 / 3 else middle if share < 2 / 3 else high
