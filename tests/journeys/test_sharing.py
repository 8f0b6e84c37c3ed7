"""Sharing part by part and person by person, taking it back, deleting everything, taking it along."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage, Stage

pytestmark = pytest.mark.browser

WORDS = "The lantern over the water."


def writes(person: Person) -> str:
    """An entry with words and a rating; its address."""
    person.visit("/my/journal/new")
    person.arrives("Write")
    person.page.get_by_label("Your words").fill(WORDS)
    person.page.get_by_text("How it felt, themes, and what it is about").click()
    person.page.get_by_label("Note how my body feels").check()
    person.press("Save and close")
    expect(person.page.get_by_role("heading", name="Who can read this")).to_be_visible()
    return person.page.url


def chooses(person: Person, part: str, audience: str, *, ticked: bool = True) -> None:
    person.page.get_by_role("group", name=part).get_by_label(audience).set_checked(ticked)


def opens_choices(person: Person) -> None:
    person.page.get_by_text("Choose parts and people").click()


def test_parts_and_people_and_taking_it_back(sit_down: SitDown, pia: PatientOnStage, stage: Stage) -> None:
    patient = pia.sits_down(sit_down(width=PHONE))
    therapist = stage.therapist.sits_down(sit_down(refusals={404}))
    entry = writes(patient)
    listing = f"{pia.chart}/journal"
    shared = f"{listing}/{entry.rpartition('/')[2]}"
    therapist.visit(listing)
    therapist.reads("No entries are shared")
    opens_choices(patient)
    chooses(patient, "Your ratings", stage.therapist.name)
    patient.press("Share what is ticked")
    patient.reads(f"{stage.therapist.name} can read your ratings.")
    patient.reads("Only you can see your words.")
    patient.checks()
    therapist.visit(shared)
    therapist.reads("How my body feels")
    expect(therapist.page.get_by_text(WORDS)).to_have_count(0)
    therapist.checks()
    opens_choices(patient)
    chooses(patient, "Your words", "My care team, and whoever joins it")
    chooses(patient, "Your ratings", stage.therapist.name, ticked=False)
    patient.press("Share what is ticked")
    therapist.page.reload()
    therapist.reads(WORDS)
    expect(therapist.page.get_by_text("How my body feels")).to_have_count(0)
    patient.press("Stop sharing")
    patient.reads("This entry is private again.")
    # The therapist has the page open still, and writes under it.
    therapist.fill("Your comment", "I was moved by this.")
    therapist.press("Add comment")
    therapist.reads("This entry is not here. It may no longer be shared.")
    expect(therapist.page.get_by_label("Your comment")).to_have_value("I was moved by this.")
    expect(therapist.page.get_by_text(WORDS)).to_have_count(0)
    therapist.checks()
    therapist.visit(listing)
    therapist.reads("No entries are shared")


def test_deleting_everything(sit_down: SitDown, pia: PatientOnStage, stage: Stage) -> None:
    patient = pia.sits_down(sit_down(width=PHONE, refusals={422}))
    therapist = stage.therapist.sits_down(sit_down(refusals={404}))
    entry = writes(patient)
    writes(patient)
    patient.visit(entry)
    patient.press("Share with my care team")
    shared = f"{pia.chart}/journal/{entry.rpartition('/')[2]}"
    therapist.visit(shared)
    therapist.reads(WORDS)
    patient.visit("/my/journal")
    patient.follow("Delete my whole journal")
    patient.arrives("Delete my whole journal")
    patient.reads("Your 2 entries go")
    patient.fill("Type the word delete", "delete")
    patient.press("Delete everything for good")
    patient.reads("Your whole journal is deleted.")
    patient.arrives("Your journal")
    patient.reads("Nothing is written yet")
    assert patient.drafts() == []
    therapist.page.reload()
    expect(therapist.page.get_by_text(WORDS)).to_have_count(0)
    assert stage.journal(pia) == []


def test_taking_the_journal_along_and_bringing_it_back(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    patient = pia.sits_down(sit_down(width=PHONE))
    writes(patient)
    patient.visit("/my/journal/take")
    patient.arrives("Take your journal with you")
    with patient.page.expect_download() as page:
        patient.follow("Save as one page")
    with patient.page.expect_download() as archive:
        patient.follow("Save to bring along")
    assert WORDS in page.value.path().read_text(encoding="utf-8")
    patient.visit("/my/journal/delete")
    patient.fill("Type the word delete", "delete")
    patient.press("Delete everything for good")
    patient.follow("Bring a journal with you")
    patient.arrives("Bring a journal with you")
    patient.page.get_by_label("The file of your journal").set_input_files(archive.value.path())
    patient.press("Bring it")
    patient.reads("One entry was added. Only you can see what you brought.")
    assert stage.journal(pia) == [WORDS]
