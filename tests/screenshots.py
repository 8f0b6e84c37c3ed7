"""A picture of every page of the demonstration: `python -m tests.screenshots docs/images`.

Each is called <page>-<width>-<light|dark>.png and shows at most the first 2000 pixels of the page. Kept are a
phone at night and a desk by day; with `--all` also a phone by day and a desk at night.
"""

import io
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kap.demo import PASSWORD
from tests.browser import arguments, ensure
from tests.product.conftest import kap, running

WIDTHS = {390: 844, 1280: 800}
KEPT = ((390, "dark"), (1280, "light"))
ALL = tuple((width, theme) for width in WIDTHS for theme in ("light", "dark"))
TALLEST = 2000
LOOK_AGAIN_MS = 2000
MUSIC_SECONDS = 900  # then the pages are shown with the music still being made


@dataclass(frozen=True)
class View:
    """A page to show: its name in the files, and how to come to it from wherever one is."""

    name: str
    go: Callable[[Page], None]


def at(path: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.goto(path)

    return go


def through(path: str, *links: str, below: str = "") -> Callable[[Page], None]:
    """Start at `path`, follow links, each a pattern for how its words begin, and end below that address."""

    def go(page: Page) -> None:
        page.goto(path)
        for words in links:
            link = page.locator("main").get_by_role("link", name=re.compile(f"^{words}")).first
            with page.expect_navigation():
                link.click()
        if below:
            page.goto(page.url + below)

    return go


def _make_a_calendar_address(page: Page) -> None:
    page.goto("/account/calendar")
    page.get_by_role("button", name="Make a private address").click()
    expect(page.get_by_label("The address")).to_be_visible()


def chart_of(name: str, *links: str) -> Callable[[Page], None]:
    """The chart of a patient, or what it leads to."""
    return through("/patients", name, *links)


VIEWS: dict[str, tuple[View, ...]] = {
    "": (View("sign-in", at("/sign-in")),),
    "ines": (
        View("admin-overview", at("/")),
        View("admin-people", at("/people")),
        View("admin-practice", at("/practice")),
        View("admin-log", at("/log")),
    ),
    "mara": (
        View("therapist-today", at("/")),
        View("patients", at("/patients")),
        View("patients-nobody-found", at("/patients?q=zz")),
        View("patient-admit", at("/patients/new")),
        View("chart-new", chart_of("Alma Brandt")),
        View("chart-preparing", chart_of("Ben Hartmann")),
        View("chart-integrating", chart_of("Elif Kaya")),
        View("chart-details", chart_of("Elif Kaya", "Change these details")),
        View("chart-team", chart_of("Elif Kaya", "Change the care team")),
        View("chart-letters", chart_of("Ben Hartmann", "Letters")),
        View("chart-trace", chart_of("Elif Kaya", "Who opened this record")),
        View("preparation-standing", chart_of("Ben Hartmann", "Preparation")),
        View("preparation-nothing", chart_of("Alma Brandt", "Preparation")),
        View("preparation-give", chart_of("Ben Hartmann", "Give a guide")),
        View("consents-standing", chart_of("Ben Hartmann", "Consents")),
        View("programme-plan", chart_of("Ben Hartmann", "Programme")),
        View("programme-plan-running", chart_of("Elif Kaya", "Programme")),
        View("programme-give", chart_of("Alma Brandt", "Programme", "Give a programme")),
        View("programme-leave-out", chart_of("Ben Hartmann", "Programme", "Leave out")),
        View("programmes", at("/programmes")),
        View("programme", at("/programmes/six-infusions")),
        View("programme-give-many", at("/programmes/give?everyone=1")),
        View("guides", at("/guides")),
        View("guide", at("/guides/what-kap-is")),
        View("session-plan", chart_of("Ben Hartmann", "Plan a session")),
        View("session-planned", through("/", "Clara Winter")),
        View("session-wishes", through("/", "Clara Winter", "Change together")),
        View("session-before", through("/", "Clara Winter", "Everything asked before this session")),
        View("session-required", at("/readiness/required")),
        View("safety-plan-team", chart_of("Clara Winter", "Safety plan")),
        View("session-record", chart_of("David Okafor", "Session")),
        View("journal-shared", chart_of("Elif Kaya", "Shared journal")),
        View("journal-shared-entry", chart_of("Elif Kaya", "Shared a journal entry")),
        View("journal-nothing-shared", chart_of("Ben Hartmann", "Shared journal")),
        View("music", at("/music")),
        View("music-search", at("/music?q=zz")),
        View("music-found", at("/music?vocals=none&intensity=quiet")),
        View("music-change", at("/music/change?all=1&intensity=quiet")),
        View("instrument", at("/music/instrument?family=choir")),
        View("music-track", through("/music", "Evening Window")),
        View("playlists", at("/playlists")),
        View("playlist", through("/playlists", "IV")),
        View("playlist-new", at("/playlists/new")),
        View("playlist-choose", through("/playlists", "IV", below="/choose")),
        View("playlist-import", at("/playlists/import")),
        View("arcs", at("/arcs")),
        View("arc-new", at("/arcs/new")),
        View("guidance", at("/voices")),
        View("account", at("/account")),
        View("not-found", at("/nowhere")),
        View("style", at("/style")),
    ),
    "ben": (
        View("patient-home-preparing", at("/")),
        View("patient-preparation", at("/my/preparation")),
        View("patient-guide", through("/my/preparation", "Start reading")),
        View("patient-before-session", at("/my/upcoming")),
        View("patient-help-now", at("/help-now")),
        View("patient-consents", at("/my/consents")),
        View("patient-consent-touch", at("/my/consents/touch")),
        View("patient-music", at("/my/music")),
        View("patient-journal-empty", at("/my/journal")),
    ),
    "clara": (
        View("patient-home-prepared", at("/")),
        View("patient-safety-plan", at("/my/safety-plan")),
        View("patient-safety-plan-write", at("/my/safety-plan/edit")),
    ),
    "david": (
        View("patient-home-after", at("/")),
        View("patient-write", through("/", "Start writing")),
    ),
    "elif": (
        View("patient-home-integrating", at("/")),
        View("patient-journal", at("/my/journal")),
        View("patient-entry", through("/my/journal", r"\w+day \d")),
        View("patient-trace", at("/my/trace")),
        View("patient-reminders", at("/my/reminders")),
        View("patient-calendar", _make_a_calendar_address),
        View("patient-account", at("/account")),
    ),
}


def main(folder: Path, looks: tuple[tuple[int, str], ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = ensure()
    with (
        tempfile.TemporaryDirectory() as instance,
        running(Path(instance), "--demo", KAP_DEVELOPMENT="1", KAP_LOG_LEVEL="warning") as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=arguments())
        with someone(browser, product.address, "mara") as page:
            _wait_for_music(page)
        for who, views in VIEWS.items():
            with someone(browser, product.address, who) as page:
                for view in views:
                    view.go(page)
                    _show(page, view.name, folder, looks)
        with someone(browser, product.address, "") as page:
            page.goto(_invitation(Path(instance), product.address))
            _show(page, "invitation", folder, looks)
        with someone(browser, product.address, "mara") as page:
            _hold_a_session(page)
            _show(page, "session-open", folder, ((390, "dark"), (1280, "dark")))  # it is always night there
        browser.close()
    total = sum(file.stat().st_size for file in folder.glob("*.png"))
    print(f"{len(list(folder.glob('*.png')))} pictures, {total / 1e6:.1f} MB, in {folder}")


@contextmanager
def someone(browser: Browser, address: str, who: str) -> Iterator[Page]:
    """A browser in which that person of the demonstration is signed in, or nobody."""
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    page = context.new_page()
    if who:
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(f"{who}@linden.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="Skip to content")).to_be_attached()
        page.wait_for_url(address + "/")
    yield page
    context.close()


def _show(page: Page, name: str, folder: Path, looks: tuple[tuple[int, str], ...]) -> None:
    for width, theme in looks:
        # The window grows with the page, so that what sticks to its edges stays there.
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        full: int = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(full, TALLEST)})
        page.evaluate("document.fonts.ready.then(() => true)")
        (folder / f"{name}-{width}-{theme}.png").write_bytes(_smaller(page.screenshot()))
        overflow: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if overflow > 0:
            print(f"{name} is {overflow} px wider than {width} px")


def _smaller(png: bytes) -> bytes:
    """The same picture in 256 colours, which is about a third of the size."""
    with av.open(io.BytesIO(png), "r", format="png_pipe") as container:
        frame = next(container.decode(video=0)).reformat(format="rgb24")
    frame.pts = 0
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1)
    )
    split, sink = graph.add("split"), graph.add("buffersink")
    palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use = graph.add("paletteuse", "dither=none:new=1")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    graph.push(frame)
    graph.push(None)
    reduced = graph.vpull()
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "pal8"
    encoder.time_base, encoder.options = Fraction(1), {"pred": "none"}
    return b"".join(bytes(packet) for packet in [*encoder.encode(reduced), *encoder.encode(None)])


