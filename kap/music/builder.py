"""Chooses and orders tracks so that their intensity follows an arc for a given length.

No trial shows that one order works better than another. The choice follows the arc's defaults, says why for
every track, and is there to be changed by hand.
"""

import bisect
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from kap.audio.plan import CROSSFADE_S
from kap.music.arcs import Arc

# What the search weighs, all in “minutes of being wrong by the whole range of intensity”.
JUMP_WEIGHT = 1.0  # a step between neighbours beyond the step of the curve itself
EXCESS_WEIGHT = 0.15  # per minute of music that the end of the session cuts off
STUB_COST = 10.0  # a last piece that is cut before it has been heard for LEAST_LAST_S
VARIETY = 0.12  # how far a seed other than 0 may shift a track's fit, so that it gives another order

# The render lets the last piece fade for 30 s after a crossfade, which needs room to be music at all.
LEAST_LAST_S = 60.0

# Rendering rounds every edge to a sample; this much to spare keeps the roundings from leaving a hole.
ROUNDING_S = 0.01

CHOICES = 32  # tracks tried at each step, nearest in intensity first
WIDTH = 64  # unfinished orders kept at each step
EFFORT = 60_000  # tries in all, so that many short tracks cost no more time than a few long ones

BANDS = (("quiet", 0.0, 0.3), ("middle", 0.3, 0.55), ("strong", 0.55, 1.0))


@dataclass(frozen=True)
class Candidate:
    """A track that may be used. `duration_s` leaves out silence at the ends; intensity is 0 to 1."""

    id: str
    title: str
    duration_s: float
    intensity: float


@dataclass(frozen=True)
class Place:
    """A track in its place: seconds from the beginning of the music, crossfades included at both ends.

    `target_intensity` is the mean of the arc over that time; `why` is a sentence for people.
    """

    candidate_id: str
    start_s: float
    end_s: float
    phase: str
    target_intensity: float
    why: str


@dataclass(frozen=True)
class Build:
    """Places from the beginning to `length_s` at most; `material_s` is where the last piece would end uncut.

    `arc` is the arc fitted to the length. `unused` are the tracks of a hand-made order that begin too late.
    """

    arc: Arc
    length_s: float
    material_s: float
    places: tuple[Place, ...]
    unused: tuple[str, ...] = ()

    @property
    def short_s(self) -> float:
        """Seconds of music still missing; 0 when the length is covered."""
        return max(0.0, self.length_s - self.material_s)

    @property
    def excess_s(self) -> float:
        """Seconds of the last piece that the end cuts off."""
        return max(0.0, self.material_s - self.length_s)


@dataclass(frozen=True)
class Gap:
    """A range of intensity in which the library has less music than the arc needs."""

    name: str
    low: float
    high: float
    missing_s: float


class NotEnough(Exception):
    """The library cannot cover the length without repeating a track; it is `missing_s` short."""

    def __init__(self, length_s: float, missing_s: float, gaps: tuple[Gap, ...]) -> None:
        most = sorted(gaps, key=lambda gap: -gap.missing_s)
        wanted = ", ".join(
            f"{_minutes(gap.missing_s)} of {gap.name} music (intensity {gap.low:g} to {gap.high:g})"
            for gap in most
        )
        reason = f"The tracks are {_minutes(missing_s)} short of {_minutes(length_s)}."
        super().__init__(
            f"{reason} Compared with the arc there is too little: {wanted}." if wanted else reason
        )
        self.length_s = length_s
        self.missing_s = missing_s
        self.gaps = gaps


def build(
    arc: Arc,
    *,
    length_s: float,
    candidates: Iterable[Candidate],
    crossfade_s: float = CROSSFADE_S,
    seed: int = 0,
) -> Build:
    """Choose and order tracks for `length_s` of music along the arc, each at most once.

    The same arguments give the same answer, whatever the order of the candidates; seed 0 follows the arc most
    closely, other seeds vary the choice a little. The last piece reaches past the length and is cut there.
    Raises `NotEnough` when the tracks cannot cover the length, `ValueError` for a length not above zero.
    """
    curve = _Curve(arc, length_s)
    pool = _Pool(candidates, seed)
    order = [pool.tracks[index] for index in _Search(curve, pool, crossfade_s).best()]
    return _placed(curve, order, crossfade_s)


def lay_out(
    arc: Arc, *, length_s: float, ordered: Sequence[Candidate], crossfade_s: float = CROSSFADE_S
) -> Build:
    """Put tracks into place in a given order, without judging it; `short_s` tells how much is missing."""
    return _placed(_Curve(arc, length_s), ordered, crossfade_s)


