"""Elements in their order become places: where each begins, how long it is heard, and why it is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from kap.audio.plan import CROSSFADE_S
from kap.music.arcs import Arc
from kap.music.builder import reasons
from kap.music.builder.curve import Curve
from kap.music.builder.joints import (
    INTO_SURPLUS_S,
    after_silence,
    leads_into_peak,
    on_grid,
    usual_crossfade_s,
)
from kap.music.builder.parts import Build, Candidate, Element, Place, Silence
from kap.music.builder.pins import length_of

# A piece shorter than this is not worth repeating while there is a longer one.
LEAST_LOOP_S = 60.0


def lay_out(
    arc: Arc,
    *,
    length_s: float,
    ordered: Sequence[Element],
    crossfade_s: float = CROSSFADE_S,
    pinned: Mapping[int, float] | None = None,
    surplus_s: float = 0.0,
) -> Build:
    """Put tracks and silences into place in a given order, without judging it; `short_s` tells what lacks.

    `pinned` says at which second the element of an index has to begin; what comes before is cut there. The
    programme ends at `length_s`. What follows in the order is the surplus, whose calmest piece repeats until
    it is filled.
    """
    curve = Curve(arc, length_s)
    layout = _Layout(curve, ordered, pinned or {}, crossfade_s, surplus_s)
    layout.fill_programme()
    layout.fill_surplus()
    places = [_place(curve, layout.laid, number) for number in range(len(layout.laid))]
    return Build(
        arc=curve.arc,
        length_s=length_s,
        material_s=layout.material_s,
        places=tuple(places),
        unused=tuple(track.id for track in _tracks(ordered[index] for index in layout.unused)),
        surplus_s=surplus_s,
        gap_s=layout.gap_s,
        notes=tuple(layout.notes),
    )


@dataclass(frozen=True)
class Laid:
    """An element in its place; `natural_end_s` is where it would end uncut."""

    element: Element
    start_s: float
    end_s: float
    natural_end_s: float
    crossfade_s: float = 0.0
    is_pinned: bool = False
    is_surplus: bool = False
    is_loop: bool = False


@dataclass
class _Layout:
    curve: Curve
    ordered: Sequence[Element]
    pinned: Mapping[int, float]
    usual_s: float
    surplus_s: float
    laid: list[Laid] = field(default_factory=list)
    unused: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)  # for the surplus
    notes: list[str] = field(default_factory=list)
    gap_s: float = 0.0
    material_s: float = 0.0

    @property
    def length_s(self) -> float:
        return self.curve.length_s

    @property
    def end_s(self) -> float:
        return self.laid[-1].natural_end_s if self.laid else 0.0

    def fill_programme(self) -> None:
        for index, element in enumerate(self.ordered):
            at_s = self.pinned.get(index)
            goal_s = self._goal_s(index)
            if at_s is not None and at_s < self.length_s:
                self._pin(index, element, at_s)
            elif self.end_s >= goal_s or at_s is not None:
                (self.waiting if goal_s == self.length_s and at_s is None else self.unused).append(index)
            else:
                self._follow(element, goal_s)
        self.material_s = self.end_s
        self._cut(self.length_s)

    def _goal_s(self, index: int) -> float:
        """Where the next pinned element begins, or the programme ends."""
        ahead = [at_s for place, at_s in self.pinned.items() if place > index and at_s < self.length_s]
        return min([*ahead, self.length_s])

    def _pin(self, index: int, element: Element, at_s: float) -> None:
        if self.laid and self.laid[-1].start_s >= at_s:
            self.unused.append(index)  # pinned before an element that it comes after in the order
            return
        overlap_s = 0.0
        if self.end_s < at_s:
            self.gap_s += at_s - self.end_s
        elif self.laid:
            last = self.laid[-1]
            room_s = at_s - last.start_s
            overlap_s = min(self._wanted_s(last, element), room_s / 3, last.natural_end_s - at_s)
            self.laid[-1] = replace(last, end_s=at_s + overlap_s)
        end_s = at_s + length_of(element)
        self.laid.append(Laid(element, at_s, end_s, end_s, crossfade_s=overlap_s, is_pinned=True))

    def _follow(self, element: Element, goal_s: float) -> None:
        """Lay an element down after the last one, crossing into it."""
        start_s = self.end_s
        if self.laid:
            joint_s = min(self._wanted_s(self.laid[-1], element), (goal_s - self.end_s) / 3)
            start_s = _start_s(self.laid[-1].element, element, self.end_s, joint_s)
        end_s = start_s + length_of(element)
        overlap_s = max(0.0, self.end_s - start_s)
        self.laid.append(Laid(element, start_s, end_s, end_s, crossfade_s=overlap_s))

    def _wanted_s(self, before: Laid, element: Element, usual_s: float | None = None) -> float:
        """The crossfade between two; none into or out of silence."""
        if isinstance(before.element, Silence) or isinstance(element, Silence):
            return 0.0
        into_peak = leads_into_peak(
            self.curve.arc, before_start_s=before.start_s, joint_s=before.natural_end_s
        )
        rhythmic = before.element.is_rhythmic or element.is_rhythmic
        wanted_s = usual_s or usual_crossfade_s(self.usual_s, rhythmic=rhythmic, into_peak=into_peak)
        return min(wanted_s, before.element.duration_s / 4, element.duration_s / 4)

    def _cut(self, end_s: float) -> None:
        if self.laid and self.laid[-1].end_s > end_s:
            self.laid[-1] = replace(self.laid[-1], end_s=end_s)

    def fill_surplus(self) -> None:
        total_s = self.length_s + self.surplus_s
        if not self.surplus_s or not self.laid:
            self.unused += self.waiting
            return
        own = [self.ordered[index] for index in self.waiting]
        heard = 0
        for element in own:
            if self._surplus_end_s >= total_s:
                break
            self._lay_surplus(element, total_s)
            heard += 1
        self.unused += self.waiting[heard:]
        if self._surplus_end_s < total_s:
            self._repeat(own, total_s)
        self._cut(total_s)

    @property
    def _surplus_end_s(self) -> float:
        return self.end_s if self.laid[-1].is_surplus else self.length_s

    def _lay_surplus(self, element: Element, total_s: float, *, is_loop: bool = False) -> None:
        """The first piece crosses in over the last seconds of the programme, which is cut at its end."""
        last, end_s = self.laid[-1], self._surplus_end_s
        joint_s = self._wanted_s(last, element, None if last.is_surplus else INTO_SURPLUS_S)
        room_s = total_s - end_s if last.is_surplus else last.end_s - last.start_s
        joint_s = min(joint_s, room_s / 3)
        start_s = _start_s(last.element, element, end_s, joint_s)
        natural_end_s = start_s + length_of(element)
        self.laid.append(
            Laid(
                element,
                start_s,
                natural_end_s,
                natural_end_s,
                crossfade_s=max(0.0, end_s - start_s),
                is_surplus=True,
                is_loop=is_loop,
            )
        )

    def _repeat(self, own: Sequence[Element], total_s: float) -> None:
        everything = [laid.element for laid in self.laid]
        tracks = _tracks(own) or _tracks(everything)
        if not tracks:
            self._lay_surplus(Silence(total_s - self._surplus_end_s), total_s, is_loop=True)
            return
        calmest = min(tracks, key=lambda track: (track.duration_s < LEAST_LOOP_S, track.intensity, track.id))
        self.notes.append(f"No other calm track is left, so “{calmest.title}” repeats until the music ends.")
        for _ in count():
            if self._surplus_end_s >= total_s:
                break
            self._lay_surplus(calmest, total_s, is_loop=True)


def _start_s(before: Element, element: Element, end_s: float, joint_s: float) -> float:
    """Where an element begins that crosses into one that ends; silence begins and ends where it is wanted."""
    if isinstance(element, Silence):
        return end_s
    at_s = after_silence(end_s) if isinstance(before, Silence) else on_grid(end_s - joint_s)
    return float(at_s)


def _tracks(elements: Iterable[Element]) -> list[Candidate]:
    return [element for element in elements if isinstance(element, Candidate)]


def _place(curve: Curve, laid: Sequence[Laid], number: int) -> Place:
    here = laid[number]
    middle_s = (here.start_s + here.end_s) / 2
    phase = curve.phase(min(middle_s, curve.length_s))
    target = curve.mean(here.start_s, min(here.end_s, curve.length_s))
    return Place(
        candidate_id=here.element.id if isinstance(here.element, Candidate) else None,
        start_s=here.start_s,
        end_s=here.end_s,
        phase=phase.name,
        target_intensity=target,
        why=reasons.why(curve, laid, number, target),
        crossfade_s=here.crossfade_s,
        is_pinned=here.is_pinned,
        is_surplus=here.is_surplus,
        is_loop=here.is_loop,
    )
