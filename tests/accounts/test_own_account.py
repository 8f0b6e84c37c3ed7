"""One's own password and devices."""

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import select

from kap.access.audit import Event
from kap.accounts.models import BrowserSession
from kap.accounts.rules import MAX_FAILURES_ACCOUNT
from kap.db import db
from tests.conftest import PASSWORD, Browser, Cast

At = Callable[[str], Browser]
NEW = "harbour violin seldom eleven"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel) AppleWebKit/537 Chrome/131 Mobile Safari/537"


def change(browser: Browser, current: str = PASSWORD, new: str = NEW, repeat: str = NEW) -> tuple[int, str]:
    answer = browser.post("/account/password", {"current": current, "password": new, "repeat": repeat})
    return answer.status_code, answer.text


def test_a_new_password_signs_out_every_other_device(at_browser: At, anyone: Browser) -> None:
    here, there = at_browser("theo"), at_browser("theo")
    assert change(here)[0] == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert anyone.sign_in("theo@example.org").status_code == 422
    assert anyone.sign_in("theo@example.org", NEW).status_code == 302


def test_a_new_password_needs_the_old_one(at_browser: At, anyone: Browser) -> None:
    status, page = change(at_browser("theo"), current="not mine")
    assert status == 422
    assert "This is not your password." in page
    assert NEW not in page
    assert anyone.sign_in("theo@example.org").status_code == 302


def test_an_unlocked_device_is_no_place_to_guess_a_password_at(at_browser: At) -> None:
    theo = at_browser("theo")
    for _ in range(MAX_FAILURES_ACCOUNT):
        assert "This is not your password." in change(theo, current="a guess")[1]
    status, page = change(theo)
    assert (status, "Too many tries." in page) == (422, True)


def test_a_new_password_must_be_good_and_typed_twice(at_browser: At) -> None:
    theo = at_browser("theo")
    status, page = change(theo, new="theo thorne", repeat="theo thorne")
    assert (status, "would be guessed too soon" in page) == (422, True)
    status, page = change(theo, repeat="something else")
    assert (status, "The two are not the same." in page) == (422, True)


def test_devices_are_named_and_signed_out_one_by_one(at_browser: At, anyone: Browser, cast: Cast) -> None:
    theo = at_browser("theo")
    data = {"email": "theo@example.org", "password": PASSWORD}
    assert anyone.post("/sign-in", data, headers={"User-Agent": PHONE}).status_code == 302
    page = theo.get("/account").text
    assert "Chrome on Android" in page
    assert page.count("</svg> This device</span>") == 1
    phone = db.session.scalars(
        select(BrowserSession).where(BrowserSession.device == "Chrome on Android")
    ).one()
    assert theo.post(f"/account/devices/{phone.id}/sign-out").status_code == 302
    assert anyone.get("/account").status_code == 302
    assert "Chrome on Android" not in theo.get("/account").text


def test_nobody_signs_out_the_device_of_another(at_browser: At, cast: Cast) -> None:
    tess, theo = at_browser("tess"), at_browser("theo")
    hers = db.session.scalars(select(BrowserSession).where(BrowserSession.user_id == cast.tess.id)).one()
    assert theo.post(f"/account/devices/{hers.id}/sign-out").status_code == 404
    assert theo.post(f"/account/devices/{uuid4()}/sign-out").status_code == 404
    assert tess.get("/account").status_code == 200


def test_signing_out_everywhere_includes_here(at_browser: At) -> None:
    here, there = at_browser("theo"), at_browser("theo")
    assert here.post("/account/devices/sign-out").headers["Location"] == "/sign-in"
    assert "You are signed out on every device." in here.get("/sign-in").text
    assert here.get("/account").status_code == 302
    assert there.get("/account").status_code == 302


def test_each_change_is_written_down(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    change(theo)
    acts = db.session.scalars(
        select(Event.act).where(Event.actor_id == cast.theo.id, Event.act.like("accounts:self:%"))
    )
    assert sorted(acts) == [
        "accounts:self:change-password",
        "accounts:self:sign-in",
        "accounts:self:sign-out-everywhere",
    ]
