"""A playlist to a listener while, or before, it is rendered."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from kap.audio.errors import AudioError
from kap.audio.stream import stream
from kap.config import current_config
from kap.jobs.registry import TaskFailed
from kap.music.mix_order import order_of, packet_store
from kap.music.models import Playlist
from kap.music.task_files import local_files
from kap.problems import Invalid


class _Seats:
    """Who listens in this process now. Each holds a thread while the music plays, and pages need some too."""

    def __init__(self) -> None:
        self._lock, self._taken = Lock(), 0

    @contextmanager
    def one(self, *, of: int) -> Iterator[None]:
        """A seat while inside. Raises Invalid when `of` are taken."""
        with self._lock:
            if self._taken >= of:
                raise Invalid("Too many people listen to music in the making. Render it, or try again later.")
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1


_seats = _Seats()


def listen(playlist: Playlist) -> Iterator[bytes]:
    """The mix as an Ogg Opus file, from its beginning, as fast as it can be made.

    Everything is read from the database and every file opened before this returns; the iterator touches
    neither. Closing it, as a server does when the listener leaves, ends the work. Raises Invalid.
    """
    order, store = order_of(playlist), packet_store()
    with ExitStack() as opened:
        opened.enter_context(_seats.one(of=max(1, current_config().web_threads // 4)))
        try:
            plan = order.plan(opened.enter_context(local_files(order.keys)))
        except (AudioError, TaskFailed) as error:
            raise Invalid("The mix cannot be played as it is. Render it to see what is missing.") from error
        return _Listening(stream(plan, store, tags=order.tags), opened.pop_all())


class _Listening(Iterator[bytes]):
    """A stream and the files it reads, closed together: also by whoever never asked for a byte."""

    def __init__(self, parts: Iterator[bytes], opened: ExitStack) -> None:
        self._parts, self._opened = parts, opened

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        parts = getattr(self._parts, "close", None)
        if parts:
            parts()
        self._opened.close()
