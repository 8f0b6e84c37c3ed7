from collections.abc import Callable

import pytest

from kap.db import db, transaction
from kap.sessions import actions
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.sessions.conftest import address

At = Callable[[str], Browser]
SECRET = "She wept for the first time in years"
PAGES = ("", "edit")
ACTS = ("edit", "cancel", "reinstate", "open", "music", "music-started", "notes", "close", "reopen")


@pytest.fixture
def lived(cast: Cast, planned: DosingSession) -> DosingSession:
    """Open, with a note and an intention that could leak."""
    with transaction():
        actions.open_session(planned, actor=cast.actor("theo"), at=NOON)
        actions.write_intention(cast.pia, text=SECRET, version=0, actor=cast.actor("pia"), at=NOON)
    return planned


@pytest.mark.parametrize(
    ("who", "status"), [("tess", 404), ("pau", 404), ("zoe", 404), ("ana", 403), ("pia", 403)]
)
def test_who_may_not_come_in(cast: Cast, at_browser: At, lived: DosingSession, who: str, status: int) -> None:
    browser, planning = at_browser(who), f"/patients/{cast.pia.id}/sessions/new"
    answers = [browser.get(address(lived, page)) for page in PAGES]
    answers += [browser.post(address(lived, act), {"text": "x"}) for act in ACTS]
    answers += [browser.get(planning), browser.post(planning)]
    assert {answer.status_code for answer in answers} == {status}
    assert [SECRET in answer.text for answer in answers] == [False] * len(answers)


def test_strangers_are_asked_to_sign_in(cast: Cast, anyone: Browser, lived: DosingSession) -> None:
    answer = anyone.get(address(lived))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")
    assert {anyone.post(address(lived, act)).status_code for act in ACTS} == {401}


def test_the_care_team_comes_in(cast: Cast, at_browser: At, lived: DosingSession) -> None:
    theo = at_browser("theo")
    assert [theo.get(address(lived, page)).status_code for page in PAGES] == [200, 200]
    assert SECRET in theo.get(address(lived)).text


def test_a_session_is_found_only_under_its_patient(cast: Cast, at_browser: At, lived: DosingSession) -> None:
    tess = at_browser("tess")
    under_pau = f"/patients/{cast.pau.id}/sessions/{lived.id}"
    assert tess.get(under_pau).status_code == 404
    assert {tess.post(f"{under_pau}/{act}", {"text": "x"}).status_code for act in ACTS} == {404}
    db.session.rollback()
