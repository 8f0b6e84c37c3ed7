"""A folder of packets that were encoded before, found by what they were made of.

An entry is one file: packets, their sizes, some notes, and a checksum over all of it. It appears under its
name when it is whole and is never changed, so any number of processes may use the folder at once. Entries are
read through open files: dropping one takes nothing from whoever reads it.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from kap.audio.errors import CannotWrite
from kap.audio.packets import Packets

_MAGIC = b"KapPkts1"
_END = struct.Struct("<IQQI8s")  # packets, bytes of them, bytes of notes, checksum, magic
_CHUNK = 1 << 20
_PORTION = 500
_ABANDONED_S = 6 * 3600


class Kept(AbstractContextManager["Kept"]):
    """An entry, open for reading whatever happens to the folder. Raises ValueError when it is not whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = os.fstat(file.fileno()).st_size
        end = self._read(size - _END.size, _END.size) if size >= _END.size else b""
        if len(end) < _END.size or end[-8:] != _MAGIC:
            raise ValueError("not whole")
        count, data, notes, checksum, _ = _END.unpack(end)
        if data + 2 * count + notes + _END.size != size or self._checksum(size - _END.size) != checksum:
            raise ValueError("not whole")
        self.sizes: NDArray[np.uint16] = np.frombuffer(self._read(data, 2 * count), "<u2")
        self.notes = self._read(data + 2 * count, notes)
        self._edges = np.concatenate([[0], np.cumsum(self.sizes, dtype=np.int64)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def packets(self, first: int = 0, last: int | None = None) -> Iterator[Packets]:
        """Those from number `first` up to but not including `last`, a few seconds at a time."""
        stop = len(self.sizes) if last is None else min(last, len(self.sizes))
        for begin in range(first, stop, _PORTION):
            end = min(begin + _PORTION, stop)
            start, length = int(self._edges[begin]), int(self._edges[end] - self._edges[begin])
            yield Packets(self.sizes[begin:end], self._read(start, length))

    def _read(self, start: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, start)

    def _checksum(self, length: int) -> int:
        found = 0
        for start in range(0, length, _CHUNK):
            found = zlib.crc32(self._read(start, min(_CHUNK, length - start)), found)
        return found


class PacketStore:
    """Entries in a folder, which is made when needed; beyond `most_bytes` the longest unused are dropped."""

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes

    def find(self, key: str) -> Kept | None:
        """The entry, if there is a whole one. It counts as used now."""
        path = self._folder / key
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            kept = Kept(file)
        except (ValueError, OSError):
            file.close()
            path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)
        return kept

    def keep(self, key: str, portions: Iterable[Packets], notes: Callable[[], bytes] = bytes) -> Kept:
        """Write an entry and open it; `notes` is asked when all is written. Raises CannotWrite."""
        with self.writing(key) as entry:
            for portion in portions:
                entry.write(portion)
            return entry.finish(notes())

    def writing(self, key: str) -> "Entry":
        """Begin an entry; unless it is finished, nothing stays of it. Raises CannotWrite."""
        return Entry(self, self._folder, key)

    def has_room(self, more_bytes: int) -> bool:
        """Whether this much more would drop nothing."""
        return sum(size for _, size, _ in self._entries()) + more_bytes <= self._most_bytes

    def drop(self) -> None:
        """Bring the folder back to its size, longest unused first, and remove what a killed process left."""
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        try:
            found = list(os.scandir(self._folder))
        except OSError:
            return
        for entry in found:
            with suppress(OSError):
                about = entry.stat()
                if not entry.name.endswith(".part"):
                    yield about.st_mtime, about.st_size, Path(entry.path)
                elif about.st_mtime < time.time() - _ABANDONED_S:
                    os.unlink(entry.path)


class Entry(AbstractContextManager["Entry"]):
    """An entry while it is written."""

    def __init__(self, store: PacketStore, folder: Path, key: str) -> None:
        self._store, self._path = store, folder / key
        self._part = folder / f".{key}.{uuid4().hex}.part"
        self._sizes: list[NDArray[np.uint16]] = []
        self._bytes, self._checksum = 0, 0
        with _refused():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self._part.open("w+b")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Gone already when finished; closing a file on a full disk is refused a second time.
        self._part.unlink(missing_ok=True)
        if kind is not None:
            with suppress(OSError):
                self._file.close()

    def write(self, portion: Packets) -> None:
        self._sizes.append(portion.sizes)
        self._bytes += len(portion.data)
        self._put(portion.data)

    def finish(self, notes: bytes = b"") -> Kept:
        """Give the whole entry its name, make room for it, and open it."""
        sizes = np.concatenate(self._sizes) if self._sizes else np.empty(0, np.uint16)
        self._put(sizes.astype("<u2").tobytes())
        self._put(notes)
        with _refused():
            self._file.write(_END.pack(len(sizes), self._bytes, len(notes), self._checksum, _MAGIC))
            self._file.flush()
        # A folder that was removed meanwhile costs the entry its name, not its content.
        with suppress(FileNotFoundError):
            self._part.replace(self._path)
        self._store.drop()
        return Kept(self._file)

    def _put(self, data: bytes) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        with _refused():
            self._file.write(data)


class _refused(AbstractContextManager[None]):  # noqa: N801 (reads as a statement)
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise CannotWrite((error.strerror or type(error).__name__).lower()) from error
