"""Guides and consents stay within nine years of school by the Flesch-Kincaid grade (Kincaid et al. 1975)."""

import re
from pathlib import Path

import pytest

from kap.content.document import read_document
from kap.content.markdown import CITATION
from kap.paths import TEMPLATES

_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$|[”*])")
_WORD = re.compile(r"[A-Za-z]+(?:[’'][a-z]+)?")


TEXTS = sorted(path for folder in ("guides", "consents") for path in (TEMPLATES / folder).glob("*.md"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_it_reads_easily(path: Path) -> None:
    assert grade(read_document(path).body) <= 9


def test_the_grade_tells_easy_from_hard() -> None:
    easy = "The cat sat on the mat. It was warm. The sun was out."
    hard = (
        "Administration of dissociative anaesthetics necessitates continuous haemodynamic monitoring, "
        "particularly in individuals with established cardiovascular comorbidities."
    )
    assert grade(easy) < 1
    assert grade(hard) > 20


def grade(markdown: str) -> float:
    text = _plain(markdown)
    sentences = max(1, len(_SENTENCE_END.findall(text)))
    words = _WORD.findall(text)
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def _plain(markdown: str) -> str:
    """Running text, where every paragraph, heading and list item ends a sentence."""
    text = re.sub(r"^:::.*$", "", CITATION.sub("", markdown), flags=re.MULTILINE)
    text = re.sub(r"- \[ \] \{[a-z0-9-]+\}", "-", text)
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-#]|\d+\.))", text)
    parts = [re.sub(r"^\s*(?:[-#]+|\d+\.)\s*|\*+", "", part).strip() for part in parts]
    return " ".join(part if _SENTENCE_END.search(part[-2:]) else f"{part}." for part in parts if part)


def _syllables(word: str) -> int:
    """Groups of vowels, without a silent e or ed at the end; one at least."""
    word = word.lower().removesuffix("'s")
    groups = len(re.findall(r"[aeiouy]+", word))
    if re.search(r"[^aeiouyl]es?$|[^aeiouytd]ed$", word) and not re.search(r"(?:[sxz]|ch|sh|c|g)es$", word):
        groups -= 1
    return max(1, groups)
