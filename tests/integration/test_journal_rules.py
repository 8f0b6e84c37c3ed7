import pytest

from kap.integration.rules import Writing, first_words


@pytest.mark.parametrize(
    ("writing", "is_blank"),
    [
        (Writing(), True),
        (Writing(text=" \n\t"), True),
        (Writing(text="a"), False),
        (Writing(mood_before=0), False),
        (Writing(mood_after=0), False),
    ],
)
def test_what_counts_as_written(writing: Writing, is_blank: bool) -> None:
    assert writing.is_blank == is_blank


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  one\n\n two ", "one two"),
        ("one two three", "one two…"),
        ("abcdefghij", "abcdefghij"),
        ("abcdefghijk", "abcdefghij…"),
        ("abcdefghi\u0065\u0301\u0301\u0301", "abcdefghi…"),  # accents stay with their letter
        ("abcdefgh👩🏽\u200d🌾🌾", "abcdefgh…"),  # so do skin tone and joiner with the emoji
        ("一二三四五六七八九十百", "一二三四五六七八九十…"),
        ("שלום עולם גדול", "שלום עולם…"),
    ],
)
def test_first_words_cut_between_words_and_never_inside_a_character(text: str, expected: str) -> None:
    assert first_words(text, limit=10) == expected


def test_first_words_of_a_very_long_entry() -> None:
    assert first_words("word " * 200_000) == " ".join(["word"] * 20) + "…"
