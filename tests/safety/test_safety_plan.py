"""A safety plan as patient and care team write it, go through it and keep it."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from kap.access.audit import Event, Outcome
from kap.db import db, transaction
from kap.problems import Conflict
from kap.safety import actions, queries
from kap.safety.models import SafetyPlan, SafetyTalk
from kap.safety.rules import Part
from tests.conftest import NOON, Browser, Cast
from tests.patients.test_caseload import statements

At = Callable[[str], Browser]
SECRET = "I stop answering the phone"
OWN, EDIT = "/my/safety-plan", "/my/safety-plan/edit"
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def team(cast: Cast, end: str = "") -> str:
    return f"/patients/{cast.pia.id}/safety-plan{end}"


def stored(cast: Cast) -> SafetyPlan | None:
    db.session.rollback()
    return queries.row_of(cast.pia)


def test_both_write_one_plan(cast: Cast, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert "Nothing is written yet" in pia.get(OWN).text
    assert pia.post(EDIT, {"signs": SECRET, "version": 0}).location == OWN
    page = theo.get(team(cast, "/edit")).text
    assert SECRET in page
    sent = {"signs": SECRET, "people": "Ruth, 030 1", "version": 1}
    assert theo.post(team(cast, "/edit"), sent).location == team(cast)
    own = pia.get(OWN).text
    assert [words in own for words in (SECRET, "Ruth, 030 1", "Call 112.")] == [True, True, True]
    row = stored(cast)
    assert row is not None
    assert (row.version, row.written_by_id) == (2, cast.theo.id)


def test_it_is_sealed(cast: Cast, at_browser: At) -> None:
    at_browser("pia").post(EDIT, {"signs": SECRET, "version": 0})
    at_browser("theo").post(team(cast, "/talk"), {"version": 1})
    db.session.rollback()
    for column in (SafetyPlan.words_sealed, SafetyTalk.words_sealed):
        raw = db.session.scalars(select(column)).one()
        assert (len(raw) > len(SECRET), b"answering" in bytes(raw)) == (True, False)


def test_two_devices_lose_neither_text(cast: Cast, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert pia.post(EDIT, {"signs": "Mine", "version": 0}, **JSON).get_json() == {"version": 1}
    answer = theo.post(team(cast, "/edit"), {"signs": "Theirs", "version": 0}, **JSON)
    assert answer.status_code == 409
    assert answer.get_json()["conflict"] == {
        "text": "How I notice that it is getting hard:\nMine",
        "version": 1,
    }
    page = theo.post(team(cast, "/edit"), {"signs": "Theirs", "version": 0})
    assert page.status_code == 409
    assert [words in page.text for words in ("Mine", "Theirs", 'value="1"')] == [True, True, True]
    assert theo.post(team(cast, "/edit"), {"signs": "Theirs", "version": 1}, **JSON).get_json() == {
        "version": 2
    }


def test_the_same_words_twice_are_one_save(cast: Cast, at_browser: At) -> None:
    pia = at_browser("pia")
    for _ in range(2):
        assert pia.post(EDIT, {"signs": "Mine", "version": 0}, **JSON).get_json() == {"version": 1}
    assert pia.post(EDIT, {"version": 0, "signs": "a" * 5001}, **JSON).status_code == 422
    page = pia.post(EDIT, {"version": 1, "signs": "a" * 5001})
    assert (page.status_code, "a" * 5001 in page.text) == (422, True)


def test_nothing_is_kept_of_an_empty_page(cast: Cast, at_browser: At) -> None:
    assert at_browser("pia").post(EDIT, {"version": 0}, **JSON).get_json() == {"version": 0}
    assert stored(cast) is None


def test_going_through_it_keeps_the_plan_as_it_was(
    cast: Cast, at_browser: At, clock: time_machine.Traveller
) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert theo.post(team(cast, "/talk"), {"version": 0}).status_code == 422
    pia.post(EDIT, {"signs": "First", "version": 0})
    for _ in range(2):
        assert theo.post(team(cast, "/talk"), {"version": 1}).status_code == 303
    page = theo.get(team(cast)).text
    assert "It counts as current until Wednesday 19 May 2027." in page
    pia.post(EDIT, {"signs": "Second", "version": 1})
    assert "It was changed since." in theo.get(team(cast)).text
    [address] = set(re.findall(r'href="(/patients/[^"]+/talks/[^"]+)"', page))
    then = theo.get(address).text
    assert ("First" in then, "Second" in then) == (True, False)
    # Half a year later: the sign-in has ended, the plan is due.
    clock.shift(timedelta(days=190))
    assert "it is time to go through it again" in at_browser("theo").get(team(cast)).text


def test_a_plan_that_changed_meanwhile_was_not_gone_through(cast: Cast, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post(EDIT, {"signs": "First", "version": 0})
    pia.post(EDIT, {"signs": "Second", "version": 1})
    answer = theo.post(team(cast, "/talk"), {"version": 1})
    assert (answer.status_code, "Please look at it once more." in answer.text) == (409, True)
    db.session.rollback()
    assert db.session.scalars(select(SafetyTalk)).all() == []


def test_who_may_do_what(cast: Cast, at_browser: At) -> None:
    at_browser("pia").post(EDIT, {"signs": SECRET, "version": 0})
    for name, status in {"tess": 404, "ana": 403, "zoe": 404, "zed": 404, "theo": 200}.items():
        assert at_browser(name).get(team(cast)).status_code == status
    pia = at_browser("pia")
    assert pia.post(team(cast, "/talk"), {"version": 1}).status_code == 403
    assert pia.get(team(cast)).location == OWN
    for name in ("theo", "ana"):
        assert at_browser(name).get(OWN).status_code == 403


def test_the_log_has_acts_and_no_words(cast: Cast, at_browser: At) -> None:
    at_browser("pia").post(EDIT, {"signs": SECRET, "version": 0})
    theo = at_browser("theo")
    theo.get(team(cast))
    theo.post(team(cast, "/talk"), {"version": 1})
    db.session.rollback()
    events = db.session.scalars(
        select(Event).where(Event.act.like("safety:%")).order_by(Event.at, Event.act)
    ).all()
    assert [(event.act, event.outcome) for event in events] == [
        ("safety:plan:write", Outcome.DONE),
        ("safety:plan:read", Outcome.READ),
        ("safety:plan:go-through", Outcome.DONE),
    ]


def test_what_a_device_keeps_names_nobody(cast: Cast, at_browser: At, anyone: Browser) -> None:
    pia = at_browser("pia")
    pia.post(EDIT, {"signs": SECRET, "people": "<script>x</script>", "version": 0})
    html = pia.get(f"{OWN}/sheet").get_json()["html"]
    assert [words in html for words in (SECRET, "Pia", "<script>", "csrf")] == [True, False, False, False]
    frame = anyone.get("/safety-plan/here")
    assert (frame.status_code, "Pia" in frame.text, "csrf" in frame.text) == (200, False, False)
    assert pia.get("/safety-plan/here").text == frame.text


def test_the_plan_is_two_taps_from_every_page(cast: Cast, at_browser: At) -> None:
    pia = at_browser("pia")
    for path in ("/", "/account", "/my/journal", "/my/preparation", "/my/upcoming", "/my/music", OWN):
        assert f'<a href="{OWN}">' in pia.get(path).text  # in the menu
        assert 'href="/help-now"' in pia.get(path).text
    assert f'href="{OWN}"' in pia.get("/help-now").text
    assert OWN not in at_browser("theo").get("/help-now").text


def test_plans_of_many_are_two_statements(app, cast: Cast) -> None:  # type: ignore[no-untyped-def]
    with transaction():
        for patient, name in ((cast.pia, "theo"), (cast.pau, "tess")):
            actions.write(patient, {Part.SIGNS.value: "x"}, version=0, actor=cast.actor(name), at=NOON)
            for hours in (0, 5):
                at = NOON + timedelta(hours=hours)
                actions.note_talk(patient, version=1, actor=cast.actor(name), at=at)
    everyone = [cast.pia, cast.pau, cast.zed]
    assert [each.name for each in everyone]  # they are loaded, as a page has them
    with statements(app) as seen:
        found = queries.plans_of_many(everyone)
    assert len([each for each in seen if not each.startswith("BEGIN")]) == 2
    last = [found[each.id].last_talk for each in (cast.pia, cast.pau, cast.zed)]
    assert [talk and talk.at for talk in last] == [NOON + timedelta(hours=5)] * 2 + [None]


def test_two_first_plans_in_the_same_moment(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        actions.write(cast.pia, {"signs": "Theirs"}, version=0, actor=cast.actor("theo"), at=NOON)
    monkeypatch.setattr(queries, "row_of", lambda _: None)  # as the other saw it
    with pytest.raises(Conflict, match="Both versions are kept"):
        actions.write(cast.pia, {"signs": "Mine"}, version=0, actor=cast.actor("pia"), at=NOON)
    db.session.rollback()
