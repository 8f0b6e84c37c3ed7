"""Reminders chosen on a phone, stopped from a letter without a sign-in; a refused one seen at a desk."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, SETTINGS, SitDown
from tests.journeys.stage import Stage
from tests.mail.postbox import Postbox, text_of
from tests.product.conftest import Running, process_pause, running

pytestmark = pytest.mark.browser
PATIENCE = 600  # of a twentieth of a second


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    """A mail server beside the product."""
    postbox = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(postbox, hostname="127.0.0.1", port=port)
    server.start()
    postbox.port = port
    yield postbox
    server.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, postbox: Postbox) -> Iterator[Running]:
    """The product with that mail server."""
    settings = {**SETTINGS, "KAP_SMTP_URL": f"smtp://127.0.0.1:{postbox.port}"}
    instance: Path = tmp_path_factory.mktemp("letters") / "instance"
    with running(instance, KAP_MAIL_FROM="kap@linden.example", **settings) as product:
        yield product


@pytest.fixture(scope="module")
def stage(product: Running) -> Iterator[Stage]:
    stage = Stage(product.instance)
    yield stage
    stage.close()


def letter_to(postbox: Postbox, address: str) -> str:
    """What the newest letter to someone says, once it has come."""
    for _ in range(PATIENCE):
        found = [each for each in postbox.letters if each["To"] == address]
        if found:
            return text_of(found[-1])
        process_pause()
    raise AssertionError("no letter came")


def test_hours_and_kinds_are_chosen_and_a_letters_link_stops_its_kind(
    sit_down: SitDown, stage: Stage, postbox: Postbox, product: Running
) -> None:
    pia = stage.patient()
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.visit("/account")
    phone.follow("Choose which letters you get, when, and your time zone")
    phone.arrives("Reminders")
    phone.page.get_by_text("Someone answered you", exact=True).click()
    phone.fill("Quiet from", "00:00")
    phone.fill("Quiet until", "00:00")
    phone.fill("Your time zone", "Europe/Lisbon")
    phone.press("Save")
    phone.reads("Saved.")
    expect(phone.finds('[name="kind"]:checked')).to_have_count(4)
    expect(phone.page.get_by_label("Quiet from")).to_have_value("00:00")

    stage.give_due(pia, "intention")
    text = letter_to(postbox, pia.email)
    assert "There is something to read or do." in text
    (path,) = re.findall(r"(/stop/\S+)", text)
    stranger = sit_down(width=PHONE)
    stranger.visit(path)
    stranger.arrives("Stop these letters")
    stranger.press("Stop them")
    stranger.arrives("Stopped")
    stranger.press("Undo")
    stranger.arrives("They come again")

    phone.visit("/account")
    phone.follow("Your appointments in your own calendar")
    phone.press("Make a private address")
    phone.arrives("Your appointments in your calendar")
    expect(phone.page.get_by_label("The address")).to_have_value(re.compile(r"/calendar/\w+\.ics$"))


def test_a_letter_that_is_refused_is_seen_on_the_therapists_home_and_sent_again(
    sit_down: SitDown, stage: Stage, postbox: Postbox
) -> None:
    pau = stage.patient("Pau Poplar")
    phone = pau.sits_down(sit_down(width=PHONE))
    phone.visit("/my/reminders")
    phone.fill("Quiet from", "00:00")
    phone.fill("Quiet until", "00:00")
    phone.press("Save")
    phone.reads("Saved.")
    postbox.refuse = "550 5.1.1 nobody of that name"
    stage.give_due(pau, "intention")

    theo = stage.therapist.sits_down(sit_down())
    for _ in range(PATIENCE):
        theo.visit("/")
        if theo.page.get_by_text("A reminder did not reach Pau Poplar").count():
            break
        process_pause()
    theo.arrives("Today")
    theo.follow("A reminder did not reach Pau Poplar")
    theo.arrives("Letters")
    theo.reads("The mail server refused the recipient's address.")
    theo.reads(f"Letters to {pau.email} do not arrive.")
    postbox.refuse = ""
    theo.page.get_by_role("button", name="Send again").click()
    theo.reads("It is on its way again.")
    assert "There is something to read or do" in letter_to(postbox, pau.email)
    theo.visit("/")
    expect(theo.page.get_by_text("A reminder did not reach Pau Poplar")).to_have_count(0)
