"""The huey queue that wakes the workers: SQLite by default, PostgreSQL or Redis by configuration."""

import json
from collections.abc import Callable
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

NAME = "kap"


class JSONSerializer(Serializer):  # type: ignore[misc]
    """Signals as JSON: huey's own pickles would let whoever can write to the queue run code."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            return json.dumps(data).encode()
        plain = {name: value for name, value in data._asdict().items() if value is not None}
        return json.dumps({"message": plain}).encode()

    def _deserialize(self, data: bytes) -> Any:
        value = json.loads(data)
        if isinstance(value, dict) and "message" in value:
            return Message(**value["message"])
        return value


def open_queue(url: str) -> Huey:
    """The queue at `url`: a file, or a PostgreSQL or Redis address."""
    options = {"results": False, "serializer": JSONSerializer()}
    if url.startswith(("postgres://", "postgresql")):
        return PostgresHuey(NAME, dsn=url.replace("+psycopg", ""), **options)
    if url.startswith(("redis://", "rediss://")):
        return RedisHuey(NAME, url=url, **options)
    return SqliteHuey(NAME, filename=url, **options)


def signal_task(huey: Huey, perform: Callable[[str], None]) -> Callable[[str], None]:
    """Register `perform` as the one task huey knows, and return the function that signals a job."""
    task = huey.task(name="perform")(perform)

    def signal(job_id: str) -> None:
        task(job_id)

    return signal
