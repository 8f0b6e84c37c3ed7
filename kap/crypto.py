"""Sealing: AES-256-GCM under data keys that the instance key wraps; digests of tokens and addresses.

The instance key is 32 random bytes in a file that only its owner can read. It never seals content itself:
it wraps data keys (one per patient, one per practice for identity details) and, through HKDF, yields the
keys for cookies and look-up digests. Destroying a data key destroys what it sealed, in backups too.
"""

import base64
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit random nonces, good for 2**32 messages under one data key
_FORMAT = b"\x01"
PIECE_BYTES = 1 << 16
_FILE_FORMAT = b"kapfile\x01"
_SALT_BYTES = 16
_TAG_BYTES = 16
_HEAD_BYTES = len(_FILE_FORMAT) + _SALT_BYTES


class KeyProblem(Exception):
    """The instance key is missing or unusable; the text is one sentence for the person who starts Kap."""


class Unreadable(Exception):
    """A sealed value did not open: another row's, another key's, or tampered with."""


@dataclass(frozen=True)
class InstanceKey:
    """The key of one installation."""

    secret: bytes

    def __repr__(self) -> str:
        return "InstanceKey(…)"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, unrelated to those for any other (RFC 5869)."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(
            self.secret
        )

    def new_data_key(self, *, owner: str) -> bytes:
        """A fresh data key, wrapped for storage. `owner` binds the wrapping to its row."""
        return seal(
            self._wrapping,
            secrets.token_bytes(KEY_BYTES),
            context=f"data_key|{owner}",
        )

    def unwrap(self, wrapped: bytes, *, owner: str) -> bytes:
        """The data key inside `wrapped`. Raises `Unreadable`."""
        return unseal(self._wrapping, wrapped, context=f"data_key|{owner}")

    def unwrap_all(self, wrapped: Mapping[str, tuple[str, bytes]]) -> dict[str, bytes]:
        """The data keys inside, each given as its owner and its wrapping. Raises `Unreadable`."""
        cipher = AESGCM(self._wrapping)
        return {
            name: unseal_by(cipher, sealed, context=f"data_key|{owner}")
            for name, (owner, sealed) in wrapped.items()
        }

    @cached_property
    def _wrapping(self) -> bytes:
        return self.derive("wrap")

    def lookup_digest(self, purpose: str, value: str) -> str:
        """A keyed digest to find a row by a value that is itself sealed, such as an e-mail address."""
        return hmac.new(self.derive(f"lookup:{purpose}"), value.encode(), sha256).hexdigest()


def create_key_file(path: Path) -> None:
    """Write a new instance key that only the owner can read. Never replaces one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> InstanceKey:
    """The key in `path`. Raises `KeyProblem` when it is missing, exposed or malformed."""
    try:
        exposed = path.stat().st_mode & 0o077
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError as error:
        raise KeyProblem(
            f"The key file {path} is missing; without it nothing sealed can be read. Restore its backup."
        ) from error
    except (OSError, ValueError) as error:
        raise KeyProblem(f"The key file {path} cannot be read.") from error
    if exposed:
        raise KeyProblem(f"The key file {path} can be read by others; run: chmod 600 {path}")
    if len(secret) != KEY_BYTES:
        raise KeyProblem(f"The key file {path} does not hold a key.")
    return InstanceKey(secret)


def seal(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt `plain`, padded so that its length says little, bound to `context`."""
    nonce = os.urandom(NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, _pad(plain), context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Undo `seal`. Raises `Unreadable` when key, bytes or context are not the ones it was sealed with."""
    return unseal_by(AESGCM(key), sealed, context=context)


def unseal_by(cipher: AESGCM, sealed: bytes, *, context: str) -> bytes:
    """The same where one key opens several values, which is faster with one cipher."""
    if sealed[:1] != _FORMAT:
        raise Unreadable("unknown format")
    nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return _unpad(cipher.decrypt(nonce, body, context.encode()))
    except InvalidTag as error:
        raise Unreadable("the seal does not match") from error


def seal_file(key: bytes, source: BinaryIO, target: BinaryIO, *, context: str) -> None:
    """Encrypt `source` into `target` in pieces, so that any part can be read without the rest.

    Each file has a key of its own, derived from `key` and 16 random bytes at its head; a piece's nonce is its
    number and whether it is the last, so pieces can neither be moved nor left out (the STREAM construction,
    Hoang et al. 2015).
    """
    salt = os.urandom(_SALT_BYTES)
    cipher = AESGCM(_file_key(key, salt, context))
    target.write(_FILE_FORMAT + salt)
    number, piece = 0, source.read(PIECE_BYTES)
    while True:
        following = source.read(PIECE_BYTES)
        target.write(cipher.encrypt(_piece_nonce(number, last=not following), piece, None))
        if not following:
            return
        number, piece = number + 1, following


class SealedFile:
    """A file that `seal_file` made, read in parts. `read(start, end)` fetches some of its `length` bytes."""

    def __init__(self, key: bytes, read: Callable[[int, int], bytes], length: int, *, context: str) -> None:
        """Raises `Unreadable` for what is no such file; another key or context shows at the first part."""
        head = read(0, _HEAD_BYTES)
        body = length - _HEAD_BYTES
        if head[: len(_FILE_FORMAT)] != _FILE_FORMAT or body < _TAG_BYTES:
            raise Unreadable("not a sealed file")
        self._cipher = AESGCM(_file_key(key, head[len(_FILE_FORMAT) :], context))
        self._read = read
        self._length = length
        self._pieces = -(-body // (PIECE_BYTES + _TAG_BYTES))
        self.size = body - self._pieces * _TAG_BYTES

    def parts(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The plain bytes from `start` up to but not including `end`. Raises `Unreadable` where changed."""
        end = self.size if end is None else min(end, self.size)
        for number in range(start // PIECE_BYTES, -(-end // PIECE_BYTES)):
            begins = number * PIECE_BYTES
            yield self._piece(number)[max(start - begins, 0) : end - begins]

    def _piece(self, number: int) -> bytes:
        begins = _HEAD_BYTES + number * (PIECE_BYTES + _TAG_BYTES)
        sealed = self._read(begins, min(begins + PIECE_BYTES + _TAG_BYTES, self._length))
        try:
            return self._cipher.decrypt(_piece_nonce(number, last=number == self._pieces - 1), sealed, None)
        except InvalidTag as error:
            raise Unreadable("the seal does not match") from error


def _file_key(key: bytes, salt: bytes, context: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=f"file|{context}".encode()).derive(key)


def _piece_nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([last])


def new_token() -> str:
    """A secret for a link or a cookie: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored of a token. It is random and long, so a plain digest cannot be guessed backwards."""
    return sha256(token.encode()).hexdigest()


def _pad(plain: bytes) -> bytes:
    """Length-hiding padding: at most 12 % more, leaks O(log log n) bits of the length (Padmé)."""
    size = max(len(plain) + 1, 256)  # a word and a paragraph look the same
    exponent = size.bit_length() - 1
    step = 1 << max(exponent - exponent.bit_length(), 0)
    padded = -(-size // step) * step
    return plain + b"\x80" + b"\x00" * (padded - len(plain) - 1)


def _unpad(padded: bytes) -> bytes:
    return padded[: padded.rindex(b"\x80")]
