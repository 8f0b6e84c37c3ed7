"""What is asked and recorded: whole, with its sources, and in words that promise nothing."""

import re
from pathlib import Path

import pytest

from kap.content.document import ContentError
from kap.content.screening import Kind, catalogue, load_catalogue
from kap.paths import TEMPLATES
from tests.content.test_reading_grade import grade

# Words by which software would decide, or set at ease.
FORBIDDEN = re.compile(
    r"\b(safe|safely|safety|cleared?|clearance|eligib\w*|suitab\w*|unsuitab\w*|approv\w*|fit|ok|okay|passed|"
    r"failed|score\w*|green light|low risk|no risk|risk-free|harmless|stop taking|skip)\b",
    re.IGNORECASE,
)
DOSE = re.compile(r"\d+\s*(?:mg|µg|mcg|ml)\b", re.IGNORECASE)

SMALL = """
version = 1
reviewed = 2026-11-24
[[sources]]
key = "a"
short = "A"
title = "A"
url = "https://example.org"
[[sections]]
key = "s"
title = "S"
[[sections.questions]]
key = "q"
text = "Q?"
[[factors]]
key = "f"
kind = "caution"
title = "F"
note = "N"
question = "q"
sources = ["a"]
"""


def test_every_line_of_the_reference_is_there() -> None:
    kept = {kind: [factor.key for factor in catalogue().of_kind(kind)] for kind in Kind}
    assert kept == {
        Kind.CONTRAINDICATION: [
            "aneurysm",
            "malformation",
            "brain-bleed",
            "hypersensitivity",
            "recent-event",
        ],
        Kind.CAUTION: [
            "unstable-heart",
            "hypertension",
            "heart",
            "stroke",
            "psychosis",
            "mania",
            "pressure",
            "liver",
            "thyroid",
            "lungs",
            "apnoea",
            "pregnancy",
            "substance-use",
            "bladder",
            "age-65",
            "age-18",
        ],
        Kind.INTERACTION: [
            "alcohol",
            "benzodiazepines",
            "hypnotics",
            "opioids",
            "stimulants",
            "maoi",
            "lamotrigine",
            "lithium",
            "antipsychotics",
            "cyp",
            "nose",
        ],
    }


def test_the_last_use_is_asked_of_what_acts_together() -> None:
    asked = [question.key for question in catalogue().questions if question.last_use]
    assert asked == ["alcohol", "calming", "opioids", "stimulants", "drugs", "nose"]


def test_each_has_its_source_and_only_the_rule_of_the_product_has_none() -> None:
    assert [factor.key for factor in catalogue().factors if not factor.sources] == ["age-18"]
    for factor in catalogue().factors:
        assert all(source.url.startswith("https://") for source in factor.sources + factor.named_in)


def test_what_a_patient_reads_is_easy() -> None:
    asked = "\n\n".join(f"{each.text} {each.hint}".strip() for each in catalogue().questions)
    assert grade(asked) <= 8


def test_no_word_decides_for_the_clinician() -> None:
    for path in (TEMPLATES / "screening").iterdir():
        text = path.read_text()
        words = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]+>|url = [^\n]*", " ", text, flags=re.DOTALL)
        assert FORBIDDEN.findall(words) == [], path.name
        assert DOSE.findall(words) == [], path.name


def test_the_words_that_are_looked_for_would_be_found() -> None:
    assert FORBIDDEN.findall("She is safe, cleared and eligible.") == ["safe", "cleared", "eligible"]
    assert DOSE.findall("Give 28 mg.") == ["28 mg"]


@pytest.mark.parametrize(
    "change, complaint",
    [
        (("", ""), None),
        (('question = "q"\n', ""), "no factor is judged by question “q”"),
        (('sources = ["a"]', "sources = []"), "factor “f” needs a source"),
        (('sources = ["a"]', 'sources = ["b"]'), "“b” is missing"),
        (('question = "q"', 'question = "r"'), "“r” is missing"),
        (('kind = "caution"', 'kind = "warning"'), "'warning' is not a valid Kind"),
        (('text = "Q?"', 'text = "Q?"\ncolour = "red"'), "unexpected keyword argument 'colour'"),
        (('note = "N"', 'note = "N"\nnames = ["zolpidem"]'), "needs names and where they are from"),
        (('note = "N"', 'note = "N"\nnames = ["Zol"]\nnamed_in = ["a"]'), "must be in small letters"),
        (("version = 1", "version 1"), "Expected '=' after a key"),
        (
            ("[[factors]]", '[[sections.questions]]\nkey = "q"\ntext = "R?"\n[[factors]]'),
            "“q” is there twice",
        ),
    ],
)
def test_a_broken_catalogue_is_refused(
    tmp_path: Path, change: tuple[str, str], complaint: str | None
) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(SMALL.replace(*change))
    if complaint is None:
        assert [factor.key for factor in load_catalogue(path).factors] == ["f"]
        return
    with pytest.raises(ContentError) as refused:
        load_catalogue(path)
    assert complaint in str(refused.value)
    assert str(path) in str(refused.value)
