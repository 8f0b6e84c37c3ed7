"""Who may open what: one ladder for the care team's pages, one for the patient's own, one for the library."""

from collections.abc import Callable

import pytest

from kap.db import db
from kap.preparation import queries
from kap.preparation.models import Assignment
from tests.conftest import Browser, Cast
from tests.preparation.conftest import INTENTION

LINE = "Only for those who care for Pia"


@pytest.mark.parametrize(
    ("name", "status"), [("theo", 200), ("tess", 200), ("zoe", 200), ("ana", 403), ("pia", 403)]
)
@pytest.mark.parametrize("path", ["/guides", f"/guides/{INTENTION}"])
def test_the_library_is_the_therapists(
    at_browser: Callable[[str], Browser], path: str, name: str, status: int
) -> None:
    assert at_browser(name).get(path).status_code == status


# Whose page it is, what seeing it answers, what changing it answers.
LADDER = {
    "theo": (200, 302),
    "pia": (302, 403),  # led to her own page; giving is not hers
    "tess": (404, 404),
    "pau": (404, 404),
    "ana": (403, 403),
    "zoe": (404, 404),
}


@pytest.mark.parametrize("name", LADDER)
def test_what_was_given_is_the_care_teams(
    at_browser: Callable[[str], Browser],
    cast: Cast,
    give: Callable[..., Assignment],
    name: str,
) -> None:
    seen, changed = LADDER[name]
    given = give(INTENTION, line=LINE)
    there = f"/patients/{cast.pia.id}/preparation"
    browser = at_browser(name)
    page = browser.get(there)
    assert page.status_code == seen
    assert (LINE in page.text) == (name == "theo")
    assert browser.get(f"{there}/assign").status_code == (200 if name == "theo" else changed)
    for path, form in (
        (f"{there}/assign", {"guide": "what-kap-is"}),
        (f"{there}/{given.id}/withdraw", {}),
        (f"{there}/{given.id}/give-back", {}),
    ):
        assert browser.post(path, form).status_code == changed
    db.session.expire_all()
    expected = {INTENTION, "what-kap-is"} if name == "theo" else {INTENTION}
    assert {each.guide.slug for each in queries.assignments_of(cast.pia)} == expected


@pytest.mark.parametrize(
    ("name", "status"), [("pia", 200), ("pau", 404), ("theo", 403), ("tess", 403), ("ana", 403), ("zoe", 403)]
)
def test_reading_is_the_patients_own(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment], name: str, status: int
) -> None:
    given = give(INTENTION, line=LINE)
    page = at_browser(name).get(f"/my/preparation/{given.id}")
    assert page.status_code == status
    assert (LINE in page.text) == (name == "pia")


@pytest.mark.parametrize("name", ["theo", "ana", "zoe"])
def test_only_patients_have_a_preparation_of_their_own(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment], name: str
) -> None:
    given = give(INTENTION)
    browser = at_browser(name)
    assert browser.get("/my/preparation").status_code == 403
    for verb in ("done", "reopen", "items/words", "intention"):
        assert browser.post(f"/my/preparation/{given.id}/{verb}", {"ticked": "yes"}).status_code == 403


def test_strangers_are_asked_to_sign_in(anyone: Browser, cast: Cast, give: Callable[..., Assignment]) -> None:
    given = give(INTENTION, line=LINE)
    for path in (
        "/guides",
        f"/guides/{INTENTION}",
        f"/patients/{cast.pia.id}/preparation",
        f"/patients/{cast.pia.id}/preparation/assign",
        "/my/preparation",
        f"/my/preparation/{given.id}",
    ):
        answer = anyone.get(path)
        assert answer.status_code == 302
        assert answer.location.startswith("/sign-in")
        assert LINE not in answer.text
