"""What each of the three finds on their first page, and what they must not find."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from flask import Flask
from time_machine import Traveller

from kap.content.consents import consents
from kap.db import transaction
from kap.jobs import queue
from kap.jobs.models import JobState
from kap.preparation import actions as preparation
from kap.readiness.rules import Item
from kap.sessions import actions as sessions
from tests.conftest import Browser, Cast
from tests.home.conftest import TODAY, given, held, planned, written
from tests.patients.test_caseload import admit, statements
from tests.readiness.requiring import require

At = Callable[[str], Browser]
SECRET = "The lantern over the water was my grandmother."
UNSIGNED = sum(not consent.optional for consent in consents().values())


def next_step_on(page: str) -> str:
    [title] = re.findall(r'class="next-step">.*?<h2>([^<]+)</h2>', page, re.DOTALL)
    return str(title)


def section(page: str, name: str) -> str:
    """The words of one section of a page, without its tags."""
    [body] = re.findall(rf'<section aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_a_patients_arc_step_by_step(at_browser: At, cast: Cast, clock: Traveller) -> None:
    pia = at_browser("pia")

    def step() -> str:
        return next_step_on(pia.get("/").text)

    assert step() == "Nothing is waiting for you"
    guide = given(cast.pia, cast.theo, "intention", date(2026, 11, 22))
    assert step() == "Read: Finding an intention"
    with transaction():
        preparation.finish(guide, actor=cast.actor("pia"), at=TODAY)
    assert step() == "Nothing is waiting for you"
    session = planned(cast.pia, cast.theo, TODAY + timedelta(days=3))
    assert step() == "Write your intention"
    with transaction():
        sessions.write_intention(cast.pia, text="Soften", version=0, actor=cast.actor("pia"), at=TODAY)
    assert step() == "Before your session"
    require(cast.practice, cast.theo)
    assert step() == "You are prepared"
    clock.shift(timedelta(days=3))
    with transaction():
        sessions.open_session(session, actor=cast.theo.actor, at=TODAY + timedelta(days=3))
    pia = at_browser("pia")
    assert step() == "Your session is going on"
    with transaction():
        sessions.close(session, actor=cast.theo.actor, at=TODAY + timedelta(days=3))
    assert step() == "Write about your session"
    written(cast.pia, SECRET, TODAY + timedelta(days=3))
    assert step() == "Nothing is waiting for you"


def test_a_patients_home_says_what_is_coming_and_what_is_done(
    at_browser: At, cast: Cast, clock: Traveller
) -> None:
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 19))
    given(cast.pia, cast.theo, "the-first-night", date(2026, 12, 24))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=20))
    held(cast.pia, cast.theo, TODAY - timedelta(days=30))
    written(cast.pia, SECRET, TODAY - timedelta(days=29))
    page = at_browser("pia").get("/").text
    assert "It was due on Thursday 19 November; later is fine." in page
    coming, done = section(page, "coming"), section(page, "done")
    assert "Session on Thursday 10 December, 13:00 With Theo Thorne" in coming
    assert "Due on Thursday 24 December." in coming
    assert "You wrote on Thursday 22 October Only you can read this" in done
    assert "Session on Wednesday 21 October With Theo Thorne" in done
    assert SECRET not in page
    assert "Your journal is not watched" in page


def test_help_is_one_tap_from_every_page_of_a_patient(at_browser: At, cast: Cast) -> None:
    pia = at_browser("pia")
    for path in ("/", "/account", "/my/trace", "/my/journal", "/my/preparation"):
        assert '<a class="help-now" href="/help-now">' in pia.get(path).text


def test_help_is_in_the_practices_words_and_dials(at_browser: At, cast: Cast) -> None:
    with transaction():
        cast.practice.help_text = (
            "Call **112**, or **+49 (30) 123-45 67**. Open **24 7**, **9-17**.\n\n<script>x</script>"
        )
    page = at_browser("pia").get("/help-now").text
    assert re.findall(r'<a href="tel:([^"]+)">([^<]+)</a>', page) == [
        ("112", "112"),
        ("+49301234567", "+49 (30) 123-45 67"),
    ]
    assert "<script>x" not in page


def test_help_without_words_of_the_practice_still_helps(at_browser: At, cast: Cast) -> None:
    page = at_browser("zed").get("/help-now")
    assert page.status_code == 200
    assert "Harbour has not entered its own numbers yet." in page.text


def test_a_therapist_sees_who_needs_something(at_browser: At, cast: Cast, clock: Traveller) -> None:
    require(cast.practice, cast.theo, Item.CONSENTS, Item.ESCORT)
    planned(cast.pia, cast.theo, TODAY + timedelta(hours=2))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=2))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=9))
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 19))
    written(cast.pia, SECRET, TODAY, shared_by=cast)
    planned(cast.pau, cast.tess, TODAY + timedelta(hours=1))
    page = at_browser("theo").get("/").text
    lacking = f"2 missing. Consents ({UNSIGNED}). Escort: name, phone number."
    assert section(page, "sessions") == f"Sessions today 15:00 Pia Pine Intramuscular {lacking} Planned"
    assert section(page, "behind") == (
        "Behind on preparation Pia Pine 1 guide not finished, session on Friday 20 November, 15:00"
        " Was due Thursday 19 November"
    )
    assert section(page, "shared") == (
        "Newly shared with you Pia Pine shared a journal entry just now Not opened by you"
    )
    assert section(page, "soon").startswith(
        f"The next seven days Sunday 22 November 13:00 Pia Pine Intramuscular {lacking}"
    )
    assert "Pau" not in page
    assert SECRET not in page


def test_a_session_left_open_stays_on_the_first_page(at_browser: At, cast: Cast, clock: Traveller) -> None:
    late = TODAY - timedelta(hours=15)  # 22:00 of the day before, in Berlin
    session = planned(cast.pia, cast.theo, late)
    theo = at_browser("theo")
    assert section(theo.get("/").text, "sessions") == "Sessions today No session is planned for today."
    with transaction():
        sessions.open_session(session, actor=cast.theo.actor, at=late)
    assert section(theo.get("/").text, "sessions") == "Sessions today 22:00 Pia Pine Intramuscular Open now"


def test_today_is_a_day_on_the_practices_clock(at_browser: At, cast: Cast, clock: Traveller) -> None:
    require(cast.practice, cast.theo)
    planned(cast.pia, cast.theo, TODAY.replace(hour=22, minute=59))  # 23:59 in Berlin
    planned(cast.pia, cast.theo, TODAY.replace(hour=23))  # midnight there
    page = at_browser("theo").get("/").text
    assert section(page, "sessions") == (
        "Sessions today 23:59 Pia Pine Intramuscular Everything required is given or reviewed. Planned"
    )
    assert section(page, "soon").startswith(
        "The next seven days Tomorrow, Saturday 21 November 00:00 Pia Pine"
    )


def test_a_therapist_without_patients_is_shown_how_to_begin(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.post(f"/patients/{cast.pia.id}/team/join", {"user_id": str(cast.tess.id)})
    theo.post(f"/patients/{cast.pia.id}/team/{cast.theo.id}/leave")
    assert "Nobody is in your care yet" in theo.get("/").text


def test_an_administrators_home_has_nothing_clinical(at_browser: At, cast: Cast, clock: Traveller) -> None:
    held(cast.pia, cast.theo, TODAY - timedelta(days=1))
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 19))
    written(cast.pia, SECRET, TODAY, shared_by=cast)
    with transaction():
        for practice in (cast.practice, cast.other):
            job = queue.enqueue("mail.send", practice_id=practice.id, name="accounts.invitation")
            job.state, job.error, job.ended_at = JobState.FAILED, f"No mail server at {practice.name}.", TODAY
    ana = at_browser("ana")
    ana.post("/people/invite", {"name": "Nora Nettle", "email": "nora@example.org", "role": "therapist"})
    page = ana.get("/").text
    assert section(page, "failed") == (
        "Background work that failed Sending mail No mail server at Linden. just now"
    )
    assert section(page, "people").startswith(
        "People Therapists 3 Administrators 1 Nora Nettle Invited, open until Friday 27 November, 13:00"
    )
    assert section(page, "storage") == "Storage Music library 0 tracks, 0 min Its files 0 bytes"
    for word in ("Pia", "Pau", SECRET, "Session", "session", "journal", "Harbour"):
        assert word not in page


def test_a_chart_is_one_timeline_with_the_next_step_on_top(
    at_browser: At, cast: Cast, clock: Traveller
) -> None:
    held(cast.pia, cast.theo, TODAY - timedelta(days=10))
    written(cast.pia, SECRET, TODAY - timedelta(days=9), shared_by=cast)
    written(cast.pia, "Kept to myself.", TODAY - timedelta(days=8))
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 30))
    planned(cast.pia, cast.theo, TODAY + timedelta(days=4))
    theo = at_browser("theo")
    page = theo.get(f"/patients/{cast.pia.id}").text
    titles = re.findall(r'class="timeline-title">(?:<a [^>]*>)?([^<]+)<', page)
    assert sorted(titles[1:3]) == ["Admitted", "Given: What this treatment is, and what it is not"]
    assert [titles[0], *titles[3:]] == ["Session planned", "Shared a journal entry", "Session"]
    assert next_step_on(page) == "Something was shared that you have not opened"
    assert SECRET not in page
    [entry_url] = re.findall(r'href="(/patients/[^"]+/journal/[^"]+)"', page)
    assert theo.get(entry_url).status_code == 200
    page = theo.get(f"/patients/{cast.pia.id}").text
    assert next_step_on(page) == "Nothing needs you here now"


def test_private_writing_changes_nothing_on_the_chart(at_browser: At, cast: Cast, clock: Traveller) -> None:
    held(cast.pia, cast.theo, TODAY - timedelta(days=1))
    theo = at_browser("theo")
    token = re.compile(r'(?:name="csrf-token" content|name="csrf_token" value)="[^"]*"')

    def look() -> list[str]:
        chart = f"/patients/{cast.pia.id}"
        return [token.sub("", theo.get(path).text) for path in (chart, "/", "/patients")]

    before = look()
    written(cast.pia, SECRET, TODAY)
    assert look() == before


def test_the_chart_leads_a_new_patient_from_step_to_step(
    at_browser: At, cast: Cast, clock: Traveller
) -> None:
    theo = at_browser("theo")
    chart = theo.post("/patients/new", {"name": "Maren Holt", "email": "maren@example.org"}).headers[
        "Location"
    ]
    assert next_step_on(theo.get(chart).text) == "Invite Maren Holt to sign in"
    theo.post(f"{chart}/invite")
    assert next_step_on(theo.get(chart).text) == "Give the first guide"
    theo.post(f"{chart}/invite/revoke")
    assert next_step_on(theo.get(chart).text) == "Invite Maren Holt to sign in"
    theo.post(f"{chart}/archive")
    assert next_step_on(theo.get(chart).text) == "This record is archived"


def test_who_may_open_which_first_page(at_browser: At, anyone: Browser, cast: Cast) -> None:
    for who in ("theo", "pia", "ana", "zoe", "zed"):
        browser = at_browser(who)
        assert (browser.get("/").status_code, browser.get("/help-now").status_code) == (200, 200)
    assert anyone.get("/").headers["Location"] == "/sign-in"
    assert anyone.get("/help-now").status_code == 200


def test_the_first_pages_cost_the_same_whatever_happens_in_them(
    at_browser: At, cast: Cast, app: Flask, clock: Traveller
) -> None:
    theo, ana = at_browser("theo"), at_browser("ana")
    pages = ((theo, "/"), (theo, f"/patients/{cast.pia.id}"), (ana, "/"), (ana, "/people"), (ana, "/log"))

    def cost() -> list[int]:
        counts = []
        for browser, path in pages:
            with statements(app) as seen:
                assert browser.get(path).status_code == 200
            counts.append(len(seen))
        return counts

    def live(days: int) -> None:
        held(cast.pia, cast.theo, TODAY - timedelta(days=days))
        planned(cast.pia, cast.theo, TODAY + timedelta(days=days % 5, hours=1))
        written(cast.pia, SECRET, TODAY, shared_by=cast)

    live(1)
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 19))
    few = cost()
    for days in range(2, 8):
        live(days)
    for slug in ("intention", "the-day-of-the-session", "the-first-night"):
        given(cast.pia, cast.theo, slug, date(2026, 11, 19))
    admit(cast, *(f"Person {number}" for number in range(20)))
    assert cost() == few
