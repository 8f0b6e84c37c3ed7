"""A mix to a listener while it is being made: the first second leaves when it is encoded."""

from collections.abc import Iterator
from contextlib import closing

from kap.audio.encoding import Portion, fresh, track
from kap.audio.excerpt import Marks
from kap.audio.ogg import OggOpus
from kap.audio.packets import CODECS, Packets, Sieve
from kap.audio.plan import MixPlan, Segment
from kap.audio.splice import Copy, Fresh, fresh_key, passages, track_key
from kap.audio.store import PacketStore
from kap.audio.tags import Tags

_KIND = "opus"


def stream(plan: MixPlan, store: PacketStore, *, tags: Tags | None = None) -> Iterator[bytes]:
    """The Ogg Opus file of a plan in order; what had to be encoded is kept. Raises AudioError.

    Whoever stops listening closes the iterator; what was half encoded then is thrown away.
    """
    ogg = OggOpus(plan.total_samples, tags or Tags())
    yield ogg.begin()
    whole = Sieve(0, CODECS[_KIND].count(plan.total_samples))
    for passage in passages(plan):
        packets = _copied(passage, store) if isinstance(passage, Copy) else _freshly(plan, passage, store)
        for portion in packets:
            if pages := ogg.push(whole(portion)):
                yield pages
    yield ogg.finish()


def marks_from(store: PacketStore, segment: Segment, kinds: tuple[str, ...] = (_KIND,)) -> Marks | None:
    """What was noted when the segment's piece was encoded, if it is kept."""
    for kind in kinds:
        if kept := store.find(track_key(segment, kind)):
            with kept:
                return Marks(kept.notes)
    return None


def _copied(passage: Copy, store: PacketStore) -> Iterator[Packets]:
    key, (first, last) = track_key(passage.segment, _KIND), passage.packets(_KIND)
    if kept := store.find(key):
        with kept:
            yield from kept.packets(first, last)
        return
    marks, wanted = Marks(), Sieve(first, last)
    for packets in _kept_on_the_way(store, key, track(passage.segment, (_KIND,), marks), marks):
        yield wanted(packets)


def _freshly(plan: MixPlan, passage: Fresh, store: PacketStore) -> Iterator[Packets]:
    key = fresh_key(plan, passage, _KIND)
    if kept := store.find(key):
        with kept:
            yield from kept.packets()
        return
    portions = fresh(plan, passage, (_KIND,), lambda segment: marks_from(store, segment))
    yield from _kept_on_the_way(store, key, portions, None)


def _kept_on_the_way(
    store: PacketStore, key: str, portions: Iterator[Portion], marks: Marks | None
) -> Iterator[Packets]:
    with closing(portions), store.writing(key) as entry:  # type: ignore[type-var]
        for portion in portions:
            entry.write(portion[_KIND])
            yield portion[_KIND]
        entry.finish(marks.as_bytes() if marks else b"").close()
