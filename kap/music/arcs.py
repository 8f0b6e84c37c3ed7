"""Session arcs: how intense the music should be at each minute of a dosing session.

Minutes count from the moment the medicine is given (`minute_zero`), so music before it has negative minutes.
"""

import bisect
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType

from kap.paths import PLAYLISTS

# Phases overlap in practice (Bonny and Pahnke 1972), so the curve crosses a boundary over this long each way.
SMOOTHING_MIN = 2.0

# A shortened arc first takes time from its elastic phases, but leaves them at least this much of themselves.
LEAST_ELASTIC_SHARE = 0.4

ROUTES = ("iv", "im", "sublingual", "intranasal")
WORDS = ("none", "wordless", "allowed")

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ARC_FIELDS = {"title", "route", "order", "version", "minute_zero", "evidence", "sources", "phases"}
_PHASE_FIELDS = {"name", "label", "start", "end", "from", "to", "elastic", "words", "character"}


class ArcError(Exception):
    """An arc file cannot be used; `field` is written like `phases[2].end`, counted from 1."""

    def __init__(self, path: Path, field: str, reason: str) -> None:
        super().__init__(f"{path}, {field}: {reason}")
        self.path = path
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Phase:
    """Minutes `start_min` to `end_min`; intensity 0 to 1 runs in a straight line between the two values.

    `words` says what singing fits: none, wordless or allowed. An elastic phase follows no effect of the
    medicine, so it takes up the difference when the music is made longer or shorter.
    """

    name: str
    label: str
    start_min: float
    end_min: float
    start_intensity: float
    end_intensity: float
    character: str
    words: str
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
    """Phases that follow each other without a gap."""

    slug: str
    title: str
    route: str
    order: int
    version: int
    minute_zero: str
    evidence: str
    sources: tuple[ArcSource, ...]
    phases: tuple[Phase, ...]

    @property
    def start_min(self) -> float:
        return self.phases[0].start_min

    @property
    def end_min(self) -> float:
        return self.phases[-1].end_min

    @property
    def length_min(self) -> float:
        return self.end_min - self.start_min

    def phase_at(self, minute: float) -> Phase:
        """The phase a minute falls in; the first before the arc begins and the last after it ends."""
        index = bisect.bisect_right([phase.start_min for phase in self.phases], minute) - 1
        return self.phases[max(index, 0)]

    def intensity_at(self, minute: float) -> float:
        """Target intensity, 0 to 1: straight inside a phase, and a straight bridge across each boundary."""
        for before, after in pairwise(self.phases):
            reach = min(SMOOTHING_MIN, before.length_min / 2, after.length_min / 2)
            offset = minute - before.end_min
            if abs(offset) < reach:
                low = before.intensity_at(before.end_min - reach)
                high = after.intensity_at(after.start_min + reach)
                return low + (high - low) * (offset + reach) / (2 * reach)
        return self.phase_at(minute).intensity_at(minute)

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
        lengths = self._lengths_for(length_min)
        edges = list(accumulate(lengths, initial=0.0))
        shift = self._zero_in(edges)
        moved = zip(self.phases, edges, edges[1:], strict=False)
        phases = (replace(phase, start_min=low - shift, end_min=high - shift) for phase, low, high in moved)
        return replace(self, phases=tuple(phases))

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

    def _zero_in(self, edges: list[float]) -> float:
        """Where minute zero comes to lie on new edges, in minutes from the beginning."""
        phase = self.phase_at(0.0)
        index = self.phases.index(phase)
        share = (0.0 - phase.start_min) / phase.length_min
        return edges[index] + share * (edges[index + 1] - edges[index])


@cache
def arcs() -> Mapping[str, Arc]:
    """The arcs that ship, by slug, in the order of their `order`."""
    loaded = sorted((load(path) for path in PLAYLISTS.glob("*.toml")), key=lambda arc: (arc.order, arc.slug))
    return MappingProxyType({arc.slug: arc for arc in loaded})


def load(path: Path) -> Arc:
    """Read one arc file; its name is the slug. Raises `ArcError` naming file and field."""
    if not _SLUG.fullmatch(path.stem):
        raise ArcError(path, "file name", "may hold small letters, digits and single hyphens")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArcError(path, "file", str(error)) from error
    arc = _Table(path, "", table)
    arc.only(_ARC_FIELDS)
    phases = tuple(_phase(row) for row in arc.rows("phases"))
    _check_order(path, phases)
    return Arc(
        slug=path.stem,
        title=arc.text("title"),
        route=arc.choice("route", ROUTES),
        order=int(arc.number("order")),
        version=int(arc.number("version")),
        minute_zero=arc.text("minute_zero"),
        evidence=arc.text("evidence"),
        sources=tuple(ArcSource(row.text("title"), row.text("url")) for row in arc.rows("sources")),
        phases=phases,
    )


def _phase(row: "_Table") -> Phase:
    row.only(_PHASE_FIELDS)
    return Phase(
        name=row.text("name"),
        label=row.text("label"),
        start_min=row.number("start"),
        end_min=row.number("end"),
        start_intensity=row.share("from"),
        end_intensity=row.share("to"),
        character=row.text("character"),
        words=row.choice("words", WORDS),
        elastic=row.flag("elastic"),
    )


def _check_order(path: Path, phases: tuple[Phase, ...]) -> None:
    for number, phase in enumerate(phases, start=1):
        if phase.end_min <= phase.start_min:
            raise ArcError(path, f"phases[{number}].end", "must come after its start")
        if any(phase.name == other.name for other in phases[: number - 1]):
            raise ArcError(path, f"phases[{number}].name", f"“{phase.name}” is used twice")
    for number, (before, after) in enumerate(pairwise(phases), start=2):
        if after.start_min != before.end_min:
            raise ArcError(
                path, f"phases[{number}].start", f"must be {before.end_min:g}, where “{before.name}” ends"
            )
    if not phases[0].start_min <= 0 < phases[-1].end_min:
        raise ArcError(path, "phases", "minute 0 must lie inside the arc")


@dataclass(frozen=True)
class _Table:
    """One TOML table with typed access; each accessor raises `ArcError` naming the field."""

    path: Path
    prefix: str
    values: Mapping[str, object]

    def only(self, known: set[str]) -> None:
        for field in self.values:
            if field not in known:
                raise self._error(field, "is not a known field")

    def text(self, field: str) -> str:
        value = self.values.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self._error(field, "must be text")
        return value.strip()

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        value = self.text(field)
        if value not in choices:
            raise self._error(field, f"must be one of {', '.join(choices)}")
        return value

    def number(self, field: str) -> float:
        value = self.values.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._error(field, "must be a number")
        return float(value)

    def share(self, field: str) -> float:
        value = self.number(field)
        if not 0 <= value <= 1:
            raise self._error(field, "must lie between 0 and 1")
        return value

    def flag(self, field: str) -> bool:
        value = self.values.get(field, False)
        if not isinstance(value, bool):
            raise self._error(field, "must be true or false")
        return value

    def rows(self, field: str) -> list["_Table"]:
        value = self.values.get(field)
        if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
            raise self._error(field, "must be one or more tables")
        return [_Table(self.path, f"{field}[{number}].", row) for number, row in enumerate(value, start=1)]

    def _error(self, field: str, reason: str) -> ArcError:
        return ArcError(self.path, f"{self.prefix}{field}", reason)
