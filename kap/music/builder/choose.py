"""From a library to a programme and its surplus."""

from collections.abc import Collection, Iterable, Sequence
from itertools import count

from kap.audio.plan import CROSSFADE_S
from kap.music.arcs import Arc, PhaseRules
from kap.music.builder import fitting, missing
from kap.music.builder.avoid import Avoid
from kap.music.builder.curve import Curve
from kap.music.builder.layout import lay_out
from kap.music.builder.parts import Build, Candidate, Element, Pin
from kap.music.builder.pins import Block, blocks_of
from kap.music.builder.search import Ask, Found, search

CALM = 0.3
"""Up to this intensity a track may follow the programme."""

SURPLUS_RULES = PhaseRules(words="wordless", pulse="slow", startles=0)


def build(
    arc: Arc,
    *,
    length_s: float,
    candidates: Iterable[Candidate],
    crossfade_s: float = CROSSFADE_S,
    seed: int = 0,
    surplus_s: float = 0.0,
    avoid: Avoid | None = None,
    pins: Sequence[Pin] = (),
    relax: Collection[str] = (),
) -> Build:
    """Choose and order tracks for `length_s` of music along the arc, and calm ones for `surplus_s` after it.

    No track appears twice, but for a loop when no calm one is left for the surplus. What `avoid` names never
    appears, and the rules of a phase are kept, unless `relax` names a rule (see `fitting.RULES`) or a pin
    asks otherwise; the place then says so. A track of which nobody has said what a rule asks for may be used
    in a phase, and its place says so too; it never gets past `avoid`. The programme is cut at `length_s`, and
    before each pin.

    The same arguments give the same answer, whatever the order of the candidates; seed 0 follows the arc most
    closely, other seeds vary the choice a little. Raises `NotEnough` when no order was found, `ValueError`
    for a length not above zero.
    """
    avoid = avoid or Avoid()
    curve = Curve(arc, length_s)
    known = {track.id: track for track in candidates if track.duration_s > 0}
    blocks = blocks_of(pins, known, length_s=length_s, avoid=avoid)
    pinned = {track.id for block in blocks for track in block.tracks}
    allowed = [track for track in known.values() if avoid.allows(track)]
    free = [track for track in allowed if track.id not in pinned]
    ask = Ask(curve, blocks, crossfade_s, seed, frozenset(relax))
    found = search(ask, free)
    wishes = [missing.wished(number) for number in range(found.wishes)]
    order, places = _order(found, blocks, wishes)
    if wishes:
        laid = lay_out(arc, length_s=length_s, ordered=order, crossfade_s=crossfade_s, pinned=places)
        raise missing.not_enough(ask, laid, wishes, free, len(known) - len(allowed))
    used = {track.id for track in order if isinstance(track, Candidate)}
    calm = _calm([track for track in free if track.id not in used], surplus_s)
    return lay_out(
        arc,
        length_s=length_s,
        ordered=[*order, *calm],
        crossfade_s=crossfade_s,
        pinned=places,
        surplus_s=surplus_s,
    )


def _order(
    found: Found, blocks: Sequence[Block], wishes: Sequence[Candidate]
) -> tuple[list[Element], dict[int, float]]:
    """Everything in its order, and the second of each element that is pinned."""
    order: list[Element] = []
    places: dict[int, float] = {}
    wish = iter(wishes)
    for number in count():
        if number < len(found.stretches):
            order += [track or next(wish) for track in found.stretches[number]]
        if number >= len(blocks):
            return order, places
        for fixed in blocks[number].fixed:
            places[len(order)] = fixed.start_s
            order.append(fixed.element)
    raise AssertionError("the loop ends with the last block")


def _calm(unused: Sequence[Candidate], surplus_s: float) -> list[Candidate]:
    """The calmest tracks that fill the surplus, softer and softer."""
    calm = [track for track in unused if track.intensity <= CALM and not fitting.broken(SURPLUS_RULES, track)]
    calm.sort(key=lambda track: (len(fitting.unknown(SURPLUS_RULES, track)), track.intensity, track.id))
    chosen: list[Candidate] = []
    filled_s = 0.0
    for track in calm:
        if filled_s >= surplus_s:
            break
        chosen.append(track)
        filled_s += track.duration_s * 3 / 4
    return sorted(chosen, key=lambda track: (-track.intensity, track.id))
