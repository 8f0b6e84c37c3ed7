"""Where every piece of a mix begins, how loud it is and how it meets its neighbours. Pure arithmetic.

Positions are whole samples at 48 kHz, so a plan says exactly what is heard when; whoever renders it, by
mixing everything or by copying what is already encoded, has nothing left to decide. Pieces begin on a grid
that packets of every format share, so that packets made of a piece alone fit into the mix as they are.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from kap.audio import RATE
from kap.audio.errors import PlanError

GRID = 15_360
"""Pieces begin at multiples of 320 ms: 16 Opus frames of 960 samples, 15 AAC frames of 1,024."""

CEILING_DBTP = -2.0
"""True peak ceiling of a mix: the usual limit of -1 dBTP and one more decibel for the encoders."""

MAX_BOOST_DB = 12.0
CROSSFADE_S = 12.0
CROSSFADES_S = (8.0, 19.5)  # what a piece may ask for itself
# What comes next begins on the grid, so that each of these may last up to 0.32 s longer.
RHYTHMIC_CROSSFADE_S = 5.5
PEAK_CROSSFADE_S = 18.0
PROGRAMME_END_S = 20.0
SILENCE_FADE_S = 8.0
FADE_IN_S = 10.0
FADE_OUT_S = 30.0

DUCK_DB = -10.0
DUCK_BEFORE_S, DUCK_DOWN_S = 0.2, 0.8  # the music is down this long before the voice begins, after this ramp
DUCK_AFTER_S, DUCK_UP_S = 0.4, 2.0

LEAST_PIECE_S = 2.0
LEAST_ALONE_S = 1.0  # a last piece that the programme cuts sooner after its crossfade is left out

Bound = Literal["target", "ceiling", "boost"]
Shape = Literal["equal power", "linear"]
Joint = Literal["start", "beatless", "rhythmic", "peak", "programme end", "loop", "silence"]


@dataclass(frozen=True)
class Piece:
    """A measured sound file and the loudness it is wanted at.

    A beat (`rhythmic`) shortens its crossfades, `into_peak` lengthens the one it comes in with, `crossfade_s`
    asks for one of 8 to 20 s. `starts_at_s` pins it to a second of the mix: the piece before is cut there.
    `digest` names the content of the file, so that what is encoded of it is found again.
    """

    path: Path
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float
    target_lufs: float
    rhythmic: bool = False
    title: str = ""
    digest: str = ""
    into_peak: bool = False
    crossfade_s: float | None = None
    starts_at_s: float | None = None


@dataclass(frozen=True)
class Silence:
    """Silence on purpose: complete for `length_s`, and the music fades before and after it."""

    length_s: float
    starts_at_s: float | None = None


Element = Piece | Silence


@dataclass(frozen=True)
class Voice:
    """A recorded voice laid over the music, which is lowered under it."""

    path: Path
    at_s: float
    duration_s: float
    gain_db: float = 0.0
    title: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Surplus:
    """Calm music for `length_s` after the programme; if it is too little, its calmest piece comes again."""

    elements: tuple[Element, ...]
    length_s: float


@dataclass(frozen=True)
class Segment:
    """A piece in its place; every number but the gain is in samples at 48 kHz.

    It is heard from `start` to `stop` of the mix and taken from `source_start` of its file, which holds
    `available` samples of music from there. Its first `crossfade_in` samples rise and its last
    `crossfade_out` fall. `bound_by` tells what set the gain: the target, the ceiling of the true peak, or the
    largest boost; `short_db` is how far under the target that leaves it, `peak_dbtp` what it reaches then.
    `element` counts the pieces and silences given, those of the surplus after the others.
    """

    path: Path
    title: str
    digest: str
    element: int
    source_start: int
    available: int
    start: int
    length: int
    crossfade_in: int
    crossfade_out: int
    shape_in: Shape
    shape_out: Shape
    joint: Joint
    gain_db: float
    bound_by: Bound
    short_db: float
    target_lufs: float
    peak_dbtp: float
    is_surplus: bool = False

    @property
    def stop(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class Hush:
    """Complete silence from `start` to `stop`, in samples."""

    element: int
    start: int
    stop: int


@dataclass(frozen=True)
class Speech:
    """A voice in its place, in samples; the music is lowered between `duck_start` and `duck_stop`."""

    path: Path
    title: str
    digest: str
    start: int
    length: int
    gain_db: float

    @property
    def stop(self) -> int:
        return self.start + self.length

    @property
    def duck_start(self) -> int:
        return self.start - round((DUCK_BEFORE_S + DUCK_DOWN_S) * RATE)

    @property
    def duck_stop(self) -> int:
        return self.stop + round((DUCK_AFTER_S + DUCK_UP_S) * RATE)


@dataclass(frozen=True)
class MixPlan:
    """Segments in order, and the fades of the whole mix (samples). `total_samples` is exact."""

    segments: tuple[Segment, ...]
    total_samples: int
    programme_samples: int
    fade_in: int
    fade_out: int
    ceiling_dbtp: float
    hushes: tuple[Hush, ...] = ()
    voices: tuple[Speech, ...] = ()

    @property
    def length_s(self) -> float:
        return self.total_samples / RATE

    @property
    def programme_s(self) -> float:
        return self.programme_samples / RATE


def phase_target_lufs(intensity: float) -> float:
    """Loudness wanted for an intensity 0..1: -20 LUFS at 0.45, 1 LU for every 0.2, within -22.5 and -18.

    In steps of half a decibel, so that a track's packets serve more than one place.
    """
    wanted = -20.0 + 5.0 * (intensity - 0.45)
    return min(-18.0, max(-22.5, math.floor(2 * wanted + 0.5) / 2))


def plan_mix(
    elements: Sequence[Element],
    *,
    length_s: float,
    surplus: Surplus | None = None,
    voices: Iterable[Voice] = (),
    crossfade_s: float = CROSSFADE_S,
    ceiling_dbtp: float = CEILING_DBTP,
) -> MixPlan:
    """Lay the elements end to end, in order, to exactly `length_s` (rounded to a sample), then the surplus.

    Silence at the ends of pieces is left out. A crossfade takes at most a quarter of the shorter piece. The
    last piece is cut where the programme ends and further ones are left out; the mix fades in over 10 s and
    out over 30 s (less when it is short). Raises PlanError, with the seconds missing when music is.
    """
    programme = round(length_s * RATE)
    if programme <= 0:
        raise PlanError("the length of a mix must be more than nothing")
    total = round((length_s + surplus.length_s) * RATE) if surplus else programme
    lane = _Lane(crossfade_s, ceiling_dbtp)
    # With a surplus to come, a second too little is covered by its crossfade.
    enough = programme - (round(LEAST_ALONE_S * RATE) if surplus else 0)
    for number, element in enumerate(elements):
        begins_s = lane.reach / RATE if element.starts_at_s is None else element.starts_at_s
        if begins_s * RATE < enough:
            lane.lay(element, number)
    if total > programme and surplus:
        lane.end_programme(programme)
        _lay_surplus(lane, surplus, first=len(elements), total=total)
    lane.end(total)
    return MixPlan(
        segments=tuple(lane.segments),
        total_samples=total,
        programme_samples=programme,
        fade_in=min(round(FADE_IN_S * RATE), total // 4),
        fade_out=min(round(FADE_OUT_S * RATE), total // 2),
        ceiling_dbtp=ceiling_dbtp,
        hushes=tuple(lane.hushes),
        voices=tuple(_speech(voice, total) for voice in voices),
    )


def gain(piece: Piece, *, ceiling_dbtp: float = CEILING_DBTP) -> tuple[float, Bound]:
    """The plain gain in dB that brings a piece to its target, and what held it back if something did."""
    choices: list[tuple[float, Bound]] = [
        (piece.target_lufs - piece.loudness_lufs, "target"),
        (ceiling_dbtp - piece.true_peak_dbtp, "ceiling"),
        (MAX_BOOST_DB, "boost"),
    ]
    return min(choices, key=lambda choice: choice[0])


def alone(piece: Piece, *, ceiling_dbtp: float = CEILING_DBTP) -> Segment:
    """A piece by itself, whole, at its level: what is encoded of it once. Raises PlanError."""
    available = _heard_samples(piece)
    gain_db, bound_by = gain(piece, ceiling_dbtp=ceiling_dbtp)
    return Segment(
        path=piece.path,
        title=piece.title,
        digest=piece.digest,
        element=0,
        source_start=_lead(piece),
        available=available,
        start=0,
        length=available,
        crossfade_in=0,
        crossfade_out=0,
        shape_in="equal power",
        shape_out="equal power",
        joint="start",
        gain_db=gain_db,
        bound_by=bound_by,
        short_db=max(0.0, piece.target_lufs - piece.loudness_lufs - gain_db),
        target_lufs=piece.target_lufs,
        peak_dbtp=piece.true_peak_dbtp + gain_db,
    )


def on_grid(position: int) -> int:
    """The first place of the grid at or after a position."""
    return -(-position // GRID) * GRID


@dataclass
class _Lane:
    """The mix as far as it is laid; the last segment's end is still open."""

    crossfade_s: float
    ceiling_dbtp: float
    segments: list[Segment] = field(default_factory=list)
    hushes: list[Hush] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    reach: int = 0
    is_surplus: bool = False
    programme_ends: bool = False

    def lay(self, element: Element, number: int) -> None:
        if isinstance(element, Silence):
            self._lay_silence(element, number)
        else:
            self._lay_piece(element, number)

    def _lay_silence(self, silence: Silence, number: int) -> None:
        start = self._pinned(silence.starts_at_s, "a silence")
        start = self.reach if start is None else start
        if self._after_hush():
            self.hushes[-1] = replace(self.hushes[-1], stop=start)
        elif self.segments:
            self._cut(start)
            last = self.segments[-1]
            self._leave(min(round(SILENCE_FADE_S * RATE), (last.length - last.crossfade_in) // 2))
        self.reach = start + round(silence.length_s * RATE)
        self.hushes.append(Hush(number, start, self.reach))

    def _lay_piece(self, piece: Piece, number: int) -> None:
        available = _heard_samples(piece)
        wanted = self._pinned(piece.starts_at_s, f"“{piece.title}”")
        joint, fade_s = self._joint(piece)
        fade = min(round(fade_s * RATE), available // 4)
        if joint == "start":
            start, fade = wanted or 0, 0
            if start:
                raise PlanError(f"nothing plays before “{piece.title}”, which is pinned to a later moment")
        elif joint == "silence":
            start = on_grid(self.reach) if wanted is None else wanted
            self.hushes[-1] = replace(self.hushes[-1], stop=start)
        else:
            fade = max(GRID, min(fade, self.segments[-1].available // 4, self._alone()))
            start = self._begin(fade) if wanted is None else wanted
            if wanted is not None:
                self._cut(min(self.reach, start + fade))
            fade = self.reach - start
            self._leave(fade, "linear" if joint == "loop" else "equal power")
        self.segments.append(
            replace(
                alone(piece, ceiling_dbtp=self.ceiling_dbtp),
                element=number,
                start=start,
                crossfade_in=fade,
                shape_in="linear" if joint == "loop" else "equal power",
                joint=joint,
                is_surplus=self.is_surplus,
            )
        )
        self.pieces.append(piece)
        self.reach = start + available

    def end_programme(self, at: int) -> None:
        """Cut the last piece there; what is laid after it is surplus."""
        if self.reach < at - LEAST_ALONE_S * RATE:
            raise _too_little(at - self.reach)
        self._cut(min(self.reach, at))
        self.is_surplus = self.programme_ends = True

    def end(self, total: int) -> None:
        """Cut everything there. Raises PlanError when it is not reached."""
        if self.reach < total:
            raise _too_little(total - self.reach)
        self._cut(total)

    def _joint(self, piece: Piece) -> tuple[Joint, float]:
        """How a piece comes in after what is laid, and over how many seconds."""
        programme_ends, self.programme_ends = self.programme_ends, False
        if self._after_hush():
            return "silence", SILENCE_FADE_S
        if not self.segments:
            return "start", 0.0
        before = self.pieces[-1]
        if programme_ends and not _is_same(before, piece):
            return "programme end", PROGRAMME_END_S
        return _usual_joint(before, piece, self.crossfade_s)

    def _after_hush(self) -> bool:
        return bool(self.hushes) and (
            not self.segments or self.hushes[-1].element > self.segments[-1].element
        )

    def _begin(self, fade: int) -> int:
        """Where on the grid a piece begins that crosses in over `fade` or a little more, if there is room."""
        last = self.segments[-1]
        at = (self.reach - fade) // GRID * GRID
        return at if at > last.start + last.crossfade_in else at + GRID

    def _alone(self) -> int:
        """How much of the last piece is left after it has come in."""
        last = self.segments[-1]
        return self.reach - last.start - last.crossfade_in

    def _pinned(self, at_s: float | None, what: str) -> int | None:
        """The place of the grid a pin means. Raises PlanError when the music around it cannot meet there."""
        if at_s is None:
            return None
        at = round(at_s * RATE / GRID) * GRID
        if self._after_hush():
            too_early = at < self.hushes[-1].start
        elif self.segments:
            if at > self.reach:
                raise PlanError(f"there is no music before {what}", missing_s=(at - self.reach) / RATE)
            last = self.segments[-1]
            too_early = at < last.start + last.crossfade_in
        else:
            too_early = at < 0
        if too_early:
            raise PlanError(f"{what} is pinned to a moment before the music around it")
        return at

    def _cut(self, stop: int) -> None:
        self.reach = min(self.reach, stop)
        if self._after_hush():
            self.hushes[-1] = replace(self.hushes[-1], stop=self.reach)
        elif self.segments:
            last = self.segments[-1]
            length, fade = self.reach - last.start, last.crossfade_in
            # What rises out of silence alone may rise faster, so that there is something left of it.
            fade = min(fade, length // 2) if last.joint == "silence" else fade
            self.segments[-1] = replace(last, length=length, crossfade_in=fade)

    def _leave(self, fade: int, shape: Shape = "equal power") -> None:
        self.segments[-1] = replace(self.segments[-1], crossfade_out=fade, shape_out=shape)


def _lay_surplus(lane: _Lane, surplus: Surplus, *, first: int, total: int) -> None:
    """The surplus in its order; once it is used up its calmest piece meets itself."""
    elements = surplus.elements or tuple(lane.pieces[-1:])
    numbered = [(replace(element, starts_at_s=None), first + at) for at, element in enumerate(elements)]
    pieces = [(element, number) for element, number in numbered if isinstance(element, Piece)]
    for element, number in numbered:
        if lane.reach >= total:
            return
        lane.lay(element, number)
    if not pieces:
        raise _too_little(total - lane.reach)
    # Equally calm ones: the last, which has just been heard, so that there is no way back.
    calmest = min(reversed(pieces), key=lambda found: found[0].target_lufs)
    while lane.reach < total:
        lane.lay(*calmest)


def _usual_joint(before: Piece, after: Piece, usual_s: float) -> tuple[Joint, float]:
    if _is_same(before, after):
        return "loop", usual_s
    if before.rhythmic or after.rhythmic:
        return "rhythmic", min(usual_s, RHYTHMIC_CROSSFADE_S)
    if after.into_peak:
        return "peak", PEAK_CROSSFADE_S
    least, most = CROSSFADES_S
    wanted = usual_s if after.crossfade_s is None else min(most, max(least, after.crossfade_s))
    return "beatless", wanted


def _is_same(one: Piece, other: Piece) -> bool:
    return (one.digest or one.path) == (other.digest or other.path)


def _speech(voice: Voice, total: int) -> Speech:
    start, length = round(voice.at_s * RATE), round(voice.duration_s * RATE)
    if start < 0 or start + length > total:
        raise PlanError(f"the voice “{voice.title}” does not end before the music")
    return Speech(voice.path, voice.title, voice.digest, start, length, voice.gain_db)


def _too_little(samples: int) -> PlanError:
    missing_s = samples / RATE
    minutes, seconds = divmod(-(-samples // RATE), 60)
    amount = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return PlanError(f"the tracks are {amount} too short for this length", missing_s=missing_s)


def _heard_samples(piece: Piece) -> int:
    heard = round(piece.duration_s * RATE) - _lead(piece) - round(piece.trail_silence_s * RATE)
    if heard < LEAST_PIECE_S * RATE:
        raise PlanError(f"“{piece.title}” has less than two seconds of music")
    return heard


def _lead(piece: Piece) -> int:
    return round(piece.lead_silence_s * RATE)
