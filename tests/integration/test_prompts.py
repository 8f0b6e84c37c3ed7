"""Questions beside the page: at their moment, answered, skipped, turned off, written by therapists."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from kap.access.audit import Event
from kap.clock import now
from kap.content.prompts import prompt_sets
from kap.db import db, transaction
from kap.integration import prompt_actions, prompt_queries
from kap.integration.models import JournalEntry
from kap.integration.prompt_models import OwnPrompt
from kap.integration.prompt_rules import (
    ASKED_WITHIN,
    KEPT_SKIPS,
    Choices,
    Prompt,
    hours_since,
    put_above,
    shipped,
    shown,
)
from kap.problems import Conflict
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
QUESTION = "What did the heron say to you?"
FIRST_DAY = "Did anything surprise you?"


def add(cast: Cast, *, to: str | None = None, by: str = "theo", moment: str = "24h") -> OwnPrompt:
    with transaction():
        return prompt_actions.add(
            getattr(cast, to) if to else None, moment=moment, text=QUESTION, actor=cast.actor(by), at=NOON
        )


def page_to_write(browser: Browser, entry_id: UUID) -> str:
    return browser.get(f"/my/journal/{entry_id}/write").text


def questions(page: str) -> list[str]:
    return re.findall(r"data-question>([^<]+)<", page)


def key_of(page: str, question: str) -> str:
    keys: dict[str, str] = {
        words: key for key, words in re.findall(r'value="([^"]+)"[^>]* data-question>([^<]+)<', page)
    }
    return keys[question]


@pytest.fixture
def yesterday(cast: Cast, closed_session: Callable[..., DosingSession]) -> DosingSession:
    return closed_session(cast.pia, now() - timedelta(hours=24))


def test_the_questions_of_the_moment_stand_beside_the_page(
    at_browser: AtBrowser, cast: Cast, yesterday: DosingSession
) -> None:
    assert questions(page_to_write(at_browser("pia"), uuid4())) == list(prompt_sets()["24h"].prompts)
    assert questions(page_to_write(at_browser("pau"), uuid4())) == list(prompt_sets()["any-time"].prompts)


def test_a_tap_puts_the_question_above_the_words_and_keeps_them(
    at_browser: AtBrowser, cast: Cast, yesterday: DosingSession
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    key = key_of(page_to_write(pia, entry_id), FIRST_DAY)
    blank = pia.post(f"/my/journal/{entry_id}/prompts", {"ask": key, "version": "0"})
    assert f">\n{FIRST_DAY}\n\n</textarea>" in pia.get(blank.headers["Location"]).text.replace("\r\n", "\n")
    assert db.session.query(JournalEntry).count() == 0  # a question alone is not an entry
    typed = {"text": "A heron stood there.", "ask": key, "version": "0"}
    answer = pia.post(f"/my/journal/{entry_id}/prompts", typed)
    assert f"A heron stood there.\n\n{FIRST_DAY}" in pia.get(answer.headers["Location"]).text
    (entry,) = db.session.scalars(select(JournalEntry))
    assert entry.text == "A heron stood there."


def test_the_question_can_open_the_page(at_browser: AtBrowser, cast: Cast, yesterday: DosingSession) -> None:
    pia = at_browser("pia")
    key = key_of(page_to_write(pia, uuid4()), FIRST_DAY)
    led = pia.get(f"/my/journal/new?ask={key}").headers["Location"]
    assert FIRST_DAY in re.findall(r"<textarea[^>]*>([^<]*)", pia.get(led).text)[0]


def test_skipping_leaves_it_out_until_the_next_session(
    at_browser: AtBrowser,
    cast: Cast,
    yesterday: DosingSession,
    closed_session: Callable[..., DosingSession],
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    everything = list(prompt_sets()["24h"].prompts)
    key = key_of(page_to_write(pia, entry_id), FIRST_DAY)
    assert pia.post(f"/my/journal/{entry_id}/prompts", {"skip": key, "version": "0"}).status_code == 303
    left = [each for each in everything if each != FIRST_DAY]
    page = page_to_write(pia, uuid4())
    assert questions(page) == left
    pia.post(f"/my/journal/{entry_id}/prompts", {"on": "1", "version": "0"})
    assert questions(page_to_write(pia, entry_id)) == everything
    quietly = pia.post(
        f"/my/journal/{entry_id}/prompts", {"skip": key}, headers={"Accept": "application/json"}
    )
    assert quietly.json == {"ok": True}
    assert questions(page_to_write(pia, entry_id)) == left
    closed_session(cast.pia, now() - timedelta(hours=23))
    assert questions(page_to_write(pia, entry_id)) == everything


def test_off_is_off_everywhere_and_on_again(
    at_browser: AtBrowser, cast: Cast, yesterday: DosingSession
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    pia.post(f"/my/journal/{entry_id}/prompts", {"off": "1", "text": "Kept", "version": "0"})
    assert questions(page_to_write(pia, uuid4())) == []
    assert "Kept" in page_to_write(pia, entry_id)
    pia.post(f"/my/journal/{entry_id}/prompts", {"on": "1", "text": "Kept", "version": "1"})
    assert questions(page_to_write(pia, uuid4())) == list(prompt_sets()["24h"].prompts)


def test_nobody_is_told_what_a_patient_chose(
    at_browser: AtBrowser, cast: Cast, yesterday: DosingSession
) -> None:
    theo, pia, entry_id = at_browser("theo"), at_browser("pia"), uuid4()
    paths = [f"/patients/{cast.pia.id}{each}" for each in ("", "/journal", "/prompts", "/talks")]
    before = [without_tokens(theo.get(path).text) for path in paths]
    events = db.session.query(Event).filter(Event.actor_id == cast.pia.user_id).count()
    key = key_of(page_to_write(pia, entry_id), FIRST_DAY)
    for choice in ({"skip": key}, {"ask": key}, {"off": "1"}):
        pia.post(f"/my/journal/{entry_id}/prompts", {**choice, "version": "0"})
    assert [without_tokens(theo.get(path).text) for path in paths] == before
    assert db.session.query(Event).filter(Event.actor_id == cast.pia.user_id).count() == events
    row = db.session.execute(text("SELECT * FROM prompt_choices")).one()
    assert [value for value in row if isinstance(value, bytes) and b"off" in value] == []


def without_tokens(page: str) -> str:
    return re.sub(r'(name="csrf-token" content=|name="csrf_token" value=)"[^"]*"', "", page)


def test_what_is_on_the_page_is_given_back_when_someone_else_wrote(
    at_browser: AtBrowser, cast: Cast, yesterday: DosingSession
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    pia.post(f"/my/journal/{entry_id}", {"text": "One", "version": "0"})
    answer = pia.post(f"/my/journal/{entry_id}/prompts", {"text": "Two", "version": "0", "off": "1"})
    assert answer.status_code == 409
    assert "One" in answer.text
    assert "Two" in answer.text


# Written by therapists


def test_a_question_for_one_patient_reaches_only_them(
    at_browser: AtBrowser, cast: Cast, closed_session: Callable[..., DosingSession]
) -> None:
    add(cast, to="pia")
    for patient in (cast.pia, cast.pau, cast.zed):
        closed_session(patient, now() - timedelta(hours=24))
    seen = {name: questions(page_to_write(at_browser(name), uuid4())) for name in ("pia", "pau", "zed")}
    ships = list(prompt_sets()["24h"].prompts)
    assert seen == {"pia": [QUESTION, *ships], "pau": ships, "zed": ships}


def test_a_question_of_the_practice_reaches_its_patients(
    at_browser: AtBrowser, cast: Cast, closed_session: Callable[..., DosingSession]
) -> None:
    add(cast)
    for patient in (cast.pia, cast.pau, cast.zed):
        closed_session(patient, now() - timedelta(hours=24))
    seen = {name: QUESTION in page_to_write(at_browser(name), uuid4()) for name in ("pia", "pau", "zed")}
    assert seen == {"pia": True, "pau": True, "zed": False}


def test_it_is_sealed_with_the_key_of_whom_it_is_for(cast: Cast) -> None:
    own, general = add(cast, to="pia"), add(cast)
    assert own.sealing_key().id == cast.pia.data_key_id
    assert general.sealing_key().id == cast.practice.identity_key_id
    rows = db.session.execute(text("SELECT text_sealed FROM own_prompt")).scalars()
    assert [row for row in rows if b"heron" in bytes(row)] == []


@pytest.mark.parametrize("to", ["pia", None])
def test_adding_changing_retiring_and_undoing(at_browser: AtBrowser, cast: Cast, to: str | None) -> None:
    theo = at_browser("theo")
    listing = f"/patients/{cast.pia.id}/prompts" if to else "/prompts"
    assert theo.post(listing, {"text": "", "moment": "24h"}).status_code == 422
    assert theo.post(listing, {"text": QUESTION, "moment": "never"}).status_code == 422
    assert theo.post(listing, {"text": QUESTION, "moment": "24h"}).status_code == 303
    (row,) = db.session.scalars(select(OwnPrompt))
    path, version = f"{listing}/{row.id}", row.version
    changed = {"text": "And the wind?", "moment": "72h", "version": str(version)}
    assert theo.post(path, changed).status_code == 303
    late = theo.post(path, {"text": "Mine", "moment": "72h", "version": str(version)})
    assert late.status_code == 409
    assert "And the wind?" in late.text
    assert 'value="Mine"' in late.text
    assert theo.post(f"{path}/retire").status_code == 303
    assert "Not asked any more" in theo.get(listing).text
    assert theo.post(f"{path}/bring-back").status_code == 303
    db.session.expire_all()
    assert (row.text, row.moment, row.retired_at) == ("And the wind?", "72h", None)


def test_who_may_write_questions(at_browser: AtBrowser, cast: Cast) -> None:
    own, general = add(cast, to="pia"), add(cast)
    ladders: dict[str, dict[str, int]] = {
        f"/patients/{cast.pia.id}/prompts/{own.id}": {"theo": 200, "tess": 404, "zoe": 404, "ana": 403},
        f"/prompts/{general.id}": {"theo": 200, "tess": 200, "zoe": 404, "ana": 403, "pia": 403},
        f"/prompts/{own.id}": {"theo": 404, "tess": 404},  # one of a patient is not one of the practice
    }
    found = {
        path: {name: at_browser(name).get(path).status_code for name in expected}
        for path, expected in ladders.items()
    }
    assert found == ladders


def test_a_link_shows_no_question_that_was_written_for_one_patient(
    cast: Cast, yesterday: DosingSession
) -> None:
    """Whoever reads somebody's mail must not learn from it what a therapist asks this person."""
    add(cast, to="pia")
    with transaction():
        prompt_actions.add(None, moment="24h", text="And the wind?", actor=cast.actor("theo"), at=NOON)
    beside = prompt_queries.prompting_by_link(cast.pia, "24h", yesterday.id)
    assert [each.text for each in beside.prompts] == ["And the wind?", *prompt_sets()["24h"].prompts]