def _wait_for_music(page: Page) -> None:
    """Until every playlist can be played; each is rendered once all tracks are there."""
    deadline = time.monotonic() + MUSIC_SECONDS
    print("Waiting for the music of the demonstration …", flush=True)
    while time.monotonic() < deadline:
        page.goto("/playlists")
        if not page.get_by_text("Not rendered").count():
            return
        page.wait_for_timeout(LOOK_AGAIN_MS)
    print("The music is not ready; the pages show it being made.")


def _invitation(instance: Path, address: str) -> str:
    invited = kap(
        "invite",
        *("--role", "therapist", "--name", "Noor Vos", "--email", "noor@linden.example"),
        instance=instance,
        KAP_BASE_URL=address,
        KAP_DEVELOPMENT="1",
    )
    return next(word for word in invited.stdout.split() if "/invitation/" in word)


def _hold_a_session(page: Page) -> None:
    through("/", "Clara Winter")(page)
    page.get_by_label("Why is it opened all the same?").fill("The sleep study came this morning by phone.")
    page.get_by_role("button", name="Open with this reason").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Clara Winter")
    for words in ("Eye mask on, settled.", "Slow breath, one hand on the chest."):
        page.get_by_label("Note").fill(words)
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("[data-note-list] .words").first).to_have_text(words)
    seek = page.get_by_label("Place in the music")
    if seek.count():
        seek.fill("1330")


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    main(Path(folders[0] if folders else "docs/images"), ALL if "--all" in sys.argv else KEPT)
