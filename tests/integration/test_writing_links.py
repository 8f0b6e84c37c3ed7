"""A link to write: what it opens, what it does not, and when it ends."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kap import mail
from kap.access.audit import Event
from kap.access.guard import PUBLIC, declared
from kap.accounts import actions as accounts
from kap.clock import now
from kap.config import Config
from kap.db import db, transaction
from kap.integration import link_actions, link_letters
from kap.integration.link_models import WritingLink
from kap.integration.link_rules import LONGEST_IN_A_REMINDER, grants, may_be_opened, reminded_until
from kap.integration.models import JournalEntry
from kap.jobs.models import Job
from kap.mail import smtp
from kap.mail.rules import Outcome, Verdict
from kap.problems import Conflict
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written

AtBrowser = Callable[[str], Browser]
WORDS = "What came to me by the river."
LETTERS = Callable[[], list[mail.Letter]]


@pytest.fixture
def letters(app: Flask, monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]) -> LETTERS:
    """`letters()`: what the work that waits sends."""
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


def path_in(letter: mail.Letter) -> str:
    (found,) = re.findall(r"http://\S+?(/write/\S+)", letter.text)
    return str(found)


def reminded(cast: Cast, *, until: timedelta = timedelta(hours=3), moment: str = "24h") -> str:
    """The path of a link that goes with a reminder to Pia."""
    with transaction():
        path = link_letters.reminder_path(
            cast.pia.id, moment=moment, session_id=None, until=now() + until, at=now()
        )
    assert path is not None
    return path


@pytest.fixture
def opened(app: Flask, cast: Cast) -> Browser:
    """A browser that opened a link of Pia's, and holds nothing else."""
    browser = Browser(app)
    assert browser.post(reminded(cast)).status_code == 303
    return browser


def fields(page: str) -> dict[str, str]:
    """What the form of the page carries along."""
    version = re.search(r'name="version" value="(\d+)"', page)
    entry_id = re.search(r'name="entry_id" value="([^"]+)"', page)
    assert version is not None
    assert entry_id is not None
    return {"version": version[1], "entry_id": entry_id[1]}


def entries() -> list[tuple[UUID, str]]:
    db.session.expire_all()
    rows = db.session.scalars(select(JournalEntry).order_by(JournalEntry.made_at, JournalEntry.id))
    return [(row.patient_id, row.text) for row in rows]


def answer_without_noise(page: str, email: str) -> str:
    page = re.sub(r'(name="csrf-token" content=|name="csrf_token" value=)"[^"]*"', "", page)
    return page.replace(email, "…") if email else page


# Asking


def test_a_patient_asks_and_writes_and_the_link_is_gone(
    app: Flask, cast: Cast, anyone: Browser, letters: LETTERS
) -> None:
    assert anyone.post("/write-link", {"email": " PIA@example.org"}).status_code == 200
    (letter,) = letters()
    assert (letter.to, letter.subject) == ("pia@example.org", "The link you asked for")
    assert "Pia" not in letter.text
    assert re.findall("journal|ketamine|session|therap|write", letter.text.replace("/write/", "")) == []
    path = path_in(letter)
    assert [anyone.get(path).status_code for _ in range(3)] == [200, 200, 200]  # a scanner uses nothing up
    assert anyone.post(path).headers["Location"] == "/write"
    page = anyone.get("/write").text
    assert anyone.post("/write", {**fields(page), "text": WORDS}).headers["Location"] == "/written"
    assert entries() == [(cast.pia.id, WORDS)]
    assert [anyone.get(each).status_code for each in ("/write", path)] == [404, 404]
    assert anyone.post(path).status_code == 404
    assert anyone.post("/write", {"text": "Once more", "version": "1"}).status_code == 401
    assert entries() == [(cast.pia.id, WORDS)]


def test_the_answer_is_the_same_for_an_address_that_nobody_has(
    cast: Cast, anyone: Browser, letters: LETTERS
) -> None:
    shown = []
    for email in ("pia@example.org", "nobody@example.org", "theo@example.org"):
        answer = anyone.post("/write-link", {"email": email})
        shown.append((answer.status_code, answer_without_noise(answer.text, email)))
        assert db.session.query(WritingLink).count() == 0  # it is looked up afterwards, by nobody's clock
        db.session.rollback()
    assert shown[0] == shown[1] == shown[2]
    assert [letter.to for letter in letters()] == ["pia@example.org"]


