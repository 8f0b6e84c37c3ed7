"""What a programme is chosen from and made of. Times are seconds from the beginning of the music."""

from dataclasses import dataclass

from kap.music.arcs import Arc

SURPLUS_S = 900.0
"""Calm music after the programme, so that a session that takes longer never falls into silence."""


@dataclass(frozen=True)
class Candidate:
    """A track that may be used. `duration_s` leaves out silence at the ends; intensity is 0 to 1.

    Everything else is None, or empty, where nobody has said or measured it. The words of `vocals`, `pulse`
    and `familiarity` are those of `kap.music.models`; an empty `culture` says that there is none.
    """

    id: str
    title: str
    duration_s: float
    intensity: float
    vocals: str | None = None
    language: str = ""
    pulse: str | None = None
    culture: str | None = None
    familiarity: str | None = None
    tags: tuple[str, ...] = ()
    loudness_range_lu: float | None = None
    startles: int | None = None  # how many sudden rises
    valence: float | None = None
    brightness_hz: float | None = None

    @property
    def is_rhythmic(self) -> bool:
        """Whether a beat can be felt, so that a long crossfade would let two of them clash."""
        return self.pulse not in (None, "none")


@dataclass(frozen=True)
class Silence:
    """Silence on purpose."""

    length_s: float


Element = Candidate | Silence


@dataclass(frozen=True)
class Pin:
    """A track, or silence of a length, that has to begin at a second of the music."""

    candidate_id: str | None
    starts_at_s: float
    silence_s: float | None = None


@dataclass(frozen=True)
class Place:
    """A track, or silence where `candidate_id` is None, in its place: crossfades included at both ends.

    `target_intensity` is the mean of the arc over that time; `why` is a sentence for people. The first
    `crossfade_s` overlap the place before. A loop repeats a track that the programme holds already; it is
    laid out anew each time and nothing to be kept.
    """

    candidate_id: str | None
    start_s: float
    end_s: float
    phase: str
    target_intensity: float
    why: str
    crossfade_s: float = 0.0
    is_pinned: bool = False
    is_surplus: bool = False
    is_loop: bool = False


@dataclass(frozen=True)
class Build:
    """Places from the beginning to `length_s`, where the programme ends, and on through the surplus.

    `arc` is the arc fitted to the length. `material_s` is where the last piece of the programme would end
    uncut. `gap_s` is what no music covers before pinned places; `unused` are the tracks of a hand-made order
    that begin too late; `notes` are sentences about the whole.
    """

    arc: Arc
    length_s: float
    material_s: float
    places: tuple[Place, ...]
    unused: tuple[str, ...] = ()
    surplus_s: float = 0.0
    gap_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def total_s(self) -> float:
        """How long the finished music is."""
        return self.length_s + self.surplus_s

    @property
    def programme(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if not place.is_surplus)

    @property
    def surplus(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.is_surplus)

    @property
    def chosen(self) -> tuple[Place, ...]:
        """The places to keep: all but loops."""
        return tuple(place for place in self.places if not place.is_loop)

    @property
    def short_s(self) -> float:
        """Seconds of music still missing; 0 when the length is covered."""
        return max(0.0, self.length_s - self.material_s) + self.gap_s

    @property
    def excess_s(self) -> float:
        """Seconds of the last piece that the end of the programme cuts off."""
        return max(0.0, self.material_s - self.length_s)


@dataclass(frozen=True)
class Alternative:
    """Another track for a place, and why it fits, in words."""

    candidate_id: str
    why: str


@dataclass(frozen=True)
class Missing:
    """Tracks that a library would need; lengths in seconds, `longest_s` None for any longer one."""

    count: int
    shortest_s: float
    longest_s: float | None
    low: float
    high: float
    phase: str
    rules: tuple[str, ...] = ()

    def __str__(self) -> str:
        """two tracks of 4–6 min, intensity 0.6–0.7, no vocals (Peak)"""
        few = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
        count = few[self.count] if self.count < len(few) else str(self.count)
        shortest = -(-self.shortest_s // 60)
        length = f"of {shortest:g} min or more"
        if self.longest_s is not None:
            length = f"of {shortest:g}–{self.longest_s // 60:g} min"
        facts = [
            f"{count} track{'' if self.count == 1 else 's'} {length}",
            f"intensity {self.low:.1f}–{self.high:.1f}",
            *self.rules,
        ]
        return f"{', '.join(facts)} ({self.phase})"


class NotEnough(Exception):
    """The library cannot do it: `reasons` say what stands in the way, `missing` which tracks would help."""

    def __init__(
        self,
        *,
        reasons: tuple[str, ...],
        missing: tuple[Missing, ...] = (),
        missing_s: float = 0.0,
    ) -> None:
        said = list(reasons)
        if missing:
            said.append(f"What is missing: {'; '.join(map(str, missing))}.")
        super().__init__(" ".join(said))
        self.reasons = reasons
        self.missing = missing
        self.missing_s = missing_s
