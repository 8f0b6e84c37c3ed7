"""The files of an entry: sealed before they reach the storage, opened in parts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from obstore.exceptions import BaseError

from kap import crypto
from kap.integration.models import EntryFile
from kap.keys import key_store
from kap.storage import storage

KIND = "journal"


class CannotStore(Exception):
    """The storage took nothing: it is full, or cannot be reached."""


@dataclass(frozen=True)
class Box:
    """What seals and opens one file, to be had before its row goes out of reach with the transaction."""

    secret: bytes = field(repr=False)
    context: str

    def put(self, plain: BinaryIO, *, place: str = "") -> str:
        """Seal and store; `place` is where it belongs in the file. Returns the key. Raises `CannotStore`."""
        try:
            with tempfile.TemporaryDirectory(prefix="kap-") as folder:
                sealed = Path(folder) / "sealed"
                with sealed.open("wb") as target:
                    crypto.seal_file(self.secret, plain, target, context=self.context + place)
                return storage().put(sealed, kind=KIND)
        except (OSError, BaseError) as error:
            raise CannotStore from error

    def opened(self, key: str, *, place: str = "") -> crypto.SealedFile:
        """What was stored under `key`: `size`, and `parts(start, end)`. Raises `FileMissing`."""
        files = storage()
        return crypto.SealedFile(
            self.secret,
            lambda start, end: b"".join(files.read(key, start, end)),
            files.size(key),
            context=self.context + place,
        )


def box_of(file: EntryFile) -> Box:
    """Raises `KeyDestroyed`."""
    return Box(file.kept_key.secret, _context(file.id))


@dataclass(frozen=True)
class Brought:
    """What was stored before there is a row for it, sealed under a key of its own."""

    key_id: UUID
    key: str


@contextmanager
def brought(file_id: UUID, plain: BinaryIO, *, place: str = "") -> Iterator[Brought]:
    """Seal and store what will be the file `file_id`; gone again unless the block ends well.

    Raises `CannotStore`.
    """
    key_id, secret = key_store().make()
    keys: list[str] = []
    try:
        keys.append(Box(secret, _context(file_id)).put(plain, place=place))
        yield Brought(key_id, keys[0])
    except BaseException:
        key_store().destroy([key_id])
        for key in keys:
            storage().delete(key)
        raise


def store(file: EntryFile, source: Path) -> str:
    """Seal `source` under the file's key and store it. Returns the key in the storage."""
    with source.open("rb") as plain:
        return box_of(file).put(plain)


def opened(file: EntryFile, key: str) -> crypto.SealedFile:
    """What was stored under `key`: `size`, and `parts(start, end)`. Raises `FileMissing`, `KeyDestroyed`."""
    return box_of(file).opened(key)


@contextmanager
def plain(file: EntryFile, key: str) -> Iterator[Path]:
    """What was stored under `key` as a real, plain file, for tools that need one. It goes at the end."""
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "plain"
        with path.open("wb") as target:
            for part in opened(file, key).parts():
                target.write(part)
        yield path


def _context(file_id: UUID) -> str:
    return f"{EntryFile.__tablename__}|{file_id}"
