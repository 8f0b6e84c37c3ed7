"""Sound to a browser: whole or in ranges, from a local folder or an object store, plain or sealed.

Nothing here touches the database, and the request's session has been given back before the first byte leaves.
"""

import io
from collections.abc import Callable
from typing import IO, cast

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from kap.music.parts import etag_of
from kap.problems import NotThere
from kap.storage import FileMissing, storage

PIECE = 1 << 18


def file_response(key: str, *, mimetype: str, download_name: str | None = None) -> Response:
    """The file under `key`, obeying Range, If-Range and If-None-Match; with a name, it is a download.

    A key is never written twice, so it is its own ETag. Browsers may keep the bytes but ask each time:
    that is where we see who they are. Raises `NotThere`.
    """
    try:
        size = storage().size(key)
    except FileMissing as missing:
        raise NotThere("The file of this music is missing from the storage.") from missing
    files = storage()
    response = ranged(
        lambda start, end: b"".join(files.read(key, start, end)), size, key=key, mimetype=mimetype
    )
    response.headers["Cache-Control"] = "private, no-cache"
    if download_name:
        response.headers.set("Content-Disposition", "attachment", filename=download_name)
    return response


def ranged(read: Callable[[int, int], bytes], size: int, *, key: str, mimetype: str) -> Response:
    """What `read(start, end)` yields, obeying Range and the rest; `key` names what never changes."""
    # Werkzeug's own wrapper can seek; the one a server offers may read its way to the start of a range.
    body = FileWrapper(cast(IO[bytes], _Stored(read, size)), PIECE)
    response = Response(body, mimetype=mimetype, direct_passthrough=True)
    response.content_length = size
    response.set_etag(etag_of(key))
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    return response


class _Stored(io.RawIOBase):
    """A file of the storage, read only where it is asked for; holds nothing open between two reads."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size, self._at = read, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        end = min(self._at + len(buffer), self._size)
        got = self._read(self._at, end) if end > self._at else b""
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)


_BEGINNINGS = (
    (b"RIFF", "audio/wav"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
    (b"ID3", "audio/mpeg"),
    (b"\xff", "audio/mpeg"),
)


def sound_type(key: str) -> str:
    """The media type of a stored sound by how its file begins. Raises `NotThere`."""
    try:
        beginning = b"".join(storage().read(key, 0, 12))
    except FileNotFoundError as missing:
        raise NotThere("The file of this recording is missing from the storage.") from missing
    if beginning[4:8] == b"ftyp":
        return "audio/mp4"
    kinds = (kind for start, kind in _BEGINNINGS if beginning.startswith(start))
    return next(kinds, "application/octet-stream")
