"""What every guide and prompt that ships must hold, whoever edits it."""

import re
from pathlib import Path

import pytest

from kap.content.document import read_document
from kap.content.guides import library, load_guide
from kap.content.markdown import CITATION
from kap.content.prompts import load_prompts, prompt_sets
from kap.music.arcs import arcs, load
from kap.paths import CHECKOUT, PLAYLISTS, TEMPLATES

GUIDES = sorted((TEMPLATES / "guides").glob("*.md"))
PROMPTS = sorted((TEMPLATES / "prompts").glob("*.md"))
EVERY_FILE = [*GUIDES, *PROMPTS, *sorted(PLAYLISTS.glob("*.toml"))]

every_file = pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: path.name)
every_guide = pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)


def test_every_file_loads() -> None:
    assert list(library()) == [
        "what-kap-is",
        "set-setting-intention",
        "the-day-of-the-session",
        "difficult-moments",
        "after-the-session",
    ]
    assert len(prompt_sets()) == len(PROMPTS)
    assert list(arcs()) == ["iv-40", "im", "sublingual", "intranasal"]


@every_guide
def test_a_guide_has_sources_and_uses_each_of_them(path: Path) -> None:
    used = set(CITATION.findall(read_document(path).body))
    assert used == {source.key for source in library()[path.stem].sources}
    assert used


@every_guide
def test_a_guide_takes_a_few_minutes(path: Path) -> None:
    assert library()[path.stem].minutes <= 6


@every_file
def test_no_exclamation_marks(path: Path) -> None:
    assert path.read_text("utf-8").count("!") == 0


@every_file
def test_nobody_is_called_safe(path: Path) -> None:
    assert re.findall(r"\b(?:un)?safe\w*", path.read_text("utf-8"), re.IGNORECASE) == []


@every_file
def test_no_dose_is_named(path: Path) -> None:
    assert (
        re.findall(r"\d\s*(?:mg|milligrams?|mcg|µg|ml)\b|mg/kg", path.read_text("utf-8"), re.IGNORECASE) == []
    )


def test_guides_with_something_to_do_carry_a_checklist() -> None:
    ticked = {slug for slug, guide in library().items() if guide.items}
    assert ticked == {"what-kap-is", "set-setting-intention", "the-day-of-the-session", "after-the-session"}


def test_the_intention_is_asked_for_once() -> None:
    assert [slug for slug, guide in library().items() if guide.asks] == ["set-setting-intention"]


def test_the_driving_rule_carries_its_source_wherever_it_stands() -> None:
    for slug in ("the-day-of-the-session", "after-the-session"):
        body = " ".join(read_document(TEMPLATES / "guides" / f"{slug}.md").body.split())
        assert re.search(
            r"Do not drive, cycle or use machines until the next day, [^.]*\.(?:\*\*)?\[\^label\]", body
        )


def test_the_examples_in_the_documentation_load(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs" / "content.md").read_text("utf-8")
    guide, prompts, arc = re.findall(r"```(?:markdown|toml)\n(.*?)```", text, re.DOTALL)
    (tmp_path / "after.md").write_text(guide, "utf-8")
    (tmp_path / "24h.md").write_text(prompts, "utf-8")
    (tmp_path / "iv.toml").write_text(arc, "utf-8")
    assert [item.key for item in load_guide(tmp_path / "after.md").items] == ["home", "rest"]
    assert load_prompts(tmp_path / "24h.md").prompts == ("Did anything surprise you?",)
    assert [phase.name for phase in load(tmp_path / "iv.toml").phases] == ["settle", "onset"]
