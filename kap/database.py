"""Bringing a database to this version of Kap."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from kap.paths import MIGRATIONS


class NewerDatabase(Exception):
    """The database was made by a newer version of Kap."""


class BrokenReferences(Exception):
    """A migration left rows that refer to nothing; it was not committed."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Migrate to `revision`. Raises `NewerDatabase`, `BrokenReferences`."""
    _run(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str) -> None:
    _run(engine, lambda config: command.downgrade(config, revision))


def is_current(engine: Engine) -> bool:
    """Whether the database is at the newest version this Kap knows. Raises `NewerDatabase`."""
    with engine.connect() as connection:
        found = _revision(connection)
    known = _script()
    if found is not None and found not in {script.revision for script in known.walk_revisions()}:
        raise NewerDatabase(
            "The database was made by a newer version of Kap. Please run that version, or a newer one."
        )
    return found == known.get_current_head()


def alembic_config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _run(engine: Engine, change: Callable[[AlembicConfig], None]) -> None:
    is_current(engine)
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            _foreign_keys(connection, on=False)
        try:
            with connection.begin():
                config = alembic_config()
                config.attributes["connection"] = connection
                change(config)
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise BrokenReferences("The migration would leave rows that refer to nothing.")
        finally:
            if sqlite:
                _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """Rebuilding a table drops the old one, which with foreign keys on deletes its children.

    The switch is ignored inside a transaction, so it goes to the driver before one begins.
    """
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a fresh connection has its driver
    driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
