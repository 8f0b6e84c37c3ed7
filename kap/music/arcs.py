"""Session arcs: how intense the music should be at each minute of a dosing session, and what fits when.

Minutes count from the moment the medicine is given (`minute_zero`), so music before it has negative minutes.
An arc that ships is a file, one that a practice drew is a dictionary of the same shape.
"""

import bisect
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kap.paths import PLAYLISTS

# Phases overlap in practice (Bonny and Pahnke 1972), so the curve crosses a boundary over this long each way.
SMOOTHING_MIN = 2.0

# A shortened arc first takes time from its elastic phases, but leaves them at least this much of themselves.
LEAST_ELASTIC_SHARE = 0.4

SHORTEST_MIN, LONGEST_MIN = 10, 240
MOST_POINTS, MOST_PHASES = 40, 12
LEAST_PHASE_MIN = 1e-9  # shorter ones cannot be stretched to any length that is used

# From this intensity on the strongest phase counts as a peak, which pieces enter more slowly.
PEAK_FROM = 0.5

ROUTES = ("iv", "im", "sublingual", "intranasal")
STYLES = ("gentle", "standard", "deep", "steady")
WORDS = ("none", "wordless", "allowed")
PULSES = ("none", "slow", "moderate", "fast")

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ARC_FIELDS = {
    *("title", "route", "style", "order", "version", "minute_zero", "evidence", "sources", "phases", "points")
}
_PHASE_FIELDS = {
    *("name", "label", "start", "end", "from", "to", "elastic", "character"),
    *("words", "pulse", "loudness_range", "startles"),
}
_WORDS_IN_WORDS = {"none": "no vocals", "wordless": "no words", "allowed": ""}
_PULSES_IN_WORDS = {
    "none": "no pulse",
    "slow": "a slow pulse at most",
    "moderate": "no fast pulse",
    "fast": "",
}


class ArcError(Exception):
    """An arc cannot be used; `field` is written like `phases[2].end`, counted from 1."""

    def __init__(self, field: str, reason: str, *, path: Path | None = None) -> None:
        super().__init__(f"{path}, {field}: {reason}" if path else f"{field}: {reason}")
        self.path = path
        self.field = field
        self.reason = reason


class Point(NamedTuple):
    minute: float
    intensity: float


@dataclass(frozen=True)
class PhaseRules:
    """What fits in a phase.

    `words`: none, wordless or allowed. `pulse`: the strongest that fits: none, slow, moderate or fast.
    `loudness_range`: the widest in LU, `startles`: the most sudden rises in a track; None for no limit.
    """

    words: str = "allowed"
    pulse: str = "fast"
    loudness_range: float | None = None
    startles: int | None = None

    def in_words(self) -> tuple[str, ...]:
        """("no vocals", "a slow pulse at most", "a loudness range up to 9 LU", "no sudden rises")"""
        said = [_WORDS_IN_WORDS[self.words], _PULSES_IN_WORDS[self.pulse]]
        if self.loudness_range is not None:
            said.append(f"a loudness range up to {self.loudness_range:g} LU")
        if self.startles is not None:
            plural = "" if self.startles == 1 else "s"
            said.append(
                f"at most {self.startles} sudden rise{plural}" if self.startles else "no sudden rises"
            )
        return tuple(words for words in said if words)


@dataclass(frozen=True)
class Phase:
    """Minutes `start_min` to `end_min` of an arc, with the intensity, 0 to 1, at its beginning and end.

    An elastic phase follows no effect of the medicine, so it takes up the difference when the music is made
    longer or shorter.
    """

    name: str
    label: str
    start_min: float
    end_min: float
    start_intensity: float
    end_intensity: float
    character: str
    rules: PhaseRules
    elastic: bool

    @property
    def length_min(self) -> float:
        return self.end_min - self.start_min

    def intensity_at(self, minute: float) -> float:
        share = (minute - self.start_min) / self.length_min
        return self.start_intensity + min(max(share, 0.0), 1.0) * (self.end_intensity - self.start_intensity)


@dataclass(frozen=True)
class ArcSource:
    title: str
    url: str


