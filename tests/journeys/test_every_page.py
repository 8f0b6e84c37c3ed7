"""Every page of the demonstration: axe finds nothing on any, and none is wider than its window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from kap.demo import PASSWORD
from tests.journeys.person import Person
from tests.product.conftest import Running, kap, running
from tests.screenshots import VIEWS, WIDTHS

STAFF = ("mara", "ines")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The web server alone: no worker, so that no music is composed while pages are looked at."""
    instance = tmp_path_factory.mktemp("demonstration")
    assert kap("demo", instance=instance).returncode == 0
    with running(instance, command="serve", KAP_DEVELOPMENT="1", KAP_LOG_LEVEL="warning") as product:
        yield product


@pytest.mark.browser
@pytest.mark.parametrize("who", VIEWS)
def test_nothing_keeps_anyone_from_using_it(chromium: Browser, demonstration: Running, who: str) -> None:
    address = demonstration.address
    context = chromium.new_context(base_url=address, reduced_motion="reduce")
    person = Person(context, address, refusals=(404,))
    if who:
        person.signs_in(f"{who}@linden.example", PASSWORD)
    for view in VIEWS[who]:
        view.go(person.page)
        for width in WIDTHS:
            person.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            wider: int = person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert (view.name, width, max(wider, 0)) == (view.name, width, 0)
        # Each where its people are: staff at a desk by day, patients on a phone at night.
        person.page.set_viewport_size({"width": 1280 if who in STAFF else 390, "height": 800})
        person.page.emulate_media(color_scheme="light" if who in STAFF else "dark")
        person.checks()
    context.close()
    assert person.trouble == []
