"""Looking back on a phone, writing beside the music, and locked entries that only the browser opens."""

import json
import re
from pathlib import Path
from urllib.parse import unquote_plus
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Request, expect

from tests.integration.locks import opened_by
from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.room import plays
from tests.journeys.stage import PatientOnStage, Stage
from tests.product.conftest import Running

pytestmark = pytest.mark.browser

PASSPHRASE, OTHER = "quiet meadow lantern seven", "a door of green slate"
SECRET = "The zanzibar lantern was my grandmother."


def writes(person: Person, words: str, **fields: str) -> None:
    person.visit("/my/journal/new")
    person.fill("Your words", words)
    if fields:
        person.page.get_by_text("How it felt, themes").click()
    for name, value in fields.items():
        person.finds(f"#{name}").fill(value)
    person.press("Save and close")
    person.reads("Saved.")


def test_looking_back_on_a_phone(sit_down: SitDown, stage: Stage, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    writes(person, "Der Fluß war grün, und ich blieb.", tags="Water, quiet")
    writes(person, "I called my sister.", title="A call")
    person.visit("/my/journal")
    person.arrives("Your journal")
    person.fill("Look for words", "FLUSS grun")
    person.press("Look")
    person.reads("One entry has that.")
    person.arrives("Your journal")
    assert person.finds("mark").all_text_contents() == ["Fluß", "grün"]
    assert "luss" not in person.page.url
    person.follow("Show everything")
    person.page.get_by_text("By theme or session").click()
    person.finds("#tag").select_option("quiet")
    person.press("Look")
    person.reads("One entry has that.")
    size = person.finds(".entries .journal-words").first.evaluate(
        "(words) => parseFloat(getComputedStyle(words).fontSize)"
    )
    assert size >= 18
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_writing_beside_the_music(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rain = stage.finished_playlist(tmp_path_factory.mktemp("beside"), programme_s=60, surplus_s=60)
    stage.held_session(pia, rain)
    person = pia.sits_down(sit_down(width=PHONE))
    person.visit("/my/journal/new")
    person.page.get_by_text("How it felt, themes").click()
    person.finds("#session").select_option(index=1)
    person.fill("Your words", "Beginning.")
    person.press("Save and close")
    person.follow("Go on writing")
    person.follow("Listen again while you write")
    person.arrives(person.finds("h1").inner_text())
    expect(person.finds(".phase-strip")).to_be_visible()
    person.finds("[data-seek]").evaluate(
        "(seek) => { seek.value = 30; seek.dispatchEvent(new Event('change')); }"
    )
    person.press("Play")
    plays(person.page)
    person.finds("#text").press_sequentially(" A wave.")
    says = person.finds("[data-beside-says]")
    expect(says).to_have_text(re.compile(r"This entry belongs to 0:3\d, Peak\."))
    person.press("Pause")
    person.press("Save and close")
    expect(person.finds(".felt")).to_contain_text(re.compile(r"at 0:3\d of its music, Peak"))
    person.follow("Hear this moment")
    expect(person.finds("[data-elapsed]")).to_have_text(re.compile(r"0:3\d"))


class Sent:
    """Everything a person's browser sends, as it leaves it."""

    def __init__(self, person: Person) -> None:
        self.bodies: list[str] = []
        person.context.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.bodies.append(
            f"{request.url} {unquote_plus(request.post_data or '')} {json.dumps(request.headers)}"
        )

    def holding(self, *words: str) -> list[str]:
        return [body for body in self.bodies if any(word in body for word in words)]


def chooses(person: Person, within: Locator, passphrase: str, words: str) -> str:
    """Choose a passphrase, and write the code down. Returns it."""
    within.locator("#new-passphrase").fill(passphrase)
    within.locator("#new-passphrase-again").fill(passphrase)
    understood = within.locator("#understood")
    understood.check()
    within.get_by_role("button", name=words, exact=True).click()
    code = within.locator("[data-code]")
    expect(code).to_have_text(re.compile(r"^(\w{5}-){4}\w{5}$"))
    person.checks()
    found = code.inner_text()
    check = within.locator("#code-check")
    check.fill("wrong")
    within.get_by_role("button", name=f"I have it. {words}", exact=True).click()
    expect(within.locator("[data-code-says]")).to_be_visible()
    check.fill(found.lower())
    within.get_by_role("button", name=f"I have it. {words}", exact=True).click()
    return found


def opens(person: Person, passphrase: str) -> None:
    person.fill("Your passphrase", passphrase)
    person.press("Open")


def says(person: Person, sentence: str) -> None:
    expect(person.finds("[data-saved-state]")).to_have_text(sentence)


def nothing_is_readable(instance: Path) -> None:
    """No word of it in the database, its log of writes, or anything else of the installation."""
    for path in (each for each in instance.rglob("*") if each.is_file()):
        found = path.read_bytes()
        assert b"zanzibar" not in found, path
        assert PASSPHRASE.encode() not in found, path


def test_a_locked_entry_from_its_beginning_to_being_shared(
    sit_down: SitDown, pia: PatientOnStage, product: Running
) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    sent = Sent(person)
    person.visit("/my/journal")
    person.follow("Write a locked entry")
    person.arrives("Write a locked entry")
    person.reads("If you lose both the passphrase and the recovery code, this text is lost for good.")
    code = chooses(person, person.finds("[data-locking]"), PASSPHRASE, "Lock it")
    person.reads("The entry is locked.")
    address = person.page.url
    entry_id = UUID(address.split("/")[-2])
    person.checks()

    opens(person, "quiet meadow lantern eight")
    person.reads("This passphrase does not open the entry.")
    opens(person, PASSPHRASE)
    words = person.finds("#locked-words")
    expect(words).to_be_focused()
    words.press_sequentially(SECRET)
    person.finds("#locked-title").fill("My zanzibar title")
    says(person, "Saved")
    person.checks()
    assert person.drafts() == []
    assert sent.holding("zanzibar", PASSPHRASE, code, code.replace("-", "")) == []
    nothing_is_readable(product.instance)

    person.page.reload()
    expect(words).to_be_hidden()
    assert "zanzibar" not in person.page.content()
    # Any program can open what is stored, with what its writer knows.
    text = person.finds("textarea[name=locked]").first.input_value()
    opened = {"title": "My zanzibar title", "text": SECRET, "tags": ""}
    assert opened_by(entry_id, text, "passphrase", PASSPHRASE) == opened
    assert opened_by(entry_id, text, "recovery", code.replace("-", "")) == opened

    person.page.get_by_text("I do not have my passphrase").click()
    person.fill("Your recovery code", "00000-00000-00000-00000-00000")
    person.press("Open with the code")
    person.reads("This code does not open the entry.")
    person.fill("Your recovery code", code.lower().replace("0", "o"))
    person.press("Open with the code")
    expect(words).to_have_value(SECRET)
    chooses(person, person.finds("[data-changing]"), OTHER, "Change it")
    person.reads("The passphrase is changed.")
    opens(person, PASSPHRASE)
    person.reads("This passphrase does not open the entry.")
    opens(person, OTHER)
    expect(words).to_have_value(SECRET)
    assert sent.holding("zanzibar", PASSPHRASE, OTHER) == []

    person.page.get_by_text("Share it, or make it an ordinary entry").click()
    person.reads("It stays private.")
    person.press("Save it as an ordinary entry")
    person.reads("It is an ordinary entry now, and still private.")
    expect(person.finds(".prose.journal-words")).to_have_text(SECRET)
    person.press("Share with my care team")
    person.reads("Your care team can read this entry now.")


def test_locked_words_wait_locked_on_the_device_and_two_devices_keep_both(
    sit_down: SitDown, pia: PatientOnStage
) -> None:
    phone = pia.sits_down(sit_down(width=PHONE, refusals={409}))
    phone.visit("/my/journal/new/locked")
    chooses(phone, phone.finds("[data-locking]"), PASSPHRASE, "Lock it")
    phone.reads("The entry is locked.")
    laptop = pia.sits_down(sit_down(refusals={409}))
    laptop.visit(phone.page.url)
    for person in (phone, laptop):
        opens(person, PASSPHRASE)
        expect(person.finds("#locked-words")).to_be_visible()
    laptop.finds("#locked-words").fill("From the laptop.")
    says(laptop, "Saved")
    phone.context.set_offline(True)
    phone.finds("#locked-words").fill("From the zanzibar phone.")
    says(phone, "Saved on this device. It is sent as soon as the connection is back.")
    assert len(phone.drafts()) == 1
    phone.context.set_offline(False)
    phone.page.reload()  # what waits is sent, and meets the other text before anything is opened
    says(
        phone,
        "This entry was changed somewhere else. Nothing is overwritten; both versions are on this page.",
    )
    opens(phone, PASSPHRASE)
    expect(phone.finds("#locked-words")).to_have_value("From the zanzibar phone.")
    phone.reads("From the laptop.")
    phone.press("Put both together")
    says(phone, "Saved")
    assert phone.drafts() == []
    laptop.page.reload()
    opens(laptop, PASSPHRASE)
    expect(laptop.finds("#locked-words")).to_have_value("From the zanzibar phone.\n\nFrom the laptop.")


def test_an_entry_that_is_locked_later(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down())
    writes(person, "An ordinary mauritius word.")
    person.follow("Lock this entry")
    person.arrives("Lock this entry")
    chooses(person, person.finds("[data-locking]"), PASSPHRASE, "Lock it")
    person.reads("The entry is locked.")
    opens(person, PASSPHRASE)
    expect(person.finds("#locked-words")).to_have_value("An ordinary mauritius word.")


def test_without_javascript_the_page_says_why(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down(javascript=False))
    person.visit("/my/journal/new/locked")
    person.reads("Locking and opening happen in your browser alone, and need JavaScript.")
    expect(person.finds("#new-passphrase")).to_be_hidden()
