"""Migrations: the newest equals the models, each goes up and down, and data in the tables survives."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, text

from kap import database
from kap.database import NewerDatabase, alembic_config
from kap.db import Model, db
from tests.conftest import Cast


def test_the_newest_migration_is_what_the_models_say(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_every_migration_goes_down_and_up_again(app: Flask) -> None:
    tables = set(inspect(db.engine).get_table_names())
    try:
        database.downgrade(db.engine, "base")
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    finally:
        database.upgrade(db.engine)
    assert set(inspect(db.engine).get_table_names()) == tables


def test_an_upgrade_that_has_nothing_to_do_keeps_every_row(app: Flask, cast: Cast) -> None:
    db.session.rollback()
    database.upgrade(db.engine)
    assert db.session.execute(text("SELECT count(*) FROM patient")).scalar() == 3


def test_a_newer_database_is_left_alone(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(NewerDatabase):
            database.upgrade(db.engine)
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def test_rows_that_refer_to_nothing_stop_a_migration(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL never lets such a row in
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("UPDATE alembic_version SET version_num = '0001'")
        driver.execute(
            "INSERT INTO tick (id, assignment_id, item, ticked_at) VALUES ('a', 'b', 'c', '2026-01-01')"
        )
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(database.BrokenReferences):
        database.upgrade(db.engine)
