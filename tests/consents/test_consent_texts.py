"""The consents that ship, and the copy on paper."""

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from kap.content.consents import consents, load_consent, parse_consent
from kap.content.document import ContentError
from kap.content.pdf import consent_pdf

HEAD = """---
title: A
summary: B
order: 1
version: 1
reviewed: 2026-01-01
months: {months}
{more}
---

Words.
"""


def test_what_ships() -> None:
    assert list(consents()) == ["treatment", "off-label", "data", "recording", "touch"]
    assert [slug for slug, each in consents().items() if each.before_medicine] == ["recording", "touch"]
    assert [slug for slug, each in consents().items() if each.witness] == ["touch"]


def test_a_signed_text_reads_the_same_years_later() -> None:
    for each in consents().values():
        assert parse_consent(each.source, each.slug) == each


@pytest.mark.parametrize(
    "months, more, complaint",
    [
        (0, "", "line 7: “months” must be a whole number from 1"),
        (61, "", "line 7: “months” can be 60 at most"),
        (1, "witness: perhaps", "line 8: “witness” must be true or false"),
        (1, "choices: some", "line 8: “choices” must be a list of entries"),
        (1, "choices: [{key: a, title: A}]", "line 8: a choice needs options"),
        (1, "words: [{key: a}]", "line 8: each of “words” needs a key and a title"),
        (1, "colour: red", "line 8: unknown field “colour”"),
    ],
)
def test_a_broken_text_is_named_by_its_line(tmp_path: Path, months: int, more: str, complaint: str) -> None:
    path = tmp_path / "x.md"
    path.write_text(HEAD.format(months=months, more=more))
    with pytest.raises(ContentError) as refused:
        load_consent(path)
    assert str(refused.value) == f"{path}, {complaint}"


def test_the_copy_on_paper_holds_text_choices_and_signature() -> None:
    said = [("What I agree to", "Holding my hand"), ("Signed by", "Pia Pine, 3 March 2026")]
    reader = PdfReader(BytesIO(consent_pdf(consents()["touch"], said=said, footer="Linden, version 1")))
    words = " ".join(" ".join(page.extract_text().split()) for page in reader.pages)
    for expected in (
        "Agreement about touch",
        "Touch is never sexual",
        "Holding my hand",
        "Pia Pine",
        "Linden",
    ):
        assert words.count(expected) >= 1, expected
