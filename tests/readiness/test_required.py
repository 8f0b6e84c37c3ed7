"""What a practice requires is its therapists' choice, and holds for it alone."""

from collections.abc import Callable

from kap.db import db
from kap.patients.models import Patient
from kap.readiness import queries
from kap.readiness.rules import USUALLY_REQUIRED, Item
from kap.readiness.wording import FASTING
from kap.sessions.rules import Route
from tests.conftest import Browser, Cast
from tests.readiness.requiring import require

At = Callable[[str], Browser]
PAGE = "/readiness/required"


def choice(cast: Cast, practice: str = "practice") -> queries.Choice:
    db.session.rollback()
    return queries.choice_of(getattr(cast, practice).id)


def test_without_a_choice_it_is_as_shipped(cast: Cast, at_browser: At) -> None:
    assert choice(cast) == queries.Choice()
    page = at_browser("theo").get(PAGE).text
    for item in Item:
        box = f'id="{item.name.lower()}" name="{item.name.lower()}" type="checkbox" value="y"'
        assert (f"checked {box}" in page) is (item in USUALLY_REQUIRED)
    assert FASTING[Route.INTRANASAL].text in page


def test_a_therapist_chooses_for_their_practice_alone(cast: Cast, at_browser: At) -> None:
    theo = at_browser("theo")
    sent = {"consents": "y", "intention": "y", "months": 3, "fasting_iv": " I come fasting. ", "version": 0}
    assert theo.post(PAGE, sent).location == PAGE
    found = choice(cast)
    assert found.required == {Item.CONSENTS, Item.INTENTION}
    assert (found.fasting(Route.IV).text, found.fasting(Route.IV).source) == ("I come fasting.", "")
    assert found.fasting(Route.IM) == FASTING[Route.IM]
    assert choice(cast, "other") == queries.Choice()
    pia = db.session.get_one(Patient, cast.pia.id)
    zed = db.session.get_one(Patient, cast.zed.id)
    assert (pia.practice.safety_plan_months, zed.practice.safety_plan_months) == (3, 6)


def test_two_therapists_at_once(cast: Cast, at_browser: At) -> None:
    require(cast.practice, cast.theo, Item.ESCORT)
    sent = {"music": "y", "months": 6, "fasting_iv": "My words", "version": 0}
    tess = at_browser("tess")
    answer = tess.post(PAGE, sent)
    assert (answer.status_code, "My words" in answer.text) == (409, True)
    assert choice(cast).required == {Item.ESCORT}
    assert tess.post(PAGE, {**sent, "version": 1}).status_code == 303
    assert choice(cast).required == {Item.MUSIC}


def test_what_does_not_hold_together_comes_back(cast: Cast, at_browser: At) -> None:
    theo = at_browser("theo")
    for months in ("", "0", "25", "many"):
        answer = theo.post(PAGE, {"months": months, "travel_iv": "My words", "version": 0})
        assert (answer.status_code, "My words" in answer.text) == (422, True)
    assert theo.post(PAGE, {"months": 6, "travel_iv": "a" * 1001, "version": 0}).status_code == 422
    assert choice(cast) == queries.Choice()


def test_others_do_not_choose(cast: Cast, at_browser: At) -> None:
    for name in ("ana", "pia"):
        browser = at_browser(name)
        assert (browser.get(PAGE).status_code, browser.post(PAGE, {"months": 6}).status_code) == (403, 403)
