"""A stored file in parts, each with its digest: a browser fetches, checks and resumes it part by part."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from kap.problems import NotThere
from kap.storage import FileMissing, storage

PART_BYTES = 4 << 20  # a quarter of a minute over a slow connection; thirty for two hours of music


@dataclass(frozen=True)
class Parts:
    """`length` bytes in parts of `size` (the last has the rest), and the SHA-256 of each in hexadecimal."""

    etag: str
    length: int
    size: int
    digests: tuple[str, ...]


@lru_cache(maxsize=64)
def parts_of(key: str) -> Parts:
    """The parts of the file under `key`. A key is never written twice, so this is worked out once.

    Raises `NotThere`.
    """
    try:
        length = storage().size(key)
    except FileMissing as missing:
        raise NotThere("The file of this music is missing from the storage.") from missing
    starts = range(0, length, PART_BYTES)
    digests = tuple(_digest(key, start, min(start + PART_BYTES, length)) for start in starts)
    return Parts(etag_of(key), length, PART_BYTES, digests)


def etag_of(key: str) -> str:
    """The file's ETag, without quotes."""
    return key.rpartition("/")[2]


def _digest(key: str, start: int, end: int) -> str:
    digest = hashlib.sha256()
    for piece in storage().read(key, start, end):
        digest.update(piece)
    return digest.hexdigest()
