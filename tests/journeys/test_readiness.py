"""Before a session: with each thing missing and with all of it there, as both sides see it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from kap.readiness.rules import ITEM_WORDS, Item
from tests.journeys.conftest import DESK, PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage, Stage

pytestmark = pytest.mark.browser

REASON = "The night bus is on strike; her brother waits here."


@pytest.fixture
def all_required(stage: Stage) -> Iterator[None]:
    stage.require(*Item)
    yield
    stage.require()


def test_each_item_missing_is_named_and_with_all_there_the_session_opens(
    sit_down: SitDown, stage: Stage, all_required: None
) -> None:
    therapist = stage.therapist.sits_down(sit_down(width=DESK, refusals={409}))
    for item in Item:
        therapist.visit(stage.session_before(stage.patient(), but=item))
        missing = therapist.finds("#opening li strong")
        expect(missing).to_have_text([ITEM_WORDS[item]])
        expect(therapist.page.get_by_role("button", name="Open session")).to_have_count(0)
    therapist.checks()
    therapist.press("Open with this reason")  # without one
    therapist.reads("The session opens with a written reason.")
    therapist.fill("Why is it opened all the same?", REASON)
    therapist.press("Open with this reason")
    therapist.arrives("Pia Pine")
    therapist.finds(
        "summary",
    ).filter(has_text="Opened although something was missing").click()
    therapist.reads(REASON)
    therapist.reads("Safety plan: nothing is written (missing)")
    therapist.press("Close session")
    therapist.arrives("Session with Pia Pine")
    therapist.reads(REASON)

    therapist.visit(stage.session_before(stage.patient()))
    expect(therapist.finds("#opening li")).to_have_count(0)
    therapist.press("Open session")
    therapist.arrives("Pia Pine")
    expect(therapist.page.get_by_text("Opened although something was missing")).to_have_count(0)


def test_a_patient_gives_what_is_missing_on_a_phone(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage, all_required: None
) -> None:
    session = stage.session_before(pia, but=Item.ESCORT)
    phone = pia.sits_down(sit_down(width=PHONE))
    therapist = stage.therapist.sits_down(sit_down(width=DESK))
    therapist.visit(f"{session}/readiness")
    therapist.arrives("Before the session")
    therapist.reads("1 of 9 required things is missing")

    phone.visit("/")
    expect(phone.finds("#missing + ul a")).to_have_text(["Escort"])
    phone.checks()
    phone.follow("Escort")
    phone.arrives("Before your session")
    phone.fill("Their name", "Ruth")
    phone.context.set_offline(True)
    phone.fill("Their phone number", "030 555 0142")
    is_said(phone, "Saved on this device. It is sent as soon as the connection is back.")
    phone.context.set_offline(False)
    is_said(phone, "Saved")
    phone.page.reload()
    phone.reads("There is nothing left for you to do here.")

    therapist.page.reload()
    therapist.reads("Everything your practice requires is given or reviewed")
    therapist.reads("Ruth, 030 555 0142")
    therapist.visit("/")
    therapist.checks()


def is_said(person: Person, words: str) -> None:
    expect(person.finds("[data-saved-state]")).to_have_text(re.compile(f"^{re.escape(words)}$"))


def test_a_consent_is_taken_back_while_the_page_is_open(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage, all_required: None
) -> None:
    session = stage.session_before(pia)
    therapist = stage.therapist.sits_down(sit_down(width=DESK, refusals={409}))
    therapist.visit(session)
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.visit("/my/consents/treatment")
    phone.press("Take it back")
    phone.page.wait_for_load_state("networkidle")
    therapist.press("Open session")
    therapist.reads("Since this page was made, more is missing: Consents")
    expect(therapist.finds("#opening li strong")).to_have_text(["Consents"])
