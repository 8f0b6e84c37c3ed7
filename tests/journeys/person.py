"""Someone at a real browser, and what no page may do while they are there."""

import json
from collections.abc import Collection
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

# The status of a refusal also appears in the console; the refusals themselves are judged by `_answered`.
BY_STATUS = "Failed to load resource"


class Person:
    """A person with a browser of their own. `refusals` are the statuses that their journey is meant to meet.

    What goes wrong on the way (a script's error, a breach of the content security policy, a request to
    anyone else, an unexpected status) is collected in `trouble`.
    """

    def __init__(self, context: BrowserContext, address: str, *, refusals: Collection[int] = ()) -> None:
        self.context, self.address, self.refusals = context, address, refusals
        self.trouble: list[str] = []
        context.on("console", self._said)
        context.on("weberror", lambda error: self.trouble.append(f"script: {error.error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)
        self.page: Page = context.new_page()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(BY_STATUS):
            self.trouble.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.refusals:
            self.trouble.append(f"status {response.status}: {response.url}")

    def visit(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.address + path)

    def arrives(self, heading: str) -> None:
        """Stand on the page of that heading, and find nothing on it that keeps anyone from using it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.checks()

    def checks(self) -> None:
        """Judge the page by axe."""
        violations = Axe().run(self.page).response["violations"]
        found = [
            (violation["id"], node["target"], node["failureSummary"])
            for violation in violations
            for node in violation["nodes"]
        ]
        assert found == [], json.dumps(found, indent=1)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label).fill(value)

    def reads(self, words: str) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()

    def finds(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def chooses_password(self, password: str) -> None:
        """Accept the invitation whose page is open."""
        self.fill("Choose a password", password)
        self.fill("The same once more", password)
        self.press("Choose this password and sign in")

    def signs_in(self, email: str, password: str) -> None:
        self.visit("/sign-in")
        self.enters(email, password)

    def enters(self, email: str, password: str) -> None:
        """Fill in the sign-in that is open, and be led away from it."""
        self.fill("E-mail address", email)
        self.fill("Password", password)
        self.press("Sign in")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def drafts(self) -> list[Any]:
        """The names of what this browser keeps of its people's words until it has arrived."""
        kept: list[Any] = self.page.evaluate(
            """() => new Promise((resolve) => {
              const opening = indexedDB.open("kap-drafts", 1);
              opening.onsuccess = () => {
                const keys = opening.result.transaction("drafts").objectStore("drafts").getAllKeys();
                keys.onsuccess = () => { resolve(keys.result); opening.result.close(); };
              };
            })"""
        )
        return kept
