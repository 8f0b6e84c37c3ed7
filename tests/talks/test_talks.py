"""I would like to talk to someone: at once, by name, overdue by the clock, and never closed by itself."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from kap import mail
from kap.access.audit import Event
from kap.access.audit import Outcome as Ended
from kap.clock import now
from kap.config import Config
from kap.db import db, transaction
from kap.jobs.models import Job, JobState
from kap.mail import smtp
from kap.mail.rules import Outcome, Verdict
from kap.patients import actions as patients
from kap.patients.models import CareTeamMember
from kap.problems import Conflict
from kap.talks import actions, queries
from kap.talks.models import TalkRequest
from kap.talks.rules import Standing, due_at, rank, standing_of
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
Letters = Callable[[], list[mail.Letter]]
OUTCOME = "Spoke for twenty minutes; her sister is with her."


@pytest.fixture
def letters(app: Flask, monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]) -> Letters:
    """`letters()`: what the work that is due sends."""
    config: Config = app.extensions["kap.config"]
    app.extensions["kap.config"] = replace(config, smtp_url="smtp://localhost")
    sent: list[mail.Letter] = []

    def deliver(_: Config, letter: mail.Letter, *, message_id: str) -> Outcome:
        sent.append(letter)
        return Outcome(Verdict.SENT)

    monkeypatch.setattr(smtp, "deliver", deliver)

    def collect() -> list[mail.Letter]:
        work()
        found = sent[:]
        sent.clear()
        return found

    return collect


def asked(cast: Cast, *, ago: timedelta = timedelta(0)) -> TalkRequest:
    with transaction():
        return actions.ask(cast.pia, actor=cast.actor("pia"), at=now() - ago)


def row() -> TalkRequest:
    db.session.expire_all()
    return db.session.scalars(select(TalkRequest)).one()


def make_due() -> None:
    """Let its time run out."""
    with transaction():
        row().due_at = now() - timedelta(minutes=1)
        for job in db.session.scalars(select(Job).where(Job.task == actions.OVERDUE)):
            job.run_at = now()


def test_one_tap_and_a_name_comes_back(at_browser: AtBrowser, cast: Cast, letters: Letters) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    assert pia.post("/my/talk").headers["Location"] == "/my/talk"
    page = pia.get("/my/talk").text
    assert "Call 112." in page  # the practice's own words, on the same page, whatever happens
    assert "not watched in real time" in page
    home = theo.get("/").text
    assert home.index("Would like to talk to someone") < home.index("Sessions today")
    assert "Nobody has seen it yet" in home
    (letter,) = letters()
    assert letter.to == "theo@example.org"
    assert re.findall("Pia|Pine|talk|patient|crisis|ketamine", letter.text + letter.subject) == []
    talk = row()
    path = f"/patients/{cast.pia.id}/talks/{talk.id}"
    assert theo.post(f"{path}/outcome", {"outcome": OUTCOME}).status_code == 409  # a name comes first
    assert theo.post(f"{path}/seen").status_code == 303
    assert re.search(r"Theo Thorne has seen this at [^<]+\d\d:\d\d", pia.get("/my/talk").text)
    assert theo.post(f"{path}/outcome", {"outcome": "  "}).status_code == 422
    assert "Seen by Theo Thorne" in theo.get("/").text  # and still there
    assert theo.post(f"{path}/outcome", {"outcome": OUTCOME}).status_code == 303
    assert "Would like to talk to someone" not in theo.get("/").text
    assert OUTCOME in theo.get(f"/patients/{cast.pia.id}/talks").text
    assert "sister" not in pia.get("/my/talk").text
    assert row().outcome == OUTCOME


def test_asking_twice_is_once_until_somebody_has_seen_it(at_browser: AtBrowser, cast: Cast) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post("/my/talk")
    pia.post("/my/talk")
    talk = row()
    theo.post(f"/patients/{cast.pia.id}/talks/{talk.id}/seen")
    pia.post("/my/talk")  # once more, days later: it reaches them again
    assert db.session.query(TalkRequest).count() == 2


def test_no_longer_needed_is_said_and_undone_and_closes_nothing(at_browser: AtBrowser, cast: Cast) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post("/my/talk")
    assert pia.post("/my/talk/no-longer").status_code == 303
    assert "no longer needed" in theo.get("/").text
    assert row().ended_at is None
    pia.post("/my/talk")
    assert row().no_longer_at is None
    assert "no longer needed" not in theo.get("/").text


def test_what_nobody_has_seen_in_time_is_overdue_for_everyone(
    at_browser: AtBrowser, cast: Cast, letters: Letters
) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
    at_browser("pia").post("/my/talk")
    assert sorted(letter.to for letter in letters()) == ["tess@example.org", "theo@example.org"]
    make_due()
    again = letters()
    assert sorted(letter.to for letter in again) == [
        "ana@example.org",
        "tess@example.org",
        "theo@example.org",
    ]
    assert [letter for letter in again if "Pia" in letter.text + letter.subject] == []
    assert letters() == []  # once
    for name in ("theo", "tess"):
        assert "Overdue since" in at_browser(name).get("/").text
    assert "It stands as overdue" in at_browser("pia").get("/my/talk").text
    assert row().told_again_at is not None
    assert row().ended_at is None


def test_what_was_seen_in_time_sends_no_second_letter(
    at_browser: AtBrowser, cast: Cast, letters: Letters
) -> None:
    at_browser("pia").post("/my/talk")
    letters()
    at_browser("theo").post(f"/patients/{cast.pia.id}/talks/{row().id}/seen")
    make_due()
    assert letters() == []


def test_a_letter_that_was_held_up_is_not_sent_once_somebody_has_seen_it(
    at_browser: AtBrowser, cast: Cast, letters: Letters
) -> None:
    at_browser("pia").post("/my/talk")
    at_browser("theo").post(f"/patients/{cast.pia.id}/talks/{row().id}/seen")
    assert letters() == []


def test_without_anyone_on_the_team_an_administrator_hears_at_once(
    at_browser: AtBrowser, cast: Cast, letters: Letters
) -> None:
    with transaction():
        for member in db.session.scalars(
            select(CareTeamMember).where(CareTeamMember.patient_id == cast.pia.id)
        ):
            member.left_at = NOON
    at_browser("pia").post("/my/talk")
    assert [letter.to for letter in letters()] == ["ana@example.org"]


def test_without_mail_it_still_stands_at_the_top(
    at_browser: AtBrowser, cast: Cast, work: Callable[[], int]
) -> None:
    at_browser("pia").post("/my/talk")
    make_due()
    work()
    assert "Overdue since" in at_browser("theo").get("/").text
    assert list(db.session.scalars(select(Job).where(Job.state == JobState.FAILED))) == []


def test_the_practice_chooses_the_hours(at_browser: AtBrowser, cast: Cast) -> None:
    settings = {"name": "Linden", "zone": "Europe/Berlin", "help_text": "", "writing_links": "y"}
    ana = at_browser("ana")
    assert ana.post("/practice", {**settings, "talk_hours": "0"}).status_code == 422
    assert ana.post("/practice", {**settings, "talk_hours": "2"}).status_code == 302
    at_browser("pia").post("/my/talk")
    assert row().due_at - row().asked_at == timedelta(hours=2)


def test_two_colleagues_at_once(at_browser: AtBrowser, cast: Cast) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
    talk = asked(cast)
    path = f"/patients/{cast.pia.id}/talks/{talk.id}"
    theo, tess = at_browser("theo"), at_browser("tess")
    assert [each.post(f"{path}/seen").status_code for each in (theo, tess)] == [303, 303]
    assert row().seen_by_id == cast.theo.id  # the first stands
    theo.post(f"{path}/outcome", {"outcome": OUTCOME})
    late = tess.post(f"{path}/outcome", {"outcome": "I called her as well."})
    assert late.status_code == 409
    assert "I called her as well." in late.text
    assert row().outcome == OUTCOME


def test_who_may_see_and_answer(at_browser: AtBrowser, anyone: Browser, cast: Cast) -> None:
    path = f"/patients/{cast.pia.id}/talks/{asked(cast).id}"
    expected = {"tess": 404, "zoe": 404, "pau": 404, "ana": 403, "pia": 403}
    assert {name: at_browser(name).post(f"{path}/seen").status_code for name in expected} == expected
    assert anyone.post(f"{path}/seen").status_code == 401
    assert at_browser("theo").post("/my/talk").status_code == 403
    assert row().seen_at is None
    for name in ("tess", "zoe", "ana"):
        assert "Pia" not in at_browser(name).get("/").text


def test_every_step_is_in_the_log_and_no_word_of_it(at_browser: AtBrowser, cast: Cast) -> None:
    at_browser("pia").post("/my/talk")
    theo, path = at_browser("theo"), f"/patients/{cast.pia.id}/talks/{row().id}"
    theo.post(f"{path}/seen")
    theo.post(f"{path}/outcome", {"outcome": OUTCOME})
    acts = [
        (event.act, event.actor_id)
        for event in db.session.scalars(select(Event).order_by(Event.at))
        if event.subject == "talk_request" and event.outcome == Ended.DONE
    ]
    assert acts == [
        ("talks:request:ask", cast.pia.user_id),
        ("talks:request:answer", cast.theo.id),
        ("talks:request:answer", cast.theo.id),
    ]
    raw = db.session.execute(text("SELECT outcome_sealed FROM talk_request")).scalar_one()
    assert b"sister" not in bytes(raw)


def test_an_outcome_is_written_once(cast: Cast) -> None:
    theo = cast.actor("theo")
    with transaction():
        talk = actions.ask(cast.pia, actor=cast.actor("pia"), at=NOON)
        with pytest.raises(Conflict):
            actions.end(talk, outcome=OUTCOME, actor=theo, at=NOON)
        assert actions.see(talk, actor=theo, at=NOON)
        actions.end(talk, outcome=OUTCOME, actor=theo, at=NOON)
        actions.end(talk, outcome=OUTCOME, actor=theo, at=NOON)  # the same, sent twice
        with pytest.raises(Conflict):
            actions.end(talk, outcome="Another", actor=theo, at=NOON)
    assert queries.open_of(cast.pia) == []


def test_help_now_offers_it(at_browser: AtBrowser, anyone: Browser, cast: Cast) -> None:
    assert 'action="/my/talk"' in at_browser("pia").get("/help-now").text
    assert 'action="/my/talk"' in at_browser("pia").get("/my/journal").text
    assert 'action="/my/talk"' not in anyone.get("/help-now").text


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=NOON.tzinfo)
)


@given(due=MOMENTS, seen=MOMENTS | st.none(), ended=MOMENTS | st.none(), at=MOMENTS, later=st.timedeltas())
def test_time_alone_makes_it_overdue_and_nothing_else(
    due: datetime, seen: datetime | None, ended: datetime | None, at: datetime, later: timedelta
) -> None:
    standing = standing_of(due_at=due, seen_at=seen, ended_at=ended, now=at)
    assert (standing is Standing.ENDED) == (ended is not None)
    assert (standing is Standing.SEEN) == (seen is not None and ended is None)
    assert (standing is Standing.OVERDUE) == (seen is None and ended is None and at >= due)


@given(MOMENTS, MOMENTS)
def test_who_is_overdue_comes_first_and_then_who_waits_longest(one: datetime, other: datetime) -> None:
    assert rank(Standing.OVERDUE, one) < rank(Standing.WAITING, other) < rank(Standing.SEEN, one)
    assert (rank(Standing.WAITING, one) < rank(Standing.WAITING, other)) == (one < other)


@given(MOMENTS, st.integers(1, 24))
def test_due_after_the_practices_hours(at: datetime, hours: int) -> None:
    assert due_at(at, hours) == at + timedelta(hours=hours)
