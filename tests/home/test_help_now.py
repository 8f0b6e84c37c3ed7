"""Crisis help: one tap from every page of a patient, and never behind a sign-in."""

from collections.abc import Callable

from tests.conftest import Browser, Cast


def test_a_patient_sees_the_practices_own_words(at_browser: Callable[[str], Browser]) -> None:
    page = at_browser("pia").get("/help-now").text
    assert "From Linden" in page
    assert "Call 112." in page


def test_a_sign_in_that_has_ended_does_not_stand_in_the_way(
    cast: Cast, at_browser: Callable[[str], Browser]
) -> None:
    phone, laptop = at_browser("pia"), at_browser("pia")
    laptop.post("/account/devices/sign-out")
    assert phone.get("/").status_code == 302
    assert "Call 112." in phone.get("/help-now").text
    assert "Call 112." in laptop.get("/help-now").text  # nor does signing out


def test_a_browser_nobody_signed_in_on_names_no_practice(cast: Cast, anyone: Browser) -> None:
    page = anyone.get("/help-now").text
    assert "Call your local emergency number" in page
    for name in ("Linden", "Harbour"):
        assert name not in page


def test_every_page_without_a_sign_in_leads_there(cast: Cast, anyone: Browser) -> None:
    assert anyone.get("/sign-in").text.count('href="/help-now"') == 1
