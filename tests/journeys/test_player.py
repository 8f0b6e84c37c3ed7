"""The room of a session: music that goes on, hands on the keyboard, notes while it plays."""

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import SitDown
from tests.journeys.person import Person
from tests.journeys.room import elapsed, falls_silent, is_at, is_silent, plays
from tests.journeys.stage import PRACTICE, Stage

pytestmark = pytest.mark.browser

LENGTH, SURPLUS = 60, 120
SKIP = 15


@pytest.fixture(scope="module")
def minute(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> UUID:
    return stage.finished_playlist(tmp_path_factory.mktemp("minute"), programme_s=LENGTH, surplus_s=SURPLUS)


@pytest.fixture
def therapist(sit_down: SitDown, signed_in: Any, stage: Stage, minute: UUID) -> Person:
    """The therapist in the room of a session that has just been opened."""
    path = stage.open_session(stage.patient(), minute)
    person = sit_down()
    person.context.add_cookies(signed_in)
    person.visit(path)
    expect(person.page.get_by_role("heading", level=1)).to_have_text("Pia Pine")
    return person


def test_it_plays_pauses_and_seeks(therapist: Person) -> None:
    page = therapist.page
    therapist.checks()
    expect(page.locator("[data-remaining]")).to_have_text("1:00")
    assert is_silent(page)
    therapist.press("Play")
    plays(page)
    therapist.checks()
    therapist.press("15 s on")
    is_at(page, SKIP, SKIP + 10)
    expect(page.locator(".phase-names [aria-current]")).to_have_count(1)
    therapist.press("Pause")
    expect(page.locator("[data-toggle-words]")).to_have_text("Play")
    falls_silent(page)
    page.get_by_label("Place in the music").fill("40")
    is_at(page, 40, 40)
    expect(page.locator("[data-remaining]")).to_have_text("0:20")


def test_it_obeys_the_keyboard(therapist: Person) -> None:
    page = therapist.page
    page.keyboard.press("Space")
    plays(page)
    page.keyboard.press("ArrowRight")
    is_at(page, SKIP, SKIP + 10)
    page.keyboard.press("ArrowLeft")
    is_at(page, 0, SKIP - 1)
    page.get_by_label("Note").press_sequentially("kind k")
    expect(page.get_by_label("Note")).to_have_value("kind k")
    plays(page)
    page.get_by_role("heading", name="Notes").click()
    page.keyboard.press("k")
    expect(page.locator("[data-toggle-words]")).to_have_text("Play")


def test_after_a_reload_the_music_goes_on_from_the_same_place(therapist: Person) -> None:
    page = therapist.page
    page.get_by_label("Place in the music").fill("30")
    therapist.press("Play")
    plays(page)
    page.reload()
    is_at(page, 30, LENGTH - 1)
    plays(page)
    therapist.press("Pause")
    falls_silent(page)
    shown = elapsed(page).inner_text()
    page.reload()
    therapist.reads(f"Ready to go on from {shown}.")
    assert is_silent(page)


def test_a_lock_screen_names_nobody(therapist: Person) -> None:
    page = therapist.page
    therapist.press("Play")
    plays(page)
    shown = page.evaluate(
        """() => {
          const { title, artist, album } = navigator.mediaSession.metadata;
          return [title, artist, album, navigator.mediaSession.playbackState];
        }"""
    )
    assert shown == ["Music", PRACTICE, "", "playing"]
    assert page.title() == f"Session · {PRACTICE}"


# A device that remembers what a page asked of it: to stay awake, and what its lock screen can do.
DEVICE = """
const locks = [];
WakeLock.prototype.request = async () => {
  const lock = { released: false, release: async () => { lock.released = true; } };
  locks.push(lock);
  return lock;
};
window.lockScreen = {};
MediaSession.prototype.setActionHandler = (name, act) => { window.lockScreen[name] = act; };
window.awake = () => locks.some((lock) => !lock.released);
"""
# How loud the music was in the moment in which something happened to it.
LISTEN = """
window.moments = [];
const audio = document.querySelector("[data-audio]");
for (const name of ["play", "seeking", "pause"]) {
  audio.addEventListener(name, () => window.moments.push([name, audio.volume]));
}
"""


def test_nothing_is_cut_off_and_the_screen_stays_awake_while_it_plays(therapist: Person) -> None:
    page = therapist.page
    page.add_init_script(DEVICE)
    page.reload()
    expect(page.locator("[data-controls]")).to_be_visible()
    page.evaluate(LISTEN)
    assert not page.evaluate("awake()")
    page.evaluate("lockScreen.play()")
    plays(page)
    assert page.evaluate("awake()")
    page.evaluate("lockScreen.seekto({ seekTime: 30 })")
    is_at(page, 30, LENGTH - 1)
    page.evaluate("lockScreen.stop()")
    falls_silent(page)
    assert not page.evaluate("awake()")
    assert page.evaluate("moments") == [["play", 0], ["seeking", 0], ["pause", 0]]


def test_notes_are_taken_while_it_plays(therapist: Person) -> None:
    page = therapist.page
    therapist.press("Play")
    plays(page)
    page.get_by_label("Note").fill("Eyes closed, slow breath.")
    page.get_by_label("Note").press("Control+Enter")
    newest = page.locator("[data-note-list] li").first
    expect(newest.locator(".words")).to_have_text("Eyes closed, slow breath.")
    expect(newest.locator(".note-when")).to_have_text(
        re.compile(r"\d\d:\d\d, 0:\d\d into the music, Theo Thorne")
    )
    expect(page.get_by_label("Note")).to_have_value("")
    therapist.press("Settled")
    expect(newest.locator(".words")).to_have_text("Settled")
    plays(page)
    therapist.checks()


def test_a_note_without_a_connection_waits_and_arrives_once(therapist: Person) -> None:
    page = therapist.page
    therapist.press("Play")
    plays(page)
    therapist.context.set_offline(True)
    page.get_by_label("Note").fill("Tears, quiet.")
    therapist.press("Add note")
    therapist.reads("Saved on this device. It is sent as soon as the connection is back.")
    expect(page.locator("[data-waiting] .words")).to_have_text(["Tears, quiet."])
    therapist.context.set_offline(False)
    expect(page.locator("[data-note-list] .words")).to_have_text(["Tears, quiet."])
    expect(page.locator("[data-waiting] li")).to_have_count(0)


def test_without_the_connection_what_is_loaded_goes_on_playing(therapist: Person) -> None:
    page = therapist.page
    therapist.press("Play")
    plays(page)
    therapist.context.set_offline(True)
    plays(page)
    plays(page)
    therapist.context.set_offline(False)


def test_two_tabs_of_one_room_are_heard_once(therapist: Person) -> None:
    page = therapist.page
    therapist.press("Play")
    plays(page)
    second = therapist.context.new_page()
    second.goto(page.url)
    elsewhere = "It plays in another tab of this browser. Press play to have it here instead."
    expect(second.locator("[data-says]")).to_have_text(elsewhere)
    assert is_silent(second)
    plays(page)
    second.get_by_role("button", name="Play", exact=True).click()
    plays(second)
    falls_silent(page)
    expect(page.locator("[data-says]")).to_have_text(elsewhere)
    plays(second)
