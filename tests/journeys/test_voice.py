"""A voice note through a microphone that plays a real sound, through a reload and a broken connection."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, expect, sync_playwright

from tests.audio.sounds import write_sound
from tests.browser import arguments, ensure
from tests.integration.recordings import decoded, loudness, speech
from tests.journeys.conftest import PATIENCE_MS, PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage
from tests.product.conftest import process_pause

pytestmark = pytest.mark.browser

HUM_HERTZ = 160
WAITING = "Kept on this device. It is sent as soon as the connection is back."


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears a hum, quietly, again and again."""
    hum = write_sound(tmp_path_factory.mktemp("microphone") / "hum.wav", speech(30, level=0.03), "wav")
    more = ["--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={hum}"]
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure(), args=[*arguments(), *more])
        yield browser
        browser.close()


def says(person: Person, words: str) -> None:
    expect(person.finds("[data-recorder-says]")).to_contain_text(words)


def speaks(person: Person, button: str, until: str) -> None:
    person.press(button)
    expect(person.finds("[data-recorder-clock]")).to_have_text(until)


def test_a_note_outlives_a_reload_and_a_connection_that_breaks_while_it_is_sent(
    sit_down: SitDown, pia: PatientOnStage, tmp_path: Path
) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    person.visit("/my/journal")
    person.follow("Speak")
    speaks(person, "Record a voice note", "0:02")
    person.press("Pause")
    person.press("Go on")
    expect(person.finds("[data-recorder-clock]")).to_have_text("0:04")
    person.page.reload()  # in the middle of a word
    says(person, "is kept on this device. Send it, go on, or discard it.")
    person.checks()
    speaks(person, "Go on", "0:07")
    person.press("Stop")
    says(person, "A recording of 0:07 is kept on this device.")
    expect(person.page.get_by_label("Part 2 of what was recorded")).to_be_visible()
    person.checks()

    sent: list[str] = []

    def break_at_the_second(route: Route) -> None:
        sent.append(route.request.url)
        if len(sent) > 1:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    person.context.route("**/notes/*/*/*", break_at_the_second)
    person.press("Send it")
    says(person, WAITING)
    person.context.set_offline(True)
    person.context.unroute("**/notes/*/*/*")
    assert len({name for _, name in person.drafts() if name.count(":") == 4}) >= 5
    person.context.set_offline(False)
    says(person, "Your voice note has arrived.")
    assert person.drafts() == []

    figure = person.finds("#files figure")
    expect(figure).to_be_visible()
    person.checks()
    place = person.page.get_by_label("Place in this voice note")
    place.focus()
    place.press("ArrowRight")
    expect(person.finds("[data-clock]")).to_have_text("0:05 of 0:07")
    place.press(" ")
    expect(figure.get_by_role("button", name="Pause")).to_be_visible()
    expect(person.finds("[data-clock]")).to_have_text("0:06 of 0:07")
    place.press(" ")

    source = person.finds("#files audio source").nth(1).get_attribute("src")
    answer = person.context.request.get(f"{person.address}{source}")
    made = tmp_path / "note.m4a"
    made.write_bytes(answer.body())
    heard = decoded(made)
    power = np.abs(np.fft.rfft(heard[:, 0]))
    loudest = np.fft.rfftfreq(len(heard), 1 / 48_000)[power.argmax()]
    assert loudest >= HUM_HERTZ - 2
    assert abs(loudest - HUM_HERTZ * round(loudest / HUM_HERTZ)) == pytest.approx(
        0, abs=2
    )  # it, or an overtone
    assert 6 < len(heard) / 48_000 < 8
    assert -22 < loudness(made) < -18  # it was spoken at about -31


def test_what_is_discarded_can_be_had_back_and_what_waits_is_found_again(
    sit_down: SitDown, pia: PatientOnStage
) -> None:
    person = pia.sits_down(sit_down(width=PHONE))
    person.visit("/my/journal/new")
    speaks(person, "Record a voice note", "0:02")
    person.press("Stop")
    person.press("Discard")
    says(person, "Discarded.")
    person.press("Undo")
    says(person, "A recording of 0:0")
    person.visit("/my/journal")
    link = person.page.get_by_role("link", name="is kept on this device and has not been sent.")
    expect(link).to_be_visible()
    person.checks()
    link.click()
    says(person, "Send it, go on, or discard it.")
    person.press("Discard")
    person.visit("/my/journal")
    expect(link).to_have_count(0)


def test_a_drawing_is_kept_until_it_is_added(sit_down: SitDown, pia: PatientOnStage) -> None:
    person = pia.sits_down(sit_down())
    person.visit("/my/journal/new")
    person.page.get_by_text("Draw", exact=True).click()
    pad = person.finds("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for step in range(2):
        person.page.mouse.move(box["x"] + 60, box["y"] + 80 + 90 * step)
        person.page.mouse.down()
        person.page.mouse.move(box["x"] + 300, box["y"] + 60 + 90 * step, steps=5)
        person.page.mouse.up()
    says_ = person.finds("[data-drawing-says]")
    expect(says_).to_have_text("Kept on this device until you add it.")
    person.press("Undo")
    person.checks()
    assert [name.split(":")[0] for _, name in person.drafts()] == ["drawing"]
    person.page.reload()
    person.page.get_by_text("Draw", exact=True).click()
    person.page.locator("#drawing-words").fill("The shore")
    person.press("Add the drawing")
    expect(person.page.get_by_role("img", name="The shore")).to_be_visible()
    expect(person.finds("#files img")).to_have_js_property("naturalWidth", 1200)
    deadline = 100
    while person.drafts() and deadline:
        process_pause()
        deadline -= 1
    assert person.drafts() == []
    person.checks()
