"""Where every piece of a mix begins, how loud it is and how it meets its neighbours. Pure arithmetic.

Positions are whole samples at 48 kHz, so a plan says exactly what is heard when; whoever renders it, by
mixing everything or by copying what is already encoded, has nothing left to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from kap.audio import RATE
from kap.audio.errors import PlanError

CEILING_DBTP = -2.0
"""True peak ceiling of a mix: the usual limit of -1 dBTP and one more decibel for the encoders."""

MAX_BOOST_DB = 12.0
CROSSFADE_S = 12.0
RHYTHMIC_CROSSFADE_S = 6.0
FADE_IN_S = 10.0
FADE_OUT_S = 30.0

Bound = Literal["target", "ceiling", "boost"]


@dataclass(frozen=True)
class Piece:
    """A measured sound file and the loudness it is wanted at; a beat (`rhythmic`) shortens its crossfades."""

    path: Path
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float
    target_lufs: float
    rhythmic: bool = False
    title: str = ""


@dataclass(frozen=True)
class Segment:
    """A piece in its place; every number but the gain is in samples at 48 kHz.

    It is heard from `start` to `stop` of the mix and taken from `source_start` of its file. Its first
    `crossfade_in` samples overlap the segment before, its last `crossfade_out` the one after. `bound_by`
    tells what set the gain: the target, the ceiling of the true peak, or the largest boost.
    """

    path: Path
    title: str
    source_start: int
    start: int
    length: int
    crossfade_in: int
    crossfade_out: int
    gain_db: float
    bound_by: Bound

    @property
    def stop(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class MixPlan:
    """Segments in order, and the fades of the whole mix (samples). `total_samples` is exact."""

    segments: tuple[Segment, ...]
    total_samples: int
    fade_in: int
    fade_out: int
    ceiling_dbtp: float

    @property
    def length_s(self) -> float:
        return self.total_samples / RATE


def phase_target_lufs(intensity: float) -> float:
    """Loudness wanted for an intensity 0..1: -20 LUFS at 0.45, 1 LU for every 0.2, within -22.5 and -18."""
    return min(-18.0, max(-22.5, -20.0 + 5.0 * (intensity - 0.45)))


def plan_mix(
    pieces: Sequence[Piece],
    *,
    length_s: float,
    crossfade_s: float = CROSSFADE_S,
    ceiling_dbtp: float = CEILING_DBTP,
) -> MixPlan:
    """Lay the pieces end to end, in order, to exactly `length_s` (rounded to a sample).

    Silence at their ends is left out. A crossfade takes at most a quarter of the shorter piece, so no three
    pieces ever sound together. The last piece is cut where the mix ends and further ones are left out; the
    mix fades in over 10 s and out over 30 s (less when it is short). Raises PlanError with the seconds
    missing.
    """
    total = round(length_s * RATE)
    if total <= 0:
        raise PlanError("the length of a mix must be more than nothing")
    heard = [_heard_samples(piece) for piece in pieces]
    joints = [
        min(round(_crossfade_s(before, after, crossfade_s) * RATE), short // 4)
        for (before, after), short in zip(pairwise(pieces), map(min, pairwise(heard)), strict=True)
    ]
    starts = [0]
    for length, joint in zip(heard, joints, strict=False):
        starts.append(starts[-1] + length - joint)
    reach = starts[-1] + heard[-1] if heard else 0
    if reach < total:
        raise _too_little(total - reach)
    count = next(i for i, start in enumerate(starts) if start + heard[i] >= total) + 1
    edges = [0, *joints[: count - 1], 0]
    segments = tuple(
        _segment(
            pieces[i],
            start=starts[i],
            length=min(heard[i], total - starts[i]),
            crossfade_in=edges[i],
            crossfade_out=edges[i + 1],
            ceiling_dbtp=ceiling_dbtp,
        )
        for i in range(count)
    )
    return MixPlan(
        segments=segments,
        total_samples=total,
        fade_in=min(round(FADE_IN_S * RATE), total // 4),
        fade_out=min(round(FADE_OUT_S * RATE), total // 2),
        ceiling_dbtp=ceiling_dbtp,
    )


def _too_little(samples: int) -> PlanError:
    missing_s = samples / RATE
    minutes, seconds = divmod(-(-samples // RATE), 60)
    amount = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return PlanError(f"the tracks are {amount} too short for this length", missing_s=missing_s)


def _crossfade_s(before: Piece, after: Piece, usual_s: float) -> float:
    return min(usual_s, RHYTHMIC_CROSSFADE_S) if before.rhythmic or after.rhythmic else usual_s


def _heard_samples(piece: Piece) -> int:
    heard = round(piece.duration_s * RATE) - _lead(piece) - round(piece.trail_silence_s * RATE)
    if heard <= 0:
        raise PlanError(f"there is nothing to hear in {piece.title or 'one of the tracks'}")
    return heard


def _lead(piece: Piece) -> int:
    return round(piece.lead_silence_s * RATE)


def _segment(
    piece: Piece, *, start: int, length: int, crossfade_in: int, crossfade_out: int, ceiling_dbtp: float
) -> Segment:
    gain_db, bound_by = gain(piece, ceiling_dbtp=ceiling_dbtp)
    return Segment(
        path=piece.path,
        title=piece.title,
        source_start=_lead(piece),
        start=start,
        length=length,
        crossfade_in=crossfade_in,
        crossfade_out=crossfade_out,
        gain_db=gain_db,
        bound_by=bound_by,
    )


def gain(piece: Piece, *, ceiling_dbtp: float = CEILING_DBTP) -> tuple[float, Bound]:
    """The plain gain in dB that brings a piece to its target, and what held it back if something did."""
    choices: list[tuple[float, Bound]] = [
        (piece.target_lufs - piece.loudness_lufs, "target"),
        (ceiling_dbtp - piece.true_peak_dbtp, "ceiling"),
        (MAX_BOOST_DB, "boost"),
    ]
    return min(choices, key=lambda choice: choice[0])
