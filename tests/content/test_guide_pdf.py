"""A guide on paper: every word is there, and nothing in it is obeyed."""

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from kap.content import pdf
from kap.content.guides import Guide, library, parse_guide
from tests.content.conftest import FRONT

BODY = """
## Before *you* go

Walk #slowly, $now$ and [here](https://example.org).[^shoes] <b>Not bold.</b> #eval("1+1") \\ @label

1. First
2. Second

- [ ] {shoes} # Your shoes are **tied**

::: question {hope}
What do you hope for?
:::

::: acknowledge {wait}
I will wait.
:::

::: breathing {in 4, out 6, minutes 3}
Slowly.
:::

::: audio {sea: Still Water}
Listen.
:::
"""


def text_of(guide: Guide) -> str:
    reader = PdfReader(io.BytesIO(pdf.guide_pdf(guide, footer="Linden")))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_every_block_is_printed_as_it_reads() -> None:
    text = text_of(parse_guide(FRONT + BODY, "a-walk"))
    for words in (
        "A walk How to go for one.",
        "Before you go",
        'Walk #slowly, $now$ and here.2 <b>Not bold.</b> #eval("1+1") \\ @label',
        "1. First 2. Second",
        "# Your shoes are tied",
        "What do you hope for?",
        "I will wait.",
        "Breathe in for 4 seconds, breathe out for 6 seconds.",
        "“Still Water” can be heard on this guide's page.",
        "2. Shoes https://example.org/shoes",
        "Linden 1 / 1",
    ):
        assert words in text


def test_every_guide_that_ships_can_be_set() -> None:
    first, *rest = library().values()
    everything = replace(first, blocks=tuple(block for guide in (first, *rest) for block in guide.blocks))
    text = text_of(everything)
    assert text.count("Minute by minute") == 4


def test_a_typesetter_that_does_not_come_back_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "SECONDS", 0.001)
    with pytest.raises(pdf.NotTypeset, match="longer than"):
        pdf.guide_pdf(library()["intention"], footer="")


def is_fit_to_be_read_aloud(content: bytes) -> bool:
    return b"<pdfuaid:part>1</pdfuaid:part>" in content


@pytest.mark.parametrize(
    "body", ["### A small heading first\n\nText.", "## \n\nText.", "#### Deep\n\n## Less deep\n\nText."]
)
def test_headings_in_any_order_can_be_set(body: str) -> None:
    content = pdf.guide_pdf(parse_guide(FRONT + body, "a-walk"), footer="Linden")
    assert is_fit_to_be_read_aloud(content)
    assert "Text." in PdfReader(io.BytesIO(content)).pages[0].extract_text()


@pytest.mark.parametrize("signs", ["你好", "שלום", "😀", "a\x07b"])
def test_signs_that_our_fonts_lack_keep_no_page_from_being_set(signs: str) -> None:
    guide = parse_guide(f"{FRONT}Here is {signs}.\n\nAnd the rest.", "a-walk")
    assert "And the rest." in text_of(guide)
