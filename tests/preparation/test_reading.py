"""What a patient does on a phone: read, tick, finish, undo."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from kap.content.guides import library
from kap.db import db, transaction
from kap.preparation import actions, queries
from kap.preparation.models import Assignment
from kap.preparation.rules import State
from tests.conftest import Browser, Cast
from tests.preparation.conftest import INTENTION, THE_DAY, WHAT_KAP_IS


def standing(given: Assignment) -> queries.Standing:
    db.session.rollback()
    db.session.expire_all()
    found = queries.standing(given)
    assert found is not None
    return found


def test_an_empty_page_teaches(at_browser: Callable[[str], Browser]) -> None:
    assert "Nothing to prepare yet" in at_browser("pia").get("/my/preparation").text


def test_now_coming_and_done(cast: Cast, give: Callable[..., Assignment]) -> None:
    today = date(2026, 11, 20)
    later = give("the-first-night", due_on=today + timedelta(30))
    soon = give(THE_DAY, due_on=today + timedelta(3))
    late = give(WHAT_KAP_IS, due_on=today - timedelta(1))
    whenever = give("difficult-moments")
    done = give(INTENTION, due_on=today)
    with transaction():
        actions.finish(done, actor=cast.actor("pia"), at=datetime.now(UTC))
    plan = queries.plan_of(cast.pia, today)
    assert [each.assignment for each in plan.now] == [late, soon, whenever]
    assert [each.assignment for each in plan.coming] == [later]
    assert [each.assignment for each in plan.done] == [done]


def test_only_one_own_things_are_listed(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    give(THE_DAY)
    give(WHAT_KAP_IS, to=cast.pau)
    page = at_browser("pia").get("/my/preparation").text
    assert library()[THE_DAY].title in page
    assert library()[WHAT_KAP_IS].title not in page


def test_reading_shows_the_line_the_text_and_the_sources(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(THE_DAY, line="Bring the blue <scarf>")
    page = at_browser("pia").get(f"/my/preparation/{given.id}").text
    assert "Theo Thorne wrote to you" in page
    assert "Bring the blue &lt;scarf&gt;" in page
    assert page.count('role="checkbox"') == len(library()[THE_DAY].items)
    assert [f'<li id="{source.anchor}">' in page for source in library()[THE_DAY].sources] == [True] * len(
        library()[THE_DAY].sources
    )


def test_the_first_opening_is_kept(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(THE_DAY)
    pia = at_browser("pia")
    assert standing(given).state is State.NOT_OPENED
    pia.get(f"/my/preparation/{given.id}")
    first = standing(given).assignment.opened_at
    assert first is not None
    pia.get(f"/my/preparation/{given.id}")
    assert standing(given).assignment.opened_at == first
    assert standing(given).state is State.OPENED


def test_a_therapist_who_looks_does_not_open_it(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(THE_DAY)
    theo = at_browser("theo")
    theo.get(f"/patients/{cast.pia.id}/preparation")
    assert theo.get(f"/my/preparation/{given.id}").status_code == 403
    assert standing(given).assignment.opened_at is None


def test_ticking_and_clearing_without_a_script(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    pia = at_browser("pia")
    url = f"/my/preparation/{given.id}/items/words"
    answer = pia.post(url, {"ticked": "yes"})
    assert (answer.status_code, answer.location) == (303, f"/my/preparation/{given.id}#item-words")
    assert standing(given).ticks == {"words"}
    pia.post(url, {"ticked": "no"})
    assert standing(given).ticks == frozenset()


@pytest.mark.parametrize("wanted", ["yes", "no"])
def test_twice_is_once(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment], wanted: str
) -> None:
    given = give(INTENTION)
    pia = at_browser("pia")
    pia.post(f"/my/preparation/{given.id}/items/loosely", {"ticked": "yes"})
    for _ in range(2):
        assert pia.post(f"/my/preparation/{given.id}/items/words", {"ticked": wanted}).status_code == 303
    assert standing(given).ticks == ({"words", "loosely"} if wanted == "yes" else {"loosely"})


def test_a_script_gets_the_item_and_how_far_it_is(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    pia = at_browser("pia")
    answer = pia.post(
        f"/my/preparation/{given.id}/items/words", {"ticked": "yes"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert answer.text.count('aria-checked="true"') == 1
    assert answer.text.count("<li") == 1
    assert "Saved. 1 of 3 ticked." in answer.text
    assert standing(given).ticks == {"words"}


def test_two_tabs_never_collide(
    app: Flask, at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    given_id = given.id
    together = Barrier(4)
    tabs = [at_browser("pia") for _ in range(4)]
    db.session.rollback()
    codes: list[int] = []

    def press(tab: Browser, item: str) -> None:
        with app.app_context():
            together.wait()
            codes.append(tab.post(f"/my/preparation/{given_id}/items/{item}", {"ticked": "yes"}).status_code)

    wanted = ["words", "words", "loosely", "talked"]
    threads = [Thread(target=press, args=(tab, item)) for tab, item in zip(tabs, wanted, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 4
    assert standing(given).ticks == {"words", "loosely", "talked"}


def test_an_unknown_item_is_not_there(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    pia = at_browser("pia")
    for wanted in ("yes", "no"):
        answer = pia.post(f"/my/preparation/{given.id}/items/moon", {"ticked": wanted})
        assert answer.status_code == 404
    assert standing(given).ticks == frozenset()


def test_done_and_undone(at_browser: Callable[[str], Browser], give: Callable[..., Assignment]) -> None:
    given = give(THE_DAY)
    pia = at_browser("pia")
    answer = pia.post(f"/my/preparation/{given.id}/done")
    assert (answer.status_code, answer.location) == (302, "/my/preparation")
    assert f"/my/preparation/{given.id}/reopen" in pia.get("/my/preparation").text
    first = standing(given).assignment.done_at
    assert first is not None
    pia.post(f"/my/preparation/{given.id}/done")
    assert standing(given).assignment.done_at == first
    assert pia.post(f"/my/preparation/{given.id}/reopen").location == f"/my/preparation/{given.id}"
    assert not standing(given).is_done


def test_a_tick_for_an_item_that_left_the_guide_no_longer_counts(
    cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    with transaction():
        actions.tick(given, item="words", actor=cast.actor("pia"), at=datetime.now(UTC))
        given.ticks[0].item = "of-an-earlier-version"
    assert standing(given).ticked == 0


def test_someone_elses_assignment_is_not_there(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    of_pau = give(INTENTION, to=cast.pau, line="For Pau alone")
    pia = at_browser("pia")
    for path in (f"/my/preparation/{of_pau.id}", f"/my/preparation/{uuid4()}"):
        assert pia.get(path).status_code == 404
        for verb in ("done", "reopen", "items/words", "intention"):
            assert pia.post(f"{path}/{verb}", {"ticked": "yes", "text": "mine"}).status_code == 404
    after = standing(of_pau)
    assert (after.ticks, after.is_done, after.assignment.opened_at) == (frozenset(), False, None)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        # Midnight in Berlin is 23:00 the day before in UTC.
        (datetime(2026, 11, 19, 22, 59, tzinfo=UTC), "Due tomorrow"),
        (datetime(2026, 11, 19, 23, 1, tzinfo=UTC), "Due today"),
        (datetime(2026, 11, 20, 22, 59, tzinfo=UTC), "Due today"),
        (datetime(2026, 11, 20, 23, 1, tzinfo=UTC), "Was due yesterday"),
    ],
)
def test_a_day_ends_at_midnight_on_the_practices_clock(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment], moment: datetime, words: str
) -> None:
    with time_machine.travel(moment, tick=False):
        given = give(THE_DAY, due_on=date(2026, 11, 20))
        pia = at_browser("pia")
        assert words in pia.get("/my/preparation").text
        assert words in pia.get(f"/my/preparation/{given.id}").text
