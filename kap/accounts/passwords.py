"""Password hashes. Slow on purpose, so never inside a write transaction."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
DEFAULT = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hasher() -> PasswordHasher:
    found: PasswordHasher = current_app.extensions.get("kap.hasher", DEFAULT)
    return found


def hash_of(password: str) -> str:
    return hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one. Takes as long when there is none, so time gives no name away."""
    try:
        return hasher().verify(stored or _nobodys(hasher()), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys(with_hasher: PasswordHasher) -> str:
    return with_hasher.hash("the password of nobody")
