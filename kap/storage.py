"""Files: a local folder or an S3-compatible bucket, behind the few verbs the rooms need.

Keys are random and say nothing about what they hold. A file is written before the row that names it and
deleted after it, so an interruption leaves at most a file that nothing refers to.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import obstore
from flask import Flask, current_app
from obstore.store import LocalStore, from_url


class FileMissing(Exception):
    """The storage has no file under this key."""


class Storage:
    """One installation's files."""

    def __init__(self, url: str) -> None:
        """`url` is a folder, made when missing, or an object-store URL such as `s3://bucket/prefix`."""
        self.root: Path | None = None
        if "://" in url:
            self._store = from_url(url)
        else:
            self.root = Path(url)
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(self.root)

    def put(self, source: Path, *, kind: str) -> str:
        """Store a copy of `source` and return its key, which appears only once the copy is whole."""
        key = f"{kind}/{uuid4().hex}"
        obstore.put(self._store, key, source)
        return key

    def size(self, key: str) -> int:
        """Bytes under `key`. Raises `FileMissing`."""
        try:
            return obstore.head(self._store, key)["size"]
        except FileNotFoundError as error:
            raise FileMissing(key) from error

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to but not including `end`, in pieces of at most 1 MiB."""
        for offset in range(start, end, 1 << 20):
            yield bytes(obstore.get_range(self._store, key, start=offset, end=min(offset + (1 << 20), end)))

    def delete(self, key: str) -> None:
        """Remove the file; one that is already gone is no error."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        """A real file with the content, for tools that need one; a copy when the storage is remote."""
        if self.root is not None:
            path = self.root / key
            if not path.is_file():
                raise FileMissing(key)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="kap-") as folder:
            path = Path(folder) / "file"
            with path.open("wb") as file:
                for piece in self.read(key, 0, self.size(key)):
                    file.write(piece)
            yield path

    def files(self) -> Iterator[tuple[str, int, datetime]]:
        """Every file: key, bytes, and when it was last written."""
        for batch in obstore.list(self._store):
            for entry in batch:
                yield entry["path"], entry["size"], entry["last_modified"].astimezone(UTC)


def install(app: Flask, url: str) -> None:
    app.extensions["kap.storage"] = Storage(url)


def storage() -> Storage:
    """The running installation's files."""
    found: Storage = current_app.extensions["kap.storage"]
    return found
