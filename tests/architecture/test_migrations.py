"""Migrations: the newest equals the models, each goes up and down, and data in the tables survives."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Column, Enum, MetaData, Uuid, column, inspect, select, table, text

from kap import database
from kap.database import NewerDatabase, alembic_config
from kap.db import Model, UTCDateTime, db, transaction
from kap.integration import actions as integration
from kap.integration.rules import Writing
from tests.conftest import NOON, Cast


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
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(NewerDatabase):
            database.upgrade(db.engine)
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": newest})


def test_rows_that_refer_to_nothing_stop_a_migration(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL never lets such a row in
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute(
            "INSERT INTO tick (id, assignment_id, item, ticked_at) VALUES ('a', 'b', 'c', '2026-01-01')"
        )
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(database.BrokenReferences):
        database.upgrade(db.engine)


def _first_rows() -> dict[str, dict[str, object]]:
    """A row of every table of the first migration, each referring to the others."""
    tables = MetaData()
    tables.reflect(db.engine)
    ids = {there.name: uuid4() for there in tables.sorted_tables}
    rows = {}
    for there in tables.sorted_tables:
        if there.name != "alembic_version":
            mapped = Model.metadata.tables[there.name]
            rows[there.name] = {
                each.name: _value(mapped.columns[each.name], ids)
                for each in there.columns
                if not each.nullable or each.name == "peaks"
            }
    rows["track"] |= {"title": "Élan", "artist": "Straße", "file_name": "01.mp3"}
    return rows


def _value(wanted: Column[Any], ids: dict[str, UUID]) -> object:
    if wanted.name == "id" and isinstance(wanted.type, Uuid):
        return ids[wanted.table.name]
    if wanted.foreign_keys:
        return ids[next(iter(wanted.foreign_keys)).column.table.name]
    if isinstance(wanted.type, UTCDateTime):
        return NOON
    if isinstance(wanted.type, Enum):
        return wanted.type.enum_class(wanted.type.enums[0]) if wanted.type.enum_class else "x"
    values: dict[type, object] = {
        UUID: uuid4(),
        int: 1,
        float: 1.0,
        bool: False,
        bytes: b"x",
        date: NOON.date(),
        object: {"a": 1},  # JSON
        str: "x",
    }
    return values[wanted.type.python_type]


def test_rows_of_the_first_version_survive_the_second(app: Flask) -> None:
    database.downgrade(db.engine, "0001")
    try:
        rows = _first_rows()
        with db.engine.begin() as connection:
            for name in (each.name for each in Model.metadata.sorted_tables if each.name in rows):
                columns = Model.metadata.tables[name].columns
                # Without the defaults of columns that are not there yet.
                of_then = table(name, *(column(key, columns[key].type) for key in rows[name]))
                connection.execute(of_then.insert().values(rows[name]))
    finally:
        database.upgrade(db.engine)
    with db.engine.connect() as connection:
        for name, row in rows.items():
            found = connection.execute(Model.metadata.tables[name].select()).mappings().one()
            assert {key: found[key] for key in row} == row
        track = connection.execute(Model.metadata.tables["track"].select()).mappings().one()
        assert track["search_text"] == "\nelan\nstrasse\n\n01.mp3\n@\n"
        assert (track["tags"], track["vocals"], track["culture"]) == ([], None, None)
        practice = connection.execute(Model.metadata.tables["practice"].select()).mappings().one()
        assert practice["safety_plan_months"] == 6
        playlist = connection.execute(Model.metadata.tables["playlist"].select()).mappings().one()
        assert (playlist["avoid"], playlist["surplus_s"]) == ({}, 0)


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_shared_as_a_whole_stays_shared(app: Flask, cast: Cast, shared: bool) -> None:
    entry_id, patient_id = uuid4(), cast.pia.id
    db.session.rollback()
    database.downgrade(db.engine, "0002")
    try:
        names = ("id", "patient_id", "text_sealed", "made_at", "edited_at", "version")
        columns = Model.metadata.tables["journal_entry"].columns
        of_then = table(
            "journal_entry",
            *(column(name, columns[name].type) for name in names),
            column("shared_at", UTCDateTime()),
        )
        values = (entry_id, patient_id, b"x", NOON, NOON, 1, NOON if shared else None)
        with db.engine.begin() as connection:
            connection.execute(of_then.insert().values(values))
        for _ in range(2):  # and back, and once more
            database.upgrade(db.engine)
            shares = Model.metadata.tables["entry_share"]
            with db.engine.connect() as connection:
                rows = connection.execute(
                    select(shares.c.entry_id, shares.c.part, shares.c.user_id, shares.c.at)
                )
                found = sorted((row.entry_id, row.part.value, row.user_id, row.at) for row in rows)
            assert found == [(entry_id, part, None, NOON) for part in ("ratings", "text") if shared]
            database.downgrade(db.engine, "0002")
    finally:
        database.upgrade(db.engine)


def test_a_journal_with_keys_of_its_own_does_not_go_back(app: Flask, cast: Cast) -> None:
    with transaction():
        integration.write(cast.pia, entry_id=uuid4(), writing=Writing("Words"), version=0, at=NOON)
    db.session.close()
    with pytest.raises(RuntimeError, match="could not open the journal"):
        database.downgrade(db.engine, "0002")
    assert database.is_current(db.engine)


def test_a_practice_of_before_sends_links_and_answers_within_four_hours(app: Flask, cast: Cast) -> None:
    db.session.rollback()
    database.downgrade(db.engine, "0008")
    database.upgrade(db.engine)
    rows = db.session.execute(text("SELECT writing_links, talk_hours FROM practice")).all()
    assert [(bool(links), hours) for links, hours in rows] == [(True, 4)] * 2


def test_a_locked_entry_does_not_go_back(app: Flask, cast: Cast) -> None:
    with transaction() as session:
        entry = integration.write(cast.pia, entry_id=uuid4(), writing=Writing("Words"), version=0, at=NOON)
        assert entry is not None
        entry.locked = "what only its writer can open"
        session.flush()
    db.session.close()
    with pytest.raises(RuntimeError, match="it would lose them"):
        database.downgrade(db.engine, "0006")
    assert database.is_current(db.engine)
