"""The whole arc as its three people live it, from the first invitation to what the patient chose to share."""

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from kap.clock import in_zone, now
from tests.audio.sounds import tone, write_sound
from tests.journeys.conftest import PHONE, SitDown
from tests.journeys.person import Person
from tests.journeys.stage import PASSWORD
from tests.product.conftest import Running, kap

pytestmark = pytest.mark.browser

RENDERING_MS = 90_000  # sixteen minutes of music, on a machine with other things to do
ZONE = "Europe/Berlin"
GUIDE = "Finding an intention"
LINE = "Take your time with the last part."
INTENTION = "To be a little kinder to myself."
NOTE = "Eye shade on, slow breath."
ENTRY = "A field, and nobody waiting."
LATER = " I walked home slowly."
COMMENT = "Thank you for letting me read this."
SOUNDS = {"dawn.flac": "flac", "river.mp3": "mp3", "night.opus": "opus", "wood.wav": "wav", "salt.m4a": "m4a"}


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty-five seconds in each of five formats, and a file that is no music at all."""
    folder = tmp_path_factory.mktemp("uploads")
    swell = 0.3 + 0.7 * np.hanning(25 * 48_000)[:, None].astype(np.float32)
    for number, (name, kind) in enumerate(SOUNDS.items()):
        write_sound(folder / name, tone(25, hertz=110 * (number + 2)) * swell, kind)
    (folder / "notes.mp3").write_text("These are words.\n" * 50)
    return sorted(folder.iterdir())


def test_the_whole_arc(product: Running, sit_down: SitDown, uploads: list[Path]) -> None:
    ana, theo = sit_down(), sit_down(refusals={403, 404, 422})
    phone, tablet = sit_down(width=PHONE, refusals={400, 401}), sit_down()
    founds_the_practice(ana, product)
    therapist_comes(ana, theo)
    chart = patient_comes(theo, phone)
    gives_a_guide(theo, chart)
    uploads_music(theo, uploads)
    judges_the_music(theo)
    renders_a_playlist(theo)
    session = plans_a_session(theo, chart)
    prepares(phone)
    sees_the_preparation(theo, chart)
    holds_the_session(theo, session)
    entry = writes(phone, tablet)
    is_refused_what_is_private(theo, chart, entry)
    shares(phone)
    reads_and_answers(theo, chart, entry)
    takes_it_back(phone)
    is_refused_what_is_private(theo, chart, entry)
    sees_nothing_clinical(ana, chart)


def founds_the_practice(ana: Person, product: Running) -> None:
    invited = kap(
        "invite",
        *("--new-practice", "Alder", "--zone", ZONE),
        *("--name", "Ana Ahlberg", "--email", "ana@alder.example"),
        instance=product.instance,
        KAP_BASE_URL=product.address,
    )
    assert invited.returncode == 0, invited.stderr
    ana.visit(next(word for word in invited.stdout.split() if "/invitation/" in word))
    ana.arrives("Welcome, Ana Ahlberg")
    ana.chooses_password(PASSWORD)
    ana.arrives("Overview")


def therapist_comes(ana: Person, theo: Person) -> None:
    ana.follow("People")
    ana.arrives("People")
    ana.page.get_by_label("Name", exact=True).fill("Theo Thorne")
    ana.fill("E-mail address", "theo@alder.example")
    ana.press("Invite")
    ana.arrives("An invitation for Theo Thorne")
    theo.visit(ana.page.get_by_label("The link").input_value())
    theo.arrives("Welcome, Theo Thorne")
    theo.chooses_password(PASSWORD)
    theo.arrives("Today")


def patient_comes(theo: Person, phone: Person) -> str:
    """Returns the path of the chart."""
    theo.follow("Admit a patient")
    theo.arrives("Admit a patient")
    theo.fill("Name", "Pia Pine")
    theo.fill("E-mail address", "pia@alder.example")
    theo.press("Admit")
    theo.arrives("Pia Pine")
    chart = theo.page.url
    theo.press("Make an invitation")
    theo.arrives("An invitation for Pia Pine")
    phone.visit(theo.page.get_by_label("The link").input_value())
    phone.arrives("Welcome, Pia Pine")
    phone.chooses_password(PASSWORD)
    phone.arrives("Hello, Pia")
    phone.reads("Nothing is waiting for you")
    return chart


def gives_a_guide(theo: Person, chart: str) -> None:
    theo.visit(chart)
    theo.follow("Choose a guide")
    theo.arrives("Give a guide")
    theo.page.get_by_role("radio", name=re.compile(f"^{GUIDE}")).check()
    theo.fill("Due on", (in_zone(now(), ZONE).date() + timedelta(days=2)).isoformat())
    theo.fill("A personal line", LINE)
    theo.press("Give this guide")
    theo.arrives("Preparation")
    theo.reads("Not opened")


def uploads_music(theo: Person, uploads: list[Path]) -> None:
    theo.follow("Music")
    theo.arrives("Music")
    theo.page.get_by_label("Music files").set_input_files(uploads)
    theo.press("Upload")
    expect(theo.finds("[data-upload-summary]")).to_have_text("5 of 6 files arrived.")
    told = theo.finds("[data-upload-list] li").filter(has_text="notes.mp3").locator(".message")
    expect(told).to_have_text(re.compile(r"^notes\.mp3: .+\.$"))
    expect(theo.finds(".track").filter(has_text="No intensity yet")).to_have_count(5)
    theo.checks()


def judges_the_music(theo: Person) -> None:
    for name, intensity in zip(SOUNDS, ("0.15", "0.3", "0.7", "0.6", "0.2"), strict=True):
        title = name.partition(".")[0]
        theo.visit("/music")
        theo.follow(title)
        theo.arrives(title)
        theo.fill("Intensity", intensity)
        theo.press("Save")
        theo.reads("Saved.")


def renders_a_playlist(theo: Person) -> None:
    theo.visit("/playlists")
    theo.arrives("Playlists")
    theo.follow("New playlist")
    theo.arrives("New playlist")
    theo.page.get_by_role("radio", name=re.compile("^IV, 40-minute infusion(?!,)")).check()
    theo.fill("Length in minutes", "1")
    theo.page.get_by_label("Name (optional)").fill("One minute")
    theo.press("Build the playlist")
    theo.arrives("One minute")
    theo.press("Render")
    theo.reads("You can leave this page; the work goes on.")
    expect(theo.finds("#mix").get_by_text("Ready to play")).to_be_visible(timeout=RENDERING_MS)
    expect(theo.finds("#mix dd").first).to_have_text("16:00")  # a quarter of an hour of calm music follows
    theo.checks()


def plans_a_session(theo: Person, chart: str) -> str:
    """Returns the address of the session, planned for this very hour."""
    theo.visit(chart)
    theo.follow("Plan a session")
    theo.arrives("Plan a session")
    here = in_zone(now(), ZONE)
    theo.fill("Date", here.date().isoformat())
    theo.fill("Time", f"{here:%H:%M}")
    theo.page.get_by_label("Route").select_option("iv")
    theo.page.get_by_label("Playlist").select_option(label="One minute, 1 min, ready to play")
    theo.press("Plan the session")
    theo.arrives("Session with Pia Pine")
    theo.reads("Pia Pine has not written an intention.")
    return theo.page.url


def prepares(phone: Person) -> None:
    phone.visit("/")
    phone.arrives("Hello, Pia")
    phone.follow("Start reading")
    phone.arrives(GUIDE)
    phone.reads(LINE)
    boxes = phone.page.get_by_role("checkbox")
    for number in range(boxes.count()):
        boxes.nth(number).click()
        expect(boxes.nth(number)).to_be_checked()
    phone.reads("Saved. 3 of 3 ticked.")
    phone.fill("In your own words", INTENTION)
    expect(phone.finds("#intention [data-saved-state]")).to_have_text("Saved")
    phone.checks()
    phone.press("Mark as done")
    phone.arrives("Preparation")
    phone.visit("/")
    phone.arrives("Hello, Pia")
    phone.reads("What is still missing before your session")


def sees_the_preparation(theo: Person, chart: str) -> None:
    theo.visit(chart)
    theo.arrives("Pia Pine")
    theo.reads(f"Finished: {GUIDE}")
    theo.visit(f"{chart}/preparation")
    theo.reads("Checklist, 3 of 3 ticked")


def holds_the_session(theo: Person, session: str) -> None:
    theo.visit("/")
    theo.arrives("Today")
    theo.visit(session)
    theo.reads(INTENTION)
    theo.fill("Why is it opened all the same?", "Everything was talked through here today.")
    theo.press("Open with this reason")
    theo.arrives("Pia Pine")
    clock, toggle = theo.finds("[data-elapsed]"), theo.finds("[data-toggle-words]")
    theo.press("Play")
    for second in range(1, 4):  # the clock advances
        expect(clock).to_have_text(re.compile(rf"^0:0[{second}-9]$"))
    theo.press("15 s on")
    expect(clock).to_have_text(re.compile(r"^0:[12]\d$"))
    theo.page.get_by_label("Note").fill(NOTE)
    theo.press("Add note")
    expect(theo.finds("[data-note-list] .words")).to_have_text([NOTE])
    theo.press("Pause")
    expect(toggle).to_have_text("Play")
    theo.page.get_by_label("Place in the music").fill("50")
    expect(clock).to_have_text("0:50")
    theo.checks()
    theo.press("Close session")
    theo.arrives("Session with Pia Pine")
    expect(theo.finds("[data-note-list] .words")).to_have_text([NOTE])
    theo.reads("Music began")


def writes(phone: Person, tablet: Person) -> str:
    """Write; reload; go on after the sign-in was ended from elsewhere. Returns the entry's id."""
    phone.visit("/")
    phone.arrives("Hello, Pia")
    phone.reads("Write about your session")
    phone.follow("Start writing")
    phone.arrives("Write")
    words, state = phone.page.get_by_label("Your words"), phone.finds("[data-saved-state]")
    words.fill(ENTRY)
    phone.page.get_by_label("Note my mood after writing").check()
    expect(state).to_have_text("Saved")
    phone.page.reload()
    expect(words).to_have_value(ENTRY)

    tablet.signs_in("pia@alder.example", PASSWORD)
    tablet.arrives("Hello, Pia")
    tablet.visit("/account")
    tablet.arrives("Account and devices")
    tablet.press("Sign out Chrome on Linux")
    tablet.reads("That device is signed out.")
    words.press("Control+End")
    words.press_sequentially(LATER)
    expect(state).to_contain_text("Your sign-in has ended. Your words are kept on this device.")
    phone.checks()
    state.get_by_role("link").click()
    phone.arrives("Sign in")
    phone.enters("pia@alder.example", PASSWORD)
    expect(words).to_have_value(ENTRY + LATER)
    expect(state).to_have_text("Saved")
    phone.press("Save and close")
    phone.reads("Only you can read this.")
    phone.checks()
    return phone.page.url.rpartition("/")[2]


