"""Every item in every standing, required or not; and days across time zones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.clock import day_in
from kap.consents.rules import Newest, Signed, verdict
from kap.consents.rules import Standing as Consent
from kap.days import months_after
from kap.readiness.rules import (
    ITEM_WORDS,
    USUALLY_REQUIRED,
    Confirmed,
    Facts,
    Item,
    Line,
    State,
    counts_for,
    day_of,
    readiness,
    unseen,
)
from kap.readiness.wording import FASTING, TRAVEL
from kap.safety.rules import Standing as SafetyPlan
from kap.screening.rules import Standing as Screening
from kap.sessions.rules import Route

DAY = date(2026, 11, 28)
ALL_THERE = Facts(
    consents=(("Treatment", Consent.VALID), ("Touch", Consent.DUE)),
    screening=Screening.REVIEWED,
    wants_answers=False,
    guides=(("What it is", True), ("The day", True)),
    escort_name=True,
    escort_phone=True,
    fasting=Confirmed.YES,
    travel=Confirmed.YES,
    music=True,
    intention=True,
    asks_intention=True,
    safety_plan=SafetyPlan.CURRENT,
)
GIVEN, REVIEWED, NOT_YET, MISSING = State.GIVEN, State.REVIEWED, State.NOT_YET, State.MISSING


def _consent(standing: Consent, other: Consent) -> tuple[dict[str, Any], State, bool]:
    facts = {"consents": (("Treatment", other), ("Touch", standing))}
    lacking = [each for each in (standing, other) if not each.counts]
    if not lacking:
        return facts, GIVEN, False
    if set(lacking) == {Consent.UNWITNESSED}:
        return facts, NOT_YET, False
    return facts, MISSING, True


Case = tuple[Item, dict[str, Any], State, bool]
"""(item, facts, how it stands, whether the patient can do it)"""


def _of_papers() -> Iterator[Case]:
    for standing, other in product(Consent, repeat=2):
        yield Item.CONSENTS, *_consent(standing, other)
    yield Item.CONSENTS, {"consents": ()}, GIVEN, False
    for screening, wants in product(Screening, (True, False)):
        state = {Screening.MISSING: MISSING, Screening.REVIEWED: REVIEWED}.get(screening, NOT_YET)
        by_patient = wants and state is not REVIEWED
        yield Item.SCREENING, {"screening": screening, "wants_answers": wants}, state, by_patient
    for plan in SafetyPlan:
        state = GIVEN if plan.counts else MISSING if plan is SafetyPlan.MISSING else NOT_YET
        yield Item.SAFETY_PLAN, {"safety_plan": plan}, state, plan is SafetyPlan.MISSING


def _of_preparation() -> Iterator[Case]:
    for done in product((True, False), repeat=3):
        guides = tuple((f"Guide {number}", is_done) for number, is_done in enumerate(done))
        state = GIVEN if all(done) else NOT_YET if any(done) else MISSING
        yield Item.GUIDES, {"guides": guides}, state, state is not GIVEN
    yield Item.GUIDES, {"guides": ()}, MISSING, False
    for said in (True, False):
        yield Item.MUSIC, {"music": said}, GIVEN if said else MISSING, not said
    for written, asks in product((True, False), repeat=2):
        facts = {"intention": written, "asks_intention": asks}
        yield Item.INTENTION, facts, GIVEN if written else MISSING, not written and asks


def _of_arrangements() -> Iterator[Case]:
    for name, phone in product((True, False), repeat=2):
        state = GIVEN if name and phone else NOT_YET if name or phone else MISSING
        yield Item.ESCORT, {"escort_name": name, "escort_phone": phone}, state, state is not GIVEN
    for item, key in ((Item.FASTING, "fasting"), (Item.TRAVEL, "travel")):
        for confirmed in Confirmed:
            state = {Confirmed.YES: GIVEN, Confirmed.EARLIER: NOT_YET, Confirmed.NO: MISSING}[confirmed]
            yield item, {key: confirmed}, state, state is not GIVEN


CASES = [*_of_papers(), *_of_preparation(), *_of_arrangements()]


def test_every_item_has_its_cases() -> None:
    assert {item for item, *_ in CASES} == set(Item)
    for item in Item:
        states = {state for each, _, state, _ in CASES if each is item}
        assert len(states) > 1, item


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("item, facts, state, by_patient", CASES)
def test_an_item_in_every_standing(
    item: Item, facts: dict[str, Any], state: State, by_patient: bool, required: bool
) -> None:
    wanted = frozenset(Item) if required else frozenset(Item) - {item}
    found = readiness(replace(ALL_THERE, **facts), required=wanted, on=DAY)
    line = found.line(item)
    assert (line.state, line.by_patient, line.required) == (state, by_patient, required)
    assert bool(line.lacking) is not state.is_settled or item is Item.MUSIC
    assert [each.item for each in found.missing] == ([item] if required and not state.is_settled else [])
    assert [each.item for each in found.for_patient] == ([item] if by_patient else [])
    assert [each.item for each in found.lines] == list(Item)


@given(st.sets(st.sampled_from(list(Item))), st.lists(st.sampled_from(CASES)))
def test_only_what_is_required_is_missing(required: set[Item], chosen: list[Case]) -> None:
    facts = ALL_THERE
    states = {item: REVIEWED if item is Item.SCREENING else GIVEN for item in Item}
    for item, changed, state, _ in chosen:
        facts, states[item] = replace(facts, **changed), state
    found = readiness(facts, required=required, on=DAY)
    assert {line.item: line.state for line in found.lines} == states
    assert {line.item for line in found.missing} == {item for item in required if not states[item].is_settled}


def test_the_words_are_these_four_and_no_others() -> None:
    assert [state.value for state in State] == ["given", "reviewed", "not yet", "missing"]
    words = {line.words for item, facts, *_ in CASES for line in _lines(facts)} | set(ITEM_WORDS.values())
    for word in ("safe to", "cleared", "fit", "ready", "approved"):
        assert [each for each in words if word in each.lower()] == []


def _lines(facts: dict[str, Any]) -> tuple[Line, ...]:
    return readiness(replace(ALL_THERE, **facts), required=frozenset(Item), on=DAY).lines


def test_long_lists_are_counted_and_short_ones_named() -> None:
    two = (("What it is", False), ("The day", False))
    [line] = [each for each in _lines({"guides": two}) if each.item is Item.GUIDES]
    assert (line.brief, line.words) == ("Guides (2)", "Guides: What it is, The day")
    [line] = [each for each in _lines({"guides": two[:1]}) if each.item is Item.GUIDES]
    assert line.brief == "Guides: What it is"
    [line] = [
        each for each in _lines({"escort_name": False, "escort_phone": False}) if each.item is Item.ESCORT
    ]
    assert line.brief == "Escort: name, phone number"


def test_nobody_is_made_to_have_an_intention_by_default() -> None:
    assert frozenset(Item) - USUALLY_REQUIRED == {Item.INTENTION}


def test_every_route_has_its_statements_with_a_source() -> None:
    for wordings in (FASTING, TRAVEL):
        assert set(wordings) == set(Route)
        assert all(
            wording.text.startswith(("I ", "Someone")) and wording.source for wording in wordings.values()
        )


@pytest.mark.parametrize("seen", [(), ("escort",), ("escort", "music"), ("nonsense",)])
def test_what_the_page_did_not_show_is_named(seen: tuple[str, ...]) -> None:
    missing = [Line(Item.ESCORT, MISSING), Line(Item.MUSIC, MISSING)]
    wanted = [Item.ESCORT] * ("escort" not in seen) + [Item.MUSIC] * ("music" not in seen)
    assert [line.item for line in unseen(missing, seen)] == wanted


def test_a_guide_counts_for_sessions_from_its_due_day_on() -> None:
    assert [counts_for(due, on=DAY) for due in (None, DAY, DAY - timedelta(1), DAY + timedelta(1))] == [
        True,
        True,
        True,
        False,
    ]


def test_a_planned_session_is_looked_at_for_its_own_day_until_that_has_passed() -> None:
    days = [DAY - timedelta(1), DAY, DAY + timedelta(1)]
    assert [day_of(day, today=DAY) for day in days] == [DAY, DAY, DAY + timedelta(1)]


zones = st.sampled_from(sorted(available_timezones() - {"localtime"}))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@given(signed=moments, wait=st.integers(-2, 400), hour=st.integers(0, 23), zone=zones)
def test_a_consent_is_valid_by_the_days_of_the_practice(
    signed: datetime, wait: int, hour: int, zone: str
) -> None:
    """Signed on a day of the calendar there, it counts until the last day of its months there."""
    planned = signed + timedelta(days=wait, hours=hour)
    on, signed_on = day_in(planned, zone), day_in(signed, zone)
    months = 6
    found = verdict(
        Signed(1, months, signed_on, needs_witness=False, is_witnessed=False, is_withdrawn=False),
        Newest(1, date(2023, 1, 1)),
        on=on,
    )
    assert found.standing.counts is (on < months_after(signed_on, months))
    facts = replace(ALL_THERE, consents=(("Touch", found.standing),))
    is_missing = bool(readiness(facts, required=[Item.CONSENTS], on=on).missing)
    assert is_missing is (on >= months_after(signed_on, months))


@given(planned=moments, zone=zones, days=st.integers(-3, 3))
def test_a_guide_due_on_a_day_counts_for_a_session_on_that_day_in_every_zone(
    planned: datetime, zone: str, days: int
) -> None:
    on = planned.astimezone(ZoneInfo(zone)).date()
    due = on + timedelta(days=days)
    assert counts_for(due, on=day_in(planned, zone)) is (days <= 0)
