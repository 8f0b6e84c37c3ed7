"""The files of an entry: sealed before they reach the storage, opened in parts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kap import crypto
from kap.integration.models import EntryFile
from kap.storage import storage

KIND = "journal"


def store(file: EntryFile, source: Path) -> str:
    """Seal `source` under the file's key and store it. Returns the key in the storage."""
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        sealed = Path(folder) / "sealed"
        with source.open("rb") as plain, sealed.open("wb") as target:
            crypto.seal_file(file.kept_key.secret, plain, target, context=_context(file))
        return storage().put(sealed, kind=KIND)


def opened(file: EntryFile, key: str) -> crypto.SealedFile:
    """What was stored under `key`: `size`, and `parts(start, end)`. Raises `FileMissing`, `KeyDestroyed`."""
    files = storage()
    return crypto.SealedFile(
        file.kept_key.secret,
        lambda start, end: b"".join(files.read(key, start, end)),
        files.size(key),
        context=_context(file),
    )


@contextmanager
def plain(file: EntryFile, key: str) -> Iterator[Path]:
    """What was stored under `key` as a real, plain file, for tools that need one. It goes at the end."""
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "plain"
        with path.open("wb") as target:
            for part in opened(file, key).parts():
                target.write(part)
        yield path


def _context(file: EntryFile) -> str:
    return f"{file.__tablename__}|{file.id}"
