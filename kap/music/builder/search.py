"""A beam search over orders: at each step the best unfinished ones grow by one track.

All of a step is a few operations on arrays, one row per order and one column per track, so that a thousand
tracks cost little more than a hundred. The last column is a wish: a track that fits anywhere and that no
library has. It costs more than any other choice, so an order holds wishes only where nothing else is left,
and then they say what the library lacks.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kap.audio.plan import PEAK_CROSSFADE_S, RHYTHMIC_CROSSFADE_S
from kap.music.arcs import PULSES
from kap.music.builder import fitting
from kap.music.builder.curve import Array, Curve
from kap.music.builder.joints import ROUNDING_S, after_silence, on_grid, peak_s
from kap.music.builder.parts import Candidate
from kap.music.builder.pins import Block

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

# What the search weighs, all in “minutes of being wrong by the whole range of intensity”.
JOINT_COST = 0.1  # fewer and longer pieces are calmer
JUMP_WEIGHT = 1.0  # a step between neighbours beyond the step of the curve itself
VALENCE_WEIGHT, VALENCE_FREE = 0.5, 0.25  # per step of mood beyond one that passes unnoticed
BRIGHTNESS_WEIGHT, BRIGHTNESS_FREE = 0.2, 1.0  # per octave of brightness
PULSE_WEIGHT, PULSE_FREE = 0.2, 1.0  # per step of pulse
LANDING_WEIGHT = 1.0  # being stronger than the arc asks in its last phase counts once more
UNKNOWN_WEIGHT = 0.3  # for each fact that a phase's rules ask for and nobody knows
FAMILIAR_WEIGHT = {"well_known": 0.4, "some": 0.15}  # where words are not allowed, as known music pulls back
EXCESS_WEIGHT = 0.15  # per minute of music that the end, or a pin, cuts off
STUB_COST = 10.0  # a piece that is cut before it has been heard for LEAST_HEARD_S
WISH_COST = 1000.0  # more than a programme of wrong tracks
VARIETY = 0.12  # how far a seed other than 0 may shift a track's fit, so that it gives another order
THRIFT_COST = 5.0  # when music is scarce: for a track that keeps the rules of every phase

# The render lets the last piece fade for 30 s after a crossfade, which needs room to be music at all.
LEAST_HEARD_S = 60.0

WISH_S = 300.0
MOST_PLACED = 16  # with more wishes than this their place says little
WIDTH = 48  # unfinished orders kept at each step …
WIDER = 12  # times as many, where the first look found too little
EFFORT = 1600  # … or fewer, so that many short tracks cost no more time than a few long ones
LARGE = 512  # with more tracks than this only the nearest few in intensity are looked at closely


@dataclass(frozen=True)
class Ask:
    """What is to be filled: blocks of pinned elements lie fixed, everything between them is free."""

    curve: Curve
    blocks: Sequence[Block]
    crossfade_s: float
    seed: int = 0
    relax: Collection[str] = ()


@dataclass(frozen=True)
class Found:
    """Tracks for each free stretch, in order; None is a wish."""

    stretches: tuple[tuple[Candidate | None, ...], ...]

    @property
    def wishes(self) -> int:
        return sum(track is None for stretch in self.stretches for track in stretch)


def search(ask: Ask, free: Sequence[Candidate]) -> Found:
    """The best order found.

    When it holds wishes, a second look spends adaptable tracks last. When that does not help, a third one
    puts as many wishes where they improve the programme most, instead of where the tracks ran out.
    """
    pool = _Pool(ask, free)
    found = _Search(ask, pool).best()
    if not found.wishes:
        return found
    thrifty = _Search(ask, pool, thrift=THRIFT_COST).best()
    fewest = thrifty if thrifty.wishes < found.wishes else found
    if not 0 < fewest.wishes <= MOST_PLACED:
        return fewest
    placed = _Search(ask, pool, most_wishes=fewest.wishes).best()
    return placed if 0 < placed.wishes <= fewest.wishes else fewest


class _Pool:
    """The tracks as columns: the free ones by intensity, then the pinned ones, then the wish."""

    def __init__(self, ask: Ask, free: Sequence[Candidate]) -> None:
        self.free = sorted(free, key=lambda track: (track.intensity, track.id))
        pinned = [track for block in ask.blocks for track in block.tracks]
        self.tracks = [*self.free, *pinned]
        self.index = {track.id: number for number, track in enumerate(self.tracks)}
        self.wish = len(self.tracks)
        nan = np.nan
        self.duration = np.array([track.duration_s for track in self.tracks] + [WISH_S])
        self.intensity = np.array([track.intensity for track in self.tracks] + [nan])
        self.rhythmic = np.array([track.is_rhythmic for track in self.tracks] + [False])
        self.valence = np.array([_or_nan(track.valence) for track in self.tracks] + [nan])
        self.octave = np.log2(np.array([track.brightness_hz or nan for track in self.tracks] + [nan]))
        self.pulse = np.array([_pulse(track) for track in self.tracks] + [nan])
        nudges = [_chance(ask.seed, track.id) for track in self.tracks] if ask.seed else [0.0] * self.wish
        self.nudge = VARIETY * np.array([*nudges, 0.0])
        self.taken = np.array([False] * len(self.free) + [True] * len(pinned) + [False])
        self._rules(ask)

    def _rules(self, ask: Ask) -> None:
        phases = ask.curve.phases
        values = np.array([fitting.values(track) for track in self.tracks] + [[np.nan] * 4])
        limits = np.array([fitting.limits(phase.rules, ask.relax) for phase in phases])
        broken: Flags = np.any(values[:, None, :] > limits, axis=2)
        unknown = (np.isnan(values)[:, None, :] & np.isfinite(limits)).sum(axis=2) * UNKNOWN_WEIGHT
        familiar = np.array(
            [FAMILIAR_WEIGHT.get(track.familiarity or "", 0.0) for track in self.tracks] + [0]
        )
        wordless = np.array([phase.rules.words != "allowed" for phase in phases])
        unknown[self.wish] = 0.0
        self.broken = broken
        # Broken rules of the first so many phases: the difference of two columns tells of those between.
        self.broken_before = np.concatenate(
            (np.zeros((len(values), 1), int), np.cumsum(broken, axis=1)), axis=1
        )
        self.dislike: Array = unknown + familiar[:, None] * wordless
        lengths = np.array([phase.length_min for phase in phases])
        self.versatility: Array = (~broken * lengths).sum(axis=1) / lengths.sum()
        self.versatility[self.wish] = 0.0

    @property
    def typical_s(self) -> float:
        return float(np.median(self.duration[: len(self.free)])) if self.free else WISH_S


@dataclass(frozen=True, slots=True)
class _Link:
    """A track of an order and the one before it; `stretch` is the free stretch it lies in."""

    previous: "_Link | None"
    index: int
    stretch: int


@dataclass(slots=True)
class _Orders:
    """Orders under construction, one row each. `joined` is false after silence and at the beginning."""

    links: list[_Link | None]
    used: Flags  # by track
    wishes: Indices  # how many it holds
    last: Indices
    joined: Flags
    last_start_s: Array
    last_intensity: Array
    last_target: Array
    end_s: Array
    cost: Array
    stretch: Indices


class _Search:
    def __init__(self, ask: Ask, pool: _Pool, *, thrift: float = 0.0, most_wishes: int | None = None) -> None:
        self.ask = ask
        self.curve = ask.curve
        self.pool = pool
        self.thrift = thrift
        self.most_wishes = most_wishes
        self.goals = np.array([*(block.start_s for block in ask.blocks), self.curve.length_s])
        steps = max(1.0, self.curve.length_s / pool.typical_s)
        # A small library is soon spent in a wrong order; it is cheap to look at more of them the second time.
        wider = max(1.0, LARGE / pool.wish) if (thrift or most_wishes) and pool.wish else 1.0
        self.width = int(max(8, min(WIDTH, EFFORT / steps)) * min(wider, WIDER))
        self.peak_near_s, self.peak_end_s = peak_s(ask.curve.arc)
        self.finished: tuple[float, _Link | None] = (np.inf, None)

    def best(self) -> Found:
        orders = self._beginning()
        while len(orders.links):
            orders = self._grown(orders)
        return self._found()

    def _beginning(self) -> _Orders:
        one = np.zeros(1)
        orders = _Orders(
            links=[None],
            used=self.pool.taken[None, :].copy(),
            wishes=np.zeros(1, np.intp),
            last=np.zeros(1, np.intp),
            joined=np.zeros(1, np.bool_),
            last_start_s=one.copy(),
            last_intensity=np.full(1, np.nan),
            last_target=np.full(1, np.nan),
            end_s=one.copy(),
            cost=one.copy(),
            stretch=np.zeros(1, np.intp),
        )
        if self.goals[0] == 0:
            self._pass_blocks(orders, np.ones(1, np.bool_))
        return self._unfinished(orders)

    def _grown(self, orders: _Orders) -> _Orders:
        columns = self._columns(orders)
        steps = _Steps(self, orders, columns)
        rows, picked = steps.picked(self.width * 6)
        longer = steps.orders(rows, picked)
        arrived = longer.end_s >= steps.needed_s[rows, picked]
        self._pass_blocks(longer, arrived)
        return self._best_of(self._unfinished(longer))

    def _columns(self, orders: _Orders) -> Indices:
        """The tracks to look at, for each order."""
        pool, count = self.pool, len(orders.links)
        if pool.wish < LARGE:
            return np.broadcast_to(np.arange(pool.wish + 1), (count, pool.wish + 1))
        target, _ = self.curve.moments(orders.end_s, orders.end_s + pool.typical_s)
        phase = self.curve.phase_index(orders.end_s + pool.typical_s / 2)
        miss = np.abs(pool.intensity[:-1] - target[:, None]) + pool.nudge[:-1]
        miss += 10.0 * (orders.used[:, :-1] | pool.broken.T[phase, :-1])
        nearest = np.sort(np.argpartition(miss, LARGE // 2, axis=1)[:, : LARGE // 2], axis=1)
        return np.column_stack((nearest, np.full(count, pool.wish)))

    def _pass_blocks(self, orders: _Orders, arrived: Flags) -> None:
        """Set the orders that reached a pinned block behind it; those that reached the end have no goal."""
        for row in np.flatnonzero(arrived):
            stretch = int(orders.stretch[row])
            orders.stretch[row] = stretch + 1
            if stretch < len(self.ask.blocks):
                self._pass_block(orders, int(row), self.ask.blocks[stretch])

    def _pass_block(self, orders: _Orders, row: int, block: Block) -> None:
        last = block.last_track
        orders.end_s[row] = block.end_s
        orders.last_start_s[row] = block.last_start_s
        orders.joined[row] = last is not None
        if last is not None:
            index = self.pool.index[last.id]
            target = self.curve.mean(block.last_start_s, block.end_s)
            orders.last[row], orders.last_intensity[row] = index, last.intensity
            orders.last_target[row] = target

    def _unfinished(self, orders: _Orders) -> _Orders:
        """Those that still have a stretch to fill; the best of the others is kept."""
        blocks = self.ask.blocks
        if blocks and blocks[-1].end_s >= self.curve.length_s:
            done = orders.stretch >= len(blocks)
        else:
            done = orders.stretch > len(blocks)
        for row in np.flatnonzero(done):
            if orders.cost[row] < self.finished[0]:
                self.finished = (float(orders.cost[row]), orders.links[row])
        return _taken(orders, np.flatnonzero(~done & (orders.cost < self.finished[0])))

    def _best_of(self, orders: _Orders) -> _Orders:
        """The cheapest per minute, but only one of those that hold the same tracks and end alike.

        Where many tracks are alike, their orders reach the same second at the same cost. They get a part of
        the width before others have had their turn, lest they push out all that end elsewhere. The same goes
        for orders that hold as many wishes, where these are to be placed.
        """
        ranked = np.argsort(orders.cost / np.maximum(orders.end_s, 1.0), kind="stable")
        kept: dict[tuple[bytes, int, int], int] = {}
        alike: Counter[int] = Counter()
        share = 4 if self.most_wishes is None else self.most_wishes + 1
        later: dict[tuple[bytes, int, int], int] = {}
        for row in map(int, ranked):
            key = (orders.used[row].tobytes(), int(orders.last[row]), int(orders.end_s[row]))
            if key in kept or key in later:
                continue
            kind = int(orders.end_s[row]) if self.most_wishes is None else int(orders.wishes[row])
            alike[kind] += 1
            (kept if alike[kind] * share <= self.width else later)[key] = row
        rows = [*kept.values(), *later.values()][: self.width]
        return _taken(orders, np.array(rows, np.intp))

    def _found(self) -> Found:
        stretches: list[list[Candidate | None]] = [[] for _ in range(len(self.goals))]
        link = self.finished[1]
        while link:
            track = None if link.index == self.pool.wish else self.pool.tracks[link.index]
            stretches[link.stretch].append(track)
            link = link.previous
        return Found(tuple(tuple(reversed(stretch)) for stretch in stretches))


class _Steps:
    """Every order with every track it looks at as its next: where that one would lie, and what it costs."""

    def __init__(self, search: _Search, orders: _Orders, columns: Indices) -> None:
        self.search, self.curve, self.pool = search, search.curve, search.pool
        self.before, self.columns = orders, columns
        self.goal_s = search.goals[orders.stretch][:, None]
        self._place()
        self._price()

    def _place(self) -> None:
        before, pool = self.before, self.pool
        duration = pool.duration[self.columns]
        joint_s = self._joint_s(duration)
        crossing_s = on_grid(before.end_s[:, None] - joint_s)
        self.start_s = np.where(before.joined[:, None], crossing_s, after_silence(before.end_s)[:, None])
        self.end_s = self.start_s + duration
        self.needed_s = self.goal_s + self._overlap_s(duration)
        # Just past a goal, but too short to cross into what comes there, is a dead end; a wish stretches.
        self.stranded = (self.goal_s <= self.end_s) & (self.end_s < self.needed_s)
        self.end_s = np.where(self.stranded & (self.columns == pool.wish), self.needed_s, self.end_s)
        self.stranded &= self.columns != pool.wish
        self.heard_s = np.minimum(self.end_s, self.goal_s)
        self.duration = duration

    def _joint_s(self, duration: Array) -> Array:
        before, pool, search = self.before, self.pool, self.search
        usual_s = search.ask.crossfade_s
        enters = (before.last_start_s < search.peak_near_s) & (search.peak_near_s <= before.end_s)
        enters &= before.end_s < search.peak_end_s
        calm_s = np.where(enters, PEAK_CROSSFADE_S, usual_s)[:, None]
        rhythmic = pool.rhythmic[before.last][:, None] | pool.rhythmic[self.columns]
        wanted_s = np.where(rhythmic, min(usual_s, RHYTHMIC_CROSSFADE_S), calm_s)
        shorter_s = np.minimum(pool.duration[before.last][:, None], duration)
        room_s = self.goal_s - before.end_s[:, None]
        joint_s: Array = np.minimum(np.minimum(wanted_s, shorter_s / 4), room_s / 3)
        return joint_s

    def _overlap_s(self, duration: Array) -> Array:
        """What a last piece needs beyond the goal: room for its crossfade into a pinned track."""
        starts = np.array([block.first_duration_s for block in self.search.ask.blocks] + [0.0])
        first_s = starts[self.before.stretch][:, None]
        room_s = self.goal_s - self.start_s
        usual_s = self.search.ask.crossfade_s
        wanted_s = np.minimum(np.minimum(usual_s, first_s / 4), np.minimum(duration / 4, room_s / 3))
        return ROUNDING_S + wanted_s

    def _price(self) -> None:
        before, pool, columns = self.before, self.pool, self.columns
        mean, square = self.curve.moments(self.start_s, self.heard_s)
        self.target = mean
        intensity = np.where(columns == pool.wish, mean, pool.intensity[columns])
        self.intensity = intensity
        miss = np.sqrt(np.maximum(intensity**2 - 2 * intensity * mean + square, 0.0))
        first, last = self.curve.phases_within(self.start_s, self.heard_s)
        too_strong = np.maximum(intensity - mean, 0.0) * (last == len(self.curve.phases) - 1)
        heard_min = (self.heard_s - self.start_s) / 60
        cost = (miss + LANDING_WEIGHT * too_strong + pool.nudge[columns]) * heard_min
        cost += pool.dislike[columns, last] + np.where(columns == pool.wish, self._wish_cost(), 0.0)
        cost += self.search.thrift * pool.versatility[columns]
        cost += self._ending_cost() + self._joint_cost()
        forbidden = pool.broken_before[columns, last + 1] > pool.broken_before[columns, first]
        forbidden |= np.take_along_axis(before.used, columns, axis=1) | self.stranded
        self.cost = np.where(forbidden, np.inf, before.cost[:, None] + cost)

    def _wish_cost(self) -> Array:
        """Nothing for those that are to be placed, as long as there are some left."""
        most = self.search.most_wishes
        if most is None:
            return np.array(WISH_COST)
        return np.where(self.before.wishes < most, 0.0, np.inf)[:, None]

    def _ending_cost(self) -> Array:
        excess_s = np.maximum(self.end_s - self.goal_s, 0.0)
        heard_s = self.heard_s - self.start_s
        is_stub = (excess_s > 0) & (heard_s < np.minimum(LEAST_HEARD_S, self.duration / 2))
        cost: Array = EXCESS_WEIGHT * excess_s / 60 + STUB_COST * is_stub
        return cost

    def _joint_cost(self) -> Array:
        """What the step from the track before costs; whatever nobody knows costs nothing."""
        before, pool, columns = self.before, self.pool, self.columns
        asked = np.abs(self.target - before.last_target[:, None])
        cost = JUMP_WEIGHT * np.maximum(np.abs(self.intensity - before.last_intensity[:, None]) - asked, 0.0)
        for values, weight, free in (
            (pool.valence, VALENCE_WEIGHT, VALENCE_FREE),
            (pool.octave, BRIGHTNESS_WEIGHT, BRIGHTNESS_FREE),
            (pool.pulse, PULSE_WEIGHT, PULSE_FREE),
        ):
            step = np.abs(values[columns] - values[before.last][:, None]) - free
            cost = cost + weight * np.where(np.isnan(step), 0.0, np.maximum(step, 0.0))
        return np.where(before.joined[:, None], cost + JOINT_COST, 0.0)

    def picked(self, how_many: int) -> tuple[Indices, Indices]:
        """Row and column of the cheapest steps per minute, and of the cheapest that arrive."""
        flat = (self.cost / np.maximum(self.end_s, 1.0)).ravel()
        arriving = np.where(self.end_s >= self.needed_s, self.cost, np.inf).ravel()
        chosen = np.union1d(_cheapest(flat, how_many), _cheapest(arriving, 8))
        rows, columns = np.unravel_index(chosen, self.cost.shape)
        return rows, columns

    def orders(self, rows: Indices, picked: Indices) -> _Orders:
        before = self.before
        tracks = self.columns[rows, picked]
        used = before.used[rows]
        is_wish = tracks == self.pool.wish
        used[np.arange(len(rows)), tracks] = ~is_wish
        links = [
            _Link(before.links[row], int(track), int(before.stretch[row]))
            for row, track in zip(rows, tracks, strict=True)
        ]
        return _Orders(
            links=list(links),
            used=used,
            wishes=before.wishes[rows] + is_wish,
            last=tracks,
            joined=np.ones(len(rows), np.bool_),
            last_start_s=self.start_s[rows, picked],
            last_intensity=self.intensity[rows, picked],
            last_target=self.target[rows, picked],
            end_s=self.end_s[rows, picked],
            cost=self.cost[rows, picked],
            stretch=before.stretch[rows],
        )


def _cheapest(costs: Array, how_many: int) -> Indices:
    """Where the smallest finite costs are, in order of place; of equal ones the first."""
    if how_many < len(costs):
        border = np.partition(costs, how_many - 1)[how_many - 1]
        if np.isfinite(border):
            below = np.flatnonzero(costs < border)
            level = np.flatnonzero(costs == border)[: how_many - len(below)]
            return np.sort(np.concatenate((below, level)))
    return np.flatnonzero(np.isfinite(costs))


def _taken(orders: _Orders, rows: Indices) -> _Orders:
    taken: Mapping[str, object] = {
        each.name: getattr(orders, each.name)[rows] for each in fields(orders) if each.name != "links"
    }
    return _Orders(links=[orders.links[row] for row in rows], **taken)  # type: ignore[arg-type]


def _chance(seed: int, track_id: str) -> float:
    """0 to 1, of a track and a seed alone, so that another track in the library shuffles nothing."""
    digest = hashlib.blake2b(f"{seed}:{track_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _pulse(track: Candidate) -> float:
    return PULSES.index(track.pulse) if track.pulse in PULSES else np.nan


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
