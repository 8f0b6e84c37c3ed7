"""What a therapist does: read the library, give a guide, see where it stands, take it back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.content.guides import library
from kap.db import db, transaction
from kap.preparation import actions, queries
from kap.preparation.models import Assignment
from kap.preparation.rules import State
from kap.problems import Conflict
from tests.conftest import Browser, Cast
from tests.preparation.conftest import INTENTION, THE_DAY, WHAT_KAP_IS

LINE = "Read this with a cup of tea, we talk on Monday"


def test_the_library_lists_every_guide_that_ships(at_browser: Callable[[str], Browser]) -> None:
    page = at_browser("theo").get("/guides").text
    assert [f"/guides/{slug}" in page for slug in library()] == [True] * len(library())


def test_every_guide_is_read_with_its_sources(at_browser: Callable[[str], Browser]) -> None:
    theo = at_browser("theo")
    for guide in library().values():
        page = theo.get(f"/guides/{guide.slug}")
        assert page.status_code == 200
        assert [f'<li id="{source.anchor}">' in page.text for source in guide.sources] == [True] * len(
            guide.sources
        )


def test_an_unknown_guide_is_not_there(at_browser: Callable[[str], Browser]) -> None:
    assert at_browser("theo").get("/guides/how-to-fly").status_code == 404


def test_giving_a_guide(at_browser: Callable[[str], Browser], cast: Cast) -> None:
    theo = at_browser("theo")
    due = datetime.now(UTC).date() + timedelta(days=5)
    answer = theo.post(
        f"/patients/{cast.pia.id}/preparation/assign",
        {"guide": THE_DAY, "due_on": due.isoformat(), "line": f"  {LINE}  "},
    )
    assert answer.status_code == 302
    assert answer.location == f"/patients/{cast.pia.id}/preparation"
    [given] = queries.assignments_of(cast.pia)
    assert given.guide == library()[THE_DAY]
    assert given.assignment.guide_version == library()[THE_DAY].version
    assert given.assignment.due_on == due
    assert given.assignment.line == LINE
    assert given.assignment.assigned_by_id == cast.theo.id
    assert given.state is State.NOT_OPENED
    page = theo.get(answer.location).text
    assert LINE in page
    assert "Not opened" in page


def test_the_personal_line_is_sealed(cast: Cast, give: Callable[..., Assignment]) -> None:
    given = give(THE_DAY, line=LINE)
    [raw] = db.session.scalars(select(Assignment.line_sealed))
    assert raw is not None
    assert LINE.encode() not in raw
    db.session.expire_all()
    assert given.line == LINE


def test_a_guide_without_day_or_line(at_browser: Callable[[str], Browser], cast: Cast) -> None:
    answer = at_browser("theo").post(
        f"/patients/{cast.pia.id}/preparation/assign", {"guide": THE_DAY, "due_on": "", "line": "  "}
    )
    assert answer.status_code == 302
    [given] = queries.assignments_of(cast.pia)
    assert (given.assignment.due_on, given.assignment.line) == (None, None)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"guide": ""}, "Please choose a guide."),
        ({"guide": "how-to-fly"}, "Not a valid choice."),
        ({"due_on": "2020-01-01"}, "This day has passed. Choose today or a later day."),
        ({"due_on": "soon"}, "Not a valid date value."),
        ({"line": "x" * 1001}, "Field cannot be longer than 1000 characters."),
    ],
)
def test_what_cannot_be_given_comes_back_as_it_was_typed(
    at_browser: Callable[[str], Browser], cast: Cast, changed: dict[str, str], words: str
) -> None:
    form = {"guide": THE_DAY, "line": LINE, **changed}
    answer = at_browser("theo").post(f"/patients/{cast.pia.id}/preparation/assign", form)
    assert answer.status_code == 422
    assert words in answer.text
    assert form["line"] in answer.text
    assert queries.assignments_of(cast.pia) == []


def test_the_form_says_what_was_given_already(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    url = f"/patients/{cast.pia.id}/preparation/assign"
    theo = at_browser("theo")
    assert "Given and not done yet" not in theo.get(url).text
    give(THE_DAY)
    give(WHAT_KAP_IS, to=cast.pau)
    assert f"Given and not done yet: “{library()[THE_DAY].title}”." in theo.get(url).text


def test_pressing_twice_gives_once(at_browser: Callable[[str], Browser], cast: Cast) -> None:
    theo = at_browser("theo")
    url, form = f"/patients/{cast.pia.id}/preparation/assign", {"guide": THE_DAY, "line": LINE}
    assert theo.post(url, form).status_code == 302
    again = theo.post(url, form)
    assert again.status_code == 409
    assert LINE in again.text
    assert len(queries.assignments_of(cast.pia)) == 1


def test_a_guide_that_is_done_can_be_given_again(cast: Cast, give: Callable[..., Assignment]) -> None:
    first = give(THE_DAY)
    with transaction():
        actions.finish(first, actor=cast.actor("pia"), at=datetime.now(UTC))
    give(THE_DAY)
    assert [each.state for each in queries.assignments_of(cast.pia)] == [State.NOT_OPENED, State.DONE]
    with pytest.raises(Conflict), transaction():
        actions.reopen(first, actor=cast.actor("pia"))
    assert first.done_at is not None


def test_taking_back_and_undoing_keeps_the_ticks(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    theo, pia = at_browser("theo"), at_browser("pia")
    pia.post(f"/my/preparation/{given.id}/items/words", {"ticked": "yes"})
    there = f"/patients/{cast.pia.id}/preparation"

    assert theo.post(f"{there}/{given.id}/withdraw").status_code == 302
    assert f"{there}/{given.id}/give-back" in theo.get(there).text
    assert queries.assignments_of(cast.pia) == []
    assert pia.get(f"/my/preparation/{given.id}").status_code == 404
    assert pia.post(f"/my/preparation/{given.id}/done").status_code == 404

    assert theo.post(f"{there}/{given.id}/give-back").status_code == 302
    db.session.expire_all()
    [back] = queries.assignments_of(cast.pia)
    assert back.ticks == {"words"}
    assert pia.get(f"/my/preparation/{given.id}").status_code == 200


def test_taking_back_cannot_be_undone_once_it_was_given_anew(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    first = give(THE_DAY)
    theo = at_browser("theo")
    theo.post(f"/patients/{cast.pia.id}/preparation/{first.id}/withdraw")
    second = give(THE_DAY)
    answer = theo.post(f"/patients/{cast.pia.id}/preparation/{first.id}/give-back")
    assert answer.status_code == 409
    db.session.expire_all()
    assert [each.assignment.id for each in queries.assignments_of(cast.pia)] == [second.id]


def test_another_patients_assignment_is_not_there(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    of_pau = give(THE_DAY, to=cast.pau, line="For Pau alone")
    theo = at_browser("theo")
    assert theo.post(f"/patients/{cast.pia.id}/preparation/{of_pau.id}/withdraw").status_code == 404
    assert theo.post(f"/patients/{cast.pia.id}/preparation/{uuid4()}/withdraw").status_code == 404
    assert "For Pau alone" not in theo.get(f"/patients/{cast.pia.id}/preparation").text
    db.session.expire_all()
    assert of_pau.withdrawn_at is None


def test_where_it_stands_is_said_in_words(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=UTC), tick=False):
        given = give(INTENTION, due_on=date(2026, 11, 20))
        pia = at_browser("pia")
        pia.get(f"/my/preparation/{given.id}")
        pia.post(f"/my/preparation/{given.id}/items/words", {"ticked": "yes"})
        page = at_browser("theo").get(f"/patients/{cast.pia.id}/preparation").text
        assert "1 of 3 ticked" in page
        assert "Due today" in page
    with time_machine.travel(datetime(2026, 11, 21, 9, tzinfo=UTC), tick=False):
        theo = at_browser("theo")
        assert "Was due yesterday" in theo.get(f"/patients/{cast.pia.id}/preparation").text
        at_browser("pia").post(f"/my/preparation/{given.id}/done")
        page = theo.get(f"/patients/{cast.pia.id}/preparation").text
        assert "Was due yesterday" not in page
        assert "Done" in page


def test_a_guide_whose_text_is_gone_is_named_and_left_out_of_the_rest(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    retired = give(WHAT_KAP_IS)
    with transaction():
        retired.guide, retired.given_text = "old-advice", None
    assert queries.assignments_of(cast.pia) == []
    assert [row.id for row in queries.gone_of(cast.pia)] == [retired.id]
    assert "Old advice" in at_browser("theo").get(f"/patients/{cast.pia.id}/preparation").text
    pia = at_browser("pia")
    assert pia.get("/my/preparation").status_code == 200
    assert pia.get(f"/my/preparation/{retired.id}").status_code == 404
    assert queries.standing(retired) is None


def test_giving_ticking_and_taking_back_leave_their_trace(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(INTENTION)
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post(f"/my/preparation/{given.id}/items/words", {"ticked": "yes"})
    pia.post(f"/my/preparation/{given.id}/items/words", {"ticked": "yes"})
    pia.post(f"/my/preparation/{given.id}/done")
    theo.get(f"/patients/{cast.pia.id}/preparation")
    theo.post(f"/patients/{cast.pia.id}/preparation/{given.id}/withdraw")
    events = db.session.scalars(
        select(Event)
        .where(Event.patient_id == cast.pia.id, Event.act.like("preparation:%"))
        .order_by(Event.at)
    )
    assert [(event.act, event.outcome, event.actor_id) for event in events] == [
        (Permission.ASSIGNMENT_ASSIGN, "done", cast.theo.id),
        (Permission.ASSIGNMENT_DO, "done", cast.pia.user_id),
        (Permission.ASSIGNMENT_DO, "done", cast.pia.user_id),
        (Permission.ASSIGNMENT_READ, "read", cast.theo.id),
        (Permission.ASSIGNMENT_ASSIGN, "done", cast.theo.id),
    ]
