"""What a locked entry is to the server: a text it cannot read, of a form it can check. Pure.

The form is described in docs/journal.md; kap/static/js/lock.js makes and opens it.
"""

import base64
import binascii
import json
from typing import Any

# PBKDF2-HMAC-SHA256: what OWASP asks for at least, and what a page of ours never needs more than.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
FEWEST_ITERATIONS, MOST_ITERATIONS = 600_000, 10_000_000
KDF = "PBKDF2-HMAC-SHA256"
SALT_BYTES, IV_BYTES, TAG_BYTES, KEY_BYTES = 16, 12, 16, 32
LONGEST = 8_000_000
NOT_LOCKED = "This is not a locked text. Reload the page and try again."


class NotLocked(ValueError):
    """What was sent is not of the form of a locked text: it may be words, so it is not repeated."""


def locked_text(sent: str) -> str:
    """`sent`, when it is a locked text. Raises `NotLocked`: what can be read is never stored as locked."""
    try:
        parts: Any = json.loads(sent) if len(sent) <= LONGEST else None
    except (ValueError, RecursionError):
        raise NotLocked(NOT_LOCKED) from None
    if not (
        _has(parts, "format", "kdf", "passphrase", "recovery", "words")
        and parts["format"] == "kap-locked-1"
        and _has(parts["kdf"], "name", "iterations")
        and parts["kdf"]["name"] == KDF
        and type(parts["kdf"]["iterations"]) is int
        and FEWEST_ITERATIONS <= parts["kdf"]["iterations"] <= MOST_ITERATIONS
        and all(_is_wrapped(parts[name]) for name in ("passphrase", "recovery"))
        and _has(parts["words"], "iv", "sealed")
        and _length(parts["words"]["iv"]) == IV_BYTES
        and (_length(parts["words"]["sealed"]) or 0) > TAG_BYTES
    ):
        raise NotLocked(NOT_LOCKED)
    return sent


def _is_wrapped(part: Any) -> bool:
    wanted = {"salt": SALT_BYTES, "iv": IV_BYTES, "key": KEY_BYTES + TAG_BYTES}
    return _has(part, *wanted) and all(_length(part[name]) == length for name, length in wanted.items())


def _has(part: Any, *names: str) -> bool:
    return isinstance(part, dict) and set(part) == set(names)


def _length(value: Any) -> int | None:
    """How many bytes a Base64 text for addresses (RFC 4648, section 5, without padding) stands for."""
    if not isinstance(value, str) or not value.isascii():
        return None
    try:
        return len(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
    except binascii.Error:
        return None
