"""Why a track stands in its place, in words for people."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kap.music.arcs import Phase
from kap.music.builder import fitting
from kap.music.builder.curve import Curve
from kap.music.builder.parts import Candidate, Silence
from kap.music.builder.words import clock, minutes

if TYPE_CHECKING:
    from kap.music.builder.layout import Laid

CLOSE, NEAR = 0.07, 0.15
"""Up to these differences an intensity is what the arc asks for, or close to it."""

_VOCALS = {"wordless": "It has a voice without words", "words": "It has words"}


def why(curve: Curve, laid: Sequence["Laid"], number: int, target: float) -> str:
    here = laid[number]
    if isinstance(here.element, Silence):
        pinned = ", where you pinned it" if here.is_pinned else ""
        return f"{minutes(here.end_s - here.start_s)} of silence, on purpose{pinned}."
    if here.is_surplus:
        return " ".join(_surplus(here.element, is_loop=here.is_loop))
    phases = phases_kept(curve, here.start_s, here.end_s)
    middle = curve.phase((here.start_s + here.end_s) / 2)
    said = [f"{middle.label}: {fit(here.element, target)}"]
    if here.is_pinned:
        said.append(f"You pinned it at {clock(here.start_s)}.")
    said += about_rules(here.element, sorted(phases, key=lambda phase: phase is not middle))
    said += _after(laid, number)
    said += _cut(curve, laid, number)
    return " ".join(said)


def fit(track: Candidate, target: float) -> str:
    gap = track.intensity - target
    if abs(gap) <= CLOSE:
        words = "is what the arc asks for"
    elif abs(gap) <= NEAR:
        words = "is close to what the arc asks for"
    else:
        words = f"is {'stronger' if gap > 0 else 'softer'} than what the arc asks for"
    return f"its intensity {track.intensity:.2f} {words} ({target:.2f})."


def phases_kept(curve: Curve, start_s: float, end_s: float) -> tuple[Phase, ...]:
    """The phases whose rules a piece has to keep that is heard from `start_s` to `end_s`."""
    first, last = curve.phases_within(np.array(start_s), np.array(min(end_s, curve.length_s)))
    return curve.phases[int(first) : int(last) + 1]


def about_rules(track: Candidate, phases: Sequence[Phase]) -> Iterator[str]:
    """What breaks a rule, and what nobody knows; otherwise that a voice is allowed."""
    objections: dict[str, Phase] = {}
    for phase in phases:
        for name in fitting.broken(phase.rules, track):
            objections.setdefault(name, phase)
    for name, phase in objections.items():
        yield f"It {fitting.said_of(name, track)}, which {phase.label} asks not to have."
    unknown = dict.fromkeys(what for phase in phases for what in fitting.unknown(phase.rules, track))
    if unknown:
        yield f"Nobody has said or measured {joined(unknown, 'or')}."
    if not objections and track.vocals in _VOCALS:
        yield f"{_VOCALS[track.vocals]}, which is allowed here."


def joined(parts: Collection[str], word: str) -> str:
    """“a, b and c”"""
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def _after(laid: Sequence["Laid"], number: int) -> Iterator[str]:
    before = laid[number - 1].element if number else None
    here = laid[number].element
    if not isinstance(before, Candidate) or not isinstance(here, Candidate):
        return
    step = here.intensity - before.intensity
    if abs(step) <= NEAR:
        yield f"It follows “{before.title}” gently."
    else:
        yield f"After “{before.title}” it {'rises' if step > 0 else 'falls'} from {before.intensity:.2f}."


def _cut(curve: Curve, laid: Sequence["Laid"], number: int) -> Iterator[str]:
    here = laid[number]
    cut_s = here.natural_end_s - here.end_s
    if cut_s < 1:
        return
    following = laid[number + 1] if number + 1 < len(laid) else None
    if following and following.is_pinned and not following.is_surplus:
        yield f"It is cut {minutes(cut_s)} before its end, for what is pinned at {clock(following.start_s)}."
    elif here.end_s >= curve.length_s:
        yield f"The programme ends here, {minutes(cut_s)} before the track does."


def _surplus(track: Candidate, *, is_loop: bool) -> Iterator[str]:
    again = "heard again, as no other calm track is left" if is_loop else f"intensity {track.intensity:.2f}"
    yield f"Calm music after the end, so that a longer session is not left in silence: {again}."
