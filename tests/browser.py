"""The Chromium that the browser tests drive: found, or installed, or asked for in plain words.

`python -m tests.browser` makes sure there is one and prints where.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these a headless Chromium calls home at every start; the tests allow no other host than ours.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
)


def executable() -> str | None:
    """The path of a Chromium: CHROMIUM, else one on the PATH, else the one Playwright installed."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if found := shutil.which(name):
            return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def arguments() -> list[str]:
    """Command-line switches. A Chromium that root starts refuses to sandbox itself."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def ensure() -> str:
    """The path of a Chromium, installing one where that is possible. Raises `SystemExit` with what to do."""
    for attempt in (None, _playwrights_own, _debians):
        if attempt is not None:
            attempt()
        if found := executable():
            return found
    raise SystemExit(
        "The tests drive a real Chromium and none was found. Install one (Debian: apt install chromium;"
        " elsewhere: .venv/bin/playwright install chromium) or set CHROMIUM to its path."
    )


def _playwrights_own() -> None:
    print("No Chromium found; asking Playwright for its own …", flush=True)
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], check=False, capture_output=True
    )


def _debians() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Debian's chromium …", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environ)


if __name__ == "__main__":
    print(f"Browser for the tests: {ensure()}")
