"""Writing with the network gone: the page opens, the words lie sealed on the device and arrive once."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage

pytestmark = pytest.mark.browser

KEPT = "Saved on this device. It is sent as soon as the connection is back."
READY = """async () => {
  await navigator.serviceWorker.ready;
  if (navigator.serviceWorker.controller) return;
  const { serviceWorker } = navigator;
  await new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}"""
WAITS_NO_MORE = """async (left) => {
  const opening = indexedDB.open("kap-drafts", 1);
  await new Promise((resolve) => { opening.onsuccess = resolve; });
  const count = () => new Promise((resolve) => {
    const asked = opening.result.transaction("drafts").objectStore("drafts").count();
    asked.onsuccess = () => resolve(asked.result);
  });
  while ((await count()) > left) await new Promise((resolve) => setTimeout(resolve, 50));
}"""
OLDER_IS_GONE = """async () => {
  const a_moment = () => new Promise((resolve) => setTimeout(resolve, 50));
  while (await caches.has("kap-shell-0000000000000000")) await a_moment();
}"""


def words(person: Person) -> Locator:
    return person.page.get_by_label("Your words")


def says(person: Person, sentence: str) -> None:
    expect(person.finds("[data-saved-state]")).to_have_text(sentence)


def waiting(person: Person) -> Locator:
    return person.finds("[data-waiting] li")


def is_ready(person: Person) -> None:
    """The device has what a page without network is made of."""
    person.page.evaluate(READY)


def writes_without_network(person: Person, more: str) -> str:
    """Open a new page in a train and write on it; its address."""
    person.visit("/my/journal/new")
    person.arrives("Write")
    words(person).fill(more)
    says(person, KEPT)
    return person.page.url


def opens_anew(person: Person, path: str) -> None:
    """Close what is open, and open another page of the product."""
    person.page.close()
    person.page = person.context.new_page()
    person.visit(path)


def nothing_waits(person: Person, *, but: int = 0) -> None:
    """Nothing waits on this device any more, or only so much."""
    person.page.evaluate(WAITS_NO_MORE, but)


def test_pages_written_in_a_train_arrive_once_from_another_page(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    person = pia.sits_down(sit_down(width=PHONE, refusals={400}))
    is_ready(person)
    person.context.set_offline(True)
    first = writes_without_network(person, "In the train.")
    assert "Pia Pine" not in person.page.content()
    person.page.reload()
    expect(words(person)).to_have_value("In the train.")
    assert person.page.url == first
    writes_without_network(person, "שלום 👩‍👧")
    person.visit("/my/journal")
    person.arrives("Write")
    assert sorted(waiting(person).locator("a").all_inner_texts()) == ["In the train.", "שלום 👩‍👧"]
    assert set(waiting(person).locator("span").all_inner_texts()) == {"Saved on this device, not sent yet"}
    assert [owner for owner, _ in person.drafts()] == [str(pia.user_id)] * 2
    waiting(person).get_by_role("link", name="In the train.").click()
    expect(words(person)).to_have_value("In the train.")
    assert stage.journal(pia) == []
    person.context.set_offline(False)
    opens_anew(person, "/")
    nothing_waits(person)
    assert sorted(stage.journal(pia)) == ["In the train.", "שלום 👩‍👧"]
    opens_anew(person, "/my/journal")
    person.arrives("Your journal")
    expect(waiting(person)).to_have_count(0)
    expect(person.finds("main time")).to_have_count(2)


def test_the_network_goes_and_comes_back_in_the_middle_of_writing(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    # What a page sends as it goes away may arrive after all; then its own words meet it as another version.
    person = pia.sits_down(sit_down(width=PHONE, refusals={400, 409}))
    is_ready(person)
    person.visit("/my/journal/new")
    person.page.get_by_text("How it felt, themes, and what it is about").click()
    person.page.get_by_label("Themes").fill("calm")
    words(person).fill("Before the tunnel.")
    says(person, "Saved")
    address = person.page.url
    person.context.set_offline(True)
    words(person).fill("Before the tunnel. In it.")
    says(person, KEPT)
    person.page.reload()  # as a phone does when it is short of memory
    person.arrives("Write")
    expect(words(person)).to_have_value("Before the tunnel. In it.")
    words(person).fill("Before the tunnel. In it. Still.")
    says(person, KEPT)
    person.context.set_offline(False)
    says(person, "Saved")
    person.press("Open the whole page")
    expect(person.page.get_by_role("link", name="Your journal")).to_be_visible()
    expect(words(person)).to_have_value("Before the tunnel. In it. Still.")
    expect(person.page.get_by_label("Themes")).to_have_value("calm")
    assert person.page.url == address
    assert stage.journal(pia) == ["Before the tunnel. In it. Still."]


def test_who_signs_in_next_neither_sees_nor_sends_it(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    pau = stage.patient("Pau Poplar")
    device = pia.sits_down(sit_down(width=PHONE, refusals={400, 401}))
    is_ready(device)
    device.context.set_offline(True)
    writes_without_network(device, "Only mine.")
    device.context.clear_cookies()  # the sign-in ends meanwhile
    device.context.set_offline(False)
    says(device, "Your sign-in has ended. Your words are kept on this device. Sign in")
    opens_anew(device, "/sign-in")
    device.enters(pau.email, PASSWORD)
    device.visit("/my/journal")
    device.arrives("Your journal")
    expect(waiting(device)).to_have_count(0)
    is_ready(device)
    device.context.set_offline(True)
    writes_without_network(device, "Hers.")
    device.visit("/my/journal")
    expect(waiting(device).locator("a")).to_have_text(["Hers."])
    device.context.set_offline(False)
    opens_anew(device, "/my/journal")
    nothing_waits(device, but=1)
    device.finds("details.account > summary").click()
    device.press("Sign out")
    device.context.set_offline(True)
    device.visit("/my/journal/new")
    device.reads("Nobody is signed in on this device.")
    device.context.set_offline(False)
    device.signs_in(pia.email, PASSWORD)
    nothing_waits(device)
    assert (stage.journal(pia), stage.journal(pau)) == (["Only mine."], ["Hers."])


def test_a_clock_that_is_wrong_by_a_day_and_a_page_that_waited(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    person = pia.sits_down(sit_down(width=PHONE, refusals={400}))
    is_ready(person)
    clock = person.page.clock
    clock.install(time="2031-05-05T08:00:00Z")
    person.context.set_offline(True)
    person.visit("/my/journal/new")
    person.arrives("Write")
    words(person).fill("An hour ago.")
    clock.run_for(2000)
    says(person, KEPT)
    clock.fast_forward("01:00:00")
    person.context.set_offline(False)
    person.page.evaluate("dispatchEvent(new Event('online'))")
    clock.run_for(3000)
    says(person, "Saved")
    made, about = stage.journal_times(pia)
    assert 3500 < (made - about).total_seconds() < 3700


def test_an_older_service_worker_after_an_upgrade(
    sit_down: SitDown, pia: PatientOnStage, stage: Stage
) -> None:
    """What the older one had is replaced, the words it stood in for arrive, and the newer one stands in."""
    person = pia.sits_down(sit_down(width=PHONE, refusals={400}))
    is_ready(person)
    version = person.page.evaluate("caches.keys()")
    # The shell of an older version, as a browser holds it that has not looked since.
    person.page.evaluate(
        """async ([name]) => {
          const [old, now] = [await caches.open("kap-shell-0000000000000000"), await caches.open(name)];
          for (const request of await now.keys()) await old.put(request, await now.match(request));
          const registration = await navigator.serviceWorker.getRegistration();
          await registration.unregister();
        }""",
        [next(name for name in version if re.match("kap-shell-", name))],
    )
    person.visit("/my/journal")
    is_ready(person)
    person.page.evaluate(OLDER_IS_GONE)
    person.context.set_offline(True)
    address = writes_without_network(person, "After the upgrade.")
    person.context.set_offline(False)
    says(person, "Saved")
    assert stage.journal(pia) == ["After the upgrade."]
    assert UUID(address.split("/")[-2]).version == 4
