"""Making an installation, and saying what is wrong with one."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from av.codec import Codec
from av.codec.codec import UnknownCodecError
from flask import Flask
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kap import database, mail
from kap.app import create_app
from kap.config import Config
from kap.crypto import KeyProblem, create_key_file, read_key_file
from kap.db import db, is_sqlite, own_transaction, with_driver
from kap.integration import resealing
from kap.keys import key_store
from kap.storage import storage

CODECS: tuple[tuple[str, Literal["r", "w"]], ...] = (
    ("mp3", "r"),
    ("flac", "r"),
    ("vorbis", "r"),
    ("opus", "r"),
    ("aac", "r"),
    ("alac", "r"),
    ("pcm_s16le", "r"),
    ("libopus", "w"),
    ("aac", "w"),
    ("flac", "w"),
)


class CannotStart(Exception):
    """Why Kap cannot run here, in one sentence."""


def prepare(config: Config) -> Flask:
    """Make what is missing (folder, key, database) and update the database. Raises `CannotStart`."""
    _make_folder(config)
    _make_key(config)
    app = open_app(config)
    migrate(app)
    return app


def open_app(config: Config) -> Flask:
    """The application over an existing installation. Raises `CannotStart`."""
    try:
        return create_app(config)
    except (KeyProblem, OSError, SQLAlchemyError) as problem:
        raise CannotStart(_sentence(problem)) from problem


def migrate(app: Flask) -> bool:
    """Bring the database to this version; says whether there was anything to do. Raises `CannotStart`."""
    with app.app_context():
        try:
            behind = not database.is_current(db.engine)
            if behind:
                database.upgrade(db.engine)
            resealing.give_keys()
        except (database.NewerDatabase, database.BrokenReferences) as problem:
            raise CannotStart(str(problem)) from problem
        except SQLAlchemyError as problem:
            raise CannotStart(_sentence(problem)) from problem
        finally:
            db.engine.dispose()
        return behind


def _make_folder(config: Config) -> None:
    try:
        config.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise CannotStart(f"The folder {config.instance} cannot be made: {problem.strerror}.") from problem
    _check_writable(config)


def _check_writable(config: Config) -> None:
    if not os.access(config.instance, os.W_OK | os.X_OK):
        raise CannotStart(f"The folder {config.instance} cannot be written to.")


def _make_key(config: Config) -> None:
    """A first key for a new installation. Beside a database that exists, a new key would open nothing."""
    if config.key_path.exists():
        return
    if _has_tables(config):
        raise CannotStart(
            f"The key file {config.key_path} is missing, and without it nothing in the database can be read."
            " Restore it from its backup."
        )
    with contextlib.suppress(FileExistsError):  # two starts at the same moment
        create_key_file(config.key_path)


def _has_tables(config: Config) -> bool:
    if is_sqlite(config.database):
        path = make_url(config.database).database
        return bool(path) and os.path.exists(str(path))
    try:
        engine = create_engine(with_driver(config.database))
        found = inspect(engine).has_table("alembic_version")
        engine.dispose()
    except SQLAlchemyError as problem:
        raise CannotStart(_sentence(problem)) from problem
    return found


def _sentence(problem: Exception) -> str:
    if isinstance(problem, SQLAlchemyError):
        return "The database does not answer. Check KAP_DATABASE_URL and that the server is running."
    if isinstance(problem, OSError):
        return f"{problem.filename or 'A file'} cannot be used: {problem.strerror}."
    return str(problem)


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at, and in words how it is."""

    thing: str
    well: bool
    words: str


def examine(config: Config) -> Iterator[Finding]:
    """Look at instance, key, database, storage, audio and mail, and say plainly how each is."""
    yield _looked_at("Instance", lambda: _instance(config))
    key = _looked_at("Key", lambda: _key(config))
    yield key
    if not key.well:
        return
    try:
        app = open_app(config)
    except CannotStart as problem:
        yield Finding("Database", False, str(problem))
        return
    with app.app_context():
        yield _looked_at("Database", lambda: _database(config))
        yield _looked_at("Keys", _keys)
        yield _looked_at("Storage", _storage)
        yield _looked_at("Audio", _audio)
        yield _looked_at("Mail", lambda: _mail(config))


def _looked_at(thing: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(thing, True, look())
    except Exception as problem:
        return Finding(thing, False, str(problem) if isinstance(problem, CannotStart) else _plain(problem))


def _plain(problem: Exception) -> str:
    if isinstance(problem, KeyProblem | database.NewerDatabase):
        return str(problem)
    return f"{type(problem).__name__}: {problem}"


def _instance(config: Config) -> str:
    if not config.instance.is_dir():
        raise CannotStart(f"There is no folder {config.instance}. Run: kap init")
    _check_writable(config)
    return f"{config.instance} can be written to."


def _key(config: Config) -> str:
    read_key_file(config.key_path)
    return f"{config.key_path} is readable by you alone. Keep a copy of it apart from the database's backup."


def _database(config: Config) -> str:
    kind = make_url(config.database).get_backend_name()
    if not database.is_current(db.engine):
        raise CannotStart(f"The {kind} database is not up to date. Run: kap migrate")
    with own_transaction() as session:
        session.execute(text("SELECT 1"))
    return f"{kind} answers and is up to date."


def _keys() -> str:
    """Whether every entry has its key. Without some, the database or the key file is older than the other."""
    lost = resealing.without_their_keys()
    if lost:
        raise CannotStart(
            f"{lost} journal entries have no key in {key_store().path}. They were deleted after this "
            "copy of the database was made, or the key file is an older copy: then restore its newest backup."
        )
    return f"Every journal entry has its key in {key_store().path}. Back it up apart from the database."


def _storage() -> str:
    files = storage()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe"
        path.write_bytes(b"kap")
        key = files.put(path, kind="probe")
    try:
        if b"".join(files.read(key, 0, files.size(key))) != b"kap":
            raise CannotStart("The file store does not return what was put into it.")
    finally:
        files.delete(key)
    sizes = [size for _, size, _ in files.files()]
    return f"A file was stored, read and deleted. It holds {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB."


def _audio() -> str:
    missing = [name for name, mode in CODECS if not _has_codec(name, mode)]
    if missing:
        raise CannotStart(f"The audio library lacks: {', '.join(missing)}.")
    return "Every format Kap reads and writes is there."


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        Codec(name, mode)
    except UnknownCodecError:
        return False
    return True


def _mail(config: Config) -> str:
    if not config.smtp_url:
        return "No mail server is set (KAP_SMTP_URL); invitations are shown as links to hand over."
    with mail.connect(config):
        return "The mail server answers."
