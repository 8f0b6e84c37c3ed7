"""The engine, the base model and the column types that every room uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Enum, MetaData, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 20

db = SQLAlchemy(session_options={"expire_on_commit": False})

# Every transaction may write unless it said otherwise. SQLite's own default, a deferred BEGIN that turns
# into a write half-way, loses updates or fails at once with "database is locked" (measured: 828 of 1,200
# updates from four processes lost), so writers take the lock at BEGIN and readers never do.
_reading: ContextVar[bool] = ContextVar("reading", default=False)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. Refuses a naive one: SQLite would drop its zone without a word."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """Base of every table: a UUID key made here, named constraints, aware times."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy reads it from the class

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, sort_order=-1)

    def __init__(self, **values: Any) -> None:
        # A sealed value is bound to its row's key and owner, so both have to be known before it is set.
        self.id = values.pop("id", None) or uuid4()
        sealed = _sealed_names(type(self))
        for name in sorted(values, key=lambda name: name in sealed):
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name!r}")
            setattr(self, name, values[name])


@cache
def _sealed_names(kind: type[Model]) -> frozenset[str]:
    """The names under which a model seals what is set: see `kap.sealed.Sealed`."""
    return frozenset(
        name
        for each in kind.__mro__
        for name, value in vars(each).items()
        if getattr(type(value), "seals", False)
    )


def choice(kind: type[StrEnum]) -> Enum:
    """A column that holds one of `kind`'s values, as text, checked by the database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def configure(app: Flask, url: str) -> None:
    """Give `app` its engine for `url`."""
    options: dict[str, Any] = {"url": with_driver(url)}
    if not is_sqlite(url):
        options["pool_pre_ping"] = True
        options["pool_size"] = 20
    app.config["SQLALCHEMY_ENGINES"] = {"default": options}
    db.init_app(app)
    with app.app_context():
        if is_sqlite(url):
            event.listen(db.engine, "connect", _prepare_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


@contextmanager
def reading(only: bool = True) -> Iterator[None]:
    """Inside, transactions take no write lock (or, with False, take it again)."""
    token = _reading.set(only)
    try:
        yield
    finally:
        _reading.reset(token)


def begin_request(*, reads_only: bool) -> None:
    """Say of the request that starts on this thread whether it may write."""
    _reading.set(reads_only)


@contextmanager
def own_transaction() -> Iterator[Session]:
    """A short transaction of its own, for what must be written even where the request is not.

    Never inside another write transaction: on SQLite that would wait for itself.
    """
    with reading(False), db.sessionmaker() as session, session.begin():
        yield session


@contextmanager
def transaction() -> Iterator[Session]:
    """A write transaction of the context's session, for jobs and commands; commits unless it raises."""
    with reading(False):
        try:
            yield db.session
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise


def with_driver(url: str) -> str:
    """`url` naming the driver Kap brings along, for one that only says PostgreSQL."""
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "secure_delete=ON",  # what is deleted leaves the file's free pages too
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")
