"""Reading and writing without JavaScript, on a phone."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage

pytestmark = pytest.mark.browser


def test_reading_ticking_writing_and_sharing(sit_down: SitDown, pia: PatientOnStage, stage: Stage) -> None:
    stage.give(pia, "intention")
    patient = pia.sits_down(sit_down(width=PHONE, javascript=False))
    patient.follow("Start reading")
    heading = patient.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Finding an intention")

    first = patient.page.get_by_role("checkbox").first
    first.click()
    expect(first).to_be_checked()
    patient.reads("1 of 3 ticked.")
    first.click()
    expect(first).not_to_be_checked()
    patient.fill("In your own words", "To listen.")
    patient.press("Save my intention")
    patient.reads("Your intention is saved.")
    patient.press("Mark as done")
    patient.reads("“Finding an intention” is marked as done.")

    patient.visit("/my/journal")
    patient.follow("Write")
    patient.fill("Your words", "A door, half open.\nI stayed.")
    patient.press("Save and close")
    patient.reads("Only you can read this.")
    expect(patient.finds(".journal-words").first).to_have_text("A door, half open.\nI stayed.")
    entry = patient.page.url.rpartition("/")[2]

    therapist = stage.therapist.sits_down(sit_down(javascript=False, refusals={404}))
    therapist.visit(f"{pia.chart}/journal/{entry}")
    expect(therapist.page.get_by_text("A door, half open.")).to_have_count(0)
    patient.press("Share with my care team")
    patient.reads("Your care team can read this entry now.")
    therapist.visit(f"{pia.chart}/journal/{entry}")
    therapist.reads("A door, half open.")
    therapist.fill("Your comment", "Shall we begin there on Thursday?")
    therapist.press("Add comment")
    patient.page.reload()
    patient.reads("Shall we begin there on Thursday?")


def test_a_sign_in_that_ended_keeps_what_the_form_sent(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone = pia.sits_down(sit_down(width=PHONE, javascript=False, refusals={401}))
    laptop = pia.sits_down(sit_down(javascript=False))
    phone.visit("/my/journal/new")
    laptop.visit("/account")
    laptop.press("Sign out Chrome on Linux")
    phone.fill("Your words", "Written too late.")
    phone.press("Save and close")
    phone.reads("Your sign-in has ended")
    expect(phone.page.get_by_label("What you wrote").first).to_have_value("Written too late.")
    phone.fill("E-mail address", pia.email)
    phone.fill("Password", PASSWORD)
    phone.press("Sign in")
    phone.press("Save what you wrote")
    phone.reads("Only you can read this.")
    expect(phone.finds(".journal-words").first).to_have_text("Written too late.")
