"""The library at a desk: a folder comes in, is listened to, judged and changed."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.audio.sounds import tone, write_sound
from tests.journeys.conftest import SitDown
from tests.journeys.person import Person
from tests.journeys.stage import Stage

pytestmark = pytest.mark.browser

LENGTH_S = 24


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pieces, one of them in a folder below, and what lies around beside music."""
    folder = tmp_path_factory.mktemp("sounds") / "album"
    (folder / "side b").mkdir(parents=True)
    swell = 0.2 + 0.8 * np.hanning(LENGTH_S * 48_000)[:, None].astype(np.float32)
    write_sound(folder / "Älv.flac", tone(LENGTH_S, hertz=131) * swell, "flac")
    write_sound(folder / "side b" / "Zinn.flac", tone(LENGTH_S, hertz=147) * swell, "flac")
    (folder / "cover.txt").write_text("words")
    (folder / ".DS_Store").write_bytes(b"\0")
    return folder


def test_a_folder_comes_in_is_listened_to_judged_and_changed(
    stage: Stage, sit_down: SitDown, album: Path
) -> None:
    theo = stage.therapist.sits_down(sit_down())
    theo.visit("/music")
    brings_a_folder(theo, album)
    listens_in_the_list(theo)
    judges_by_ear(theo)
    retires_both(theo)


def brings_a_folder(theo: Person, album: Path) -> None:
    page = theo.page
    if not page.get_by_label("Or a whole folder").is_visible():
        page.locator("summary", has_text="Add music").click()
    page.get_by_label("Or a whole folder").set_input_files(album)
    theo.press("Upload")
    expect(theo.finds("[data-upload-summary]")).to_have_text(
        "2 of 2 files arrived. 1 file that is no music was left out."
    )
    for name in ("album/Älv.flac", "album/side b/Zinn.flac"):
        line = theo.finds("[data-upload-list] li").filter(has_text=name)
        expect(line.locator(".message")).to_have_text(re.compile(r"^Ready: 0:24, −\d+\.\d LUFS\.$"))
        expect(line.get_by_role("link", name="Open it")).to_be_visible()
    theo.checks()


def listens_in_the_list(theo: Person) -> None:
    theo.visit("/music?q=alv")
    listen = theo.page.get_by_role("button", name="Listen to Älv from the middle")
    listen.click()
    bar = theo.page.get_by_role("region", name="Listening")
    expect(bar.get_by_role("link")).to_have_text("Älv")
    expect(bar.locator("output")).to_have_text(re.compile(r"^0:1[2-9]$"))
    expect(listen).to_have_attribute("aria-pressed", "true")
    theo.checks()
    bar.get_by_role("button", name="Pause").click()
    expect(listen).to_have_attribute("aria-pressed", "false")
    bar.get_by_role("button", name="Stop").click()
    expect(bar).to_be_hidden()
    expect(listen).to_be_focused()


