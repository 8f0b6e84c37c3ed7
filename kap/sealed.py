"""Sealed columns: what people say and who they are, encrypted before it reaches the database.

A model with sealed columns names its data key in `sealing_key()`. The key's place (table, row, column) is
bound into every value, so a ciphertext copied to another row does not open.
"""

import json
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, overload
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kap import crypto
from kap.clock import now
from kap.db import Model


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


class Sealable(Protocol):
    id: UUID
    __tablename__: str

    def sealing_key(self) -> DataKey: ...


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
        return json.loads(crypto.unseal(row.sealing_key().secret, sealed, context=self._context(row)))

    def __set__(self, row: Any, value: T) -> None:
        sealed = None
        if value is not None:
            plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            sealed = crypto.seal(row.sealing_key().secret, plain, context=self._context(row))
        setattr(row, self.column, sealed)

    def _context(self, row: Sealable) -> str:
        return f"{row.__tablename__}|{row.id}|{self.column}"