@dataclass(frozen=True)
class Arc:
    """Phases that follow each other without a gap, and a curve of intensity over them.

    The curve is `points` where there are any; otherwise it is straight inside each phase and crosses each
    boundary over `SMOOTHING_MIN` on either side.
    """

    slug: str
    title: str
    route: str
    style: str
    order: int
    version: int
    minute_zero: str
    evidence: str
    sources: tuple[ArcSource, ...]
    phases: tuple[Phase, ...]
    points: tuple[Point, ...] = ()

    @property
    def start_min(self) -> float:
        return self.phases[0].start_min

    @property
    def end_min(self) -> float:
        return self.phases[-1].end_min

    @property
    def length_min(self) -> float:
        return self.end_min - self.start_min

    @property
    def peak(self) -> Phase | None:
        """The strongest phase, unless the arc stays below `PEAK_FROM`."""
        strongest = max(self.phases, key=lambda phase: phase.start_intensity + phase.end_intensity)
        is_peak = (strongest.start_intensity + strongest.end_intensity) / 2 >= PEAK_FROM
        return strongest if is_peak else None

    @cached_property
    def curve(self) -> tuple[Point, ...]:
        """The corners of the curve; flat before the first and after the last."""
        return self.points or _bridged(self.phases)

    def phase_at(self, minute: float) -> Phase:
        """The phase a minute falls in; the first before the arc begins and the last after it ends."""
        index = bisect.bisect_right([phase.start_min for phase in self.phases], minute) - 1
        return self.phases[max(index, 0)]

    def intensity_at(self, minute: float) -> float:
        """Target intensity, 0 to 1."""
        return _along(self.curve, minute)

    def fitted(self, length_min: float) -> "Arc":
        """The same arc over another total length.

        The medicine keeps its own time, so onset to descent keep their minutes for as long as possible. A
        longer arc adds its time to the elastic phases after minute zero. A shorter one takes it from all
        elastic phases down to `LEAST_ELASTIC_SHARE` of each, and below that shrinks every phase alike.
        Minute zero stays between the same phases. Raises `ValueError` unless the length is above zero.
        """
        if not (math.isfinite(length_min) and length_min > 0):
            raise ValueError("an arc needs a length above zero")
        if length_min == self.length_min:
            return self
        edges = list(accumulate(self._lengths_for(length_min), initial=0.0))
        before = [self.start_min, *(phase.end_min for phase in self.phases)]
        zero = _along(list(map(Point, before, edges)), 0.0)
        after = [edge - zero for edge in edges]
        moved = zip(self.phases, after, after[1:], strict=False)
        ways = list(map(Point, before, after))
        return replace(
            self,
            phases=tuple(replace(phase, start_min=low, end_min=high) for phase, low, high in moved),
            points=tuple(Point(_along(ways, minute), intensity) for minute, intensity in self.points),
        )

    def _lengths_for(self, length_min: float) -> list[float]:
        change = length_min - self.length_min
        giving = [phase.elastic and (change < 0 or phase.end_min > 0) for phase in self.phases]
        spare = sum(phase.length_min for phase, gives in zip(self.phases, giving, strict=True) if gives)
        factor = max((spare + change) / spare, LEAST_ELASTIC_SHARE) if spare else 1.0
        lengths = [
            phase.length_min * (factor if gives else 1.0)
            for phase, gives in zip(self.phases, giving, strict=True)
        ]
        squeeze = length_min / sum(lengths)
        return [length * squeeze for length in lengths]

    def as_dict(self) -> dict[str, Any]:
        """The arc in the shape of its file, ready for JSON; `arc_from` reads it back."""
        return {
            "title": self.title,
            "route": self.route,
            "style": self.style,
            "order": self.order,
            "version": self.version,
            "minute_zero": self.minute_zero,
            "evidence": self.evidence,
            "sources": [{"title": source.title, "url": source.url} for source in self.sources],
            "phases": [self._phase_as_dict(phase) for phase in self.phases],
            "points": [list(point) for point in self.points],
        }

    def _phase_as_dict(self, phase: Phase) -> dict[str, Any]:
        drawn = {} if self.points else {"from": phase.start_intensity, "to": phase.end_intensity}
        return {
            "name": phase.name,
            "label": phase.label,
            "start": phase.start_min,
            "end": phase.end_min,
            **drawn,
            "elastic": phase.elastic,
            "words": phase.rules.words,
            "pulse": phase.rules.pulse,
            "loudness_range": phase.rules.loudness_range,
            "startles": phase.rules.startles,
            "character": phase.character,
        }