def test_a_retired_question_is_asked_no_more(cast: Cast, yesterday: DosingSession) -> None:
    prompt = add(cast, to="pia")
    with transaction():
        prompt_actions.retire(prompt, actor=cast.actor("theo"), at=NOON)
    beside = prompt_queries.prompting(cast.pia, yesterday, now())
    assert [each.text for each in beside.prompts] == list(prompt_sets()["24h"].prompts)


def test_a_version_that_is_gone_is_refused(cast: Cast) -> None:
    prompt = add(cast)
    with transaction():
        prompt_actions.change(
            prompt, moment="24h", text="B", version=prompt.version, actor=cast.actor("theo")
        )
    with transaction(), pytest.raises(Conflict):
        prompt_actions.change(prompt, moment="24h", text="C", version=1, actor=cast.actor("theo"))


# Rules

KEYS = st.text("abc", min_size=1, max_size=3)


@given(st.lists(st.tuples(KEYS, st.sampled_from(["one", "two"]))))
def test_a_skip_holds_for_its_occasion_alone(skips: list[tuple[str, str]]) -> None:
    choices = Choices()
    for key, occasion in skips:
        choices = choices.skipping(key, occasion)
    assert Choices.from_dict(choices.as_dict()) == choices
    prompts = [Prompt(key, key) for key in ("a", "b", "c")]
    for occasion in ("one", "two"):
        left = [each.key for each in shown(prompts, choices, occasion)]
        assert left == [each.key for each in prompts if (each.key, occasion) not in skips]
    again = choices.without_skips("one")
    assert shown(prompts, again, "one") == prompts
    assert shown(prompts, again, "two") == shown(prompts, choices, "two")
    assert shown(prompts, choices.turned(off=True), "one") == []


def test_skips_do_not_grow_without_end() -> None:
    choices = Choices()
    for number in range(KEPT_SKIPS + 50):
        choices = choices.skipping(str(number), "x")
    assert len(choices.skipped) == KEPT_SKIPS
    assert choices.skips(str(KEPT_SKIPS + 49), "x")


@given(st.text(), st.text("abc?", min_size=1))
def test_a_question_is_put_there_once_and_no_word_is_lost(typed: str, question: str) -> None:
    page = put_above(question, typed)
    assert question in page
    assert page.startswith(typed.rstrip()) or question in typed
    assert put_above(question, page) == page


@pytest.mark.parametrize(
    ("closed_at", "hours"),
    [
        (None, None),
        (NOON + timedelta(seconds=1), None),
        (NOON, 0.0),
        (NOON - timedelta(hours=24), 24.0),
        (NOON - ASKED_WITHIN, None),
    ],
)
def test_hours_since_the_session(closed_at: datetime | None, hours: float | None) -> None:
    assert hours_since(closed_at, NOON) == hours


def test_shipped_questions_are_told_apart() -> None:
    every: list[Any] = [each.key for found in prompt_sets().values() for each in shipped(found.prompts)]
    assert len(set(every)) == len(every)
