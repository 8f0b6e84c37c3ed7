"""Sealed columns on a real database: nothing legible in it, and no value opens in another row."""

import pytest
from flask import Flask
from sqlalchemy import select, text

from kap.config import Config
from kap.crypto import Unreadable
from kap.db import db, transaction
from kap.patients.models import Patient
from kap.sealed import DataKey, KeyDestroyed
from kap.sessions.models import Intention
from tests.conftest import NOON, Cast

WORDS = "the heron by the frozen river"


def _write(patient: Patient) -> Intention:
    intention = Intention(patient=patient, patient_id=patient.id, text=WORDS, written_at=NOON)
    db.session.add(intention)
    return intention


def test_words_come_back_for_who_has_the_key(app: Flask, cast: Cast) -> None:
    with transaction():
        _write(cast.pia)
    db.session.expire_all()
    assert db.session.scalars(select(Intention)).one().text == WORDS


def test_the_database_holds_none_of_them(app: Flask, cast: Cast) -> None:
    with transaction():
        _write(cast.pia)
    raw = db.session.execute(text("SELECT text_sealed FROM intention")).scalar_one()
    names = db.session.execute(text("SELECT name_sealed FROM patient")).scalars().all()
    assert b"heron" not in bytes(raw)
    assert all(b"Pia" not in bytes(name) for name in names)


def test_the_files_hold_none_of_them(app: Flask, config: Config, cast: Cast) -> None:
    with transaction():
        _write(cast.pia)
    db.session.close()
    db.engine.dispose()
    held = b"".join(path.read_bytes() for path in config.instance.rglob("*") if path.is_file())
    for word in (b"heron", b"Pia Pine", b"pia@example.org", b"Theo Thorne"):
        assert word not in held


def test_a_value_moved_to_another_row_does_not_open(app: Flask, cast: Cast) -> None:
    with transaction():
        mine, theirs = _write(cast.pia), _write(cast.pau)
    with transaction() as session:
        theirs.text_sealed = mine.text_sealed
        session.flush()
    with pytest.raises(Unreadable):
        _ = theirs.text


def test_a_destroyed_key_opens_nothing(app: Flask, cast: Cast) -> None:
    with transaction():
        intention = _write(cast.pia)
        key = db.session.get_one(DataKey, cast.pia.data_key_id)
        key.destroy(at=NOON)
    with pytest.raises(KeyDestroyed):
        _ = intention.text
    assert db.session.execute(text("SELECT count(*) FROM data_key WHERE wrapped IS NULL")).scalar() == 1