def crossfade_between(before: Candidate, after: Candidate, usual_s: float) -> float:
    """Seconds two neighbours sound together: at most a quarter of the shorter, as when rendering."""
    return min(usual_s, before.duration_s / 4, after.duration_s / 4)


class _Curve:
    """The arc fitted to a length, with its mean over any stretch of seconds at no cost."""

    STEP_S = 5.0

    def __init__(self, arc: Arc, length_s: float) -> None:
        self.length_s = length_s
        self.arc = arc.fitted(length_s / 60)
        middles = (self.STEP_S * (step + 0.5) for step in range(math.ceil(length_s / self.STEP_S)))
        self.samples = [self.arc.intensity_at(self.minute(at)) for at in middles]
        self._sums = list(accumulate(self.samples, initial=0.0))

    def minute(self, at_s: float) -> float:
        return self.arc.start_min + at_s / 60

    def mean(self, start_s: float, end_s: float) -> float:
        """Mean target intensity of a stretch; what lies beyond the end is left out."""
        low, high = self._sum_to(start_s), self._sum_to(end_s)
        return (high[1] - low[1]) / (high[0] - low[0]) if high[0] > low[0] else self.samples[-1]

    def _sum_to(self, at_s: float) -> tuple[float, float]:
        steps = min(at_s / self.STEP_S, float(len(self.samples)))
        whole = min(int(steps), len(self.samples) - 1)
        return steps, self._sums[whole] + (steps - whole) * self.samples[whole]


class _Pool:
    """The usable candidates by intensity, each with its share of chance."""

    def __init__(self, candidates: Iterable[Candidate], seed: int) -> None:
        unique = {track.id: track for track in candidates if track.duration_s > 0}
        by_id = sorted(unique.values(), key=lambda track: track.id)
        chance = random.Random(seed)
        most = VARIETY if seed else 0.0
        nudges = {track.id: most * chance.random() for track in by_id}
        self.tracks = sorted(by_id, key=lambda track: track.intensity)
        self.nudges = [nudges[track.id] for track in self.tracks]
        self._intensities = [track.intensity for track in self.tracks]

    def nearest(self, intensity: float, used: int) -> Iterator[int]:
        """Indices of up to CHOICES unused tracks, nearest in intensity first. `used` is a set of bits."""
        above = bisect.bisect_left(self._intensities, intensity)
        below = above - 1
        left = CHOICES
        while left and (below >= 0 or above < len(self.tracks)):
            if above >= len(self.tracks) or (
                below >= 0 and intensity - self._intensities[below] <= self._intensities[above] - intensity
            ):
                index, below = below, below - 1
            else:
                index, above = above, above + 1
            if not used >> index & 1:
                left -= 1
                yield index


@dataclass(frozen=True, slots=True)
class _Order:
    """An order under construction, as a chain from its last track back to its first."""

    previous: "_Order | None"
    index: int
    used: int
    end_s: float
    target: float
    cost: float

    @property
    def mean_cost(self) -> float:
        return self.cost / self.end_s


