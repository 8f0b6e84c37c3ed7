"""A programme given at a desk, followed on a phone one thing at a time, and moved by moving the session."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from kap.clock import day_in, now
from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PatientOnStage, Stage

pytestmark = pytest.mark.browser

ZONE = "Europe/Berlin"


def plans(desk: Person, who: PatientOnStage, on: date) -> str:
    """Plan a session at ten; the path of its page."""
    desk.visit(who.chart)
    desk.follow("Plan a session")
    desk.fill("Date", on.isoformat())
    desk.fill("Time", "10:00")
    desk.page.get_by_label("Route").select_option("iv")
    desk.press("Plan the session")
    desk.arrives(f"Session with {who.name}")
    return desk.page.url


def test_the_one_next_thing_follows_the_session(sit_down: SitDown, stage: Stage, pia: PatientOnStage) -> None:
    today = day_in(now(), ZONE)
    desk = stage.therapist.sits_down(sit_down())
    session = plans(desk, pia, today + timedelta(days=9))
    desk.visit(pia.chart)
    desk.follow("Programme")
    desk.arrives("Programme")
    desk.follow("Give a programme")
    desk.arrives("Give a programme")
    desk.page.get_by_label("A single session").check()
    desk.press("Give this programme")
    desk.arrives("Programme")
    desk.reads("“A single session” is given.")
    desk.reads(f"7 days before the first session: {_day(today + timedelta(days=2))}")

    phone = pia.sits_down(sit_down(width=PHONE))
    phone.arrives("Hello, Pia")
    step = phone.finds(".next-step")
    expect(step.get_by_role("heading")).to_have_text("Answer the health questions")
    next_line = phone.finds("li").filter(has_text="Next: ")
    expect(next_line).to_have_count(1)
    expect(phone.page.get_by_text("The day of the session")).to_have_count(0)  # in eight days
    phone.follow("Preparation")
    phone.arrives("Preparation")
    expect(phone.finds("li").filter(has_text="Next: ")).to_have_count(1)

    # Five weeks later: nothing of it is asked for yet, and the days are others.
    desk.visit(session)
    desk.follow("Change")
    desk.fill("Date", (today + timedelta(days=44)).isoformat())
    desk.press("Save")
    desk.visit(f"{pia.chart}/programme")
    desk.reads(f"7 days before the first session: {_day(today + timedelta(days=37))}")
    phone.visit("/")
    phone.arrives("Hello, Pia")
    expect(phone.finds(".next-step").get_by_role("heading")).to_have_text("Nothing to do today")
    expect(phone.finds("li").filter(has_text="Next: ")).to_contain_text(
        f"From {_day(today + timedelta(days=23))}"
    )


def test_a_step_is_left_out_and_a_copy_is_given_to_several(
    sit_down: SitDown, stage: Stage, pia: PatientOnStage
) -> None:
    other = stage.patient("Rosa Reed")
    desk = stage.therapist.sits_down(sit_down())
    plans(desk, pia, day_in(now(), ZONE) + timedelta(days=1))
    desk.visit("/programmes")
    desk.arrives("Programmes")
    desk.follow("Maintenance")
    desk.arrives("Maintenance")
    desk.press("Make a copy of our own")
    desk.arrives("Change a programme")
    desk.fill("Name", "Our way")
    row = desk.finds("fieldset.step-row").nth(5)
    row.get_by_label("What").select_option(label="A task in your own words")
    row.get_by_label("The task, in your own words").fill("Pack a blanket")
    row.get_by_label("Days").fill("1")
    desk.press("Save the programme")
    desk.reads("Saved.")
    desk.checks()

    desk.visit("/patients?q=Rosa")
    desk.page.get_by_label("Rosa Reed").first.check()
    desk.press("Give a programme to the ticked")
    desk.arrives("Give a programme")
    desk.visit(f"/programmes/give?patient={pia.patient_id}&patient={other.patient_id}")
    desk.page.get_by_label("Our way").check()
    desk.press("Give this programme")
    desk.reads("“Our way” is given to 2 patients.")

    phone = pia.sits_down(sit_down(width=PHONE))
    phone.reads("Pack a blanket")
    desk.visit(f"{pia.chart}/programme")
    desk.page.get_by_role("link", name="Leave out: Pack a blanket").click()
    desk.arrives("Leave out a step")
    desk.fill("Why it is left out", "We have one here.")
    desk.press("Leave this step out")
    desk.reads("We have one here.")
    phone.page.reload()
    expect(phone.page.get_by_text("Pack a blanket")).to_have_count(0)
    desk.press("Undo")
    desk.reads("The step is part of the programme again.")
    phone.page.reload()
    phone.page.get_by_role("button", name="It is done: Pack a blanket").click()
    phone.reads("Marked as done.")
    phone.checks()
    expect(phone.page.get_by_role("button", name="It is done: Pack a blanket")).to_have_count(0)


def _day(on: date) -> str:
    words = f"{on:%A} {on.day} {on:%B}"
    return words if on.year == day_in(now(), ZONE).year else f"{words} {on.year}"
