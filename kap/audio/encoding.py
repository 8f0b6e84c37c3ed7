"""What has to be encoded for a mix: whole tracks at their level, and passages that are no track's alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

import numpy as np

from kap.audio.ceiling import Ceiling
from kap.audio.decode import BLOCK, Block
from kap.audio.excerpt import Excerpt, Marks
from kap.audio.mix import MarksOf, mix
from kap.audio.packets import PacketEncoder, Packets, Sieve
from kap.audio.plan import MixPlan, Piece, Segment, alone, on_grid
from kap.audio.splice import Fresh, track_key
from kap.audio.store import Kept, PacketStore

Portion = Mapping[str, Packets]
"""About a second of music in every kind that is wanted."""

KINDS = ("opus", "m4a")
BYTES_A_SECOND = 50_000
"""What a second of a track takes in both kinds, generously."""


def prepare(piece: Piece, store: PacketStore, *, progress: Callable[[float], None] | None = None) -> None:
    """Encode a piece at its level and keep it, unless that is done. Raises AudioError."""
    done = 0

    def told(samples: int) -> None:
        nonlocal done
        done += samples
        if progress:
            progress(min(1.0, done / segment.available))

    segment = alone(piece)
    missing = {}
    for kind in KINDS:
        key = track_key(segment, kind)
        if (kept := store.find(key)) is None:
            missing[kind] = key
        else:
            kept.close()
    if missing:
        marks = Marks()
        for kept in keep(store, missing, track(segment, tuple(missing), marks, told), marks.as_bytes):
            kept.close()


def track(
    segment: Segment, kinds: Sequence[str], marks: Marks, told: Callable[[int], None] | None = None
) -> Iterator[Portion]:
    """All packets of a segment's piece, at its gain; `marks` hears the whole file."""
    return _encoded(_whole(segment, marks), kinds, told)


def fresh(
    plan: MixPlan,
    passage: Fresh,
    kinds: Sequence[str],
    marks_of: MarksOf | None,
    told: Callable[[int], None] | None = None,
) -> Iterator[Portion]:
    """The packets of a passage, after its warm-up."""
    blocks = Ceiling(plan.ceiling_dbtp).limit(mix(plan, *passage.heard, marks_of=marks_of))
    sieves = {kind: Sieve(*passage.packets(kind)) for kind in kinds}
    for portion in _encoded(blocks, kinds, told):
        yield {kind: sieves[kind](packets) for kind, packets in portion.items()}


def keep(
    store: PacketStore,
    keys: Mapping[str, str],
    portions: Iterator[Portion],
    notes: Callable[[], bytes] = bytes,
) -> list[Kept]:
    """Write an entry for every kind, in the order of `keys`, and open them. Raises CannotWrite."""
    with ExitStack() as stack:
        entries = {kind: stack.enter_context(store.writing(key)) for kind, key in keys.items()}
        for portion in portions:
            for kind, packets in portion.items():
                entries[kind].write(packets)
        return [entry.finish(notes()) for entry in entries.values()]


def _encoded(
    blocks: Iterator[Block], kinds: Sequence[str], told: Callable[[int], None] | None
) -> Iterator[Portion]:
    encoders = {kind: PacketEncoder(kind) for kind in kinds}
    for block in blocks:
        if told:
            told(len(block))
        yield {kind: encoder.push(block) for kind, encoder in encoders.items()}
    yield {kind: encoder.finish() for kind, encoder in encoders.items()}


def _whole(segment: Segment, marks: Marks) -> Iterator[Block]:
    gain = np.float32(10 ** (segment.gain_db / 20))
    with Excerpt(segment.path) as excerpt:
        for length in _in_blocks(segment.source_start):
            marks.push(excerpt.read(length))
        for length in _in_blocks(segment.available):
            block = excerpt.read(length)
            marks.push(block)
            yield block * gain
    if missing := on_grid(segment.available) - segment.available:
        yield np.zeros((missing, 2), np.float32)


def _in_blocks(samples: int) -> Iterator[int]:
    for at in range(0, samples, BLOCK):
        yield min(BLOCK, samples - at)