def test_a_job_knows_neither_the_address_nor_the_secret(
    cast: Cast, anyone: Browser, letters: LETTERS
) -> None:
    anyone.post("/write-link", {"email": "pia@example.org"})
    (letter,) = letters()
    secret = path_in(letter).rsplit("/", 1)[1]
    rows = [str(job.arguments) for job in db.session.scalars(select(Job))]
    assert rows != []
    assert [row for row in rows if "pia" in row or secret in row] == []
    (link,) = db.session.scalars(select(WritingLink))
    assert secret not in (link.token_digest, link.grant_digest)
    assert list(db.session.scalars(select(Event).where(Event.subject == "writing_link"))) == []


def test_no_log_shows_that_a_link_was_asked_for(
    cast: Cast, anyone: Browser, at_browser: AtBrowser, letters: LETTERS
) -> None:
    theo, ana = at_browser("theo"), at_browser("ana")
    pages = ((theo, f"/patients/{cast.pia.id}/letters"), (ana, "/practice/letters"), (ana, "/"), (theo, "/"))
    before = [answer_without_noise(browser.get(path).text, "") for browser, path in pages]
    anyone.post("/write-link", {"email": "pia@example.org"})
    assert len(letters()) == 1
    assert [answer_without_noise(browser.get(path).text, "") for browser, path in pages] == before


