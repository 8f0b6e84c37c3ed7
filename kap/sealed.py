"""Sealed columns: what people say and who they are, encrypted before it reaches the database.

A model with sealed columns names its data key in `sealing_key()`. The key's place (table, row, column) is
bound into every value, so a ciphertext copied to another row does not open.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, overload
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kap import crypto
from kap.clock import now
from kap.db import Model
from kap.keys import key_store


class KeyDestroyed(Exception):
    """The data key of a record was destroyed; what it sealed is gone."""


def instance_key() -> crypto.InstanceKey:
    """The key of the running installation."""
    key: crypto.InstanceKey = current_app.extensions["kap.key"]
    return key


class DataKey(Model):
    """A key that seals one owner's content, itself wrapped by the instance key."""

    __tablename__ = "data_key"

    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]

    @classmethod
    def make(cls) -> "DataKey":
        key_id = uuid4()
        return cls(
            id=key_id,
            wrapped=instance_key().new_data_key(owner=str(key_id)),
            made_at=now(),
        )

    def destroy(self, *, at: datetime) -> None:
        """Forget the key; whatever it sealed can never be read again."""
        self.wrapped = None
        self.destroyed_at = at
        self.__dict__.pop("_secret", None)

    @property
    def secret(self) -> bytes:
        """The 32 key bytes. Raises `KeyDestroyed`."""
        if self.wrapped is None:
            raise KeyDestroyed(str(self.id))
        secret: bytes | None = self.__dict__.get("_secret")
        if secret is None:
            secret = instance_key().unwrap(self.wrapped, owner=str(self.id))
            self.__dict__["_secret"] = secret  # per loaded row, so it goes when the session does
        return secret


class KeptKey:
    """A key that lies in the key store and not in the database, so that no backup of the database has it."""

    def __init__(self, key_id: UUID, secret: bytes | None) -> None:
        self.key_id = key_id
        self._secret = secret

    @property
    def secret(self) -> bytes:
        """The 32 key bytes. Raises `KeyDestroyed`."""
        if self._secret is None:
            raise KeyDestroyed(str(self.key_id))
        return self._secret


class WithKeptKey:
    """For a model with a key of its own in the key store, named by its column `key_id`.

    A row fetches its key at first use; `load_keys` fetches those of many rows at once.
    """

    key_id: Any

    @property
    def kept_key(self) -> KeptKey:
        known: KeptKey | None = self.__dict__.get("_kept_key")
        if known is None or known.key_id != self.key_id:
            known = KeptKey(self.key_id, key_store().secrets([self.key_id]).get(self.key_id))
            self.__dict__["_kept_key"] = known
        return known

    def make_key(self) -> None:
        """Give this row a new key, before anything of it is sealed and before it is stored."""
        self.key_id, secret = key_store().make()
        self.__dict__["_kept_key"] = KeptKey(self.key_id, secret)

    @property
    def has_lost_its_key(self) -> bool:
        """Whether what this row sealed is gone: it was deleted, and the database is an older copy."""
        if self.key_id is None:
            return False
        try:
            return not self.kept_key.secret
        except KeyDestroyed:
            return True


def load_keys(rows: Iterable[WithKeptKey]) -> None:
    """Fetch the keys of all these rows in one statement."""
    wanting = [row for row in rows if row.key_id is not None and "_kept_key" not in row.__dict__]
    found = key_store().secrets({row.key_id for row in wanting})
    for row in wanting:
        row.__dict__["_kept_key"] = KeptKey(row.key_id, found.get(row.key_id))


class Key(Protocol):
    @property
    def secret(self) -> bytes: ...


class Sealable(Protocol):
    id: UUID
    __tablename__: str

    def sealing_key(self) -> Key: ...


T = TypeVar("T")


class Sealed(Generic[T]):
    """A property that seals what is set and opens what is read, over a column of bytes."""

    seals = True

    def __init__(self, column: str) -> None:
        self.column = column

    @overload
    def __get__(self, row: None, owner: Any = None) -> "Sealed[T]": ...
    @overload
    def __get__(self, row: Any, owner: Any = None) -> T: ...
    def __get__(self, row: Any, owner: Any = None) -> Any:
        if row is None:
            return self
        sealed = getattr(row, self.column)
        if sealed is None:
            return None
        return _opened(AESGCM(row.sealing_key().secret), sealed, self._context(row))

    def __set__(self, row: Any, value: T) -> None:
        sealed = None
        if value is not None:
            plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            sealed = crypto.seal(row.sealing_key().secret, plain, context=self._context(row))
        setattr(row, self.column, sealed)

    def _context(self, row: Sealable) -> str:
        return f"{row.__tablename__}|{row.id}|{self.column}"


def row_opener(secret: bytes, table: str, row_id: UUID | str) -> Callable[[str, bytes | None], Any]:
    """Opens the columns of one row by name, for queries that read thousands and make no objects of them."""
    cipher, prefix = AESGCM(secret), f"{table}|{row_id}|"

    def opened(column: str, sealed: bytes | None) -> Any:
        return None if sealed is None else _opened(cipher, sealed, prefix + column)

    return opened


def _opened(cipher: AESGCM, sealed: bytes, place: str) -> Any:
    plain = crypto.unseal_by(cipher, sealed, context=place)
    return _decoded(plain.decode())[0]  # of bytes it would guess the encoding, which takes as long again


_decoded = json.JSONDecoder().raw_decode
