"""What somebody sees and hears of the player in the room of a session."""

import re

from playwright.sync_api import Locator, Page, expect


def elapsed(page: Page) -> Locator:
    return page.locator("[data-elapsed]")


def is_at(page: Page, earliest: int, latest: int) -> None:
    """The clock shows, now or soon, a time of that range of seconds."""
    shown = "|".join(f"{second // 60}:{second % 60:02}" for second in range(earliest, latest + 1))
    expect(elapsed(page)).to_have_text(re.compile(f"^({shown})$"))


def plays(page: Page) -> None:
    """The clock advances."""
    shown = elapsed(page).inner_text()
    expect(elapsed(page)).not_to_have_text(shown)
    expect(page.locator("[data-toggle-words]")).to_have_text("Pause")


def is_silent(page: Page) -> bool:
    paused: bool = page.evaluate("document.querySelector('[data-audio]').paused")
    return paused


def falls_silent(page: Page) -> None:
    """The music has faded and stopped."""
    page.evaluate(
        """() => new Promise((resolve) => {
          const audio = document.querySelector("[data-audio]");
          if (audio.paused) resolve();
          else audio.addEventListener("pause", () => resolve(), { once: true });
        })"""
    )


def is_kept(page: Page) -> None:
    """The whole file is on the device."""
    expect(page.locator("[data-keep-says]")).to_have_text("Ready: works without network.")


def places(page: Page) -> list[str]:
    """The names under which this browser remembers where the music of sessions stands."""
    found: list[str] = page.evaluate(
        "Object.keys(localStorage).filter((name) => /^kap-player:.+:/.test(name))"
    )
    return found


def kept_addresses(page: Page) -> list[str]:
    """Everything of the session that this browser keeps, by its address."""
    found: list[str] = page.evaluate(
        """async () => {
          if (!(await caches.has("kap-kept-1"))) return [];
          const requests = await (await caches.open("kap-kept-1")).keys();
          return requests.map(({ url }) => new URL(url).pathname + new URL(url).search);
        }"""
    )
    return sorted(found)
