"""The whole product on PostgreSQL, its queue too."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.product.conftest import kap, running, status


@pytest.fixture
def empty_database(postgresql_url: str) -> Iterator[str]:
    """A PostgreSQL database with nothing in it, as an administrator would hand it over."""
    name = f"product_{uuid4().hex[:8]}"
    server = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(postgresql_url).set(database=name, drivername="postgresql").render_as_string(False)
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()


def test_it_starts_fills_works_and_starts_again(empty_database: str, tmp_path: Path) -> None:
    settings = {"KAP_DATABASE_URL": empty_database, "KAP_QUEUE_URL": empty_database}
    with running(tmp_path, "--demo", **settings) as first:
        assert status(first.address) == 200
        assert "A demonstration practice was made." in first.stop()
    assert kap("doctor", instance=tmp_path, **settings).stdout.count("wrong") == 0
    (tmp_path / "key").rename(tmp_path / "kept")
    refused = kap("init", instance=tmp_path, **settings)
    assert (refused.returncode, "is missing" in refused.stderr) == (1, True)
    (tmp_path / "kept").rename(tmp_path / "key")
    with running(tmp_path, "--demo", **settings) as second:
        assert "was made" not in second.stop()
