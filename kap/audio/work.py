"""The packets of a mix, found in the store or encoded in threads; FFmpeg works outside of Python's lock."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from types import TracebackType

from kap.audio.encoding import fresh, keep, track
from kap.audio.errors import Cancelled
from kap.audio.excerpt import Marks
from kap.audio.packets import CODECS, Packets, Sieve
from kap.audio.plan import MixPlan, Segment
from kap.audio.splice import Copy, Fresh, Passage, fresh_key, passages, track_key
from kap.audio.store import Kept, PacketStore

_TELL_EVERY_S = 0.25
_MOST_THREADS = 4
_COPYING_SHARE = 50  # copying a second of music costs this much less than encoding it

Keys = Mapping[str, str]


class Work(AbstractContextManager["Work"]):
    """Begins to encode what is missing at once. Leaving it stops and throws away what is half done."""

    def __init__(
        self,
        plan: MixPlan,
        store: PacketStore,
        kinds: Sequence[str],
        *,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.plan, self.passages = plan, passages(plan)
        self.tracks_encoded = self.passages_encoded = 0
        self._store, self._kinds = store, kinds
        self._progress, self._cancelled = progress, cancelled
        self._kept: dict[str, Kept] = {}
        self._coming: dict[str, tuple[Future[list[Kept]], int]] = {}
        self._uses: Counter[str] = Counter()
        self._expected = self._done = 0
        self._lock, self._stopped = threading.Lock(), threading.Event()
        threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")

    def __enter__(self) -> "Work":
        for passage in self.passages:
            if isinstance(passage, Copy):
                self._want_track(passage.segment)
        for passage in self.passages:
            if isinstance(passage, Fresh):
                self._want_fresh(passage)
            self._expected += len(self._kinds) * (passage.stop - passage.start) // _COPYING_SHARE
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
        for future, number in self._coming.values():
            if not future.cancelled() and future.exception() is None:
                future.result()[number].close()
        for kept in self._kept.values():
            kept.close()

    def packets(self, kind: str) -> Iterator[Packets]:
        """All packets of a kind, in order; waits for those that are not there yet."""
        whole = Sieve(0, CODECS[kind].count(self.plan.total_samples))
        for passage in self.passages:
            key = self._key(passage, kind)
            kept = self._awaited(key)
            inside = passage.packets(kind) if isinstance(passage, Copy) else (0, None)
            yield from map(whole, kept.packets(*inside))
            self._uses[key] -= 1
            if not self._uses[key]:
                kept.close()
            self.advance((passage.stop - passage.start) // _COPYING_SHARE)
            self.tell()

    def expect(self, samples: int) -> None:
        """Announce work that is done elsewhere and told by `advance`."""
        self._expected += samples

    def advance(self, samples: int) -> None:
        """From any thread: this much has been done. Raises Cancelled when no more is wanted."""
        if self._stopped.is_set():
            raise Cancelled
        with self._lock:
            self._done += samples

    def tell(self) -> None:
        """In the caller's thread: say how far it is. Raises Cancelled."""
        if self._cancelled and self._cancelled():
            raise Cancelled
        if self._progress:
            self._progress(min(1.0, self._done / max(1, self._expected)))

    def _key(self, passage: Passage, kind: str) -> str:
        if isinstance(passage, Copy):
            return track_key(passage.segment, kind)
        return fresh_key(self.plan, passage, kind)

    def _want_track(self, segment: Segment) -> None:
        keys = {kind: track_key(segment, kind) for kind in self._kinds}

        def encode(missing: Keys) -> list[Kept]:
            marks = Marks()
            portions = track(segment, tuple(missing), marks, self.advance)
            return keep(self._store, missing, portions, marks.as_bytes)

        self.tracks_encoded += self._want(keys, encode, segment.available)

    def _want_fresh(self, passage: Fresh) -> None:
        keys = {kind: fresh_key(self.plan, passage, kind) for kind in self._kinds}

        def encode(missing: Keys) -> list[Kept]:
            return keep(
                self._store,
                missing,
                fresh(self.plan, passage, tuple(missing), self._marks_of, self.advance),
            )

        first, last = passage.heard
        self.passages_encoded += self._want(keys, encode, last - first)

    def _want(self, keys: Keys, encode: Callable[[Keys], list[Kept]], samples: int) -> bool:
        """Open what is kept and have the rest encoded; whether there is a rest."""
        missing = {}
        for kind, key in keys.items():
            self._uses[key] += 1
            if self._uses[key] > 1:
                continue
            if kept := self._store.find(key):
                self._kept[key] = kept
            else:
                missing[kind] = key
        if missing:
            self._expected += samples
            future = self._pool.submit(encode, missing)
            self._coming |= {key: (future, number) for number, key in enumerate(missing.values())}
        return bool(missing)

    def _awaited(self, key: str) -> Kept:
        if key not in self._kept:
            future, number = self._coming[key]
            while not wait([future], timeout=_TELL_EVERY_S).done:
                self.tell()
            self._kept[key] = future.result()[number]
        return self._kept[key]

    def _marks_of(self, segment: Segment) -> Marks | None:
        """Asked in the threads, which were given the tracks first: nobody waits for what has not begun."""
        key = track_key(segment, self._kinds[0])
        if key in self._coming:
            future, number = self._coming[key]
            return Marks(future.result()[number].notes)
        return Marks(self._kept[key].notes) if key in self._kept else None
