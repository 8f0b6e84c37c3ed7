"""A small store of keys apart from the database: destroying one destroys what it sealed, in backups too.

A backup of the database holds every row there was when it was made. What has to be gone after a deletion is
sealed under a key of its own that lies here, in a SQLite file beside the instance key: wrapped by that key,
never in the database, and overwritten when it is destroyed. Back this file up apart from the database, and
keep no copy for longer than what was deleted may be brought back.

No connection outlives a call, so processes and threads may use one file at once, and a fork inherits nothing.
"""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

from flask import Flask, current_app

from kap.crypto import InstanceKey

BUSY_SECONDS = 20


class KeyStore:
    """Keys of one installation by their ids."""

    def __init__(self, path: Path, instance_key: InstanceKey) -> None:
        self.path = path
        self._instance_key = instance_key

    def make(self) -> tuple[UUID, bytes]:
        """A new key, on disk before this returns: make it before the row that it seals."""
        key_id = uuid4()
        wrapped = self._instance_key.new_data_key(owner=str(key_id))
        with self._writing() as connection:
            connection.execute("INSERT INTO key (id, wrapped) VALUES (?, ?)", (key_id.hex, wrapped))
        return key_id, self._instance_key.unwrap(wrapped, owner=str(key_id))

    def secrets(self, key_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """The keys there are among `key_ids`, in one statement however many."""
        names = [key_id.hex for key_id in key_ids]
        return {UUID(name): secret for name, secret in self.secrets_by_name(names).items()}

    def secrets_by_name(self, names: Collection[str]) -> dict[str, bytes]:
        """The same of ids as 32 hexadecimal digits, for thousands at once, as an id of each takes time."""
        return self._instance_key.unwrap_all(
            {name: (_dashed(name), wrapped) for name, wrapped in self._wrapped(names)}
        )

    def destroy(self, key_ids: Collection[UUID]) -> None:
        """Forget these keys for good; one that is already gone is no error."""
        if not key_ids or not self.path.exists():
            return
        with self._writing() as connection:
            connection.executemany("DELETE FROM key WHERE id = ?", [(key_id.hex,) for key_id in key_ids])

    def count(self, key_ids: Collection[UUID]) -> int:
        """How many of these keys there are. Raises `sqlite3.Error` when the file cannot be read."""
        return len(self._wrapped([key_id.hex for key_id in key_ids]))

    def _wrapped(self, names: Collection[str]) -> list[tuple[str, bytes]]:
        if not names or not self.path.exists():
            return []
        wanted = json.dumps(list(names))
        with self._connected() as connection:
            return connection.execute(
                "SELECT key.id, wrapped FROM json_each(?) JOIN key ON key.id = json_each.value", (wanted,)
            ).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            self._create()
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _create(self) -> None:
        """Several may do this at once: the file appears with its table, and never replaces another's."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(made, isolation_level=None)) as connection:
                connection.execute("CREATE TABLE key (id TEXT PRIMARY KEY, wrapped BLOB) WITHOUT ROWID")
            with suppress(FileExistsError):
                os.link(made, self.path)
        finally:
            made.unlink()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            # A write-ahead log would keep copies of what was destroyed; a rollback journal goes at once.
            for pragma in ("journal_mode=DELETE", "secure_delete=ON", "synchronous=EXTRA"):
                connection.execute(f"PRAGMA {pragma}")
            yield connection


def _dashed(name: str) -> str:
    """As `str` writes an id."""
    return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"


def install(app: Flask, path: Path, instance_key: InstanceKey) -> None:
    app.extensions["kap.keys"] = KeyStore(path, instance_key)


def key_store() -> KeyStore:
    """The running installation's keys."""
    found: KeyStore = current_app.extensions["kap.keys"]
    return found