class _Search:
    """A beam search over orders: at each step the best unfinished ones grow by one track."""

    def __init__(self, curve: _Curve, pool: _Pool, crossfade_s: float) -> None:
        self.curve = curve
        self.pool = pool
        self.crossfade_s = crossfade_s
        self.typical_s = median([track.duration_s for track in pool.tracks]) if pool.tracks else 1.0
        steps = max(1.0, curve.length_s / self.typical_s)
        self.width = max(4, min(WIDTH, int(EFFORT / (CHOICES * steps))))

    def best(self) -> list[int]:
        """Indices of the best order found, first track first."""
        finished: _Order | None = None
        longest_s = 0.0
        growing = list(self._grown(None))
        while growing:
            unfinished: dict[tuple[int, int], _Order] = {}
            for order in growing:
                longest_s = max(longest_s, order.end_s)
                if order.end_s >= self.curve.length_s + ROUNDING_S:
                    finished = order if finished is None or order.cost < finished.cost else finished
                else:
                    known = unfinished.get((order.used, order.index))
                    if known is None or order.cost < known.cost:
                        unfinished[order.used, order.index] = order
            kept = sorted(unfinished.values(), key=lambda order: order.mean_cost)[: self.width]
            hopeful = (order for order in kept if finished is None or order.cost < finished.cost)
            growing = [longer for order in hopeful for longer in self._grown(order)]
        if finished is None:
            raise self._not_enough(longest_s)
        return _indices(finished)

    def _grown(self, order: _Order | None) -> Iterator[_Order]:
        at_s = order.end_s if order else 0.0
        target = self.curve.mean(at_s, at_s + self.typical_s)
        for index in self.pool.nearest(target, order.used if order else 0):
            yield self._with(order, index)

    def _with(self, order: _Order | None, index: int) -> _Order:
        track = self.pool.tracks[index]
        start_s = 0.0
        if order:
            before = self.pool.tracks[order.index]
            start_s = order.end_s - crossfade_between(before, track, self.crossfade_s)
        end_s = start_s + track.duration_s
        heard_s = min(end_s, self.curve.length_s) - start_s
        target = self.curve.mean(start_s, start_s + heard_s)
        cost = (abs(track.intensity - target) + self.pool.nudges[index]) * heard_s / 60
        if order:
            step = abs(track.intensity - before.intensity) - abs(target - order.target)
            cost += order.cost + JUMP_WEIGHT * max(0.0, step)
        return _Order(
            previous=order,
            index=index,
            used=(order.used if order else 0) | 1 << index,
            end_s=end_s,
            target=target,
            cost=cost + self._ending_cost(track, end_s, heard_s),
        )

    def _ending_cost(self, track: Candidate, end_s: float, heard_s: float) -> float:
        excess_s = max(0.0, end_s - self.curve.length_s)
        is_stub = excess_s > 0 and heard_s < min(LEAST_LAST_S, track.duration_s / 2)
        return EXCESS_WEIGHT * excess_s / 60 + (STUB_COST if is_stub else 0.0)

    def _not_enough(self, longest_s: float) -> NotEnough:
        gaps = []
        for name, low, high in BANDS:
            needed_s = self.curve.length_s * _share_within(self.curve.samples, low, high)
            present_s = sum(
                track.duration_s - min(self.crossfade_s, track.duration_s / 4)
                for track in self.pool.tracks
                if _is_within(track.intensity, low, high)
            )
            if needed_s > present_s:
                gaps.append(Gap(name, low, high, needed_s - present_s))
        missing_s = max(self.curve.length_s - longest_s, ROUNDING_S)
        return NotEnough(self.curve.length_s, missing_s, tuple(gaps))


def _indices(order: _Order) -> list[int]:
    chain: list[int] = []
    link: _Order | None = order
    while link:
        chain.append(link.index)
        link = link.previous
    return chain[::-1]


def _placed(curve: _Curve, ordered: Sequence[Candidate], crossfade_s: float) -> Build:
    places: list[Place] = []
    end_s = 0.0
    for number, track in enumerate(ordered):
        if end_s >= curve.length_s:
            break
        start_s = end_s - crossfade_between(ordered[number - 1], track, crossfade_s) if number else 0.0
        end_s = start_s + track.duration_s
        places.append(_place(curve, track, start_s, end_s))
    return Build(
        arc=curve.arc,
        length_s=curve.length_s,
        material_s=end_s,
        places=tuple(places),
        unused=tuple(track.id for track in ordered[len(places) :]),
    )


def _place(curve: _Curve, track: Candidate, start_s: float, end_s: float) -> Place:
    heard_until_s = min(end_s, curve.length_s)
    target = curve.mean(start_s, heard_until_s)
    phase = curve.arc.phase_at(curve.minute((start_s + heard_until_s) / 2))
    why = f"{phase.label}: {_fit(track.intensity, target)}"
    cut_s = end_s - curve.length_s
    if cut_s >= 1:
        why += f" The music ends here, {_minutes(cut_s)} before the track does."
    return Place(track.id, start_s, heard_until_s, phase.name, target, why)


def _fit(intensity: float, target: float) -> str:
    gap = intensity - target
    if abs(gap) <= 0.07:
        words = "is what the arc asks for"
    elif abs(gap) <= 0.15:
        words = "is close to what the arc asks for"
    else:
        words = f"is {'stronger' if gap > 0 else 'softer'} than what the arc asks for"
    return f"its intensity {intensity:.2f} {words} ({target:.2f})."


def _share_within(samples: Sequence[float], low: float, high: float) -> float:
    return sum(_is_within(sample, low, high) for sample in samples) / len(samples)


def _is_within(intensity: float, low: float, high: float) -> bool:
    return low <= intensity < high or (intensity == high == BANDS[-1][2])


def _minutes(seconds: float) -> str:
    return f"{math.ceil(seconds / 60)} min" if seconds > 60 else f"{math.ceil(seconds)} s"
