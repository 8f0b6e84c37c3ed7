"""How long neighbours sound together and where a piece may begin, alike for choosing and for laying out."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.plan import CROSSFADE_S, GRID, PEAK_CROSSFADE_S, PROGRAMME_END_S, RHYTHMIC_CROSSFADE_S
from kap.music.arcs import Arc
from kap.music.builder.parts import Candidate

Number = TypeVar("Number", float, NDArray[np.float64])

GRID_S = GRID / RATE
"""Pieces begin on the grid on which Opus packets and AAC frames meet."""

INTO_SURPLUS_S = PROGRAMME_END_S
PEAK_NEAR_S = 90.0  # a joint this long before the peak leads into it

# What renders the music rounds every edge; this much to spare keeps the roundings from leaving a hole.
ROUNDING_S = 0.35


def usual_crossfade_s(usual_s: float, *, rhythmic: bool, into_peak: bool) -> float:
    """Before the lengths of the two are considered."""
    if rhythmic:
        return min(usual_s, RHYTHMIC_CROSSFADE_S)
    return PEAK_CROSSFADE_S if into_peak else usual_s


def crossfade_between(before: Candidate, after: Candidate, usual_s: float = CROSSFADE_S) -> float:
    """Seconds two neighbours sound together: at most a quarter of the shorter."""
    wanted = usual_crossfade_s(usual_s, rhythmic=before.is_rhythmic or after.is_rhythmic, into_peak=False)
    return min(wanted, before.duration_s / 4, after.duration_s / 4)


def on_grid(at_s: Number) -> Number:
    """The last moment of the grid that is not later; a hair's breadth short of one counts as that one."""
    floored: Number = np.floor(at_s / GRID_S + 1e-6) * GRID_S
    return floored


def after_silence(at_s: Number) -> Number:
    """The first moment of the grid that is not earlier."""
    raised: Number = np.ceil(at_s / GRID_S - 1e-6) * GRID_S
    return raised


def leads_into_peak(arc: Arc, *, before_start_s: float, joint_s: float) -> bool:
    """Whether the piece after this joint is the first of the peak."""
    near_s, end_s = peak_s(arc)
    return before_start_s < near_s <= joint_s < end_s


def peak_s(arc: Arc) -> tuple[float, float]:
    """From when on a joint leads into the peak, and when the peak ends; never, for an arc without one."""
    if arc.peak is None:
        return (np.inf, np.inf)
    start_s = (arc.peak.start_min - arc.start_min) * 60
    return start_s - PEAK_NEAR_S, (arc.peak.end_min - arc.start_min) * 60
