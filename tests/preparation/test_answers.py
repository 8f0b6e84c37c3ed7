"""Answering the questions of a guide, confirming its statements, and who can read that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.preparation import queries
from kap.preparation.models import Answer, Assignment
from tests.conftest import Browser, Cast
from tests.preparation.conftest import THE_DAY

MEDICINES = "medicines-and-conditions"
WORDS = "Sertraline in the morning\nand <b>valerian</b>"
JSON = {"Accept": "application/json"}


def stored(given: Assignment, key: str = "medicines") -> tuple[str, int] | None:
    db.session.rollback()
    db.session.expire_all()
    answer = queries.answer_to(given, key)
    return (answer.words, answer.version) if answer else None


def test_an_answer_is_saved_as_it_is_typed(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    url, pia = f"/my/preparation/{given.id}/answers/medicines", at_browser("pia")
    assert pia.post(url, {"text": " ", "version": "0"}, headers=JSON).get_json() == {"version": 0}
    assert stored(given) is None
    for words, sent, answered in (("Sertra", 0, 1), (WORDS, 1, 2), (WORDS, 1, 2)):
        answer = pia.post(url, {"text": words, "version": str(sent)}, headers=JSON)
        assert (answer.status_code, answer.get_json()) == (200, {"version": answered})
    assert stored(given) == (WORDS, 2)


def test_an_answer_is_sealed(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    at_browser("pia").post(f"/my/preparation/{given.id}/answers/medicines", {"text": WORDS, "version": "0"})
    [raw] = db.session.scalars(select(Answer.words_sealed))
    assert b"Sertraline" not in raw


def test_the_button_alone_saves_and_the_page_says_who_reads_it(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    pia = at_browser("pia")
    answer = pia.post(f"/my/preparation/{given.id}/answers/medicines", {"text": WORDS, "version": "0"})
    assert (answer.status_code, answer.location) == (303, f"/my/preparation/{given.id}#question-medicines")
    page = pia.get(f"/my/preparation/{given.id}").text
    assert "and &lt;b&gt;valerian&lt;/b&gt;</textarea>" in page
    assert page.count("You and your care team can read this answer.") == 2


# Nobody but the patient and the care team meets the words, on any page that has to do with them.
@pytest.mark.parametrize(
    ("name", "status"), [("theo", 200), ("tess", 404), ("pau", 404), ("ana", 403), ("zoe", 404)]
)
def test_the_answer_reaches_the_care_team_and_nobody_else(
    at_browser: Callable[[str], Browser],
    cast: Cast,
    give: Callable[..., Assignment],
    name: str,
    status: int,
) -> None:
    given = give(MEDICINES)
    at_browser("pia").post(f"/my/preparation/{given.id}/answers/medicines", {"text": WORDS, "version": "0"})
    browser = at_browser(name)
    page = browser.get(f"/patients/{cast.pia.id}/preparation")
    assert page.status_code == status
    assert ("Sertraline in the morning" in page.text) == (name == "theo")
    assert ("&lt;b&gt;valerian" in page.text) == (name == "theo")
    for path in ("/", "/guides", f"/guides/{MEDICINES}", f"/my/preparation/{given.id}"):
        assert "Sertraline" not in browser.get(path).text
    assert browser.post(f"/my/preparation/{given.id}/answers/medicines", {"text": "x"}).status_code in (
        403,
        404,
    )
    assert stored(given) == (WORDS, 1)


def test_two_versions_are_both_shown(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    url, pia = f"/my/preparation/{given.id}/answers/medicines", at_browser("pia")
    pia.post(url, {"text": "On the phone", "version": "0"})
    by_script = pia.post(url, {"text": "At the desk", "version": "0"}, headers=JSON)
    assert (by_script.status_code, by_script.get_json()) == (
        409,
        {"conflict": {"text": "On the phone", "version": 1}},
    )
    by_form = pia.post(url, {"text": "At the desk", "version": "0"})
    assert by_form.status_code == 409
    assert "At the desk</textarea>" in by_form.text
    assert '<p class="words">On the phone</p>' in by_form.text
    assert stored(given) == ("On the phone", 1)
    assert pia.post(url, {"text": "At the desk", "version": "1"}).status_code == 303
    assert stored(given) == ("At the desk", 2)


@pytest.mark.parametrize("begun", [False, True])
def test_of_two_tabs_that_save_at_once_one_is_asked(
    app: Flask, at_browser: Callable[[str], Browser], give: Callable[..., Assignment], begun: bool
) -> None:
    given = give(MEDICINES)
    url = f"/my/preparation/{given.id}/answers/medicines"
    tabs = {words: at_browser("pia") for words in ("On the phone", "At the desk")}
    if begun:
        tabs["At the desk"].post(url, {"text": "First", "version": "0"})
    db.session.rollback()
    together, codes = Barrier(2), dict[str, int]()

    def save(words: str) -> None:
        with app.app_context():
            together.wait()
            sent = {"text": words, "version": str(int(begun))}
            codes[words] = tabs[words].post(url, sent, headers=JSON).status_code

    threads = [Thread(target=save, args=(words,)) for words in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes.values()) == [200, 409]
    first = next(words for words, code in codes.items() if code == 200)
    assert stored(given) == (first, 1 + begun)


def test_a_book_is_refused_and_comes_back(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    url, pia = f"/my/preparation/{given.id}/answers/medicines", at_browser("pia")
    book = "word " * 4001
    answer = pia.post(url, {"text": book, "version": "0"})
    assert answer.status_code == 422
    assert "An answer can have 20,000 characters. Please make it shorter." in answer.text
    assert book in answer.text
    assert stored(given) is None


def test_what_is_not_asked_is_not_taken(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    for given, key in ((give(MEDICINES), "moon"), (give(THE_DAY), "medicines")):
        url = f"/my/preparation/{given.id}/answers/{key}"
        assert at_browser("pia").post(url, {"text": "x", "version": "0"}).status_code == 404


def test_one_sitting_is_one_act_in_the_log(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(MEDICINES)
    url, at = f"/my/preparation/{given.id}/answers/medicines", datetime(2026, 11, 24, 9, tzinfo=UTC)
    for version, minutes in enumerate((0, 1, 2, 60)):
        with time_machine.travel(at + timedelta(minutes=minutes), tick=False):
            at_browser("pia").post(url, {"text": f"Words {minutes}", "version": str(version)})
    events = db.session.scalars(select(Event).where(Event.act == Permission.ASSIGNMENT_DO)).all()
    assert [(event.subject, event.actor_id) for event in events] == [("answer", cast.pia.user_id)] * 2


def test_a_statement_is_confirmed_with_its_time_and_taken_back(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give("the-day-before")
    found = queries.standing(given)
    assert found is not None
    [statement] = found.guide.acknowledgements
    url, page = f"/my/preparation/{given.id}/statements/driving", f"/my/preparation/{given.id}"
    with time_machine.travel(datetime(2026, 11, 24, 9, 5, tzinfo=UTC), tick=False):
        pia = at_browser("pia")
        sent = {"wording": statement.wording, "confirmed": "yes"}
        assert [pia.post(url, sent).status_code for _ in range(2)] == [303, 303]
        assert "Confirmed on Tuesday 24 November, 10:05" in pia.get(page).text
        team = at_browser("theo").get(f"/patients/{cast.pia.id}/preparation").text
        assert "Confirmed on Tuesday 24 November, 10:05" in team
        assert "1 of 5 ticked" in team
        pia.post(url, {"wording": statement.wording, "confirmed": "no"})
        assert "Confirmed on" not in pia.get(page).text


def test_a_wording_nobody_was_shown_is_not_confirmed(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give("the-day-before")
    url = f"/my/preparation/{given.id}/statements/driving"
    assert at_browser("pia").post(url, {"wording": "0" * 16, "confirmed": "yes"}).status_code == 404
    with transaction():
        assert given.ticks == []
