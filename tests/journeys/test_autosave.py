"""Nothing that is typed is lost: not to a reload, a dead connection, an ended sign-in, a stopped server."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.conftest import PHONE, SETTINGS, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage
from tests.product.conftest import free_port, running

pytestmark = pytest.mark.browser

KEPT = "Saved on this device. It is sent as soon as the connection is back."
ENDED = "Your sign-in has ended. Your words are kept on this device. Sign in"


def words(person: Person) -> Locator:
    return person.page.get_by_label("Your words")


def says(person: Person, sentence: str) -> None:
    expect(person.finds("[data-saved-state]")).to_have_text(sentence)


def types(person: Person, more: str) -> None:
    words(person).focus()
    words(person).press("Control+End")
    words(person).press_sequentially(more)


def begins_to_write(person: Person) -> str:
    """Open a new page of the journal; its address without the question."""
    person.visit("/my/journal/new")
    person.arrives("Write")
    return person.page.url.partition("?")[0]


def ends_the_other_sign_in(person: Person) -> None:
    person.visit("/account")
    person.press("Sign out Chrome on Linux")
    person.reads("That device is signed out.")


def test_what_is_typed_is_saved_and_a_reload_finds_it(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    address = begins_to_write(person)
    types(person, "The quiet stayed.")
    says(person, "Saved")
    assert person.drafts() == []
    person.page.reload()
    expect(words(person)).to_have_value("The quiet stayed.")
    person.checks()
    elsewhere = pia.sits_down(sit_down())
    elsewhere.visit(address)
    expect(words(elsewhere)).to_have_value("The quiet stayed.")


def test_without_a_connection_words_wait_on_the_device(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    address = begins_to_write(person)
    person.context.set_offline(True)
    types(person, "In the train.")
    says(person, KEPT)
    assert [owner for owner, _ in person.drafts()] == [str(pia.user_id)]
    person.page.close()
    person.context.set_offline(False)
    person.page = person.context.new_page()
    person.visit(address)
    expect(words(person)).to_have_value("In the train.")
    says(person, "Saved")
    assert person.drafts() == []


def test_an_ended_sign_in_keeps_the_words(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone, laptop = pia.sits_down(sit_down(width=PHONE, refusals={400, 401})), pia.sits_down(sit_down())
    address = begins_to_write(phone)
    types(phone, "Before.")
    says(phone, "Saved")
    ends_the_other_sign_in(laptop)
    types(phone, " After.")
    says(phone, ENDED)
    phone.finds("[data-saved-state] a").click()
    phone.arrives("Sign in")
    phone.enters(pia.email, PASSWORD)
    assert phone.page.url == address
    expect(words(phone)).to_have_value("Before. After.")
    says(phone, "Saved")


def test_signing_in_again_in_another_tab_is_enough(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone, laptop = pia.sits_down(sit_down(width=PHONE, refusals={400, 401})), pia.sits_down(sit_down())
    begins_to_write(phone)
    ends_the_other_sign_in(laptop)
    types(phone, "Still here.")
    says(phone, ENDED)
    writing = phone.page
    phone.page = phone.context.new_page()
    phone.signs_in(pia.email, PASSWORD)
    phone.page.close()
    phone.page = writing
    phone.page.bring_to_front()
    types(phone, " And here.")
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    says(phone, "Saved")


def test_someone_else_on_the_same_device_finds_nothing(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    pau = stage.patient("Pau Poplar")
    device, laptop = pia.sits_down(sit_down(refusals={400, 401, 404})), pia.sits_down(sit_down())
    address = begins_to_write(device)
    ends_the_other_sign_in(laptop)
    types(device, "Only mine.")
    says(device, ENDED)
    device.signs_in(pau.email, PASSWORD)
    device.visit(address)
    expect(words(device)).to_have_value("")
    types(device, "Hers.")
    says(device, "Saved")
    device.page.get_by_text("Pau Poplar").first.click()
    device.press("Sign out")
    device.signs_in(pia.email, PASSWORD)
    device.visit(address)
    expect(words(device)).to_have_value("Only mine.")


def test_a_page_left_open_sends_nothing_for_who_signs_in_next(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    pau = stage.patient("Pau Poplar")
    device = pia.sits_down(sit_down(refusals={400}))
    begins_to_write(device)
    writing, device.page = device.page, device.context.new_page()
    device.visit("/")
    device.page.get_by_text("Pia Pine").first.click()
    device.press("Sign out")
    device.signs_in(pau.email, PASSWORD)
    paus, device.page = device.page, writing
    types(device, "Only mine.")
    says(device, "Not accepted by the server. Your words are kept on this device. Reload this page to go on.")
    device.page = paus
    device.visit("/my/journal")
    device.arrives("Your journal")
    expect(device.page.get_by_text("Only mine.")).to_have_count(0)


def test_two_devices_lose_neither_version(sit_down: SitDown, pia: PatientOnStage) -> None:
    phone, laptop = pia.sits_down(sit_down(width=PHONE, refusals={409})), pia.sits_down(sit_down())
    address = begins_to_write(phone)
    types(phone, "First.")
    says(phone, "Saved")
    laptop.visit(address)
    words(laptop).fill("On the laptop.")
    says(laptop, "Saved")
    types(phone, " On the phone.")
    expect(phone.finds("[data-saved-state]")).to_have_attribute("data-state", "conflict")
    expect(phone.finds("[data-other-version] .words")).to_have_text("On the laptop.")
    phone.checks()
    phone.press("Put both together")
    says(phone, "Saved")
    laptop.page.reload()
    expect(words(laptop)).to_have_value("First. On the phone.\n\nOn the laptop.")


def test_leaving_in_a_hurry_keeps_the_last_word(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    address = begins_to_write(person)
    words(person).fill("One last thing")
    person.visit("/help-now")
    person.visit(address)
    expect(words(person)).to_have_value("One last thing")


def test_the_intention_is_saved_as_it_is_typed(sit_down: SitDown, pia: PatientOnStage, stage: Stage) -> None:
    stage.give(pia, "intention")
    person = pia.sits_down(sit_down(width=PHONE))
    person.follow("Start reading")
    person.arrives("Finding an intention")
    person.fill("In your own words", "To listen.")
    expect(person.finds("#intention [data-saved-state]")).to_have_text("Saved")
    person.page.reload()
    expect(person.page.get_by_label("In your own words")).to_have_value("To listen.")


def test_a_server_that_stops_and_comes_back(sit_down: SitDown, tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path, KAP_PORT=port, **SETTINGS) as first:
        stage = Stage(tmp_path)
        pia = stage.patient()
        stage.close()
        person = pia.sits_down(sit_down(width=PHONE, address=first.address))
        begins_to_write(person)
        types(person, "Before it stopped.")
        says(person, "Saved")
        first.stop()
        types(person, " While it was away.")
        says(person, KEPT)
    with running(tmp_path, KAP_PORT=port, **SETTINGS):
        says(person, "Saved")
        person.page.reload()
        expect(words(person)).to_have_value("Before it stopped. While it was away.")
