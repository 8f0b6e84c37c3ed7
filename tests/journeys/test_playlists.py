"""A therapist makes a playlist, draws an arc and records guidance, with a real browser and a real worker."""

from uuid import UUID

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import Stage

pytestmark = pytest.mark.browser
RENDERING_MS = 90_000  # generous, for a machine with other things to do
HEARD = """([selector, from]) => new Promise((resolve) => {
  const audio = document.querySelector(selector);
  audio.addEventListener("timeupdate", () => { if (audio.currentTime > from + 0.3) resolve(true); });
  audio.currentTime = from;
  audio.play();
})"""


@pytest.fixture
def theo(stage: Stage, playlist_id: UUID, sit_down: SitDown) -> Person:
    """The therapist, with two measured tracks in the library."""
    theo = stage.therapist.sits_down(sit_down())
    theo.context.grant_permissions(["microphone"])
    return theo


def order(theo: Person) -> list[str]:
    return theo.finds("[data-place] .grow > a").all_inner_texts()


def test_a_playlist_in_three_taps(theo: Person) -> None:
    theo.visit("/playlists")
    theo.follow("New playlist")
    theo.fill("Length in minutes", "1")
    theo.press("Build the playlist")
    expect(theo.page.get_by_role("heading", name="The mix")).to_be_visible()
    theo.checks()

    assert theo.page.evaluate(HEARD, ["[data-as-made] audio", 0])
    theo.press("Render")
    expect(theo.page.get_by_text("Ready to play")).to_be_visible(timeout=RENDERING_MS)
    expect(theo.finds(".findings li").first).to_be_visible(timeout=RENDERING_MS)
    expect(theo.finds(".playlist-picture .levels .got")).to_have_count(0)
    theo.page.reload()
    expect(theo.finds(".playlist-picture .levels .got")).to_have_count(1)
    expect(theo.finds("[data-as-made]")).to_have_count(0)
    assert theo.page.evaluate(HEARD, ["[data-finished]", 40])
    theo.checks()


def test_pieces_are_dragged_and_the_keyboard_does_the_same(theo: Person, playlist_id: UUID) -> None:
    theo.page.set_viewport_size({"width": 1280, "height": 2400})
    theo.visit(f"/playlists/{playlist_id}")
    first, second = order(theo)
    grip = theo.finds("[data-grip]").nth(1).bounding_box()
    above = theo.finds("[data-place]").first.bounding_box()
    assert grip is not None
    assert above is not None
    theo.page.mouse.move(grip["x"] + 10, grip["y"] + 10)
    theo.page.mouse.down()
    theo.page.mouse.move(grip["x"], above["y"] + 4, steps=5)
    with theo.page.expect_navigation():
        theo.page.mouse.up()
    assert order(theo) == [second, first]
    theo.page.get_by_label(f"Change {second}").press("Enter")
    with theo.page.expect_navigation():
        theo.page.get_by_role("button", name=f"Move {second} down").press("Enter")
    assert order(theo) == [first, second]


def test_an_arc_is_drawn_by_mouse_and_by_keys(theo: Person) -> None:
    theo.visit("/arcs/new")
    theo.fill("Name", "Drawn by hand")
    theo.press("Begin")
    theo.arrives("Drawn by hand")
    points = theo.finds("[data-handle]")
    before = points.count()
    points.nth(1).focus()
    value = points.nth(1).get_attribute("aria-valuenow")
    assert value is not None
    theo.page.keyboard.press("ArrowUp")
    expect(points.nth(1)).to_have_attribute("aria-valuenow", f"{float(value) + 0.05:.2f}".rstrip("0"))
    theo.page.keyboard.press("+")
    expect(points).to_have_count(before + 1)
    theo.page.keyboard.press("Delete")
    expect(points).to_have_count(before)
    theo.press("Undo")
    expect(points).to_have_count(before + 1)
    board = theo.finds("[data-arc-svg]").bounding_box()
    handle = points.nth(2).bounding_box()
    assert board is not None
    assert handle is not None
    theo.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    theo.page.mouse.down()
    theo.page.mouse.move(handle["x"] + handle["width"] / 2, board["y"] + 14, steps=4)
    theo.page.mouse.up()
    expect(points.nth(2)).to_have_attribute("aria-valuenow", "1")
    theo.press("Save the arc")
    theo.reads("Saved.")
    expect(points.nth(2)).to_have_attribute("aria-valuenow", "1")
    expect(points).to_have_count(before + 1)
    theo.checks()


def test_guidance_is_recorded_and_laid_over_the_music(theo: Person, playlist_id: UUID) -> None:
    theo.visit("/voices")
    theo.fill("Name", "A few words")
    theo.press("Record")
    expect(theo.finds("[data-recorder-clock]")).to_have_text("0:01")
    theo.press("Pause")
    theo.press("Go on")
    theo.press("Stop")
    theo.reads("recorded. Listen to it, then keep it or record again.")
    theo.checks()
    theo.press("Keep it")
    theo.arrives("A few words")
    expect(theo.finds("#sound audio")).to_be_visible()
    theo.page.reload()
    theo.page.get_by_label("Where it begins").fill("0.4")
    expect(theo.page.get_by_label("Begins at")).to_have_value("0.4")
    theo.checks()
    theo.press("Save")
    expect(theo.finds("#sound audio")).to_be_visible()
    theo.visit(f"/playlists/{playlist_id}")
    theo.page.get_by_text("Spoken guidance", exact=True).click()
    theo.fill("Begins at", "0:20")
    theo.press("Lay it there")
    expect(theo.page.get_by_role("button", name="Take A few words out")).to_be_visible()
    expect(theo.finds(".playlist-picture .voices rect")).to_have_count(1)
    theo.page.set_viewport_size({"width": PHONE, "height": 844})
    wider: int = theo.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0
    theo.checks()
