"""The private calendar, read back with a calendar library."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as cases
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import text
from time_machine import Traveller

from kap.db import db, transaction
from kap.reminders import actions, feed
from kap.reminders.feed import Appointment
from kap.reminders.models import CalendarFeed
from kap.sessions import actions as sessions
from tests.conftest import Browser, Cast
from tests.home.conftest import held, planned
from tests.reminders.conftest import TODAY

At = Callable[[str], Browser]
ALLOWED = {
    "UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "CLASS", "TRANSP", "STATUS",
}  # fmt: skip


def address(browser: Browser) -> str:
    """Make a calendar address and read it off the page; its path."""
    browser.post("/account/calendar")
    page = browser.get("/account/calendar").text
    return page.split('value="http://127.0.0.1:8000')[1].split('"')[0]


def events(browser: Browser, path: str) -> list[Any]:
    answer = browser.get(path)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.get_data()).walk("VEVENT"))


def test_times_and_nothing_else(cast: Cast, at_browser: At, anyone: Browser, clock: Traveller) -> None:
    held(cast.pia, cast.theo, TODAY - timedelta(days=3))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=3))
    planned(cast.pau, cast.tess, TODAY + timedelta(days=4))
    planned(cast.zed, cast.zoe, TODAY + timedelta(days=5))
    path = address(at_browser("pia"))
    found = events(anyone, path)
    assert [(each.start, each.end) for each in found] == [
        (TODAY - timedelta(days=3), TODAY - timedelta(days=3) + timedelta(hours=2)),
        (TODAY + timedelta(days=3), TODAY + timedelta(days=3) + feed.USUALLY),
    ]
    assert {str(each["SUMMARY"]) for each in found} == {"Appointment"}
    assert {name for each in found for name in each} == ALLOWED
    words = anyone.get(path).text.lower()
    for word in ("pia", "theo", "linden", "ketamine", "session", "dosing", "intramuscular", str(cast.pia.id)):
        assert word not in words


def test_a_therapist_sees_what_they_hold_themselves(
    cast: Cast, at_browser: At, anyone: Browser, clock: Traveller
) -> None:
    planned(cast.pia, cast.theo, TODAY + timedelta(days=3))
    planned(cast.pau, cast.tess, TODAY + timedelta(days=4))
    theo = address(at_browser("theo"))
    pia = address(at_browser("pia"))
    (his,), (hers,) = events(anyone, theo), events(anyone, pia)
    assert his.start == hers.start == TODAY + timedelta(days=3)
    assert str(his["UID"]) != str(hers["UID"])  # the two calendars do not show that they meet
    with transaction():
        cast.pia.archived_at = TODAY
    assert events(anyone, theo) == []


def test_a_change_keeps_the_uid_and_raises_the_sequence(
    cast: Cast, at_browser: At, anyone: Browser, clock: Traveller
) -> None:
    session = planned(cast.pia, cast.theo, TODAY + timedelta(days=3))
    pia = at_browser("pia")
    path = address(pia)
    (before,) = events(anyone, path)
    clock.shift(timedelta(hours=1))
    with transaction():
        session.planned_at = TODAY + timedelta(days=4)
    (moved,) = events(anyone, path)
    assert moved["UID"] == before["UID"]
    assert moved["SEQUENCE"] > before["SEQUENCE"]
    assert moved["LAST-MODIFIED"].dt == before["LAST-MODIFIED"].dt + timedelta(hours=1)
    assert moved.start == TODAY + timedelta(days=4)
    with transaction():
        sessions.cancel(session, actor=cast.actor("theo"))
    (cancelled,) = events(anyone, path)
    assert (cancelled["UID"], str(cancelled["STATUS"])) == (before["UID"], "CANCELLED")
    assert cancelled["SEQUENCE"] > moved["SEQUENCE"]
    assert events(anyone, address(pia))[0]["UID"] == before["UID"]  # under a new address too


def test_a_renewed_or_removed_address_is_gone(
    cast: Cast, at_browser: At, anyone: Browser, clock: Traveller
) -> None:
    pia = at_browser("pia")
    first, second = address(pia), address(pia)
    assert first != second
    assert [anyone.get(path).status_code for path in (first, second)] == [404, 200]
    pia.post("/account/calendar/remove")
    assert anyone.get(second).status_code == 404
    assert "There is no address yet" in pia.get("/account/calendar").text
    assert anyone.get("/calendar/unknown.ics").status_code == 404
    third = address(pia)
    with transaction():
        assert cast.pia.user is not None
        cast.pia.user.closed_at = TODAY
    assert anyone.get(third).status_code == 404


def test_a_reader_that_has_it_already_is_told_so(
    cast: Cast, at_browser: At, anyone: Browser, clock: Traveller
) -> None:
    session = planned(cast.pia, cast.theo, TODAY + timedelta(days=3))
    path = address(at_browser("pia"))
    answer = anyone.get(path)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    etag = {"If-None-Match": answer.headers["ETag"]}
    assert anyone.get(path, headers=etag).status_code == 304
    with transaction():
        session.planned_at = TODAY + timedelta(days=4)
    assert anyone.get(path, headers=etag).status_code == 200


def test_the_address_is_stored_and_logged_nowhere(
    at_browser: At, anyone: Browser, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = address(at_browser("pia"))
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    with caplog.at_level(logging.DEBUG):
        anyone.get(path)
        anyone.get(path + "x")
    printed = capfd.readouterr()
    stored = " ".join(
        str(row)
        for name in (CalendarFeed.__tablename__, "event", "job")
        for row in db.session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own names
    )
    for place in (caplog.text, printed.out, printed.err, stored):
        assert token not in place


def test_a_failure_while_it_is_made_names_no_address(
    at_browser: At,
    anyone: Browser,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = address(at_browser("pia"))
    monkeypatch.setattr(feed, "calendar", lambda _: 1 / 0)
    anyone.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert anyone.get(path).status_code == 500
    printed = capfd.readouterr()
    for place in (caplog.text, printed.out, printed.err):
        assert path.removeprefix("/calendar/")[:40] not in place


def test_administrators_have_no_appointments(cast: Cast, at_browser: At) -> None:
    ana = at_browser("ana")
    assert ana.get("/account/calendar").status_code == 403
    assert "account/calendar" not in ana.get("/account").text


@cases(
    st.lists(
        st.tuples(st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)), st.integers(0, 9), st.booleans()),
        max_size=6,
    )
)
def test_what_is_written_is_what_a_library_reads(rows: list[tuple[datetime, int, bool]]) -> None:
    """Whatever the clocks do, as moments are UTC."""
    made = [
        Appointment(
            uid=f"{number}@kap", begins=begins.replace(tzinfo=UTC, microsecond=0),
            ends=begins.replace(tzinfo=UTC, microsecond=0) + feed.USUALLY, sequence=sequence,
            changed_at=begins.replace(tzinfo=UTC, microsecond=0), cancelled=cancelled,
        )
        for number, (begins, sequence, cancelled) in enumerate(rows)
    ]  # fmt: skip
    read: list[Any] = Calendar.from_ical(feed.calendar(made)).walk("VEVENT")
    assert [
        (str(each["UID"]), each.start, each.end, each["SEQUENCE"], str(each["STATUS"]) == "CANCELLED")
        for each in read
    ] == [(each.uid, each.begins, each.ends, each.sequence, each.cancelled) for each in made]


def test_making_and_removing_is_in_the_log_of_acts(cast: Cast, clock: Traveller) -> None:
    with transaction():
        made = actions.open_feed(cast.theo, at=TODAY)
        assert made.token_digest
        actions.close_feed(cast.theo)
    acts = db.session.execute(text("SELECT act FROM event")).scalars().all()
    assert acts.count("reminders:calendar:keep") == 3