def judges_by_ear(theo: Person) -> None:
    theo.follow("Älv")
    theo.arrives("Älv")
    place = theo.page.get_by_role("slider", name="Place in Älv")
    place.press("ArrowRight")
    expect(place).to_have_attribute("aria-valuetext", "0:05 of 0:24")
    box = place.bounding_box()
    assert box is not None
    place.click(position={"x": box["width"] * 0.75, "y": 40})
    expect(theo.page.get_by_role("button", name="Pause")).to_be_visible()
    assert theo.page.evaluate("document.querySelector('.sound audio').currentTime") == pytest.approx(
        18, abs=2
    )
    place.press(" ")
    expect(theo.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    offer = theo.finds('[data-fill="intensity"]')
    suggested = offer.get_attribute("data-value")
    offer.click()
    expect(theo.page.get_by_label("Intensity")).to_have_value(suggested or "")
    theo.page.get_by_label("Voices").select_option("none")
    theo.press("Save")
    theo.reads("Saved.")


def retires_both(theo: Person) -> None:
    theo.visit("/music?sort=title")
    for title in ("Älv", "Zinn"):
        theo.page.get_by_label(f"Select {title}").check()
    expect(theo.finds("[data-ticked]")).to_have_text("2 tracks ticked.")
    theo.press("Change the ticked")
    theo.arrives("Change 2 tracks")
    theo.page.get_by_label("In the library").select_option("retire")
    theo.press("Change 2 tracks")
    theo.reads("2 tracks were changed.")
    expect(theo.page.get_by_label("Select Zinn")).to_have_count(0)


def test_a_file_on_its_way_is_cancelled_and_sent_again(
    stage: Stage, sit_down: SitDown, tmp_path: Path
) -> None:
    path = write_sound(tmp_path / "Weg.flac", tone(3, hertz=523), "flac")
    theo = stage.therapist.sits_down(sit_down())
    theo.visit("/music")
    held: list[Route] = []
    theo.page.route("**/music", lambda route: held.append(route) if _is_upload(route) else route.continue_())
    _opens_the_form(theo.page)
    theo.page.get_by_label("Music files").set_input_files(path)
    theo.press("Upload")
    line = theo.finds("[data-upload-list] li")
    theo.press("Cancel what has not arrived")
    expect(line.locator(".message")).to_have_text("Cancelled; it was not added.")
    expect(theo.finds("[data-upload-summary]")).to_have_text("0 of 1 file arrived.")
    theo.page.unroute("**/music")
    theo.press("Try again: Weg.flac")
    expect(line.locator(".message")).to_have_text(re.compile("^Ready: 0:03"))
    theo.page.get_by_label("Music files").set_input_files(path)
    theo.press("Upload")
    expect(line.last.locator(".message")).to_have_text("Weg.flac is already in your library as “Weg”.")


def test_a_dropped_folder_is_walked_to_its_end(stage: Stage, sit_down: SitDown) -> None:
    """A browser hands out a folder a hundred entries at a time. A script cannot make one, so it is acted."""
    theo = stage.therapist.sits_down(sit_down())
    theo.visit("/music")
    found = theo.page.evaluate(
        """async () => {
          const here = document.querySelector('script[src*="kap.js"]').src;
          const { dropped } = await import(here.replace("kap.js", "folder.js"));
          const file = (name) => ({ isFile: true, isDirectory: false, name,
            file: (give) => give(new File(["x"], name)) });
          const folder = (name, entries) => ({ isFile: false, isDirectory: true, name, createReader() {
            const parts = [entries.slice(0, 100), entries.slice(100), []];
            return { readEntries: (give) => give(parts.shift()) };
          } });
          const many = Array.from({ length: 130 }, (_, number) => file(`${number}.mp3`));
          const whole = folder("album", [...many, file("cover.jpg"), file(".hidden.mp3"),
            folder("more", [file("last.FLAC")]), folder(".git", [file("no.mp3")])]);
          const items = [whole, file("notes.txt")].map((entry) => ({ webkitGetAsEntry: () => entry }));
          const { files, left } = await dropped({ items, files: [] });
          return [files.length, files[0].name, files.at(-1).name, left];
        }"""
    )
    assert found == [132, "notes.txt", "last.FLAC", 1]


def test_without_javascript_files_arrive_and_are_heard(
    stage: Stage, sit_down: SitDown, tmp_path: Path
) -> None:
    paths = [
        write_sound(tmp_path / f"{name}.flac", tone(3, hertz=hz), "flac")
        for name, hz in (("Eins", 587), ("Zwei", 659))
    ]
    theo = stage.therapist.sits_down(sit_down(javascript=False))
    theo.visit("/music")
    _opens_the_form(theo.page)
    theo.page.get_by_label("Music files").set_input_files(paths)
    theo.press("Upload")
    theo.reads("2 of 2 files arrived.")
    theo.page.get_by_label("Select Eins").check()
    theo.press("Change the ticked")
    expect(theo.page.get_by_role("heading", level=1)).to_have_text("Change 1 track")
    theo.fill("Licence", "CC0")
    theo.press("Change 1 track")
    theo.reads("1 track was changed.")


def _opens_the_form(page: Page) -> None:
    if not page.get_by_label("Music files").is_visible():
        page.locator("summary", has_text="Add music").click()


def _is_upload(route: Route) -> bool:
    return route.request.method == "POST"
