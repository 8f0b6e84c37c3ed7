"""A safety plan: written by two, opened in two taps, also without network, and gone where it should be."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage

pytestmark = pytest.mark.browser

OWN = "/my/safety-plan"
SIGNS = "How I notice that it is getting hard"
PEOPLE = "People I can ask for help"


def is_saved(person: Person) -> None:
    expect(person.finds("[data-saved-state]")).to_have_text("Saved")


def writes(person: Person, words: str) -> None:
    person.visit(f"{OWN}/edit")
    person.arrives("Write your safety plan")
    person.fill(SIGNS, words)
    is_saved(person)


def has_help_here(person: Person) -> None:
    """The crisis help has arrived on the device, and the worker stands between the page and the network."""
    person.page.evaluate(
        """async () => {
          const wait = () => new Promise((resolve) => { setTimeout(resolve, 50); });
          const HELP = "/help-now/here", until = Date.now() + 20_000;
          const isHere = async () => navigator.serviceWorker.controller && (await caches.match(HELP));
          while (Date.now() < until && !(await isHere())) await wait();
        }"""
    )


def keeps_it(person: Person, *, also_after: bool = False) -> None:
    person.visit(OWN)
    if also_after:
        person.page.get_by_label("Keep it here also after I sign out").check()
    person.press("Keep on this device")
    person.reads("It is on this device and opens without network.")
    has_help_here(person)


def goes_offline_and_opens_it(person: Person) -> None:
    """Two taps from the page that is open."""
    person.context.set_offline(True)
    person.follow("I need help now")
    person.arrives("You can get help now")
    person.reads("112")
    person.follow("Your safety plan")
    person.arrives("Your safety plan")


def test_it_opens_in_two_taps_without_network(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    writes(phone, "I go quiet.")
    keeps_it(phone)
    phone.checks()
    phone.visit("/my/journal")
    goes_offline_and_opens_it(phone)
    phone.reads("I go quiet.")
    phone.reads("Whoever can unlock the device can read it.")
    phone.visit(OWN)  # its own address, too
    phone.reads("I go quiet.")
    phone.visit("/my/preparation")  # any other page: help, and the way to the plan
    phone.arrives("You can get help now")
    phone.context.set_offline(False)
    phone.visit(f"{OWN}/edit")
    phone.fill(PEOPLE, "Ruth, 030 1")
    is_saved(phone)
    phone.visit(OWN)
    phone.reads("It is on this device and opens without network.")
    phone.visit("/my/journal")
    goes_offline_and_opens_it(phone)
    phone.reads("Ruth, 030 1")


def test_it_goes_at_sign_out_unless_it_is_to_stay(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    writes(phone, "I go quiet.")
    for stays in (False, True):
        keeps_it(phone, also_after=stays)
        signs_out(phone)
        phone.visit("/help-now")
        link = phone.page.get_by_role("link", name="Your safety plan")
        expect(link).to_be_visible() if stays else expect(link).to_be_hidden()
        phone.visit("/safety-plan/here")
        phone.reads("I go quiet." if stays else "No safety plan is kept on this device.")
        phone.checks()
        pia.sits_down(phone)
    phone.visit(OWN)
    phone.press("Remove from this device")
    phone.reads("It is not on this device.")
    phone.visit("/safety-plan/here")
    phone.reads("No safety plan is kept on this device.")


def signs_out(person: Person) -> None:
    person.finds("details.account summary").click()
    person.press("Sign out")
    person.page.wait_for_url(lambda url: "/sign-in" in url)


def test_someone_else_who_signs_in_on_the_same_phone_does_not_find_it(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage
) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    writes(phone, "I go quiet.")
    keeps_it(phone, also_after=True)
    signs_out(phone)
    phone.signs_in(stage.patient("Per Plum").email, PASSWORD)
    phone.visit(OWN)  # the page of someone else
    phone.page.wait_for_load_state("networkidle")
    phone.visit("/safety-plan/here")
    phone.reads("No safety plan is kept on this device.")


def test_two_write_at_once_and_neither_text_is_lost(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage
) -> None:
    phone = pia.sits_down(sit_down(width=PHONE, refusals={409}))
    therapist = stage.therapist.sits_down(sit_down(width=DESK))
    phone.visit(f"{OWN}/edit")
    therapist.visit(f"{pia.chart}/safety-plan/edit")
    therapist.fill(PEOPLE, "Ruth")
    is_saved(therapist)
    phone.fill(SIGNS, "I go quiet.")
    phone.reads("The safety plan was changed somewhere else. Both versions are kept.")
    phone.reads("Ruth")
    expect(phone.page.get_by_label(SIGNS)).to_have_value("I go quiet.")
    phone.press("Keep the words above")
    is_saved(phone)
    therapist.visit(f"{pia.chart}/safety-plan")
    therapist.reads("I go quiet.")
    therapist.press("We went through it today")
    therapist.reads("It counts as current until")
    therapist.checks()


def test_crisis_help_needs_no_network_and_no_plan(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    has_help_here(phone)
    phone.context.set_offline(True)
    phone.follow("I need help now")
    phone.arrives("You can get help now")
    phone.reads("112")
    expect(phone.page.get_by_role("link", name="Your safety plan")).to_be_hidden()
