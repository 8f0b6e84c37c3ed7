"""Sealing: what one key sealed in one place opens with that key in that place, and nowhere else."""

import io
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap import crypto
from kap.crypto import (
    InstanceKey,
    KeyProblem,
    Unreadable,
    create_key_file,
    new_token,
    read_key_file,
    seal,
    token_digest,
    unseal,
)

KEY = b"1" * 32


@given(st.binary(max_size=5000), st.text(max_size=50))
def test_what_was_sealed_opens(plain: bytes, context: str) -> None:
    assert unseal(KEY, seal(KEY, plain, context=context), context=context) == plain


@given(st.binary(max_size=200))
def test_the_same_words_never_look_the_same_twice(plain: bytes) -> None:
    assert seal(KEY, plain, context="a") != seal(KEY, plain, context="a")


@pytest.mark.parametrize("key,context", [(b"2" * 32, "row 1"), (KEY, "row 2")])
def test_another_key_or_place_does_not_open(key: bytes, context: str) -> None:
    sealed = seal(KEY, b"words", context="row 1")
    with pytest.raises(Unreadable):
        unseal(key, sealed, context=context)


@given(st.integers(min_value=0, max_value=270), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_does_not_open(position: int, change: int) -> None:
    sealed = bytearray(seal(KEY, b"words", context="row"))
    sealed[position] ^= change
    with pytest.raises(Unreadable):
        unseal(KEY, bytes(sealed), context="row")


def test_a_word_and_a_paragraph_take_the_same_room() -> None:
    assert {len(seal(KEY, b"x" * length, context="row")) for length in (0, 1, 17, 100, 255)} == {
        1 + 12 + 256 + 16
    }


@given(st.integers(min_value=256, max_value=200_000))
def test_padding_costs_at_most_an_eighth(length: int) -> None:
    assert len(seal(KEY, b"x" * length, context="row")) <= (length + 1) * 1.125 + 29


def test_the_key_file_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "key"
    create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_key_file(path)
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert read_key_file(path) == key


def test_a_missing_an_exposed_and_a_broken_key_file_each_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(KeyProblem, match="is missing"):
        read_key_file(path)
    create_key_file(path)
    path.chmod(0o644)
    with pytest.raises(KeyProblem, match="can be read by others"):
        read_key_file(path)
    path.chmod(0o600)
    path.write_text("not base64 at all ***")
    with pytest.raises(KeyProblem, match="cannot be read"):
        read_key_file(path)
    path.write_text("c2hvcnQ=")
    with pytest.raises(KeyProblem, match="does not hold a key"):
        read_key_file(path)


def test_data_keys_are_bound_to_their_owner() -> None:
    instance = InstanceKey(KEY)
    wrapped = instance.new_data_key(owner="pia")
    assert len(instance.unwrap(wrapped, owner="pia")) == 32
    with pytest.raises(Unreadable):
        instance.unwrap(wrapped, owner="pau")
    with pytest.raises(Unreadable):
        InstanceKey(b"2" * 32).unwrap(wrapped, owner="pia")


def test_a_key_shows_nothing_of_itself() -> None:
    assert repr(InstanceKey(KEY)) == "InstanceKey(…)"


def test_tokens_are_long_and_stored_as_a_digest() -> None:
    token = new_token()
    assert len(token) == 43
    assert token != new_token()
    assert token_digest(token) != token
    assert InstanceKey(KEY).lookup_digest("email", "a@b") != InstanceKey(KEY).lookup_digest("throttle", "a@b")


def _sealed_file(plain: bytes, context: str = "c") -> bytes:
    sealed = io.BytesIO()
    crypto.seal_file(KEY, io.BytesIO(plain), sealed, context=context)
    return sealed.getvalue()


def _open_file(sealed: bytes, *, key: bytes = KEY, context: str = "c") -> crypto.SealedFile:
    return crypto.SealedFile(key, lambda start, end: sealed[start:end], len(sealed), context=context)


PIECE = crypto.PIECE_BYTES


@given(
    size=st.one_of(
        st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7]),
        st.integers(0, 3 * PIECE),
    ),
    start=st.integers(0, 3 * PIECE),
    length=st.integers(0, 3 * PIECE),
)
def test_any_part_of_a_sealed_file_is_what_it_was(size: int, start: int, length: int) -> None:
    plain = bytes(number % 251 for number in range(size))
    opened = _open_file(_sealed_file(plain))
    assert opened.size == size
    assert b"".join(opened.parts(start, start + length)) == plain[start : start + length]
    assert b"".join(opened.parts()) == plain


def test_a_part_of_a_sealed_file_needs_only_its_pieces() -> None:
    sealed, asked = _sealed_file(bytes(10 * PIECE)), []

    def read(start: int, end: int) -> bytes:
        asked.append(end - start)
        return sealed[start:end]

    opened = crypto.SealedFile(KEY, read, len(sealed), context="c")
    assert len(b"".join(opened.parts(5 * PIECE + 1, 5 * PIECE + 3))) == 2
    assert sum(asked) < 2 * PIECE


def test_the_same_file_sealed_twice_looks_different() -> None:
    assert _sealed_file(b"same")[-20:] != _sealed_file(b"same")[-20:]


def test_a_sealed_file_that_was_changed_does_not_open() -> None:
    plain = bytes(range(256)) * (3 * PIECE // 256)
    sealed = _sealed_file(plain)
    head, piece = len(sealed) - 3 * (PIECE + 16), PIECE + 16
    swapped = sealed[:head] + sealed[head + piece : head + 2 * piece] + sealed[head : head + piece]
    for changed in (
        sealed[:-1],
        sealed[:-piece],  # without its end
        swapped + sealed[head + 2 * piece :],
        sealed[:head] + bytes([sealed[head] ^ 1]) + sealed[head + 1 :],
        sealed[:10] + bytes([sealed[10] ^ 1]) + sealed[11:],
        b"",
        b"RIFF" + bytes(100),
    ):
        with pytest.raises(crypto.Unreadable):
            b"".join(_open_file(changed).parts())


def test_a_sealed_file_is_bound_to_key_and_context() -> None:
    sealed = _sealed_file(b"words")
    for opened in (_open_file(sealed, key=b"o" * 32), _open_file(sealed, context="d")):
        with pytest.raises(crypto.Unreadable):
            b"".join(opened.parts())
