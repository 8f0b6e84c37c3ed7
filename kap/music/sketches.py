"""Sketches of recipes for who is listening just now: composed one at a time, kept for a little while."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from kap.audio.synth import Recipe
from kap.audio.synth.sketch import sketch

_KEPT = 12  # about six megabytes
_PATIENCE_S = 20.0


class Busy(Exception):
    """Too many people are listening at once; none of them should slow a session down."""


class Sketches:
    """The last sketches of this process. A browser asks for each several times, piece by piece."""

    def __init__(
        self, make: Callable[[Recipe, str], bytes] = sketch, *, patience_s: float = _PATIENCE_S
    ) -> None:
        self._make, self._patience_s = make, patience_s
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[Recipe, str], bytes] = OrderedDict()

    def of(self, recipe: Recipe, kind: str) -> bytes:
        """Return the encoded sketch; one is composed at a time. Raises Busy."""
        if not self._turn.acquire(timeout=self._patience_s):
            raise Busy
        try:
            wanted = recipe, kind
            if wanted not in self._kept:
                self._kept[wanted] = self._make(recipe, kind)
            self._kept.move_to_end(wanted)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[wanted]
        finally:
            self._turn.release()