def is_refused_what_is_private(theo: Person, chart: str, entry: str) -> None:
    theo.visit(f"{chart}/journal/{entry}")
    theo.checks()
    theo.reads("This entry is not here.")
    assert ENTRY not in theo.page.content()
    theo.visit(f"/my/journal/{entry}")
    assert ENTRY not in theo.page.content()
    theo.visit(chart)
    theo.arrives("Pia Pine")
    assert theo.page.get_by_text("journal entry").count() == 0
    theo.visit(f"{chart}/journal")
    theo.reads("No entries are shared")
    theo.visit("/")
    theo.reads("Nothing you have not opened.")


def shares(phone: Person) -> None:
    phone.press("Share with my care team")
    phone.reads("Your care team can read this entry now.")
    phone.reads("Nobody has opened it yet.")
    phone.checks()


def reads_and_answers(theo: Person, chart: str, entry: str) -> None:
    theo.visit("/")
    theo.follow("Pia Pine shared a journal entry")
    theo.reads(ENTRY + LATER)
    theo.checks()
    theo.fill("Your comment", COMMENT)
    theo.press("Add comment")
    expect(theo.finds(".thread .words")).to_have_text([COMMENT])
    theo.visit(chart)
    theo.arrives("Pia Pine")
    theo.reads("Shared a journal entry")
    assert theo.finds(f"a[href$='/journal/{entry}']").count() == 1


def takes_it_back(phone: Person) -> None:
    phone.page.reload()
    expect(phone.finds(".thread .words")).to_have_text([COMMENT])
    expect(phone.finds(".openings li").first).to_contain_text("Theo Thorne")
    phone.checks()
    phone.press("Stop sharing")
    phone.reads("This entry is private again.")


def sees_nothing_clinical(ana: Person, chart: str) -> None:
    ana.follow("Log")
    ana.arrives("Log")
    assert [words in ana.page.content() for words in ("Pia", ENTRY, NOTE, INTENTION, COMMENT)] == [False] * 5
    ana.refusals = {403}
    ana.visit(chart)
    assert "Pia" not in ana.page.content()
