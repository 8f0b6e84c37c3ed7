"""The programmes that ship, and what is said of a file that is none."""

import re
from pathlib import Path

import pytest

from kap.content.document import ContentError
from kap.content.guides import library
from kap.content.programmes import (
    EACH,
    FIRST,
    KINDS,
    LAST,
    Concerns,
    Hour,
    Kind,
    ProgrammeStep,
    load_programme,
    programme_from,
    programmes,
    step_objection,
)
from kap.paths import TEMPLATES
from kap.programmes.words import length_words, title_of, when_words

FILES = sorted((TEMPLATES / "programmes").glob("*.toml"))


def test_the_programmes_in_their_order() -> None:
    assert [(slug, each.sessions) for slug, each in programmes().items()] == [
        ("single-session", 1),
        ("six-infusions", 6),
        ("esketamine-induction", 8),
        ("maintenance", None),
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_no_programme_says_how_much_of_anything(file: Path) -> None:
    words = re.findall(r"\d+\s*(?:mg|µg|ml|milli|gram)|mg/kg|\bdose", file.read_text("utf-8"), re.IGNORECASE)
    assert words == []


def test_the_one_named_after_the_label_cites_it() -> None:
    assert [source["title"] for source in programmes()["esketamine-induction"].sources] == [
        "SPRAVATO (esketamine) nasal spray. US prescribing information"
    ]


@pytest.mark.parametrize("slug", programmes())
def test_nothing_is_asked_that_cannot_be_done(slug: str) -> None:
    programme = programmes()[slug]
    guides = {step.about for step in programme.steps if step.kind is Kind.GUIDE}
    assert all(library()[guide].audience == "patient" for guide in guides)
    brought = {step.guide for step in programme.steps if step.kind is Kind.INTENTION}
    assert all(library()[guide].asks == "intention" for guide in brought)
    assert all(step.is_after == (step.days > 0 or step.hour is Hour.EVENING) for step in programme.steps)


@pytest.mark.parametrize("slug", programmes())
def test_a_programme_survives_being_kept(slug: str) -> None:
    programme = programmes()[slug]
    again = programme_from(programme.definition(), slug)
    assert again == programme
    assert again.digest == programme.digest


def test_every_kind_has_its_rule() -> None:
    assert set(KINDS) == set(Kind)
    assert [kind for kind, rule in KINDS.items() if rule.is_private] == [Kind.JOURNAL]
    assert all(rule.brings in library() for rule in KINDS.values() if rule.brings)
    assert all(rule.asks or rule.concerns is Concerns.WORDS for rule in KINDS.values())


@pytest.mark.parametrize(
    "step, sessions, objection",
    [
        (ProgrammeStep(Kind.GUIDE, FIRST, -1, about="intention"), 1, None),
        (ProgrammeStep(Kind.GUIDE, FIRST, -1, about="nothing"), 1, "Choose what it is about."),
        (
            ProgrammeStep(Kind.GUIDE, EACH, -1, about="intention"),
            2,
            "A guide is given once: choose one session.",
        ),
        (ProgrammeStep(Kind.JOURNAL, EACH, 1, about="24h"), 2, None),
        (ProgrammeStep(Kind.JOURNAL, EACH, 1, about="25h"), 2, "Choose what it is about."),
        (ProgrammeStep(Kind.TASK, EACH, 1, about="Walk"), 2, None),
        (ProgrammeStep(Kind.TASK, EACH, 1, about=" "), 2, "Say in a few words what to do."),
        (ProgrammeStep(Kind.TASK, EACH, 1, about="x" * 301), 2, "At most 300 characters, please."),
        (ProgrammeStep(Kind.MUSIC, FIRST, -180), 2, None),
        (ProgrammeStep(Kind.MUSIC, FIRST, 181), 2, "At most 180 days before or after."),
        (ProgrammeStep(Kind.MUSIC, LAST, 0), None, "Without a number of sessions there is no last one."),
        (ProgrammeStep(Kind.MUSIC, "3", 0), 2, "There is no such session in this programme."),
        (ProgrammeStep(Kind.MUSIC, "0", 0), 2, "There is no such session in this programme."),
        (ProgrammeStep(Kind.MUSIC, "third", 0), 2, "There is no such session in this programme."),
        (ProgrammeStep(Kind.MUSIC, "60", 0), None, None),
    ],
)
def test_what_can_be_a_step(step: ProgrammeStep, sessions: int | None, objection: str | None) -> None:
    assert step_objection(step, sessions=sessions, guides=library()) == objection


GOOD = """\
title = "T"
summary = "S"
reviewed = 2026-11-28
sessions = 2
steps = [{ kind = "music", hangs = "first", days = -7 }]
[[sources]]
title = "A source"
"""


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("title = ", "title ", "Expected '=' after a key"),
        ('title = "T"\n', "", "missing 1 required positional argument: 'title'"),
        ("steps = ", "step = ", "“steps” is missing"),
        ("reviewed = 2026-11-28\n", "", "“reviewed” is missing"),
        ('"music"', '"dance"', "'dance' is not a valid Kind"),
        ('"first"', '"3"', "step 1: There is no such session in this programme."),
        ('[[sources]]\ntitle = "A source"\n', "", "a programme needs its sources"),
        ("sessions = 2", "colour = 2", "unexpected keyword argument 'colour'"),
    ],
)
def test_a_file_that_is_no_programme_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    assert load_programme(file).title == "T"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(ContentError) as error:
        load_programme(file)
    assert "mine.toml" in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    "hangs, days, hour, words",
    [
        (FIRST, -7, Hour.DAY, "7 days before the first session"),
        (EACH, 0, Hour.EVENING, "on the evening of each session"),
        ("2", -1, Hour.EVENING, "1 day before the second session, in the evening"),
        (LAST, 1, Hour.SAME, "1 day after the last session, at the same time of day"),
        ("11", 0, Hour.DAY, "on the day of the 11th session"),
    ],
)
def test_when_a_step_comes_in_words(hangs: str, days: int, hour: Hour, words: str) -> None:
    assert when_words(ProgrammeStep(Kind.MUSIC, hangs, days, hour)) == words


def test_what_a_step_is_in_words() -> None:
    def title(kind: Kind, about: str = "") -> str:
        return title_of(ProgrammeStep(kind, FIRST, 0, about=about), library())

    assert title(Kind.GUIDE, "the-day-before") == "Read: The day before"
    assert title(Kind.GUIDE, "gone") == "A guide that is no longer offered (gone)"
    assert title(Kind.JOURNAL, "24h") == "Journal: One day after"
    assert title(Kind.TASK, "Pack a blanket") == "Pack a blanket"
    assert title(Kind.HEALTH) == "Answer the health questions"
    assert [length_words(each) for each in programmes().values()] == [
        "for 1 session",
        "for 6 sessions",
        "for 8 sessions",
        "for any number of sessions",
    ]
