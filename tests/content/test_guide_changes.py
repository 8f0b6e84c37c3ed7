"""What changed between two versions, and drafts that become versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.content.changes import Kind, Passage, changes
from kap.content.drafts import Draft, DraftError, draft_of, guide_of
from kap.content.guides import Guide, library

SOURCE_LINE = "Line 2: A source is written: key | title | web address or doi."
SOURCE_KEY = "Source key “A B” is missing, misspelt or used twice."
DRAFT = Draft(
    title="A walk",
    summary="How to go for one.",
    reviewed="2026-03-31",
    sources="walker | On walking | 10.1000/walk",
    body="Walk slowly.[^walker]\n\n- [ ] {coat} You have a coat\n- [ ] {shoes} Your shoes are tied\n",
)


def walk(body: str, **changed: str) -> Guide:
    values = {**DRAFT.as_dict(), "body": body, **changed}
    return guide_of(Draft.from_dict(values), slug="own-walk", version=1)


def read(passage: Passage) -> list[tuple[str, str]]:
    return [(part.kind.value, part.text) for part in passage.parts]


def test_the_same_words_are_no_change() -> None:
    assert changes(walk(DRAFT.body), walk(DRAFT.body)) == []


def test_a_word_a_line_and_a_source() -> None:
    old = walk(DRAFT.body)
    new = walk(
        "Walk very slowly.[^walker]\n\n- [ ] {coat} You have a coat\n\nRest.\n",
        sources="walker | On walking | 10.1000/walk\nshoes | On shoes | https://example.org",
    )
    found = changes(old, new)
    assert [passage.kind for passage in found] == [
        Kind.SAME, Kind.CHANGED, Kind.SAME, Kind.REMOVED, Kind.ADDED, Kind.SAME, Kind.ADDED,
    ]  # fmt: skip
    assert read(found[1]) == [("same", "Walk "), ("added", "very "), ("same", "slowly.[^walker]")]
    assert read(found[3]) == [("removed", "- [ ] {shoes} Your shoes are tied")]
    assert read(found[6]) == [("added", "Source 2: On shoes, https://example.org")]


_SENTENCES = st.lists(st.sampled_from(["Walk on.", "Rest a while.", "Walk on and rest.", "Eat."]), max_size=6)


@given(_SENTENCES, _SENTENCES)
def test_nothing_is_lost_or_made_up_between_two_versions(before: list[str], after: list[str]) -> None:
    old, new = walk("\n\n".join(before)), walk("\n\n".join(after))
    found = changes(old, new)
    if before == after:
        assert found == []
        return
    went = [p.text for passage in found for p in passage.parts if p.kind is Kind.REMOVED]
    came = [p.text for passage in found for p in passage.parts if p.kind is Kind.ADDED]
    assert sorted(" ".join([*after, *went]).split()) == sorted(" ".join([*before, *came]).split())


@pytest.mark.parametrize("slug", list(library()))
def test_a_guide_that_ships_becomes_a_draft_and_a_guide_again(slug: str) -> None:
    shipped = library()[slug]
    again = guide_of(draft_of(shipped), slug="own-copy", version=1)
    assert again.blocks == shipped.blocks
    assert again.sources == shipped.sources
    assert (again.title, again.summary, again.asks) == (shipped.title, shipped.summary, shipped.asks)
    assert draft_of(again) == draft_of(shipped)


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"title": " "}, "title", "This is still empty."),
        ({"reviewed": "last spring"}, "reviewed", "Please give the day on which the text was last reviewed."),
        ({"sources": "\nwalker, On walking"}, "sources", SOURCE_LINE),
        ({"sources": "A B | On walking | 10.1000/walk"}, "sources", SOURCE_KEY),
        ({"body": "\n\nA.\n- [ ] coat"}, "body", "Line 4: A checklist line is written “- [ ] {key} text”."),
        ({"body": "Walk.[^nobody]"}, "body", "Line 1: Source “nobody” is not in the list of sources."),
        ({"body": "x" * 200_001}, "body", "The file is larger than 200 kB."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_draft_is_said_at_its_field_and_line(
    changed: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(DraftError) as caught:
        walk(**{"body": DRAFT.body, **changed})
    assert (caught.value.field, str(caught.value)) == (field, words)


@pytest.mark.parametrize(
    "title", ["A: walk", "--- # walk", "'quoted' \"twice\"", "1", "no", "{walk}", "&a *b !c"]
)
def test_a_title_may_hold_any_sign(title: str) -> None:
    assert walk(DRAFT.body, title=title).title == title


@pytest.mark.parametrize("line", ["- a\n", "a "])
def test_a_text_of_the_same_words_over_and_over_does_not_hold_anyone_up(line: str) -> None:
    found = changes(walk(line * 30_000), walk(line * 29_000 + "\n\nThe end.\n"))
    assert {passage.kind for passage in found} >= {Kind.REMOVED, Kind.ADDED}
    assert found[-2].parts[-1].text == "The end."
