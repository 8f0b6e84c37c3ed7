"""The administrator's pages: what they change, and what they never show."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from kap.access.audit import Event
from kap.accounts.crisis_help import crisis_help
from kap.db import db
from tests.conftest import Browser, Cast

At = Callable[[str], Browser]
PAGES = ("/people", "/practice", "/log")
DETAILS = {"name": "Linden House", "zone": "Europe/Paris", "help_text": "Call **112**."}


@pytest.mark.parametrize("path", PAGES)
def test_who_may_open_the_administrators_pages(at_browser: At, anyone: Browser, path: str) -> None:
    ladder = {"ana": 200, "theo": 403, "pia": 403, "zoe": 403}
    assert {who: at_browser(who).get(path).status_code for who in ladder} == ladder
    assert anyone.get(path).headers["Location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize(
    "verb", ["invite", "{tess}/invite", "{tess}/revoke", "{tess}/close", "{tess}/reopen"]
)
def test_who_may_change_people(at_browser: At, anyone: Browser, cast: Cast, verb: str) -> None:
    path = "/people/" + verb.format(tess=cast.tess.id)
    assert {who: at_browser(who).post(path).status_code for who in ("theo", "pia", "zoe")} == {
        "theo": 403, "pia": 403, "zoe": 403
    }  # fmt: skip
    assert anyone.post(path).status_code == 401
    db.session.refresh(cast.tess)
    assert cast.tess.closed_at is None


def test_people_are_the_practices_staff(at_browser: At, cast: Cast) -> None:
    page = at_browser("ana").get("/people").text
    assert re.findall(r'<th scope="row">([^<]+)</th>', page) == ["Ana Admin", "Tess Tarn", "Theo Thorne"]
    for word in ("Pia", "Pau", "Zoe", "Zed", "pia@"):
        assert word not in page


def test_a_practice_is_edited(at_browser: At, cast: Cast) -> None:
    ana = at_browser("ana")
    assert ana.post("/practice", DETAILS).headers["Location"] == "/practice"
    page = ana.get("/practice").text
    assert "· Linden House</title>" in page
    assert '<a href="tel:112">112</a>' in page
    db.session.refresh(cast.practice)
    assert (cast.practice.name, cast.practice.zone) == ("Linden House", "Europe/Paris")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"name": " "}, "Please enter a name."), ({"zone": "Moon/Crater"}, "This is not a time zone.")],
)
def test_a_practice_that_does_not_hold_together(
    at_browser: At, cast: Cast, change: dict[str, str], sentence: str
) -> None:
    answer = at_browser("ana").post("/practice", DETAILS | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Call **112**." in answer.text
    db.session.refresh(cast.practice)
    assert (cast.practice.name, cast.practice.zone) == ("Linden", "Europe/Berlin")


@pytest.mark.parametrize("who", ["theo", "pia", "zoe"])
def test_only_an_administrator_edits_a_practice(at_browser: At, cast: Cast, who: str) -> None:
    assert at_browser(who).post("/practice", DETAILS).status_code == 403


def rows_of(page: str) -> list[tuple[str, str, str]]:
    cells = (
        r'<th scope="row">([^<]+)</th>',
        r'<td data-label="What">([^<]+)',
        r'</td>\s*<td data-label="About">([^<]+)',
    )
    return re.findall(cells[0] + r"\s*" + cells[1] + cells[2], page)


def test_the_log_tells_acts_and_no_patients(at_browser: At, cast: Cast) -> None:
    theo, pia = at_browser("theo"), at_browser("pia")
    chart = f"/patients/{cast.pia.id}"
    theo.get(chart)
    theo.post(f"{chart}/edit", {"name": "Pia Palm", "version": cast.pia.version})
    pia.get(f"{chart}/edit")
    at_browser("zoe").get("/people")
    ana = at_browser("ana")
    page = ana.get("/log").text
    assert rows_of(page)[:6] == [
        ("Ana Admin", "Signed in", "The practice"),
        ("A patient", "Was refused: Change a patient&#39;s identity details", "A patient"),
        ("Theo Thorne", "Changed the personal details", "A patient"),
        ("Theo Thorne", "Opened the chart", "A patient"),
        ("A patient", "Signed in", "The practice"),
        ("Theo Thorne", "Signed in", "The practice"),
    ]
    for word in ("Pia", "Pine", "Palm", "Zoe", str(cast.pia.id), str(cast.pia.user_id)):
        assert word not in page


def test_the_log_has_pages(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    for _ in range(60):
        theo.get(f"/patients/{cast.pia.id}/team")
    ana = at_browser("ana")
    total = db.session.scalar(
        select(func.count()).select_from(Event).where(Event.practice_id == cast.practice.id)
    )
    assert total is not None
    first, second = ana.get("/log").text, ana.get("/log?page=2").text
    assert len(rows_of(first)) == 50
    assert len(rows_of(second)) == total - 50
    assert f"Page 2 of 2, {total} acts" in second


def test_a_number_alone_in_bold_can_be_tapped_and_nothing_else_is_one() -> None:
    assert crisis_help("**112**") == '<p><strong><a href="tel:112">112</a></strong></p>\n'
    assert crisis_help("**116 117**") == '<p><strong><a href="tel:116117">116 117</a></strong></p>\n'
    for text in ("112", "**24 7**", "**9-17**", "**call 112**", "**12**", "112 24/7"):
        assert "tel:" not in crisis_help(text)
    assert crisis_help("") == ""