def test_more_letters_than_make_sense_are_not_sent(cast: Cast, anyone: Browser, letters: LETTERS) -> None:
    answers = [anyone.post("/write-link", {"email": "pia@example.org"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer_without_noise(answer.text, "pia@example.org") for answer in answers}) == 1
    sent = letters()
    assert len(sent) <= 3
    # Only the last of them opens anything.
    assert [anyone.get(path_in(letter)).status_code for letter in sent][-1] == 200
    many = [anyone.post("/write-link", {"email": f"x{n}@example.org"}).status_code for n in range(45)]
    assert (many[0], many[-1]) == (200, 429)


def test_a_closed_account_and_a_practice_without_links_get_none(
    cast: Cast, anyone: Browser, letters: LETTERS
) -> None:
    with transaction():
        cast.pia.practice.writing_links = False
        assert cast.zed.user is not None
        cast.zed.user.closed_at = NOON
    for email in ("pia@example.org", "zed@example.org"):
        assert anyone.post("/write-link", {"email": email}).status_code == 200
    assert letters() == []
    with transaction():
        until = now() + timedelta(hours=3)
        found = link_letters.reminder_path(cast.pia.id, moment="24h", session_id=None, until=until, at=now())
    assert found is None


# What it opens


def test_walking_every_route_with_its_cookie_opens_nothing_else(
    app: Flask, cast: Cast, opened: Browser, closed_session: Callable[..., DosingSession]
) -> None:
    kept = written(cast.pia, SECRET)
    session = closed_session(cast.pia, now() - timedelta(days=1))
    known = {"entry_id": kept.id, "patient_id": cast.pia.id, "session_id": session.id}
    found = []
    for method, address, access, endpoint in every_route(app, known):
        answer = opened.get(address) if method == "GET" else opened.post(address)
        assert "lantern" not in answer.text, endpoint
        assert "Pia" not in answer.text, endpoint
        if access == PUBLIC:
            continue
        to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
        if not (to_sign_in if method == "GET" else answer.status_code == 401):
            found.append((method, endpoint, answer.status_code))
    assert found == []
    assert opened.get("/write").status_code == 200  # and it still opens its own page
    assert entries() == [(cast.pia.id, SECRET)]


def every_route(app: Flask, known: dict[str, UUID]) -> Iterator[tuple[str, str, object, str]]:
    """(method, address, access, endpoint), with Pia's own things in the address where they are known."""

    def filled(gap: re.Match[str]) -> str:
        kind, name = gap[1] or "", gap[2]
        if kind.startswith("any"):
            return re.split(r"[(,]", kind)[1].strip()
        return {"uuid:": str(known.get(name, uuid4())), "int:": "0"}.get(kind, "x")

    for rule in app.url_map.iter_rules():
        if rule.endpoint == "integration.write_by_link":
            continue  # its own page
        address = re.sub(r"<((?:\w+|any\([^)]*\)):)?(\w+)>", filled, rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, address, declared(app.view_functions[rule.endpoint]), rule.endpoint


def test_its_page_leads_nowhere_but_to_help(opened: Browser) -> None:
    page = opened.get("/write").text
    links = set(re.findall(r'<a [^>]*href="([^"]*)"', page))
    assert links == {"#main", "/help-now"}
    assert set(re.findall(r'<form [^>]*action="([^"]*)"', page)) == {"/write"}
    assert "One day after" in page
    assert "not watched in real time" in page
    assert "I need help now" in page


def test_the_cookie_says_nothing_and_is_for_this_site_alone(app: Flask, cast: Cast) -> None:
    browser = Browser(app)
    answer = browser.post(reminded(cast))
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("kap-write=")]
    assert {"HttpOnly", "SameSite=Strict", "Max-Age=14400"} <= {part.strip() for part in cookie.split(";")}
    assert "_user_id" not in str(answer.headers)


def test_it_does_not_show_what_was_written_elsewhere_since(
    cast: Cast, opened: Browser, at_browser: AtBrowser
) -> None:
    """The writer signs in and goes on: from then on the link's page is closed, and tells nothing of it."""
    page = opened.get("/write").text
    saved = opened.post("/write", {**fields(page), "text": WORDS}, headers={"Accept": "application/json"})
    assert saved.json is not None
    assert saved.json["version"] == 1
    assert WORDS in opened.get("/write").text  # its own words, after a reload
    entry_id = fields(page)["entry_id"]
    pia = at_browser("pia")
    assert pia.post(f"/my/journal/{entry_id}", {"text": SECRET, "version": "1"}).status_code == 303
    assert opened.get("/write").status_code == 404
    for data in ({"text": "x", "version": "1"}, {"text": "x", "version": "2"}, {"text": "x"}):
        answers = [
            opened.post("/write", {**data, "entry_id": entry_id}),
            opened.post("/write", {**data, "entry_id": entry_id}, headers={"Accept": "application/json"}),
        ]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert [answer for answer in answers if "lantern" in answer.text] == []
    assert entries() == [(cast.pia.id, SECRET)]


def test_deleting_the_entry_elsewhere_ends_it(cast: Cast, opened: Browser, at_browser: AtBrowser) -> None:
    page = opened.get("/write").text
    opened.post("/write", {**fields(page), "text": WORDS}, headers={"Accept": "application/json"})
    assert at_browser("pia").post(f"/my/journal/{fields(page)['entry_id']}/delete").status_code == 303
    assert opened.get("/write").status_code == 404
    assert opened.post("/write", {"text": "again", "version": "1"}).status_code == 401
    assert entries() == []
    assert list(db.session.scalars(select(WritingLink))) == []  # nor does a row say when somebody wrote


def test_the_form_cannot_name_another_entry(cast: Cast, opened: Browser) -> None:
    kept = written(cast.pia, SECRET)
    data = {"text": WORDS, "version": str(kept.version), "entry_id": str(kept.id)}
    answer = opened.post("/write", data)
    assert "lantern" not in answer.text
    assert (cast.pia.id, SECRET) in entries()


def test_a_question_is_put_on_the_page_and_the_words_stay(cast: Cast, opened: Browser) -> None:
    page = opened.get("/write").text
    key = re.findall(r'name="ask" value="([^"]+)"', page)[0]
    answer = opened.post("/write", {**fields(page), "text": WORDS, "ask": key})
    asked = opened.get(answer.headers["Location"]).text
    assert f"{WORDS}\n\nWhich part was hard, and what helped you through it?" in asked


# When it ends


def test_what_was_typed_survives_the_end(app: Flask, cast: Cast, opened: Browser) -> None:
    """Without a script: the words go over the sign-in into the entry they were meant for."""
    page = opened.get("/write").text
    with transaction():
        cast.pia.practice.writing_links = False  # the practice turns links off in the middle
    answer = opened.post("/write", {**fields(page), "text": WORDS})
    assert answer.status_code == 401
    held = dict(re.findall(r'name="(held-[^"]+|next)" value="([^"]*)"', answer.text))
    assert held["next"] == f"/my/journal/{fields(page)['entry_id']}"
    resumed = opened.post(
        "/sign-in", {"email": "pia@example.org", "password": "quiet meadow lantern seven", **held}
    )
    assert WORDS in resumed.text
    assert opened.post(held["next"], {"text": WORDS, "version": "0"}).status_code == 303
    assert entries() == [(cast.pia.id, WORDS)]


def test_turning_links_off_stops_those_already_sent(cast: Cast, app: Flask, at_browser: AtBrowser) -> None:
    sent, browser = reminded(cast), Browser(app)
    settings = {"name": "Linden", "zone": "Europe/Berlin", "help_text": "Call 112.", "talk_hours": "4"}
    ana = at_browser("ana")
    assert ana.post("/practice", settings).status_code == 302
    assert (browser.get(sent).status_code, browser.post(sent).status_code) == (404, 404)
    ana.post("/practice", {**settings, "writing_links": "y"})
    assert browser.get(sent).status_code == 200


def test_time_ends_it(app: Flask, cast: Cast, opened: Browser) -> None:
    with transaction():
        (link,) = db.session.scalars(select(WritingLink))
        link.opened_at = now() - timedelta(hours=4)
    assert opened.get("/write").status_code == 404
    late = reminded(cast, moment="72h")
    with transaction():
        found = db.session.scalars(select(WritingLink).where(WritingLink.moment == "72h")).one()
        found.expires_at = now()
    assert Browser(app).post(late).status_code == 404


def test_closing_the_account_ends_it(cast: Cast, opened: Browser) -> None:
    with transaction():
        assert cast.pia.user is not None
        accounts.close_account(cast.pia.user, actor=cast.actor("ana"), at=NOON)
    assert opened.get("/write").status_code == 404


def test_of_the_links_of_one_moment_one_is_used(app: Flask, cast: Cast) -> None:
    """A letter may arrive twice, each time with a link of its own."""
    first, second, other = reminded(cast), reminded(cast), reminded(cast, moment="72h")
    browser = Browser(app)
    assert [browser.get(path).status_code for path in (first, second)] == [200, 200]
    assert browser.post(second).status_code == 303
    assert [browser.post(path).status_code for path in (first, second)] == [404, 404]
    assert browser.get(other).status_code == 200
    with transaction():
        until = now() + timedelta(hours=2)
        again = link_letters.reminder_path(cast.pia.id, moment="24h", session_id=None, until=until, at=now())
    assert again is None


def test_two_taps_at_once_open_it_once(cast: Cast) -> None:
    reminded(cast)
    with transaction():
        (link,) = db.session.scalars(select(WritingLink))
        link_actions.open_link(link, at=NOON)
        with pytest.raises(Conflict):
            link_actions.open_link(link, at=NOON)


def test_two_pages_of_one_link_show_both_texts(opened: Browser) -> None:
    page = opened.get("/write").text
    opened.post("/write", {**fields(page), "text": "One"}, headers={"Accept": "application/json"})
    answer = opened.post("/write", {**fields(page), "text": "Two"})
    assert answer.status_code == 409
    assert re.findall(r">(One|Two)<|\n(Two)<", answer.text) != []
    assert "One" in answer.text


def test_nobody_else_learns_of_it(cast: Cast, opened: Browser, at_browser: AtBrowser) -> None:
    page = opened.get("/write").text
    opened.post("/write", {**fields(page), "text": WORDS})
    theo = at_browser("theo")
    for path in ("", "/journal", "/trace"):
        assert "river" not in theo.get(f"/patients/{cast.pia.id}{path}").text
    acts = [event.act for event in db.session.scalars(select(Event)) if event.actor_id == cast.pia.user_id]
    assert acts == []


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=NOON.tzinfo)
)


@given(ends=MOMENTS, at=MOMENTS)
def test_a_reminders_link_never_outlives_its_moment_or_a_day(ends: datetime, at: datetime) -> None:
    until = reminded_until(ends, at)
    assert until <= ends
    assert until <= at + LONGEST_IN_A_REMINDER
    assert until in (ends, at + LONGEST_IN_A_REMINDER)


@given(opened_at=MOMENTS | st.none(), ended_at=MOMENTS | st.none(), at=MOMENTS, hours=st.integers(1, 24))
def test_what_is_not_opened_grants_nothing_and_what_is_opened_opens_no_more(
    opened_at: datetime | None, ended_at: datetime | None, at: datetime, hours: int
) -> None:
    grant = grants(opened_at=opened_at, ended_at=ended_at, hours=hours, now=at)
    usable = may_be_opened(expires_at=at + timedelta(hours=1), opened_at=opened_at, ended_at=ended_at, now=at)
    assert not (grant and usable)
    assert not (ended_at and (grant or usable))
    assert grant == (opened_at is not None and ended_at is None and at < opened_at + timedelta(hours=hours))
