"""The store of keys apart from the database."""

import sqlite3
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from kap.crypto import InstanceKey, Unreadable
from kap.keys import KeyStore
from tests.conftest import TEST_KEY


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "deep" / "keys.db", TEST_KEY)


def wrapped(store: KeyStore, key_id: UUID) -> bytes:
    with sqlite3.connect(store.path) as connection:
        row = connection.execute("SELECT wrapped FROM key WHERE id = ?", (key_id.hex,)).fetchone()
    connection.close()
    return bytes(row[0])


def test_keys_come_back_and_differ(store: KeyStore) -> None:
    made = dict(store.make() for _ in range(3))
    assert len(set(made.values())) == 3
    assert {len(secret) for secret in made.values()} == {32}
    assert store.secrets([*made, uuid4()]) == made
    assert store.count([*made, uuid4()]) == 3


def test_before_the_first_key_there_is_no_file_and_no_trouble(store: KeyStore) -> None:
    store.destroy([uuid4()])
    assert (store.secrets([uuid4()]), store.count([]), store.path.exists()) == ({}, 0, False)


def test_a_destroyed_key_leaves_no_byte_and_no_other_file(store: KeyStore) -> None:
    kept, gone = [store.make()[0] for _ in range(40)], [store.make()[0] for _ in range(40)]
    before = {key_id: wrapped(store, key_id) for key_id in gone}
    store.destroy(gone)
    store.destroy(gone[:1])  # once more is no error
    held = store.path.read_bytes()
    assert [key_id for key_id in gone if before[key_id] in held or key_id.hex.encode() in held] == []
    assert store.secrets(gone) == {}
    assert set(store.secrets(kept)) == set(kept)
    assert [path.name for path in store.path.parent.iterdir()] == ["keys.db"]


def test_the_file_is_for_its_owner_alone_and_holds_no_key_as_it_is(store: KeyStore) -> None:
    _, secret = store.make()
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert secret not in store.path.read_bytes()


def test_another_installations_key_opens_none(store: KeyStore) -> None:
    key_id, _ = store.make()
    with pytest.raises(Unreadable):
        KeyStore(store.path, InstanceKey(b"o" * 32)).secrets([key_id])


def test_a_wrapped_key_moved_to_another_id_does_not_open(store: KeyStore) -> None:
    (one, _), (other, _) = store.make(), store.make()
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE key SET wrapped = ? WHERE id = ?", (wrapped(store, one), other.hex))
    connection.close()
    with pytest.raises(Unreadable):
        store.secrets([other])


def test_two_thousand_keys_are_fetched_in_one_statement(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [store.make()[0] for _ in range(20)]
    asked = [*made, *(uuid4() for _ in range(1980))]
    statements: list[str] = []
    connect = sqlite3.connect

    def watched(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    assert len(store.secrets(asked)) == 20
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


def _make_and_destroy(path: Path) -> list[UUID]:
    store = KeyStore(path, TEST_KEY)
    made = [store.make()[0] for _ in range(10)]
    store.destroy(made[:5])
    return made


def test_processes_and_threads_use_one_file_at_once(store: KeyStore) -> None:
    found: list[UUID] = []
    threads = [threading.Thread(target=lambda: found.extend(_make_and_destroy(store.path))) for _ in range(3)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        from_elsewhere = [pool.submit(_make_and_destroy, store.path) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in from_elsewhere:
            found.extend(each.result())
    assert len(set(found)) == 50
    assert store.count(found) == 25
