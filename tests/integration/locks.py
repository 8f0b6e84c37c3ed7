"""Locked texts made and opened with standard tools, by docs/journal.md and nothing else."""

import base64
import json
import os
import unicodedata
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

ITERATIONS = 600_000


def locked_by(entry_id: UUID, passphrase: str, code: str, words: dict[str, str]) -> str:
    """As a browser makes it."""
    key, iv = os.urandom(32), os.urandom(12)
    plain = json.dumps(words).encode() + b"\x80"
    sealed = AESGCM(key).encrypt(iv, plain.ljust(256, b"\0"), _place(entry_id, "words"))
    return json.dumps(
        {
            "format": "kap-locked-1",
            "kdf": {"name": "PBKDF2-HMAC-SHA256", "iterations": ITERATIONS},
            "passphrase": _wrapped(key, passphrase, entry_id, "passphrase"),
            "recovery": _wrapped(key, code, entry_id, "recovery"),
            "words": {"iv": _text(iv), "sealed": _text(sealed)},
        }
    )


def opened_by(entry_id: UUID, locked: str, how: str, secret: str) -> Any:
    """The words inside. Raises `cryptography.exceptions.InvalidTag` for another secret."""
    parts = json.loads(locked)
    wrapped, words = parts[how], parts["words"]
    wrapping = _derived(secret, _bytes(wrapped["salt"]), parts["kdf"]["iterations"])
    key = AESGCM(wrapping).decrypt(_bytes(wrapped["iv"]), _bytes(wrapped["key"]), _place(entry_id, how))
    padded = AESGCM(key).decrypt(_bytes(words["iv"]), _bytes(words["sealed"]), _place(entry_id, "words"))
    return json.loads(padded[: padded.rindex(b"\x80")])


def _wrapped(key: bytes, secret: str, entry_id: UUID, place: str) -> dict[str, str]:
    salt, iv = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_derived(secret, salt, ITERATIONS)).encrypt(iv, key, _place(entry_id, place))
    return {"salt": _text(salt), "iv": _text(iv), "key": _text(sealed)}


def _derived(secret: str, salt: bytes, iterations: int) -> bytes:
    typed = unicodedata.normalize("NFKC", secret).encode()
    return PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=iterations).derive(typed)


def _place(entry_id: UUID, place: str) -> bytes:
    return f"kap-locked-1|{entry_id}|{place}".encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
