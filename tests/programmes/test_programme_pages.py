"""The pages of programmes, without JavaScript: reading, copying, changing, giving, leaving out, doing."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from kap.clock import day_in, now
from kap.content.programmes import Kind, programmes
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.programmes import actions
from kap.programmes.models import GivenProgramme, PracticeProgramme, StepMark
from kap.programmes.shelf_queries import shelf_of, written
from tests.conftest import Browser, Cast
from tests.programmes.conftest import MUSIC, SMALL, WALK, Clinic

STEPS = (
    "Set and setting",
    "Read and sign the consents",
    "Answer the health questions",
    "Say which music you like",
    "Write your intention",
    "Take a walk",
    "Integration: the days after",
    "Next: ",
)

AtBrowser = Callable[[str], Browser]


def rows_of(page: str) -> dict[str, str]:
    """What the form on the page would send, as a browser reads it."""
    sent = {
        name: value
        for name, value in re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', page)
        if name != "csrf_token"
    }
    for name, options in re.findall(r'<select[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', options) or re.search(
            r'value="([^"]*)"', options
        )
        sent[name] = chosen[1] if chosen else ""
    return sent


def copied(browser: Browser, slug: str = "maintenance") -> str:
    answer = browser.post(f"/programmes/{slug}/copy")
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def test_the_library_shows_what_ships_and_what_each_asks(cast: Cast, at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    listed = theo.get("/programmes").text
    assert all(each.title in listed for each in programmes().values())
    shown = theo.get("/programmes/esketamine-induction").text
    assert "SPRAVATO (esketamine) nasal spray. US prescribing information" in shown
    assert "On the evening of each session" in shown
    assert theo.get("/programmes/nothing").status_code == 404


def test_a_copy_is_changed_saved_and_given_from_then_on(cast: Cast, at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    address = copied(theo)
    form = rows_of(theo.get(address).text)
    steps = programmes()["maintenance"].steps
    spare = len(steps)
    assert form[f"steps-{spare}-what"] == form[f"steps-{spare + 2}-what"] == ""
    assert f"steps-{spare + 3}-what" not in form
    form |= {
        "title": "Ours",
        "sessions": "4",
        "steps-0-what": "",  # leaves it out
        f"steps-{spare}-what": "task:",
        f"steps-{spare}-words": "Call a friend",
        f"steps-{spare}-count": "2",
        f"steps-{spare}-side": "after",
        f"steps-{spare}-hangs": "last",
        f"steps-{spare}-hour": "evening",
    }
    assert theo.post(address, form).status_code == 303
    db.session.rollback()
    (mine,) = [each for each in shelf_of(cast.practice.id).offered if each.slug.startswith("own-")]
    assert (mine.title, mine.sessions, len(mine.steps)) == ("Ours", 4, len(steps))
    last = mine.steps[-1]
    assert (last.kind, last.about, last.days, last.hangs, last.hour.value) == (
        Kind.TASK, "Call a friend", 2, "last", "evening",
    )  # fmt: skip
    assert mine.steps[:-1] == steps[1:]
    assert "Call a friend" in theo.get(f"/programmes/{mine.slug}").text


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"title": ""}, "Please give it a name."),
        ({"sessions": "61"}, "Between 1 and 60, or nothing."),
        ({"steps-0-what": "task:", "steps-0-words": ""}, "Step 1: Say in a few words what to do."),
        ({"steps-1-hangs": "last"}, "Step 2: Without a number of sessions there is no last one."),
        ({"steps-1-what": "guide:nothing"}, "Step 2: Choose what it is about."),
        ({"steps-1-count": "999"}, "Step 2: At most 180 days before or after."),
        ({f"steps-{number}-what": "" for number in range(8)}, "A programme needs a step."),
    ],
)
def test_what_cannot_be_saved_comes_back_as_it_was_typed(
    cast: Cast, at_browser: AtBrowser, wrong: dict[str, str], words: str
) -> None:
    theo = at_browser("theo")
    address = copied(theo)
    form = rows_of(theo.get(address).text) | {"summary": "Typed with care"} | wrong
    answer = theo.post(address, form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Typed with care" in answer.text
    db.session.rollback()
    assert db.session.scalars(select(PracticeProgramme)).one().version == 1


def test_a_programme_that_someone_else_changed_meanwhile_is_not_overwritten(
    cast: Cast, at_browser: AtBrowser
) -> None:
    theo, tess = at_browser("theo"), at_browser("tess")
    address = copied(theo)
    form = rows_of(theo.get(address).text)
    assert tess.post(address, form | {"title": "By Tess", "steps-0-count": "6"}).status_code == 303
    answer = theo.post(address, form | {"title": "By Theo"})
    assert answer.status_code == 409
    assert "both versions are on this page" in answer.text
    assert "6 days before the first session" in answer.text
    again = rows_of(answer.text)
    assert again["title"] == "By Theo"
    assert theo.post(address, again).status_code == 303
    db.session.rollback()
    assert written(db.session.scalars(select(PracticeProgramme)).one()).title == "By Theo"


def test_what_ships_is_copied_and_not_changed(cast: Cast, at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    assert theo.get("/programmes/maintenance/edit").headers["Location"] == "/programmes/maintenance"
    assert theo.post("/programmes/maintenance/edit", {"title": "x"}).status_code == 404


def test_another_practice_has_its_own(cast: Cast, at_browser: AtBrowser) -> None:
    theo, zoe = at_browser("theo"), at_browser("zoe")
    address = copied(theo)
    assert zoe.get(address).status_code == 404
    assert zoe.post(address, {"title": "x"}).status_code == 404
    theo.post("/programmes/maintenance/retire")
    assert "Restore: Maintenance" in theo.get("/programmes").text
    assert "Restore: Maintenance" not in zoe.get("/programmes").text
    theo.post("/programmes/maintenance/restore")
    assert "Restore: Maintenance" not in theo.get("/programmes").text


def test_a_programme_is_given_seen_and_taken_back(cast: Cast, clinic: Clinic, at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    session = clinic.plan(_today() + timedelta(days=7))
    page = f"/patients/{cast.pia.id}/programme"
    assert "No programme is given" in theo.get(page).text
    chosen = {"programme": "single-session", "starts_on": _today().isoformat()}
    answer = theo.post(f"{page}/give", chosen)
    assert answer.status_code == 303
    shown = theo.get(page).text
    assert "A single session" in shown
    assert f"/sessions/{session.id}" in shown
    assert theo.post(f"{page}/give", chosen).status_code == 409
    db.session.rollback()
    given = db.session.scalars(select(GivenProgramme)).one()
    assert theo.post(f"{page}/{given.id}/take-back").status_code == 303
    assert "No programme is given" in theo.get(page).text
    assert theo.post(f"{page}/{given.id}/give-back").status_code == 303
    assert "Take the programme back" in theo.get(page).text


@pytest.mark.parametrize(
    "wrong", [{}, {"programme": "nothing"}, {"starts_on": ""}, {"starts_on": "2001-01-01"}]
)
def test_a_programme_that_cannot_be_given(cast: Cast, at_browser: AtBrowser, wrong: dict[str, str]) -> None:
    theo = at_browser("theo")
    good = {"programme": "single-session", "starts_on": _today().isoformat()}
    answer = theo.post(f"/patients/{cast.pia.id}/programme/give", (good | wrong) if wrong else {})
    assert answer.status_code == 422
    db.session.rollback()
    assert list(db.session.scalars(select(GivenProgramme))) == []


def test_ticked_patients_are_given_a_programme_and_nobody_elses(cast: Cast, at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    listed = theo.get("/patients").text
    assert f'name="patient" value="{cast.pia.id}" form="ticked"' in listed
    asked = theo.get(f"/programmes/give?patient={cast.pia.id}&patient={cast.pau.id}&patient=nobody").text
    assert "Pia Pine" in asked
    assert "Pau Poplar" not in asked
    chosen = {"programme": "single-session", "starts_on": _today().isoformat()}
    ids = [str(each.id) for each in (cast.pia, cast.pau, cast.zed)]
    assert theo.post("/programmes/give", {**chosen, "patient": ids}).status_code == 303
    db.session.rollback()
    assert [row.patient_id for row in db.session.scalars(select(GivenProgramme))] == [cast.pia.id]
    assert theo.post("/programmes/give", {**chosen, "patient": [str(cast.pau.id)]}).status_code == 422
    assert theo.post("/programmes/give", {**chosen, "patient": ids, "programme": ""}).status_code == 422


def test_everyone_in_the_list_is_ticked_at_once(cast: Cast, at_browser: AtBrowser) -> None:
    asked = at_browser("theo").get("/programmes/give?everyone=1").text
    assert re.findall(r'name="patient" value="([^"]+)" checked', asked) == [str(cast.pia.id)]
    assert "Nobody is ticked" in at_browser("theo").get("/programmes/give").text


def test_a_step_is_left_out_with_a_reason_and_asked_for_after_all(
    cast: Cast, clinic: Clinic, at_browser: AtBrowser
) -> None:
    session = clinic.plan(_today() + timedelta(days=2))
    given = clinic.give(since=_today(), at=now())
    theo, pia = at_browser("theo"), at_browser("pia")
    step = f"/patients/{cast.pia.id}/programme/{given.id}/steps"
    assert "Take a walk" in theo.get(f"{step}/{WALK}/skip?session={session.id}").text
    assert theo.post(f"{step}/{WALK}/skip", {"session": str(session.id), "reason": ""}).status_code == 422
    sent = {"session": str(session.id), "reason": "Her knee."}
    assert theo.post(f"{step}/{WALK}/skip", sent).status_code == 303
    assert theo.post(f"{step}/{MUSIC}/skip", {"reason": "No music."}).status_code == 303
    shown = theo.get(f"/patients/{cast.pia.id}/programme").text
    assert "Her knee." in shown
    assert "No music." not in pia.get("/").text
    assert theo.post(f"{step}/{MUSIC}/take-up").status_code == 303
    assert theo.post(f"{step}/{WALK}/take-up?session={session.id}").status_code == 303
    db.session.rollback()
    assert list(db.session.scalars(select(StepMark))) == []
    assert theo.get(f"{step}/99/skip").status_code == 404
    assert theo.get(f"{step}/{WALK}/skip?session={uuid4()}").status_code == 404
    assert theo.post(f"{step}/99/skip", {"reason": "x"}).status_code == 404


def test_the_patients_pages_name_what_is_due_and_the_one_next_thing(
    cast: Cast, clinic: Clinic, at_browser: AtBrowser
) -> None:
    clinic.plan(_today() + timedelta(days=9))
    clinic.give(since=_today(), at=now())
    pia = at_browser("pia")
    for page in ("/", "/my/preparation"):
        text = _main(pia.get(page).text)
        named = [each for each in STEPS if each in text]
        assert named == [STEPS[0], "Read and sign the consents", "Answer the health questions", "Next: "]
        assert text.count("Next: ") == 1
        assert "Next: Read: Set and setting" in text


def _main(page: str) -> str:
    return page.split("<main", 1)[1]


def test_a_task_is_done_on_the_patients_own_page(cast: Cast, clinic: Clinic, at_browser: AtBrowser) -> None:
    session = clinic.plan(_today() - timedelta(days=2))
    given = clinic.give(since=_today() - timedelta(days=3), at=now())
    clinic.hold(session)
    pia, pau = at_browser("pia"), at_browser("pau")
    assert "Take a walk" in pia.get("/my/preparation").text
    address = f"/my/programme/{given.id}/steps/{WALK}"
    assert pau.post(f"{address}/done", {"session": str(session.id)}).status_code == 404
    assert pia.post(f"{address}/done", {"session": str(session.id)}).status_code == 303
    assert "Take a walk" not in pia.get("/my/preparation").text
    assert "Done" in at_browser("theo").get(f"/patients/{cast.pia.id}/programme").text
    assert pia.post(f"{address}/undone?session={session.id}").status_code == 303
    assert "Take a walk" in pia.get("/my/preparation").text


def test_the_journal_opens_with_the_prompts_of_its_moment(
    cast: Cast, clinic: Clinic, at_browser: AtBrowser
) -> None:
    session = clinic.plan(_today() - timedelta(days=2))
    clinic.give(since=_today() - timedelta(days=3), at=now())
    clinic.hold(session)
    pia = at_browser("pia")
    home = pia.get("/").text
    assert "Write: One day after" in home
    (address,) = re.findall(r'href="(/my/journal/new\?[^"]*prompts=24h)"', home)
    led = pia.get(address.replace("&amp;", "&"), follow_redirects=True)
    assert "Did anything surprise you?" in led.text


def test_the_plan_says_the_same_whether_or_not_she_wrote(
    cast: Cast, clinic: Clinic, at_browser: AtBrowser
) -> None:
    session = clinic.plan(_today() - timedelta(days=2))
    clinic.give(since=_today() - timedelta(days=3), at=now())
    clinic.hold(session)
    theo = at_browser("theo")
    page = f"/patients/{cast.pia.id}/programme"
    before = _main(theo.get(page).text)
    assert "Offered" in before
    with transaction():
        writing = Writing("Only mine.", session_id=session.id)
        integration.write(cast.pia, entry_id=uuid4(), writing=writing, version=0, at=now())
    assert _untimed(_main(theo.get(page).text)) == _untimed(before)
    assert "Write: One day after" not in at_browser("pia").get("/").text
    db.session.rollback()
    assert len(list(db.session.scalars(select(JournalEntry)))) == 1


def _untimed(page: str) -> str:
    """Without the tokens that are new each time."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def _today() -> date:
    return day_in(now(), "Europe/Berlin")


def test_a_given_programme_of_another_patient_is_not_there(
    cast: Cast, clinic: Clinic, at_browser: AtBrowser
) -> None:
    with transaction():
        row = actions.give(
            db.session.merge(cast.pau),
            SMALL,
            starts_on=_today(),
            actor=cast.actor("tess"),
            at=datetime.now(UTC),
        )
    theo = at_browser("theo")
    for act in ("take-back", "give-back", "steps/1/skip", "steps/1/take-up"):
        answer = theo.post(f"/patients/{cast.pia.id}/programme/{row.id}/{act}", {"reason": "x"})
        assert answer.status_code == 404