def _bridged(phases: Sequence[Phase]) -> tuple[Point, ...]:
    points = [Point(phases[0].start_min, phases[0].start_intensity)]
    for before, after in pairwise(phases):
        reach = min(SMOOTHING_MIN, before.length_min / 2, after.length_min / 2)
        for phase, minute in ((before, before.end_min - reach), (after, after.start_min + reach)):
            if minute > points[-1].minute:
                points.append(Point(minute, phase.intensity_at(minute)))
    points.append(Point(phases[-1].end_min, phases[-1].end_intensity))
    return tuple(points)


def _along(points: Sequence[Point], minute: float) -> float:
    """The height of a line of points at a minute."""
    index = bisect.bisect_right(points, minute, key=lambda point: point.minute)
    if index == 0 or index == len(points):
        return points[index and -1].intensity
    (low, start), (high, end) = points[index - 1], points[index]
    return start + (end - start) * (minute - low) / (high - low)


@cache
def arcs() -> Mapping[str, Arc]:
    """The arcs that ship, by slug, in the order of their `order`."""
    loaded = sorted((load(path) for path in PLAYLISTS.glob("*.toml")), key=lambda arc: (arc.order, arc.slug))
    return MappingProxyType({arc.slug: arc for arc in loaded})


def load(path: Path) -> Arc:
    """Read one arc file; its name is the slug. Raises `ArcError` naming file and field."""
    if not _SLUG.fullmatch(path.stem):
        raise ArcError("file name", "may hold small letters, digits and single hyphens", path=path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArcError("file", str(error), path=path) from error
    arc = _read(_Table(table, path=path), slug=path.stem)
    for name in ("minute_zero", "evidence"):
        _Table(table, path=path).text(name)
    if not arc.sources:
        raise ArcError("sources", "must be one or more tables", path=path)
    return arc


def arc_from(values: Mapping[str, Any], *, slug: str = "", as_built: bool = False) -> Arc:
    """Read an arc that a practice drew, or that is kept with a playlist. Raises `ArcError` naming the field.

    An arc kept `as_built` was fitted to its playlist, so it may be of any length. What has no say in the
    music may be missing: order, version, minute zero, evidence, sources, a phase's name and character.
    """
    if not isinstance(values, Mapping):
        raise ArcError("arc", "must be a table")
    return _read(_Table(values), slug=slug, any_length=as_built)


def _read(table: "_Table", *, slug: str, any_length: bool = False) -> Arc:
    table.only(_ARC_FIELDS)
    points = _points(table)
    rows = table.rows("phases", most=MOST_PHASES)
    phases = tuple(_phase(row, points) for row in rows)
    _check_order(table, phases)
    length_min = phases[-1].end_min - phases[0].start_min
    if not (any_length or SHORTEST_MIN <= length_min <= LONGEST_MIN):
        raise table.error("phases", f"must cover {SHORTEST_MIN} to {LONGEST_MIN} minutes")
    _check_points(table, phases, points)
    return Arc(
        slug=slug,
        title=table.text("title", most=120),
        route=table.choice("route", ROUTES),
        style=table.choice("style", STYLES, default="standard"),
        order=int(table.number("order", default=0)),
        version=int(table.number("version", default=1)),
        minute_zero=table.text("minute_zero", default="", most=200),
        evidence=table.text("evidence", default="", most=2000),
        sources=tuple(
            ArcSource(row.text("title", most=300), row.text("url", most=500))
            for row in table.rows("sources", least=0, most=40)
        ),
        phases=phases,
        points=points,
    )


def _phase(row: "_Table", points: tuple[Point, ...]) -> Phase:
    row.only(_PHASE_FIELDS - ({"from", "to"} if points else set()))
    start, end = row.minute("start"), row.minute("end")
    label = row.text("label", most=60)
    return Phase(
        name=row.text("name", default=_name_of(label), most=60),
        label=label,
        start_min=start,
        end_min=end,
        start_intensity=_along(points, start) if points else row.share("from"),
        end_intensity=_along(points, end) if points else row.share("to"),
        character=row.text("character", default="", most=500),
        rules=PhaseRules(
            words=row.choice("words", WORDS, default="allowed"),
            pulse=row.choice("pulse", PULSES, default="fast"),
            loudness_range=row.limit("loudness_range"),
            startles=row.count("startles"),
        ),
        elastic=row.flag("elastic"),
    )


def _name_of(label: str) -> str:
    return "-".join(re.findall(r"\w+", label.lower())) or "phase"


def _points(table: "_Table") -> tuple[Point, ...]:
    points: list[Point] = []
    for number, pair in enumerate(table.items("points", most=MOST_POINTS), start=1):
        name = f"points[{number}]"
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise table.error(name, "must be a minute and an intensity")
        both = _Table({"minute": pair[0], "intensity": pair[1]}, f"{name}.", table.path)
        point = Point(both.minute("minute"), both.share("intensity"))
        if points and point.minute <= points[-1].minute:
            raise both.error("minute", f"must come after {points[-1].minute:g}, the point before")
        points.append(point)
    return tuple(points)


def _check_order(table: "_Table", phases: tuple[Phase, ...]) -> None:
    for number, phase in enumerate(phases, start=1):
        if phase.length_min < LEAST_PHASE_MIN:
            raise table.error(f"phases[{number}].end", "must come after its start")
        if any(phase.name == other.name for other in phases[: number - 1]):
            raise table.error(f"phases[{number}].name", f"“{phase.name}” is used twice")
    for number, (before, after) in enumerate(pairwise(phases), start=2):
        if after.start_min != before.end_min:
            raise table.error(
                f"phases[{number}].start", f"must be {before.end_min:g}, where “{before.name}” ends"
            )
    if not phases[0].start_min <= 0 < phases[-1].end_min:
        raise table.error("phases", "minute 0 must lie inside the arc")


def _check_points(table: "_Table", phases: tuple[Phase, ...], points: tuple[Point, ...]) -> None:
    for number, point in enumerate(points, start=1):
        if not phases[0].start_min <= point.minute <= phases[-1].end_min:
            raise table.error(f"points[{number}].minute", "must lie inside the phases")


@dataclass(frozen=True)
class _Table:
    """One table with typed access; each accessor raises `ArcError` naming the field."""

    values: Mapping[str, Any]
    prefix: str = ""
    path: Path | None = field(default=None)

    def only(self, known: set[str]) -> None:
        for name in self.values:
            if name not in known:
                raise self.error(str(name), "is not a known field")

    def text(self, name: str, *, default: str | None = None, most: int = 2000) -> str:
        value = self.values.get(name)
        if default is not None and (value is None or value == ""):
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.error(name, "must be text")
        if len(value) > most:
            raise self.error(name, f"may have {most} characters at most")
        return value.strip()

    def choice(self, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
        value = self.text(name, default=default)
        if value not in choices:
            raise self.error(name, f"must be one of {', '.join(choices)}")
        return value

    def number(self, name: str, *, default: float | None = None) -> float:
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:
            raise self.error(name, "must be a number")
        return float(value)

    def minute(self, name: str) -> float:
        value = self.number(name)
        if abs(value) > 24 * 60:
            raise self.error(name, "must lie within a day of minute 0")
        return value

    def share(self, name: str) -> float:
        value = self.number(name)
        if not 0 <= value <= 1:
            raise self.error(name, "must lie between 0 and 1")
        return value

    def limit(self, name: str) -> float | None:
        if self.values.get(name) is None:
            return None
        value = self.number(name)
        if value <= 0:
            raise self.error(name, "must be above 0")
        return value

    def count(self, name: str) -> int | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(name, "must be a whole number, 0 or more")
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def items(self, name: str, *, most: int) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.error(name, "must be a list")
        if len(value) > most:
            raise self.error(name, f"may have {most} entries at most")
        return list(value)

    def rows(self, name: str, *, most: int, least: int = 1) -> list["_Table"]:
        value = self.items(name, most=most) if isinstance(self.values.get(name), list | None) else None
        if value is None or len(value) < least or not all(isinstance(row, Mapping) for row in value):
            raise self.error(name, "must be one or more tables")
        return [
            _Table(row, f"{self.prefix}{name}[{number}].", self.path) for number, row in enumerate(value, 1)
        ]

    def error(self, name: str, reason: str) -> ArcError:
        return ArcError(f"{self.prefix}{name}", reason, path=self.path)
