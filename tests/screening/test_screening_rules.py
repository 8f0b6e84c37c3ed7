"""When a screening counts: for which series, for how long, over which answers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.content.screening import About, catalogue
from kap.screening.rules import (
    AHEAD,
    LONGEST,
    SERIES_GAP,
    Reviewed,
    Standing,
    is_fresh,
    named_by,
    present_in,
    series_start,
    standing,
    unanswered,
    unknown_in,
    unreasoned_in,
)
from kap.screening.said import Answer, Finding, Judged, Judgement, Medicine, Reply, Said, carried, is_touched

DAY = date(2026, 3, 10)
SESSION = date(2026, 3, 20)
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
FACTORS = {factor.key: factor for factor in catalogue().factors}


@pytest.mark.parametrize(
    "review, version, start, on, expected",
    [
        (None, 0, SESSION, DAY, Standing.MISSING),
        (Reviewed(DAY, 3, 0), 3, SESSION, DAY, Standing.REVIEWED),
        (Reviewed(DAY, 3, 0), 3, None, DAY, Standing.REVIEWED),
        (Reviewed(DAY, 3, 1), 3, SESSION, DAY, Standing.UNKNOWN),
        (Reviewed(DAY, 3, 0), 4, SESSION, DAY, Standing.OUTDATED),
        (Reviewed(DAY, 0, 0), 1, SESSION, DAY, Standing.OUTDATED),
        (Reviewed(DAY, 3, 0), 3, DAY + AHEAD, DAY, Standing.REVIEWED),
        (Reviewed(DAY, 3, 0), 3, DAY + AHEAD + timedelta(1), DAY, Standing.DUE),
        (Reviewed(DAY, 3, 0), 4, DAY + AHEAD + timedelta(1), DAY, Standing.DUE),
        (Reviewed(DAY, 3, 0), 3, SESSION, DAY + LONGEST, Standing.REVIEWED),
        (Reviewed(DAY, 3, 0), 3, SESSION, DAY + LONGEST + timedelta(1), Standing.DUE),
        (Reviewed(DAY, 3, 0), 3, None, DAY + LONGEST + timedelta(1), Standing.DUE),
        (Reviewed(DAY + timedelta(15), 3, 2), 3, SESSION, DAY + timedelta(15), Standing.UNKNOWN),
    ],
)
def test_a_review_on_a_day(
    review: Reviewed | None, version: int, start: date | None, on: date, expected: Standing
) -> None:
    assert standing(review, version=version, series_start=start, on=on) is expected


@given(
    done=DAYS,
    start=st.none() | DAYS,
    on=DAYS,
    seen=st.integers(0, 3),
    now=st.integers(0, 3),
    unknown=st.integers(0, 2),
)
def test_it_counts_only_when_fresh_over_the_answers_of_now_and_without_anything_unknown(
    *, done: date, start: date | None, on: date, seen: int, now: int, unknown: int
) -> None:
    found = standing(Reviewed(done, seen, unknown), version=now, series_start=start, on=on)
    is_whole = is_fresh(done, series_start=start, on=on) and seen == now and unknown == 0
    assert found.counts == is_whole


@pytest.mark.parametrize(
    "days, on, expected",
    [
        ([], DAY, None),
        ([0], DAY + timedelta(1), None),
        ([0], DAY, 0),
        ([5], DAY, 5),
        ([0, 28, 56], DAY, 0),
        ([0, 28, 56], DAY + timedelta(50), 0),
        ([0, 29, 56], DAY + timedelta(30), 29),
        ([0, 29], DAY, 0),
        ([-100, -60, 10], DAY, 10),
        ([56, 0, 28, 28], DAY + timedelta(56), 0),
    ],
)
def test_the_series_of_the_next_session(days: list[int], on: date, expected: int | None) -> None:
    found = series_start([DAY + timedelta(day) for day in days], on=on)
    assert found == (None if expected is None else DAY + timedelta(expected))


@given(days=st.lists(DAYS, max_size=30), on=DAYS)
def test_a_series_is_begun_by_a_session_that_none_comes_shortly_before(days: list[date], on: date) -> None:
    start = series_start(days, on=on)
    assert (start is None) == all(day < on for day in days)
    if start is not None:
        assert start in days
        assert not any(start - SERIES_GAP <= day < start for day in days)


def test_what_nobody_recorded_is_unknown() -> None:
    factors = list(FACTORS.values())
    assert unknown_in(Judged(), factors) == factors
    some = Judged(
        {
            "aneurysm": Judgement(Finding.PRESENT),
            "liver": Judgement(Finding.ABSENT),
            "mania": Judgement(Finding.UNKNOWN, "Asked her sister."),
            "stroke": Judgement(None, "To be asked."),
        }
    )
    assert unknown_in(some, factors) == [each for each in factors if each.key not in ("aneurysm", "liver")]
    assert present_in(some, factors) == [FACTORS["aneurysm"]]


def test_a_contraindication_that_is_present_needs_a_reasoning_and_a_caution_does_not() -> None:
    present = Judgement(Finding.PRESENT)
    judged = Judged(
        {"aneurysm": present, "mania": present, "malformation": replace(present, reasoning="Treated.")}
    )
    assert unreasoned_in(judged, FACTORS.values()) == [FACTORS["aneurysm"]]


@pytest.mark.parametrize(
    "medicine, expected",
    [
        ("Lorazepam 1 mg", ["benzodiazepines"]),
        ("lorazepam", ["benzodiazepines"]),
        ("ZOLPIDEM", ["hypnotics"]),
        ("Eszopiclone", ["hypnotics"]),
        ("Oxycodon/Naloxon", ["opioids"]),
        ("Lisdexamfetamine", ["stimulants"]),
        ("Armodafinil", ["stimulants"]),
        ("Lithium carbonate", ["lithium"]),
        ("Tranylcypromine", ["maoi"]),
        ("Sertraline", []),
        ("", []),
    ],
)
def test_a_medicine_is_known_by_its_name(medicine: str, expected: list[str]) -> None:
    assert [factor.key for factor in named_by(medicine, FACTORS.values())] == expected


def test_what_is_unanswered() -> None:
    said = Said({"liver": Answer(Reply.UNSURE), "mania": Answer(None, "I do not know")})
    assert unanswered(said, ["liver", "mania", "stroke"]) == ["mania", "stroke"]


ONE_LEFT = st.sampled_from(sorted(FACTORS))
ANSWERS = st.builds(Answer, st.none() | st.sampled_from(Reply), st.text(max_size=3), st.text(max_size=3))
SAID = st.builds(
    Said,
    st.dictionaries(st.sampled_from([each.key for each in catalogue().questions]), ANSWERS, max_size=4),
    st.lists(st.builds(Medicine, st.text(max_size=3)), max_size=2).map(tuple),
    st.booleans(),
    st.sampled_from(["", "1990-01-01"]),
    st.text(max_size=3),
)
JUDGED = st.builds(
    Judged,
    st.dictionaries(
        ONE_LEFT, st.builds(Judgement, st.sampled_from(Finding), st.text(max_size=3)), max_size=6
    ),
    st.text(max_size=3),
)


@given(said=SAID, judged=JUDGED)
def test_what_is_stored_comes_back_the_same(said: Said, judged: Judged) -> None:
    assert Said.from_dict(said.as_dict()) == said
    assert Judged.from_dict(judged.as_dict()) == judged


@given(before=SAID, now=SAID, judged=JUDGED)
def test_a_finding_is_carried_over_only_where_its_answers_are_the_same(
    before: Said, now: Said, judged: Judged
) -> None:
    kept = carried(judged, FACTORS.values(), before, now)
    for key, factor in FACTORS.items():
        same = all(before.to(question.key) == now.to(question.key) for question in factor.questions)
        if factor.about is About.MEDICINES:
            same = same and (before.medicines, before.takes_none) == (now.medicines, now.takes_none)
        if factor.about is About.AGE:
            same = same and before.born == now.born
        assert is_touched(factor, before, now) is not same
        assert kept.of(key) == (judged.of(key) if same else Judgement())
    assert carried(judged, FACTORS.values(), now, now).reasoning == judged.reasoning
