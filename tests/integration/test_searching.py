"""Finding words: case, accents and scripts make no difference to what is found and marked."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.integration.searching import Wanted, excerpt, folded

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    "typed, text",
    [
        ("fluss", "Der FLUSS"),
        ("strasse", "Die Straße"),
        ("STRAẞE", "die strasse"),
        ("grun", "Grün und still"),
        ("grün", "grun"),
        ("Ελλαδα", "ἙΛΛΆΔΑ"),
        ("οδος", "ΟΔΌΣ"),
        ("теплое", "что-то ТЁПЛОЕ"),
        ("istanbul", "İSTANBUL"),
        ("łódź", "LODZ"),
        ("smorrebrod", "Smørrebrød"),
        ("نور", "نُور"),
        ("أمل", "امل"),
        ("שלום", "שָׁלוֹם"),
        ("ｆｕｌｌ", "full"),
        ("ﬁre", "FIRE"),
        ("don't", "Don’t"),
        ("naïve", "nai\u0308ve"),
        ("soft", "so\u00adft"),
        ("한", "한국"),
        ("海", "海の底"),
        ("e", "é"),
    ],
)
def test_the_same_word_is_found_however_it_is_typed(typed: str, text: str) -> None:
    assert Wanted(typed).is_in(text)


@pytest.mark.parametrize(
    "typed, found",
    [
        ("sea quiet", True),  # both, in any order
        ("sea loud", False),
        ('"the sea"', True),
        ('"sea the"', False),
        ('"was the sea"', True),  # across a line, and two spaces
        ("„the sea“", True),
        ("«the sea»", True),
        ('"quiet sea"', False),
        ('sea "so quiet"', True),
        ('sea"', True),
        ('"sea', True),
        ("", True),
        ('""', True),
        ("a\u0301", True),
    ],
)
def test_words_and_phrases(typed: str, found: bool) -> None:
    assert Wanted(typed).is_in("So quiet was\n\nthe  sea") is found


def test_a_phrase_stays_within_one_field() -> None:
    assert not Wanted('"deep sea"').is_in("deep", "sea")
    assert Wanted("deep sea").is_in("deep", "sea")


@given(TEXT)
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text).decode()) == folded(text)


@given(TEXT)
def test_text_folds_character_by_character(text: str) -> None:
    assert folded(text) == b"".join(map(folded, text))


@given(
    TEXT, st.sampled_from(["NFC", "NFD"]), st.sampled_from([str.upper, str.lower, str.swapcase, str.title])
)
def test_neither_form_nor_case_matters(text: str, form: str, change: object) -> None:
    assert callable(change)
    plain = "".join(character for character in text if len(character.upper()) == len(character.lower()) == 1)
    kept = "".join(each for each in plain if folded(each.upper()) == folded(each.lower()) == folded(each))
    assert folded(change(unicodedata.normalize(form, kept))) == folded(kept)  # type: ignore[arg-type]


@given(TEXT, st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"“”„«»')), TEXT)
def test_what_stands_there_is_found(before: str, word: str, after: str) -> None:
    assert Wanted(word).is_in(before, f"x {word} y", after)


@given(TEXT, TEXT)
def test_an_excerpt_is_the_text_and_marks_what_was_sought(text: str, typed: str) -> None:
    wanted = Wanted(typed)
    pieces = [(words, found) for words, found in excerpt(text, wanted) if words != "…" or found]
    shown = "".join(words for words, _ in pieces)
    assert shown in text
    if len(text) <= 60:
        assert shown == text
        assert any(found for _, found in pieces) == any(
            any(end > begin for begin, end in term.places(folded(text))) for term in wanted.terms
        )


def test_an_excerpt_of_a_long_text_stands_around_the_word() -> None:
    text = "Grün ist alles hier. " * 500 + "Dort lag die Muschel im Sand. " + "Und weiter. " * 500
    pieces = excerpt(text, Wanted("MUSCHEL"))
    assert [words for words, found in pieces if found] == ["Muschel"]
    assert (pieces[0], pieces[-1]) == (("…", False), ("…", False))
    assert sum(len(words) for words, _ in pieces) < 300


def test_without_a_word_an_excerpt_is_the_beginning() -> None:
    assert excerpt("A short text.", Wanted("")) == [("A short text.", False)]
    assert excerpt("", Wanted("x")) == []
