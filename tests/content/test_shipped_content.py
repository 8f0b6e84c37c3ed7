"""What every guide and prompt that ships must hold, whoever edits it."""

import re
from pathlib import Path

import pytest

from kap.audio.synth.recipes import RECIPES
from kap.content.document import read_document
from kap.content.guides import earlier, library, load_guide, successor_of
from kap.content.markdown import CITATION
from kap.content.programmes import load_programme
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
        "how-ketamine-works",
        "route-iv",
        "route-im",
        "route-sublingual",
        "route-nasal",
        "side-effects",
        "medicines-and-conditions",
        "set-and-setting",
        "intention",
        "the-day-before",
        "the-day-of-the-session",
        "difficult-moments",
        "the-first-night",
        "the-days-after",
        "for-your-companion",
    ]
    assert len(prompt_sets()) == len(PROMPTS)
    assert len(arcs()) == 16


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
    words = re.sub(r"\s(?:url|doi): \S+", "", path.read_text("utf-8"))
    assert re.findall(r"\b(?:un)?safe\w*", words, re.IGNORECASE) == []


@every_file
def test_no_dose_is_named(path: Path) -> None:
    assert (
        re.findall(r"\d\s*(?:mg|milligrams?|mcg|µg|ml)\b|mg/kg", path.read_text("utf-8"), re.IGNORECASE) == []
    )


def test_every_guide_has_something_to_do_and_every_kind_of_block_is_used() -> None:
    assert [slug for slug, guide in library().items() if not guide.items] == []
    kinds = {block.kind for guide in library().values() for block in guide.blocks}
    assert kinds == {"prose", "checklist", "question", "statement", "breathing", "audio"}


def test_what_a_guide_gives_to_hear_is_a_piece_that_ships() -> None:
    titles = {recipe.title for recipe in RECIPES}
    assert {sound.title for guide in library().values() for sound in guide.audio} <= titles


def test_one_guide_is_for_the_companion() -> None:
    assert [slug for slug, guide in library().items() if guide.audience == "companion"] == [
        "for-your-companion"
    ]


def test_each_way_of_taking_it_has_its_minutes() -> None:
    for slug in ("route-iv", "route-im", "route-sublingual", "route-nasal"):
        body = read_document(TEMPLATES / "guides" / f"{slug}.md").body
        assert "## Minute by minute" in body
        assert len(re.findall(r"^- \*\*[^*]*\d[^*]*\.\*\*", body, re.MULTILINE)) >= 3


def test_every_text_that_was_given_before_texts_were_kept_is_still_here() -> None:
    assert set(earlier()) == {
        ("what-kap-is", 1),
        ("set-setting-intention", 1),
        ("the-day-of-the-session", 1),
        ("difficult-moments", 1),
        ("after-the-session", 1),
    }
    assert {successor_of(slug) for slug, _ in earlier()} <= set(library())


def test_the_intention_is_asked_for_once() -> None:
    assert [slug for slug, guide in library().items() if guide.asks] == ["intention"]


def test_the_driving_rule_carries_its_source_wherever_it_stands() -> None:
    found = 0
    for path in GUIDES:
        for rule in re.findall(r"[^.]*use machines[^.]*\.\S*", " ".join(path.read_text("utf-8").split())):
            assert rule.endswith("[^label]"), rule
            found += 1
    assert found >= 5


def test_the_examples_in_the_documentation_load(tmp_path: Path) -> None:
    text = "".join(
        (CHECKOUT / "docs" / name).read_text("utf-8") for name in ("writing-guides.md", "content.md")
    )
    guide, prompts, programme, arc = re.findall(r"```(?:markdown|toml)\n(.*?)```", text, re.DOTALL)[:4]
    (tmp_path / "after.md").write_text(guide, "utf-8")
    (tmp_path / "24h.md").write_text(prompts, "utf-8")
    (tmp_path / "single.toml").write_text(programme, "utf-8")
    (tmp_path / "iv.toml").write_text(arc, "utf-8")
    after = load_guide(tmp_path / "after.md")
    assert [item.key for item in after.items] == ["home", "rest"]
    assert [block.kind for block in after.blocks][-4:] == ["question", "breathing", "audio", "statement"]
    assert load_prompts(tmp_path / "24h.md").prompts == ("Did anything surprise you?",)
    assert [step.about for step in load_programme(tmp_path / "single.toml").steps] == [
        "the-day-before",
        "24h",
    ]
    assert [phase.name for phase in load(tmp_path / "iv.toml").phases] == ["settle", "onset"]
