"""A session whose server dies and whose network goes: the music goes on, whatever happens to the page."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

from tests.browser import arguments, ensure
from tests.journeys.conftest import PATIENCE_MS, SETTINGS
from tests.journeys.person import Person
from tests.journeys.room import (
    elapsed,
    falls_silent,
    is_at,
    is_kept,
    is_silent,
    kept_addresses,
    plays,
)
from tests.journeys.stage import Stage
from tests.product.conftest import Running, free_port, running, status

pytestmark = pytest.mark.browser

PROGRAMME, SURPLUS = 340, 120  # seconds; more than one part of what a device keeps
READY = "Ready: works without network."


class Practice:
    """A product of its own, to be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.instance = folder / "instance"
        self.port = str(free_port())
        self._runs = running(self.instance, KAP_PORT=self.port, **SETTINGS)
        self.product: Running = self._runs.__enter__()

    def dies(self) -> None:
        """Killed, not stopped, with everything it started: no request is finished, nothing is said."""
        for process_id in _session_of(self.product.process.pid):
            os.kill(process_id, signal.SIGKILL)
        self.product.process.communicate(timeout=30)
        with pytest.raises(URLError):
            status(self.product.address)

    def returns(self) -> None:
        self._runs.__exit__(None, None, None)
        self._runs = running(self.instance, KAP_PORT=self.port, **SETTINGS)
        self.product = self._runs.__enter__()

    def close(self) -> None:
        self._runs.__exit__(None, None, None)


def _session_of(leader: int) -> list[int]:
    """The process that leads a session and all that it started, itself first."""
    numbers = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    found = []
    for number in numbers:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(number) == leader:
                found.append(number)
    return found


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Practice]:
    practice = Practice(tmp_path)
    yield practice
    practice.close()


def test_the_server_dies_the_network_goes_and_the_music_goes_on(practice: Practice, tmp_path: Path) -> None:
    stage = Stage(practice.instance)
    rain = stage.finished_playlist(tmp_path, programme_s=PROGRAMME, surplus_s=SURPLUS)
    pia = stage.patient()
    path = stage.open_session(pia, rain)
    with device(tmp_path / "device") as context:
        therapist = stage.therapist.sits_down(Person(context, practice.product.address))
        page = therapist.page
        therapist.visit(path)
        is_kept(page)
        assert len(kept_addresses(page)) == 4  # the page's entry, the file's, and two parts
        therapist.press("Play")
        plays(page)
        practice.dies()
        context.set_offline(True)
        page.get_by_label("Place in the music").fill("200")  # where nothing was played yet
        is_at(page, 200, 230)
        plays(page)
        page.get_by_label("Note").fill("Breathing slows.")
        therapist.press("Add note")
        therapist.reads("Saved on this device. It is sent as soon as the connection is back.")
        page.reload()
        therapist.arrives("Without network")
        assert "Pia Pine" not in page.content()
        assert page.title() == "Session"
        is_at(page, 200, 260)
        plays(page)
        expect(page.locator("[data-waiting] .words")).to_have_text(["Breathing slows."])
        page.get_by_label("Place in the music").fill("100")
        is_at(page, 100, 130)
        therapist.press("Pause")
        falls_silent(page)
        place = elapsed(page).inner_text()

    # The browser crashed, or the telephone restarted.
    with device(tmp_path / "device") as context:
        context.set_offline(True)
        # The page knows no token of the present sign-in, asks for one and sends again.
        therapist = Person(context, practice.product.address, refusals=(400,))
        page = therapist.page
        therapist.visit(path)
        therapist.reads(f"Ready to go on from {place}.")
        assert is_silent(page)
        therapist.press("Play")
        plays(page)
        practice.returns()
        context.set_offline(False)
        expect(page.locator("[data-note-list] .words")).to_have_text(["Breathing slows."])
        assert stage.notes(pia) == ["Breathing slows."]
        plays(page)
        therapist.press("Open the whole page")
        therapist.arrives("Pia Pine")
        plays(page)
        assert therapist.trouble == []
    stage.close()


class device:  # noqa: N801 - used like a function
    """A browser whose storage outlives it, as on a real device."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> BrowserContext:
        self._playwright = sync_playwright().start()
        settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        self.context = self._playwright.chromium.launch_persistent_context(
            self.folder, executable_path=ensure(), args=arguments(), **settings
        )
        self.context.set_default_timeout(PATIENCE_MS)
        return self.context

    def __exit__(self, *_: object) -> None:
        self.context.close()
        self._playwright.stop()
