"""Health questions answered on a phone and kept over every interruption, then reviewed at a desk."""

import pytest
from playwright.sync_api import Locator, expect

from kap.content.screening import catalogue
from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage

pytestmark = pytest.mark.browser

OWN = "/my/screening"
MEDICINE = "Lorazepam"
REASON = "Asked the prescriber."


def is_saved(person: Person) -> None:
    expect(person.finds("form.form > [data-saved-state]")).to_have_text("Saved")


def choose(person: Person, what: str, word: str) -> Locator:
    """Tap a choice of the question or factor with that id, as a thumb does: on its words."""
    asked = person.finds(f"#{what}")
    asked.get_by_text(word, exact=True).click()
    return asked


def test_answers_survive_a_reload_a_lost_connection_and_an_ended_sign_in(
    sit_down: SitDown, pia: PatientOnStage
) -> None:
    phone = pia.sits_down(sit_down(width=PHONE, refusals={400, 401}))
    phone.visit(OWN)
    phone.arrives("Health questions")
    more = phone.finds("#question-calming-more")
    expect(more).to_be_hidden()
    choose(phone, "question-calming", "Yes")
    more.fill("Only before flights")
    phone.finds("#medicine-1-name").fill(MEDICINE)
    is_saved(phone)
    phone.page.reload()
    expect(phone.finds("#question-calming-yes")).to_be_checked()
    expect(more).to_have_value("Only before flights")
    expect(phone.finds("#medicine-1-name")).to_have_value(MEDICINE)

    phone.context.set_offline(True)
    phone.finds("#medicine-2-name").fill("Sertraline")
    choose(phone, "question-liver", "No")
    expect(phone.finds("form.form > [data-saved-state]")).to_contain_text("Saved on this device")
    phone.context.set_offline(False)
    is_saved(phone)

    phone.context.clear_cookies()
    choose(phone, "question-mania", "Not sure")
    expect(phone.finds("form.form > [data-saved-state]")).to_contain_text("Your sign-in has ended")
    phone.follow("Sign in")
    phone.enters(pia.email, PASSWORD)
    phone.visit(OWN)
    expect(phone.finds("#question-mania-unsure")).to_be_checked()
    is_saved(phone)
    expect(phone.finds("#question-liver-no")).to_be_checked()
    expect(phone.finds("#medicine-2-name")).to_have_value("Sertraline")


def test_a_questionnaire_is_completed_and_reviewed(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.visit(OWN)
    for question in catalogue().questions[1:]:
        choose(phone, f"question-{question.key}", "No")
    for number in (1, 2, 3):
        phone.finds(f"#medicine-{number}-name").fill(f"{MEDICINE} {number}")
    phone.press("More lines")
    expect(phone.finds('[name="medicine-name"]')).to_have_count(6)
    phone.finds('[name="born"]').fill("1980-05-17")
    phone.press("It is complete")
    phone.reads("Everything you wrote is saved. These are still open:")
    phone.checks()
    choose(phone, f"question-{catalogue().questions[0].key}", "No")
    phone.press("It is complete")
    phone.reads("Thank you. Your care team sees that you are done.")

    therapist = stage.therapist.sits_down(sit_down(refusals={422}))
    therapist.visit(pia.chart)
    therapist.reads("Answered, not reviewed")
    therapist.follow("Screening")
    therapist.arrives("Screening")
    therapist.reads("Benzodiazepines: Add to sedation")
    therapist.follow("Review")
    therapist.arrives("Review")
    for factor in catalogue().factors:
        choose(therapist, f"factor-{factor.key}", "Absent")
    present = choose(therapist, "factor-aneurysm", "Present")
    is_saved(therapist)
    therapist.page.reload()
    expect(therapist.finds("#factor-aneurysm-present")).to_be_checked()
    therapist.press("Record this review")
    therapist.reads("Please write your reasoning beside “Aneurysmal vascular disease”")
    present.get_by_role("textbox").fill(REASON)
    therapist.press("Record this review")
    therapist.reads("Recorded.")
    therapist.reads(REASON)
    therapist.checks()
    therapist.visit(pia.chart)
    therapist.reads("Reviewed, nothing unknown")
