"""Guides: read and answered on a phone at night, written at a desk, replaced while someone reads."""

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.journeys.conftest import DESK, PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage, Stage

pytestmark = pytest.mark.browser

MEDICINES = "Medicines and conditions to tell us about"
ANSWER = "Nothing but valerian tea"


def test_a_guide_is_read_answered_and_confirmed_on_a_phone(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    stage.give(pia, "medicines-and-conditions")
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.page.emulate_media(color_scheme="dark")
    phone.follow("Start reading")
    phone.arrives(MEDICINES)
    question = phone.finds("#question-medicines")
    question.get_by_role("textbox").fill(ANSWER)
    expect(question.locator("[data-saved-state]")).to_have_text("Saved")
    phone.press("I confirm this")
    phone.reads("Confirmed on")
    phone.page.reload()
    expect(question.get_by_role("textbox")).to_have_value(ANSWER)
    phone.checks()

    therapist = stage.therapist.sits_down(sit_down())
    therapist.visit(f"{pia.chart}/preparation")
    therapist.arrives("Preparation")
    therapist.reads("1 of 3 ticked, 1 of 2 answered")
    therapist.reads(ANSWER)


def test_a_breath_moves_only_for_those_who_want_it(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    stage.give(pia, "difficult-moments")
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.page.emulate_media(reduced_motion="no-preference")
    phone.follow("Start reading")
    phone.arrives("Difficult moments")
    still, moving = phone.finds(".breath-still"), phone.finds(".breath-moving")
    expect(still).to_be_hidden()
    moving.get_by_text("Show a circle to breathe with").click()
    expect(moving.locator(".breath-circle")).to_be_visible()
    phone.checks()
    phone.page.emulate_media(reduced_motion="reduce")
    expect(moving).to_be_hidden()
    expect(still).to_be_visible()
    phone.reads("Breathe in for 4 seconds, breathe out for 6 seconds.")
    phone.page.emulate_media(media="print", reduced_motion="no-preference")
    expect(moving).to_be_hidden()
    expect(phone.finds(".primary-nav")).to_be_hidden()


def test_a_guide_is_kept_as_a_pdf(sit_down: SitDown, pia: PatientOnStage, stage: Stage) -> None:
    stage.give(pia, "medicines-and-conditions")
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.follow("Start reading")
    phone.arrives(MEDICINES)
    phone.finds("#question-medicines").get_by_role("textbox").fill(ANSWER)
    expect(phone.finds("#question-medicines [data-saved-state]")).to_have_text("Saved")
    with phone.page.expect_download() as downloading:
        phone.follow("As PDF, without what you wrote")
    name = downloading.value.suggested_filename
    pages = PdfReader(io.BytesIO(Path(downloading.value.path()).read_bytes())).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert name == "medicines-and-conditions.pdf"
    assert "I will not stop or change any of my medicines on my own" in text
    assert ANSWER not in text
    assert pia.name not in text


def test_a_practice_writes_its_own_and_moves_a_patient_on(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage, tmp_path: Path
) -> None:
    desk = stage.therapist.sits_down(sit_down(refusals={422}))
    desk.visit("/guides")
    desk.arrives("Guides")
    huge = tmp_path / "huge.md"
    huge.write_text("x" * 2_000_000)
    desk.finds("summary").filter(has_text="Take in a guide from a file").click()
    desk.page.get_by_label("A Markdown file").set_input_files(huge)
    desk.press("Take it in as a draft")
    desk.reads("huge.md, line 1: the file is larger than 200 kB. Nothing was taken in.")

    desk.press("Write a guide")
    desk.arrives("A new guide")
    words(desk, "Come by the garden gate.\n\n::: question {gate}\nShall we meet you there?\n:::\n")
    desk.fill("Title", "The way in")
    desk.fill("Summary", "How to find the room.")
    desk.page.get_by_label("Last reviewed on").fill("2026-11-20")
    preview = desk.finds("#previewed")
    expect(preview.get_by_text("Come by the garden gate.")).to_be_visible()
    expect(desk.finds("[data-saved-state]")).to_have_text("Saved")
    desk.page.reload()
    expect(desk.page.get_by_label("Title")).to_have_value("The way in")
    fits_a_phone(desk)
    words(desk, "::: quiz {a}")
    expect(preview).to_contain_text("Line 1: There is no block called “quiz”")
    words(desk, "Come by the garden gate.\n\n::: question {gate}\nShall we meet you there?\n:::\n")
    desk.press("Publish")
    desk.reads("Version 1 is published.")
    desk.arrives("The way in")
    address = desk.page.url

    desk.visit(f"{pia.chart}/preparation/assign")
    desk.page.get_by_role("radio", name=re.compile("^The way in")).check()
    desk.press("Give this guide")
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.follow("Start reading")
    phone.arrives("The way in")

    desk.visit(address)
    desk.follow("Change")
    words(desk, "Come by the blue door.")
    expect(preview.get_by_text("Come by the blue door.")).to_be_visible()
    desk.press("Publish")
    desk.reads("Version 2 is published.")
    desk.follow("What changed in version 2")
    desk.arrives("What changed")
    expect(desk.finds(".changes del").first).to_have_text("garden gate.")
    fits_a_phone(desk)
    desk.visit(f"{pia.chart}/preparation")
    desk.reads("Pia Pine has version 1. Version 2 is newer.")
    desk.press("Give the newer one: The way in")
    desk.reads("Pia Pine has the newest text now.")

    # Her page is older than that; what she writes on it arrives.
    phone.fill("Your answer", "Yes, at ten")
    expect(phone.finds("#question-gate [data-saved-state]")).to_have_text("Saved")
    phone.page.reload()
    phone.reads("Come by the blue door.")
    phone.reads("Asked in the version you had before")
    expect(phone.page.get_by_label("Your answer")).to_have_value("Yes, at ten")
    phone.checks()
    desk.page.reload()
    desk.reads("Yes, at ten")
    desk.checks()


def words(person: Person, text: str) -> None:
    person.page.get_by_label("Text", exact=True).fill(text)


def fits_a_phone(person: Person) -> None:
    person.page.set_viewport_size({"width": PHONE, "height": 800})
    assert person.page.evaluate("document.documentElement.scrollWidth") == PHONE
    person.checks()
    person.page.set_viewport_size({"width": DESK, "height": 800})
