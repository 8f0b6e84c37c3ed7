"""The one place that ends a request's transaction.

An unsafe method that answers below 400 commits; everything else rolls back. By method and not by decorator:
a GET cannot write and a POST cannot forget to. What must be written even so (the trace of a read or of a
refusal) waits until the request's own transaction is over and then gets a short one; if that fails the
answer becomes an error, so no record leaves without its trace.
"""

from collections.abc import Callable

from flask import Flask, Response, g, request
from sqlalchemy.orm import Session

from kap.db import begin_request, db, own_transaction

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def install(app: Flask) -> None:
    """Settle every request of `app`. Install before any other after-request hook: they run in reverse."""
    app.before_request(_begin)
    app.after_request(_settle)


def afterwards(write: Callable[[Session], None]) -> None:
    """Have `write` run in its own transaction after this request's has ended, however it ends."""
    g.setdefault("afterwards", []).append(write)


def _begin() -> None:
    begin_request(reads_only=request.method in SAFE_METHODS)


def _settle(response: Response) -> Response:
    if request.method not in SAFE_METHODS and response.status_code < 400:
        db.session.commit()
    else:
        db.session.rollback()
    writes: list[Callable[[Session], None]] = g.pop("afterwards", [])
    if writes:
        with own_transaction() as session:
            for write in writes:
                write(session)
    return response
