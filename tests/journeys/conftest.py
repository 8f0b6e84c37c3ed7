"""The product in its own process, and people with a real Chromium in front of it."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import arguments, ensure
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage, Stage
from tests.product.conftest import Running, running

PATIENCE_MS = 20_000  # for a machine with other things to do; nothing waits this long when all is well
PHONE, DESK = 390, 1280
SETTINGS = {"KAP_JOB_LEASE_SECONDS": "5", "KAP_LOG_LEVEL": "warning"}


class SitDown(Protocol):
    """`sit_down()`: someone new at a browser of their own."""

    def __call__(
        self,
        *,
        width: int = DESK,
        javascript: bool = True,
        refusals: Collection[int] = (),
        address: str | None = None,
    ) -> Person: ...


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("journeys") / "instance", **SETTINGS) as product:
        yield product


@pytest.fixture(scope="session")
def stage(product: Running) -> Iterator[Stage]:
    stage = Stage(product.instance)
    yield stage
    stage.close()


@pytest.fixture
def pia(stage: Stage) -> PatientOnStage:
    return stage.patient()


@pytest.fixture(scope="session")
def playlist_id(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> UUID:
    folder: Path = tmp_path_factory.mktemp("sounds")
    return stage.rendered_playlist(folder)


# Not for the whole run: Playwright keeps an event loop running in this thread, and the tests of other
# modules open and close the application in it.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = ensure()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, stage: Stage, product: Running) -> Any:
    """The cookies of the therapist, who signed in once for all tests of a module."""
    with chromium.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        return stage.therapist.sits_down(Person(context, product.address)).context.cookies()


@pytest.fixture
def sit_down(chromium: Browser, product: Running) -> Iterator[SitDown]:
    there: list[Person] = []

    def sit(
        *,
        width: int = DESK,
        javascript: bool = True,
        refusals: Collection[int] = (),
        address: str | None = None,
    ) -> Person:
        settings: dict[str, Any] = {"viewport": {"width": width, "height": 844 if width == PHONE else 800}}
        context = chromium.new_context(java_script_enabled=javascript, reduced_motion="reduce", **settings)
        context.set_default_timeout(PATIENCE_MS)
        there.append(Person(context, address or product.address, refusals=refusals))
        return there[-1]

    yield sit
    for person in there:
        person.context.close()
    assert [person.trouble for person in there] == [[] for _ in there]
