"""Music around the session: kept beforehand, on two devices at once, and heard again afterwards."""

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.room import (
    elapsed,
    falls_silent,
    is_at,
    is_kept,
    is_silent,
    kept_addresses,
    places,
    plays,
)
from tests.journeys.stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def rain(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> UUID:
    return stage.finished_playlist(tmp_path_factory.mktemp("rain"), programme_s=60, surplus_s=120)


@pytest.fixture
def therapist(sit_down: SitDown, signed_in: Any) -> Person:
    person = sit_down()
    person.context.add_cookies(signed_in)
    return person


def test_music_is_kept_beforehand_and_goes_when_the_session_is_over(
    therapist: Person, stage: Stage, rain: UUID
) -> None:
    page = therapist.page
    therapist.visit(stage.plan_session(stage.patient(), rain))
    therapist.press("Keep the music on this device")
    is_kept(page)
    therapist.checks()
    assert len(kept_addresses(page)) == 3  # the page's entry, the file's, and its one part
    therapist.press("Open session")
    therapist.arrives("Pia Pine")
    is_kept(page)
    therapist.press("Play")
    plays(page)
    therapist.press("Close session")
    expect(page.get_by_role("heading", level=1)).to_have_text("Session with Pia Pine")
    page.wait_for_function(
        "caches.open('kap-kept-1').then((cache) => cache.keys()).then((keys) => keys.length === 0)"
    )
    assert places(page) == []


def test_signing_out_leaves_nothing_on_the_device(sit_down: SitDown, stage: Stage, rain: UUID) -> None:
    therapist = stage.therapist.sits_down(sit_down())  # in their own name: nobody else's sign-in ends
    page = therapist.page
    therapist.visit(stage.open_session(stage.patient(), rain))
    is_kept(page)
    therapist.visit("/")
    assert len(places(page)) == 1
    page.get_by_text("Your account").locator("..").click()
    therapist.press("Sign out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.wait_for_function("caches.has('kap-kept-1').then((there) => !there)")
    assert places(page) == []


# As another person, another version of the file, and a browser that needed room would have left it.
ALTER = """async (what) => {
  const cache = await caches.open("kap-kept-1");
  for (const { url } of await cache.keys()) {
    if (what === "part") { if (url.includes("/.kept/part")) await cache.delete(url); continue; }
    if (!url.includes(`/.kept/${what}`)) continue;
    const record = await (await cache.match(url)).json();
    Object.assign(record, what === "page" ? { user: "someone else" } : { etag: "of old" });
    await cache.put(url, new Response(JSON.stringify(record)));
  }
}"""
# Everything is there again, in the version of now and in the name of who is here.
SETTLED = """async (wanted) => {
  const cache = await caches.open("kap-kept-1");
  const keys = await cache.keys();
  const here = keys.map(({ url }) => new URL(url).pathname + new URL(url).search).sort();
  const records = keys
    .filter(({ url }) => !url.includes("/.kept/part"))
    .map(async (key) => (await cache.match(key))?.json() ?? { etag: "of old" }); // gone since
  const told = await Promise.all(records);
  return JSON.stringify(here) === JSON.stringify(wanted)
    && !told.some(({ user, etag }) => user === "someone else" || etag === "of old");
}"""
ASK = "(file) => fetch(`${file}?kept`).then(({ status }) => status, () => 'nothing')"


def test_what_is_kept_is_whole_and_of_whoever_is_here(therapist: Person, stage: Stage, rain: UUID) -> None:
    page = therapist.page
    therapist.visit(stage.open_session(stage.patient(), rain))
    file = page.locator("[data-audio] source").first.get_attribute("src") or ""
    is_kept(page)
    kept = kept_addresses(page)
    for what in ("page", "part", "file"):
        page.evaluate(ALTER, what)
        assert page.evaluate(ASK, file) == ("nothing" if what == "part" else 200)
        page.reload()
        page.wait_for_function(SETTLED, arg=kept)
        is_kept(page)
    therapist.context.clear_cookies()
    therapist.visit(f"{file}?kept")  # typed by whoever finds the device
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_download_that_breaks_off_goes_on_where_it_was(sit_down: SitDown, stage: Stage, rain: UUID) -> None:
    person = stage.therapist.sits_down(sit_down(refusals=(500,)))
    page = person.page
    broken: list[str] = []

    def damage(route: Route) -> None:
        broken.append(route.request.headers["range"])
        if len(broken) == 1:
            route.fulfill(status=500)
        elif len(broken) == 2:
            answer = route.fetch()
            route.fulfill(response=answer, body=b"0" * len(answer.body()))
        else:
            route.continue_()

    person.visit(stage.plan_session(stage.patient(), rain))
    page.route(re.compile(r"/mixes/.*/opus$"), damage)
    person.press("Keep the music on this device")
    is_kept(page)
    assert broken == [broken[0]] * 3


def test_a_device_without_room_says_so_and_plays_over_the_network(
    therapist: Person, stage: Stage, rain: UUID
) -> None:
    page = therapist.page
    page.add_init_script(
        "Cache.prototype.put = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))"
    )
    therapist.visit(stage.open_session(stage.patient(), rain))
    therapist.reads("This device has no room for this music.")
    therapist.press("Play")
    plays(page)


def test_a_call_pauses_it_and_it_goes_on_from_there(therapist: Person, stage: Stage, rain: UUID) -> None:
    page = therapist.page
    therapist.visit(stage.open_session(stage.patient(), rain))
    page.get_by_label("Place in the music").fill("40")
    therapist.press("Play")
    plays(page)
    page.evaluate("document.querySelector('[data-audio]').pause()")  # as a telephone does for a call
    expect(page.locator("[data-toggle-words]")).to_have_text("Play")
    assert is_silent(page)
    is_at(page, 40, 59)
    page.evaluate("document.querySelector('[data-audio]').play()")  # and some go on by themselves
    quiet: float = page.evaluate("document.querySelector('[data-audio]').volume")
    assert quiet < 0.1
    plays(page)
    is_at(page, 40, 90)


def test_an_overrun_plays_calm_music_and_says_until_when(therapist: Person, stage: Stage, rain: UUID) -> None:
    page = therapist.page
    therapist.visit(stage.open_session(stage.patient(), rain))
    expect(page.locator("[data-programme]")).to_have_text(
        "The programme has 60 s left, then calm music for 2 min."
    )
    therapist.press("Play")
    expect(page.locator("[data-programme]")).to_have_text(
        re.compile(r"^The programme ends at \d\d:\d\d; calm music for 2 min more\.$")
    )
    page.get_by_label("Place in the music").fill("100")
    expect(page.locator("[data-programme]")).to_have_text(
        re.compile(r"^The programme ended \d+ s ago\. Calm music goes on until \d\d:\d\d\.$")
    )
    expect(page.locator("[data-track]")).to_have_text("Dew")
    therapist.checks()


def test_headphones_and_speakers_are_brought_together(
    therapist: Person, sit_down: SitDown, stage: Stage, rain: UUID
) -> None:
    path = stage.open_session(stage.patient(), rain)
    speakers = stage.therapist.sits_down(sit_down(width=PHONE))
    for person, role in ((therapist, "Headphones"), (speakers, "Room speakers")):
        person.visit(path)
        person.page.get_by_text("This device", exact=True).click()
        person.page.get_by_label("It plays through").select_option(role)
    therapist.page.get_by_label("Place in the music").fill("60")
    therapist.press("Play")
    plays(therapist.page)
    speakers.page.reload()
    line = speakers.page.locator("[data-others] li")
    expect(line).to_contain_text("Headphones: playing.")
    expect(speakers.page.get_by_label("It plays through")).to_have_value("speakers")
    line.get_by_role("button").click()
    plays(speakers.page)
    is_at(speakers.page, 60, 120)
    expect(line.get_by_role("button")).to_be_hidden()
    therapist.page.get_by_label("Place in the music").fill("140")
    is_at(therapist.page, 140, 170)
    therapist.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    speakers.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(line).to_contain_text(re.compile(r"Headphones: playing, \d+ s ahead\."))
    speakers.checks()


def test_a_patient_listens_again_also_without_network(
    sit_down: SitDown, therapist: Person, stage: Stage, rain: UUID
) -> None:
    patient = stage.patient()
    therapist.visit(stage.open_session(patient, rain))
    therapist.press("Close session")
    therapist.press("Let them listen again")
    therapist.reads("Pia Pine can listen to this music again.")
    pia = patient.sits_down(sit_down(width=PHONE, refusals=(404,)))
    pia.follow("Listen again")
    pia.arrives("Listen again")
    page = pia.page
    pia.press("Keep the music on this device")
    is_kept(page)
    pia.press("Play")
    plays(page)
    pia.press("Pause")
    falls_silent(page)
    place = elapsed(page).inner_text()
    pia.context.set_offline(True)
    page.reload()
    pia.reads(f"Ready to go on from {place}.")
    pia.checks()
    pia.context.set_offline(False)
    therapist.press("Stop that")
    therapist.reads("Pia Pine cannot listen to this music any more.")
    page.reload()
    pia.reads("There is no music to hear here")
    assert kept_addresses(page) == []


def test_a_patient_says_what_must_not_be_played(
    sit_down: SitDown, therapist: Person, stage: Stage, rain: UUID
) -> None:
    patient = stage.patient()
    path = stage.plan_session(patient, rain)
    pia = patient.sits_down(sit_down(width=PHONE))
    pia.follow("Music likes and no-gos")
    pia.arrives("Your music")
    pia.page.get_by_label("No voices at all").check()
    pia.page.get_by_label("Styles, instruments or sounds to leave out").fill("drums")
    expect(pia.finds("[data-saved-state]")).to_have_text("Saved")
    therapist.visit(path)
    therapist.reads("no voices, no “drums”.")
    expect(therapist.page.get_by_role("link", name="Build music that respects this")).to_have_attribute(
        "href", "/playlists/new?avoid_voices=1&avoid_word=drums"
    )
    therapist.checks()


# Under another address the same worker is another version of it to the browser.
ANOTHER_VERSION = """async () => {
  const registration = await navigator.serviceWorker.register("/service-worker.js?later", { scope: "/" });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  while (worker.state === "installing" || worker.state === "activating") {
    await new Promise((resolve) => { worker.addEventListener("statechange", resolve, { once: true }); });
  }
  return worker.state;
}"""


def test_another_version_of_kap_waits_for_a_running_session(
    therapist: Person, stage: Stage, rain: UUID
) -> None:
    page = therapist.page
    therapist.visit(stage.open_session(stage.patient(), rain))
    is_kept(page)
    therapist.press("Play")
    plays(page)
    assert page.evaluate(ANOTHER_VERSION) == "installed"  # and waits
    plays(page)
    therapist.context.set_offline(True)
    page.reload()
    therapist.reads("There is no connection.")
    plays(page)
    therapist.context.set_offline(False)


def test_another_version_of_kap_takes_over_where_nothing_plays(
    therapist: Person, stage: Stage, rain: UUID
) -> None:
    page = therapist.page
    therapist.visit(stage.plan_session(stage.patient(), rain))
    therapist.press("Keep the music on this device")
    is_kept(page)
    kept = kept_addresses(page)
    therapist.visit("/patients")
    page.evaluate(ANOTHER_VERSION)
    page.wait_for_function("navigator.serviceWorker.controller.scriptURL.endsWith('?later')")
    assert kept_addresses(page) == kept
