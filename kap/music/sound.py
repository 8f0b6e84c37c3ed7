"""The picture of a track: its wave, its level over time, what startles in it. Pure.

Places are shares of the track's length in per cent, so that a drawing can be as wide as its page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kap.audio.levels import levels_to_lufs

QUIETEST_LUFS, LOUDEST_LUFS = -55.0, -5.0  # what the strip of the level shows, the same for every track
GRID_LUFS = (-50, -40, -30, -20, -10)
LEVEL_COLUMNS = 500
WAVE_COLUMN = 4  # units of the drawing for each column of a wave
WAVE_HEIGHT = 256
_FULL = 120  # of 128 above and below the middle, so that no stroke is cut off
TICKS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 6


@dataclass(frozen=True)
class Mark:
    """A moment: where it is, and its second."""

    x: float
    second: float


@dataclass(frozen=True)
class SoundPicture:
    """`level` is a path in a box of 1000 by 100; `lead` and `trail` are the widths of silence at the ends."""

    level: str
    grid: tuple[tuple[float, int], ...]
    startles: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    lead: float
    trail: float


def sound_picture(
    *,
    duration_s: float,
    levels: bytes | None,
    startles_s: Sequence[float] | None,
    lead_silence_s: float | None,
    trail_silence_s: float | None,
) -> SoundPicture:
    """Draw a measured track; what has not been measured is left out."""

    def marks(seconds: Sequence[float]) -> tuple[Mark, ...]:
        return tuple(Mark(_percent(second / duration_s), second) for second in seconds)

    return SoundPicture(
        level=level_path(levels_to_lufs(levels or b"")),
        grid=tuple((_percent(1 - _height(lufs)), lufs) for lufs in GRID_LUFS),
        startles=marks(startles_s or ()),
        ticks=marks(ticks(duration_s)),
        lead=_percent((lead_silence_s or 0.0) / duration_s),
        trail=_percent((trail_silence_s or 0.0) / duration_s),
    )


def wave_path(peaks: bytes, columns: int) -> str:
    """A path of `columns` strokes, WAVE_COLUMN wide and WAVE_HEIGHT high, through (lowest, highest) pairs.

    The highest point fills the height: a wave shows the shape of a piece, and its level is drawn beside it.
    """
    pairs = np.frombuffer(peaks, np.int8).reshape(-1, 2).astype(int)
    pairs = pairs * _FULL // max(int(np.abs(pairs).max(initial=0)), 1)
    columns = min(columns, len(pairs))
    starts = np.arange(columns) * len(pairs) // max(columns, 1)
    lowest, highest = np.minimum.reduceat(pairs[:, 0], starts), np.maximum.reduceat(pairs[:, 1], starts)
    middle = WAVE_HEIGHT // 2
    return "".join(
        f"M{column * WAVE_COLUMN + WAVE_COLUMN // 2} {middle - 1 - high}V{middle + 1 - low}"
        for column, (low, high) in enumerate(zip(lowest, highest, strict=True))
    )


def level_path(lufs: Sequence[float]) -> str:
    """The outline of the level from left to right in a box of 1000 by 100, each point the loudest around it.

    Seconds below the quietest that is shown lie on the ground. Empty when nothing has been measured.
    """
    if not lufs:
        return ""
    step = -(-len(lufs) // LEVEL_COLUMNS)
    loudest = [max(lufs[start : start + step]) for start in range(0, len(lufs), step)]
    heights = [(1 - _height(level)) * 100 for level in loudest]
    places = [1000 * index / max(len(heights) - 1, 1) for index in range(len(heights))]
    return "".join(
        f"{'L' if index else 'M'}{x:.1f} {y:.1f}"
        for index, (x, y) in enumerate(zip(places, heights, strict=True))
    )


def ticks(duration_s: float) -> list[float]:
    """Round seconds to write below a picture: few enough for a phone, and none too near the end."""
    step = next((step for step in TICKS_S if duration_s / step <= MOST_TICKS), TICKS_S[-1])
    return [float(second) for second in range(0, math.ceil(duration_s * 0.86), step)]


def _height(lufs: float) -> float:
    return min(max((lufs - QUIETEST_LUFS) / (LOUDEST_LUFS - QUIETEST_LUFS), 0.0), 1.0)


def _percent(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 3)
