"""On a phone: a link to write, a question, the network gone, the end; and a tap that reaches someone."""

from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.stage import PASSWORD, PatientOnStage, Stage

FIRST, MORE = "The water was very still.", " Then a bell, far away."


def test_a_link_opens_one_page_and_no_word_is_lost_when_it_ends(
    stage: Stage, pia: PatientOnStage, sit_down: SitDown
) -> None:
    phone = sit_down(width=PHONE, refusals=(401, 404))
    link = stage.writing_link(pia)
    phone.visit(link)
    phone.arrives("A page to write")
    phone.press("Open the page")
    phone.arrives("Write")
    text = phone.page.get_by_label("Your words")
    question = phone.finds("[data-question]").nth(1).inner_text()
    phone.finds("[data-question]").nth(1).click()
    expect(text).to_be_focused()
    text.press_sequentially(FIRST)
    expect(phone.finds("[data-saved-state]")).to_have_text("Saved")
    assert stage.entries(pia) == [f"{question}\n\n{FIRST}"]

    phone.context.set_offline(True)
    text.press_sequentially(MORE)
    expect(phone.finds("[data-saved-state]")).to_contain_text("Saved on this device")
    stage.allow_links(False)
    try:
        phone.context.set_offline(False)
        expect(phone.finds("[data-saved-state]")).to_contain_text("Your sign-in has ended")
        phone.page.reload()
        phone.arrives("This link has ended")
        phone.visit(link)
        phone.arrives("This link has ended")
    finally:
        stage.allow_links(True)
    phone.visit("/my/journal")
    phone.enters(pia.email, PASSWORD)
    phone.reads("Words that were kept on this device are in your journal now.")
    assert stage.entries(pia) == [f"{question}\n\n{FIRST}{MORE}"]
    assert phone.drafts() == []
    phone.checks()


def test_sending_closes_the_page(stage: Stage, pia: PatientOnStage, sit_down: SitDown) -> None:
    phone = sit_down(width=PHONE, refusals=(404,))
    phone.visit(stage.writing_link(pia))
    phone.press("Open the page")
    phone.page.get_by_label("Your words").press_sequentially(FIRST)
    phone.press("Send and close")
    phone.arrives("It is in your journal")
    assert stage.entries(pia) == [FIRST]
    phone.visit("/write")
    phone.arrives("This link has ended")


def test_one_tap_reaches_someone(stage: Stage, pia: PatientOnStage, sit_down: SitDown) -> None:
    phone, desk = pia.sits_down(sit_down(width=PHONE)), stage.therapist.sits_down(sit_down())
    phone.visit("/my/journal")
    phone.press("I would like to talk to someone")
    phone.arrives("Talk to someone")
    phone.reads("Your care team is told.")
    expect(phone.page.get_by_role("link", name="112")).to_be_visible()
    desk.visit(f"{pia.chart}/talks")
    desk.press("I have seen this")
    desk.arrives(pia.name)
    phone.page.reload()
    phone.reads("Theo Thorne has seen this")
    desk.fill("What came of it", "We spoke.")
    desk.press("Write it down and close")
    desk.arrives(pia.name)


def test_questions_are_skipped_and_turned_off(stage: Stage, pia: PatientOnStage, sit_down: SitDown) -> None:
    phone = pia.sits_down(sit_down(width=PHONE))
    phone.visit("/my/journal/new")
    phone.arrives("Write")
    first = phone.finds("[data-question]").first.inner_text()
    with phone.page.expect_response("**/prompts"):
        phone.finds("[data-prompt]").first.get_by_role("button", name="Skip").click()
    phone.page.get_by_label("Your words").press_sequentially(FIRST)
    phone.press("Turn questions off")
    phone.reads("Questions are turned off.")
    expect(phone.page.get_by_label("Your words")).to_have_value(FIRST)
    phone.checks()
    phone.press("Show questions")
    expect(phone.finds("[data-question]").first).to_have_text(first)
