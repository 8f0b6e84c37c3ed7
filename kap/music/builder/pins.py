"""Pinned elements, and what keeps them from lying where they are pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kap.music.builder.avoid import Avoid
from kap.music.builder.parts import Candidate, Element, NotEnough, Pin, Silence
from kap.music.builder.words import clock

LEAST_ROOM_S = 30.0
"""The least room between pinned elements that a track can be put in."""


@dataclass(frozen=True)
class Fixed:
    element: Element
    start_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + length_of(self.element)

    @property
    def name(self) -> str:
        return f"“{self.element.title}”" if isinstance(self.element, Candidate) else "the silence"


@dataclass(frozen=True)
class Block:
    """Pinned elements without room between them; each is cut where the next begins."""

    fixed: tuple[Fixed, ...]

    @property
    def start_s(self) -> float:
        return self.fixed[0].start_s

    @property
    def end_s(self) -> float:
        return self.fixed[-1].end_s

    @property
    def last_start_s(self) -> float:
        return self.fixed[-1].start_s

    @property
    def last_track(self) -> Candidate | None:
        last = self.fixed[-1].element
        return last if isinstance(last, Candidate) else None

    @property
    def first_duration_s(self) -> float:
        """0 for silence, which nothing crosses into."""
        first = self.fixed[0].element
        return first.duration_s if isinstance(first, Candidate) else 0.0

    @property
    def tracks(self) -> tuple[Candidate, ...]:
        return tuple(fixed.element for fixed in self.fixed if isinstance(fixed.element, Candidate))


def length_of(element: Element) -> float:
    return element.duration_s if isinstance(element, Candidate) else element.length_s


def blocks_of(
    pins: Sequence[Pin], tracks: Mapping[str, Candidate], *, length_s: float, avoid: Avoid
) -> list[Block]:
    """The pinned elements in their order. Raises `NotEnough` when one cannot lie where it is pinned."""
    fixed = sorted((_fixed(pin, tracks, avoid) for pin in pins), key=lambda each: each.start_s)
    _check(fixed, length_s)
    blocks: list[list[Fixed]] = []
    end_s = -1.0
    for each in fixed:
        if blocks and each.start_s <= end_s:
            blocks[-1].append(each)
        else:
            blocks.append([each])
        end_s = each.end_s
    return [Block(tuple(block)) for block in blocks]


def _fixed(pin: Pin, tracks: Mapping[str, Candidate], avoid: Avoid) -> Fixed:
    at = clock(pin.starts_at_s)
    if pin.candidate_id is None:
        if not pin.silence_s or pin.silence_s <= 0:
            raise NotEnough(reasons=(f"The silence pinned at {at} has no length.",))
        return Fixed(Silence(pin.silence_s), pin.starts_at_s)
    track = tracks.get(pin.candidate_id)
    if track is None:
        raise NotEnough(reasons=(f"The track pinned at {at} can no longer be used. Take its pin out.",))
    objections = avoid.objections(track)
    if objections:
        reason = f"“{track.title}” is pinned at {at}, but {' and '.join(objections)}."
        raise NotEnough(reasons=(reason,))
    return Fixed(track, pin.starts_at_s)


def _check(fixed: Sequence[Fixed], length_s: float) -> None:
    seen: set[str] = set()
    end_s, before = 0.0, "the beginning"
    for number, each in enumerate(fixed):
        if not 0 <= each.start_s < length_s:
            raise _refused(f"{_begin(each.name)} is pinned outside of the programme")
        if number and each.start_s < fixed[number - 1].start_s + LEAST_ROOM_S:
            raise _refused(f"{_begin(each.name)} is pinned less than 30 s after {before} begins")
        if isinstance(each.element, Candidate):
            if each.element.id in seen:
                raise _refused(f"{_begin(each.name)} is pinned twice")
            seen.add(each.element.id)
        _check_room(end_s, each.start_s, before, f"{each.name}, pinned at {clock(each.start_s)},")
        end_s, before = each.end_s, each.name
    if fixed:
        _check_room(end_s, length_s, before, "the end of the programme")


def _check_room(end_s: float, start_s: float, before: str, after: str) -> None:
    room_s = start_s - end_s
    if 0 < room_s < LEAST_ROOM_S:
        raise _refused(f"Between {before} and {after} only {room_s:.0f} s are left, too little for a track")


def _refused(reason: str) -> NotEnough:
    return NotEnough(reasons=(f"{reason}. Move a pin or take it out.",))


def _begin(words: str) -> str:
    return words[0].upper() + words[1:]
