"""What a playlist looks like: the arc asked for, the pieces in it, and the loudness that came out. Pure.

Everything is in shares of the whole file's length from the left and of a strip's height from below, so that
the drawing can be as wide as its page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from kap.music.arcs import Arc

CURVE_POINTS = 120
LEVEL_COLUMNS = 360
QUIETEST_LUFS, LOUDEST_LUFS = -40.0, -12.0  # what the strip of loudness shows from bottom to top
TICKS_MIN = (5, 10, 15, 20, 30, 60)
MOST_TICKS = 8


@dataclass(frozen=True)
class Sounding:
    """One place as it is heard, in seconds of the file. `kind` is track, silence or surplus."""

    title: str
    kind: str
    start_s: float
    end_s: float
    pinned: bool = False
    number: int | None = None  # in the list of the page


@dataclass(frozen=True)
class Speaking:
    title: str
    at_s: float
    end_s: float


@dataclass(frozen=True)
class Got:
    """A finished mix: its short-term loudness second by second, and what each track was asked to have."""

    levels_lufs: Sequence[float]
    asked_lufs: Sequence[tuple[float, float, float]]  # (start_s, end_s, LUFS)


@dataclass(frozen=True)
class Band:
    """A stretch of time. `kind` says how it is drawn."""

    label: str
    kind: str
    x: float
    width: float
    pinned: bool = False
    number: int | None = None


@dataclass(frozen=True)
class Picture:
    """`levels` and `asked` are empty as long as nothing has been rendered."""

    length_s: float
    programme_s: float
    curve: tuple[tuple[float, float], ...]
    phases: tuple[Band, ...]
    pieces: tuple[Band, ...]
    voices: tuple[Band, ...]
    ticks: tuple[tuple[float, int], ...]
    levels: tuple[tuple[float, float], ...]
    asked: tuple[tuple[float, float, float], ...]

    @property
    def programme(self) -> float:
        return self.programme_s / self.length_s

    @property
    def has_silence(self) -> bool:
        return any(piece.kind == "silence" for piece in self.pieces)


def picture(
    arc: Arc,
    *,
    programme_s: float,
    surplus_s: float,
    pieces: Sequence[Sounding],
    voices: Sequence[Speaking] = (),
    got: Got | None = None,
) -> Picture:
    """Draw a playlist whose `arc` is already fitted to the programme."""
    length = programme_s + surplus_s
    return Picture(
        length_s=length,
        programme_s=programme_s,
        curve=_curve(arc, programme_s / length),
        phases=tuple(
            _band(phase.label, "phase", (phase.start_min - arc.start_min) * 60,
                  (phase.end_min - arc.start_min) * 60, length)
            for phase in arc.phases
        ),
        pieces=tuple(
            replace(
                _band(piece.title, piece.kind, piece.start_s, piece.end_s, length),
                pinned=piece.pinned,
                number=piece.number,
            )
            for piece in pieces
        ),
        voices=tuple(_band(voice.title, "voice", voice.at_s, voice.end_s, length) for voice in voices),
        ticks=_ticks(length),
        levels=_levels(got.levels_lufs, length) if got else (),
        asked=tuple((start / length, end / length, _height(lufs)) for start, end, lufs in got.asked_lufs)
        if got
        else (),
    )  # fmt: skip


def curve_of(arc: Arc) -> tuple[tuple[float, float], ...]:
    """An arc alone, over its whole width."""
    return _curve(arc, 1.0)


def _curve(arc: Arc, width: float) -> tuple[tuple[float, float], ...]:
    shares = [step / CURVE_POINTS for step in range(CURVE_POINTS + 1)]
    return tuple(
        (share * width, arc.intensity_at(arc.start_min + share * arc.length_min)) for share in shares
    )


def _band(label: str, kind: str, start_s: float, end_s: float, length_s: float) -> Band:
    start, end = (min(max(at / length_s, 0.0), 1.0) for at in (start_s, end_s))
    return Band(label, kind, start, end - start)


def _levels(levels: Sequence[float], length_s: float) -> tuple[tuple[float, float], ...]:
    """At most `LEVEL_COLUMNS` points, each the mean over its seconds."""
    step = max(1, -(-len(levels) // LEVEL_COLUMNS))
    points = []
    for start in range(0, len(levels), step):
        part = levels[start : start + step]
        points.append(((start + len(part) / 2) / length_s, _height(fmean(part))))
    return tuple(points)


def _height(lufs: float) -> float:
    return min(max((lufs - QUIETEST_LUFS) / (LOUDEST_LUFS - QUIETEST_LUFS), 0.0), 1.0)


def _ticks(length_s: float) -> tuple[tuple[float, int], ...]:
    """(share, minute) of round minutes, few enough to be read on a phone."""
    step = next((step for step in TICKS_MIN if length_s / 60 / step <= MOST_TICKS), TICKS_MIN[-1])
    return tuple((minute * 60 / length_s, minute) for minute in range(0, int(length_s // 60) + 1, step))
