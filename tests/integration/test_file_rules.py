"""Pieces of a recording, and what may be sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.integration.file_rules import (
    MOST_PIECES,
    MOST_TAKES,
    PIECE_BYTES,
    VOICE_MEGABYTES,
    may_be_sound,
    missing,
    places,
    whole_beginning,
)

COUNTS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(COUNTS, st.randoms())
def test_what_is_missing_and_what_is_there_are_all(takes: list[int], chance) -> None:  # type: ignore[no-untyped-def]
    there = {place for place in places(takes) if chance.random() < 0.5}
    lacking = missing(takes, there)
    assert sorted([*lacking, *there]) == places(takes)
    heard = whole_beginning(there)
    assert set(heard) <= there
    for take, number in heard:
        assert {(take, before) for before in range(number)} <= there


def test_a_first_piece_that_is_missing_leaves_nothing_of_its_take() -> None:
    assert whole_beginning({(0, 1), (0, 2), (1, 0), (1, 2)}) == [(1, 0)]


@pytest.mark.parametrize("takes", [[], [0], [1, 0], [MOST_PIECES + 1], [1] * (MOST_TAKES + 1), [-1]])
def test_no_recording_has_such_pieces(takes: list[int]) -> None:
    with pytest.raises(ValueError, match=r"\["):
        places(takes)


def test_pieces_hold_as_much_as_a_recording_may_have() -> None:
    assert MOST_PIECES * PIECE_BYTES >= VOICE_MEGABYTES * 1_000_000


@pytest.mark.parametrize(
    ("beginning", "may_be"),
    [
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f", True),
        (b"\x00\x00\x00\x1cftypM4A ", True),
        (b"OggS\x00\x02", True),
        (b"%PDF-1.7", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"", False),
        (b"MZ\x90", False),
    ],
)
def test_files_are_known_by_how_they_begin(beginning: bytes, may_be: bool) -> None:
    assert may_be_sound(beginning) == may_be
