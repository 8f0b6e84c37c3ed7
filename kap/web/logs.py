"""Logs as JSON lines that can carry only what is on the list."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Identifiers, classes and places. A name, a text, an address, a password or a token has no key here.
_IDENTIFIERS = ("event", "level", "timestamp", "logger", "task", "job", "practice", "version", "address")
_PLACES = ("error", "at", "endpoint", "method", "status")
_NUMBERS = ("ms", "seconds", "attempt", "count")
ALLOWED = frozenset(_IDENTIFIERS + _PLACES + _NUMBERS)


def install(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=level.upper(), format="%(message)s", stream=sys.stderr, force=True)
    # Libraries log requests, signals and values as they please; only their warnings are wanted.
    for noisy in ("huey", "werkzeug", "libav", "sqlalchemy", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED}
