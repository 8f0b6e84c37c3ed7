"""Small practices: given like guides, shown under the journal; nobody is ever behind on one."""

from collections.abc import Callable

from kap.clock import day_in
from kap.content.guides import library
from kap.db import transaction
from kap.preparation import actions, queries
from tests.conftest import NOON, Browser, Cast

TITLE = "A walk without a goal"


def test_they_stand_under_the_journal_of_whom_they_were_given_to(
    at_browser: Callable[[str], Browser], cast: Cast
) -> None:
    with transaction():
        actions.assign(
            cast.pia,
            guide=library()["practice-walk"],
            due_on=None,
            line=None,
            actor=cast.actor("theo"),
            at=NOON,
        )
    pia = at_browser("pia")
    assert TITLE in pia.get("/my/journal").text
    assert TITLE not in pia.get("/my/preparation").text
    assert TITLE not in pia.get("/").text
    assert TITLE not in at_browser("pau").get("/my/journal").text


def test_nobody_is_behind_on_one(cast: Cast) -> None:
    today = day_in(NOON, cast.practice.zone)
    with transaction():
        given = actions.assign(
            cast.pia,
            guide=library()["practice-walk"],
            due_on=today,
            line=None,
            actor=cast.actor("theo"),
            at=NOON,
        )
    assert queries.behind(cast.actor("theo"), today) == []
    assert queries.plan_of(cast.pia, today).now == []
    with transaction():
        actions.finish(given, actor=cast.actor("pia"), at=NOON)
    assert [each.assignment.id for each in queries.practices_of(cast.pia, today)] == [given.id]
