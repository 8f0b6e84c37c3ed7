"""Every failure a person may meet: one clear sentence, the right status, and what they typed kept."""

import logging
import os
import sys
from errno import EDQUOT, ENOSPC
from sqlite3 import SQLITE_FULL
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from kap.problems import Conflict, Invalid, NotThere, Problem

log = structlog.get_logger(__name__)

SENTENCES = {
    400: "This request could not be understood.",
    401: "Please sign in.",
    403: "This is not yours to open or change.",
    404: "There is nothing here, or it is not yours to see.",
    405: "That cannot be done here.",
    409: "Someone changed this while you were at it.",
    413: "That was larger than we can take. What you typed is still on your device: go back to find it.",
    422: "Something in the form needs another look.",
    429: "Too many tries. Please wait a few minutes.",
    500: "Something went wrong on our side. Nothing you saved before is lost.",
    503: "This is not available just now.",
}
FULL = (
    "There is no room left where Kap keeps things, so nothing was saved. What you typed is still in your "
    "browser: go back to find it, and tell your practice."
)
STATUS = {Invalid: 422, Conflict: 409, NotThere: 404}
EXPIRED = "Your sign-in has ended. Sign in again and what you wrote will be saved."
# What a form may carry over a sign-in; anything else, passwords above all, is dropped.
NEVER_KEPT = frozenset({"csrf_token", "password", "current", "repeat", "token"})
DISK_FULL = "53100"  # PostgreSQL's own number for it
HELD = "held-"  # before the name of a field that is carried over a sign-in
SIGN_IN = "accounts.sign_in"
SIGN_IN_SEND = "accounts.sign_in_send"


def install(app: Flask) -> None:
    app.before_request(_refuse_nul)
    app.log_exception = _log  # type: ignore[method-assign]
    app.logger.addFilter(_without_trace)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)


def _refuse_nul() -> None:
    """An address with a NUL in it: no page of ours makes one, and PostgreSQL takes none."""
    if b"%00" in request.query_string or "\0" in request.path:
        abort(400)


def wants_json() -> bool:
    """Whether a script asked, which can do nothing with a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def same_site() -> bool:
    """Whether the browser says that one of our own pages sent this (Fetch Metadata, else Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def answer(status: int, sentence: str | None = None) -> Response:
    """The error as a page, or as JSON for a script."""
    words = sentence or SENTENCES.get(status, SENTENCES[500])
    if wants_json():
        return make_response(jsonify(error=words), status)
    return make_response(_page(status, words), status)


def sign_in_again() -> Response:
    """The sign-in has ended in the middle of something: ask for it again and keep what was sent."""
    if wants_json():
        return make_response(jsonify(error=EXPIRED, signed_out=True), 401)
    if "HX-Request" in request.headers:
        return _sign_in_in_place_of_the_page()
    held = held_form()
    if not held and request.endpoint == SIGN_IN_SEND:
        return make_response(redirect(url_for(SIGN_IN, next=request.form.get("next")), 303))
    return make_response(
        render_template("accounts/sign_in_again.html", held=held, held_path=_held_path(held)), 401
    )


def held_form() -> list[tuple[str, str]]:
    """What the refused form held; nothing when it came from a stranger's page."""
    if not same_site():
        return []
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    if request.endpoint == SIGN_IN_SEND:  # the sign-in itself was refused: it carries someone's form already
        return [(name.removeprefix(HELD), value) for name, value in fields if name.startswith(HELD)]
    return fields


def _held_path(held: list[tuple[str, str]]) -> str:
    """Where the held form belongs; where there is none, the page its button stood on."""
    if held and request.endpoint == SIGN_IN_SEND:
        return request.form.get("next", "/")
    if held:
        return request.full_path.rstrip("?")
    return _path_of(request.referrer)


def _path_of(address: str | None) -> str:
    """The path of a page of ours that a browser names, else the home page."""
    parts = urlsplit(address or "")
    if parts.netloc != request.host:
        return "/"
    return parts._replace(scheme="", netloc="", fragment="").geturl()


def _sign_in_in_place_of_the_page() -> Response:
    """For htmx, which swaps parts of a page: have the browser leave the page for the sign-in."""
    page = _path_of(request.headers.get("HX-Current-URL"))
    return Response(status=401, headers={"HX-Redirect": url_for(SIGN_IN, next=page)})


def _page(status: int, sentence: str) -> str:
    if status < 500:
        return render_template("errors/error.html", status=status, sentence=sentence)
    # Without the context of other pages, which asks the database who is signed in: it may be what failed.
    template = current_app.jinja_env.get_template("errors/error.html")
    return template.render(status=status, sentence=sentence, practice=None)


def _problem(problem: Problem) -> Response:
    return answer(STATUS.get(type(problem), 422), str(problem))


def _stale(_: StaleDataError) -> Response:
    return answer(409)


def _csrf(_: CSRFError) -> Response:
    """A script may try again with a token of now, once it has seen that `user` is whose words it holds."""
    if wants_json():
        user = current_user.id if current_user.is_authenticated else None
        return make_response(jsonify(error=EXPIRED, csrf_token=generate_csrf(), user=user), 400)
    return sign_in_again()


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    if error.code == 401:
        return _unauthorized()
    if has_no_room(getattr(error, "original_exception", None)):
        return answer(507, FULL)
    return answer(error.code or 500)


def has_no_room(error: BaseException | None) -> bool:
    """Whether a full disk is behind this: of the files, of SQLite or of PostgreSQL."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
            return True
        if (
            getattr(error, "sqlite_errorcode", None) == SQLITE_FULL
            or getattr(error, "sqlstate", "") == DISK_FULL
        ):
            return True
        if os.strerror(ENOSPC) in str(error):  # the object store tells it only in words
            return True
        seen += 1
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return False


def _unauthorized() -> Response:
    if request.method not in ("GET", "HEAD"):
        return sign_in_again()
    if wants_json():
        return answer(401)
    if "HX-Request" in request.headers:
        return _sign_in_in_place_of_the_page()
    path = request.full_path.rstrip("?")
    return make_response(redirect(url_for(SIGN_IN, next=None if path == "/" else path)))


def _log(exc_info: Any = None) -> None:
    """In place of Flask's own: class and place only, as a message may quote what a person typed."""
    error = (exc_info or sys.exc_info())[1]
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    log.error(
        "request failed", endpoint=request.endpoint, method=request.method, error=type(error).__name__, at=at
    )


def _without_trace(record: logging.LogRecord) -> bool:
    """Where Flask logs an error past `log_exception`, keep its words and drop what may quote a person."""
    record.exc_info = record.exc_text = None
    return True
