"""What a person sees, and what a log keeps, when something fails."""

import logging
from collections.abc import Callable
from io import BytesIO
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from kap.db import db, transaction
from tests.conftest import Browser, Cast

At = Callable[[str], Browser]
TYPED = "the words somebody typed"


def test_nothing_there_is_said_in_words(anyone: Browser, at_browser: At, cast: Cast) -> None:
    for browser in (anyone, at_browser("theo")):
        page = browser.get("/nothing/here")
        assert page.status_code == 404
        assert "<h1>There is nothing here, or it is not yours to see.</h1>" in page.text


def test_a_room_says_it_in_its_own_words(anyone: Browser, cast: Cast) -> None:
    page = anyone.get("/invitation/some-old-link")
    assert page.status_code == 404
    assert "<h1>This invitation was used, revoked or has run out. Please ask for a new one.</h1>" in page.text


def test_a_script_gets_the_sentence_alone(at_browser: At, cast: Cast) -> None:
    answer = at_browser("theo").get(f"/patients/{uuid4()}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (
        404,
        {"error": "There is nothing here, or it is not yours to see."},
    )


def test_our_own_failure_keeps_what_was_typed_out_of_the_log(
    at_browser: At,
    cast: Cast,
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theo = at_browser("theo")
    with transaction() as session:
        session.execute(text("ALTER TABLE patient RENAME TO patient_away"))
    try:
        with caplog.at_level(logging.DEBUG):
            answer = theo.post("/patients/new", {"name": TYPED})
    finally:
        with transaction() as session:
            session.execute(text("ALTER TABLE patient_away RENAME TO patient"))
    assert answer.status_code == 500
    assert "<h1>Something went wrong on our side. Nothing you saved before is lost.</h1>" in answer.text
    [line] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert '"endpoint": "patients.admit"' in line.getMessage()
    seen = caplog.text + "".join(capsys.readouterr())
    assert TYPED not in seen
    assert "INSERT" not in seen


def test_the_page_of_our_own_failure_asks_the_database_nothing(
    at_browser: At, cast: Cast, app: Flask
) -> None:
    theo = at_browser("theo")
    with transaction() as session:
        session.execute(text("ALTER TABLE browser_session RENAME TO browser_session_away"))
    try:
        answer = theo.get("/")
    finally:
        with transaction() as session:
            session.execute(text("ALTER TABLE browser_session_away RENAME TO browser_session"))
    db.session.rollback()
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text


def test_only_music_may_be_large_and_only_from_someone_signed_in(
    at_browser: At, anyone: Browser, cast: Cast
) -> None:
    """A stranger could otherwise fill the disk with the files of a form that takes none."""

    def sent(browser: Browser, path: str) -> int:
        data = {"files": (BytesIO(bytes(9_000_000)), "large.wav"), "name": "Pia Pine"}
        answer = browser.post(path, data, content_type="multipart/form-data")
        answer.request.environ["wsgi.input"].close()
        return answer.status_code

    theo = at_browser("theo")
    tried = ((anyone, "/music"), (anyone, "/sign-in"), (theo, "/patients/new"), (theo, "/music"))
    assert [sent(browser, path) for browser, path in tried] == [413, 413, 413, 303]


def test_an_address_with_a_nul_is_not_understood(at_browser: Callable[[str], Browser]) -> None:
    assert at_browser("theo").get("/music?q=%00").status_code == 400
