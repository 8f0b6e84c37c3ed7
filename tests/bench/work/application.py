"""The whole application on SQLite in a fresh folder, and what it asks of its database."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

from kap import database
from kap.app import create_app
from kap.config import Config
from kap.crypto import InstanceKey
from kap.db import db


@contextmanager
def application() -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="kap-bench-") as folder:
        config = Config(instance=Path(folder), log_level="error")
        app = create_app(config, key=InstanceKey(b"k" * 32))
        with app.app_context():
            database.upgrade(db.engine)
        yield app
        with app.app_context():
            db.engine.dispose()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent inside, without those that begin a transaction."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
