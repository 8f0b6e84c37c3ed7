"""Writing an intention beside the guide that asks for it."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread

from flask import Flask
from werkzeug.test import TestResponse

from kap.db import db
from kap.patients.models import Patient
from kap.preparation.models import Assignment
from kap.sessions.queries import intention_of
from tests.conftest import Browser, Cast
from tests.preparation.conftest import INTENTION, THE_DAY

JSON = {"Accept": "application/json"}


def stored(patient: Patient) -> tuple[str, int] | None:
    db.session.rollback()
    db.session.expire_all()
    intention = intention_of(patient)
    return (intention.text, intention.version) if intention else None


def test_it_saves_as_it_is_typed(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    url = f"/my/preparation/{give(INTENTION).id}/intention"
    pia = at_browser("pia")
    first = pia.post(url, {"text": "To rest", "version": "0"}, headers=JSON)
    assert first.status_code == 200
    saved = first.get_json()
    assert (saved["version"], saved["text"]) == (1, "To rest")
    assert datetime.fromisoformat(saved["saved_at"]) <= datetime.now(UTC)
    second = pia.post(url, {"text": "To rest\nand see", "version": "1"}, headers=JSON)
    assert second.get_json()["version"] == 2
    again = pia.post(url, {"text": "To rest\nand see", "version": "1"}, headers=JSON)
    assert (again.status_code, again.get_json()["version"]) == (200, 2)
    assert stored(cast.pia) == ("To rest\nand see", 2)


def test_it_saves_with_the_button_alone(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    pia = at_browser("pia")
    answer = pia.post(f"/my/preparation/{given.id}/intention", {"text": "To rest\r\nand see", "version": "0"})
    assert (answer.status_code, answer.location) == (303, f"/my/preparation/{given.id}#intention")
    assert stored(cast.pia) == ("To rest\nand see", 1)
    page = pia.get(f"/my/preparation/{given.id}").text
    assert "To rest\nand see</textarea>" in page
    assert '<input type="hidden" name="version" value="1" autocomplete="off">' in page


def test_a_conflict_keeps_both(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    url = f"/my/preparation/{give(INTENTION).id}/intention"
    pia = at_browser("pia")
    pia.post(url, {"text": "From the phone", "version": "0"}, headers=JSON)
    by_script = pia.post(url, {"text": "From the desk", "version": "0"}, headers=JSON)
    assert by_script.status_code == 409
    assert by_script.get_json() == {"conflict": {"text": "From the phone", "version": 1}}
    by_form = pia.post(url, {"text": "From the desk", "version": "0"})
    assert by_form.status_code == 409
    assert "From the desk</textarea>" in by_form.text
    assert '<p class="words">From the phone</p>' in by_form.text
    assert '<input type="hidden" name="version" value="1" autocomplete="off">' in by_form.text
    assert stored(cast.pia) == ("From the phone", 1)
    assert pia.post(url, {"text": "From the desk", "version": "1"}).status_code == 303
    assert stored(cast.pia) == ("From the desk", 2)


def test_of_two_tabs_that_save_at_once_one_is_asked(
    app: Flask, at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    url = f"/my/preparation/{give(INTENTION).id}/intention"
    tabs = {text: at_browser("pia") for text in ("From the phone", "From the desk")}
    tabs["From the desk"].post(url, {"text": "At first", "version": "0"})
    db.session.rollback()
    together = Barrier(len(tabs))
    answers: dict[str, TestResponse] = {}

    def save(text: str) -> None:
        with app.app_context():
            together.wait()
            answers[text] = tabs[text].post(url, {"text": text, "version": "1"}, headers=JSON)

    threads = [Thread(target=save, args=(text,)) for text in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = stored(cast.pia)
    by_status = {answer.status_code: (text, answer) for text, answer in answers.items()}
    assert set(by_status) == {200, 409}
    first, _ = by_status[200]
    _, asked = by_status[409]
    assert kept == (first, 2)
    assert asked.get_json() == {"conflict": {"text": first, "version": 2}}


def test_too_long_a_text_comes_back(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    url = f"/my/preparation/{give(INTENTION).id}/intention"
    pia = at_browser("pia")
    long = "word " * 4001
    by_form = pia.post(url, {"text": long, "version": "0"})
    assert by_form.status_code == 422
    assert long in by_form.text
    assert pia.post(url, {"text": long, "version": "0"}, headers=JSON).status_code == 422
    assert stored(cast.pia) is None


def test_only_a_guide_that_asks_takes_one(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(THE_DAY)
    pia = at_browser("pia")
    assert pia.post(f"/my/preparation/{given.id}/intention", {"text": "To rest"}).status_code == 404
    assert "Your intention" not in pia.get(f"/my/preparation/{given.id}").text
    assert stored(cast.pia) is None


def test_a_sign_in_that_ended_is_said_to_the_script(anyone: Browser, give: Callable[..., Assignment]) -> None:
    answer = anyone.post(
        f"/my/preparation/{give(INTENTION).id}/intention", {"text": "x", "version": "0"}, headers=JSON
    )
    assert answer.status_code == 401
