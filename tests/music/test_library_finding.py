from hypothesis import given
from hypothesis import strategies as st

from kap.music.finding import (
    FACETS,
    SORTS,
    Wanted,
    chips,
    facets,
    folded,
    search_text,
    styles_in,
    wanted_from,
)
from kap.music.words import judged_words

WORDS = st.text(max_size=30).map(lambda text: " ".join(text.split()))
WANTED = st.builds(
    Wanted,
    q=WORDS,
    language=WORDS,
    style=WORDS,
    sort=st.sampled_from(list(SORTS)),
    retired=st.booleans(),
    **{name: st.sampled_from(["", *facet.choices]) for name, facet in FACETS.items()},
)


@given(WANTED)
def test_an_address_says_all_that_is_wanted_and_nothing_empty(wanted: Wanted) -> None:
    address = wanted.in_address()
    assert wanted_from(address) == wanted
    assert "" not in address.values()


@given(WANTED)
def test_each_filter_has_a_chip_that_takes_it_away_alone(wanted: Wanted) -> None:
    found = chips(wanted)
    assert len(found) == len(wanted.filters)
    for chip, name in zip(found, wanted.filters, strict=True):
        rest = {key: value for key, value in wanted.in_address().items() if key != name}
        assert chip.without.in_address() == rest


@given(st.dictionaries(st.sampled_from([*FACETS, "sort", "q", "style", "page"]), st.text(max_size=200)))
def test_any_address_is_understood_or_passed_over(address: dict[str, str]) -> None:
    wanted = wanted_from(address)
    assert all(getattr(wanted, name) in ("", *facet.choices) for name, facet in FACETS.items())
    assert len(wanted.q) <= 100


def test_chips_can_be_read_without_their_labels() -> None:
    wanted = Wanted(vocals="none", pulse="unknown", intensity="unknown", style="drone", licence="missing")
    assert [chip.words for chip in chips(wanted)] == [
        "Not judged yet",
        "No voices",
        "Pulse: nobody has said",
        "No licence entered",
        "Style: drone",
    ]


def test_own_words_are_offered_as_far_as_there_are_any() -> None:
    assert list(facets(language=[], style=[])) == list(FACETS)
    assert facets(language=["Latin"], style=["drone", "piano"])["style"].choices == {
        "drone": "drone",
        "piano": "piano",
    }


def test_text_is_folded_in_every_script() -> None:
    assert [folded(text) for text in ("ÄTHER", "Élan", "ПОЛНОЧЬ", "Dvořák", "Straße", "夜の海")] == [
        "ather",
        "elan",
        "полночь",
        "dvorak",
        "strasse",
        "夜の海",
    ]


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_a_line_of_the_search_text_is_one_whole_thing() -> None:
    text = search_text(["Äther\nPart  2", ""], language="Latin", styles=["Deep Drone"])
    assert text == "\nather part 2\n\n@latin\n#deep drone\n"


def test_styles_are_listed_once_in_the_order_they_were_written() -> None:
    assert styles_in(" drone,, Deep  Piano ,DRONE, Ätherisch,atherisch ") == [
        "drone",
        "Deep Piano",
        "Ätherisch",
    ]


def test_what_nobody_has_said_is_not_put_into_words() -> None:
    unsaid = judged_words(vocals=None, language="", pulse=None, culture=None, familiarity=None, tags=[])
    said = judged_words(
        vocals="words", language="Latin", pulse="none", culture="Psalm", familiarity="some", tags=["choir"]
    )
    assert unsaid == []
    assert said == ["Voices with words: Latin", "No pulse", "Psalm", "Some will know it", "choir"]
