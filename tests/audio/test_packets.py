"""What is kept is found again, survives what happens to its folder, and gives the same file byte for byte."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from kap.audio import RATE
from kap.audio.encoding import prepare
from kap.audio.errors import CannotWrite, SourceChanged
from kap.audio.excerpt import Excerpt, Marks
from kap.audio.mix import mix
from kap.audio.ogg import music_in
from kap.audio.packets import Packets
from kap.audio.plan import Piece, Silence, Surplus, Voice, plan_mix
from kap.audio.render import render
from kap.audio.splice import Copy, Fresh, passages
from kap.audio.store import PacketStore
from kap.audio.stream import stream
from kap.audio.tags import Chapter, Tags
from tests.audio.conftest import MakeSound
from tests.audio.sounds import noise, piece_of, tone, write_sound

BOTH = ("opus", "m4a")


def outputs(folder: Path, *kinds: str) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    return {kind: folder / f"mix.{kind}" for kind in kinds or ("opus",)}


def contents(files: dict[str, Path]) -> dict[str, bytes]:
    return {kind: path.read_bytes() for kind, path in files.items()}


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    """Four sounds of 24 s."""
    folder = tmp_path_factory.mktemp("pieces")
    kinds = ("flac", "mp3", "ogg", "wav")
    waves = [tone(24, hertz=200 + 90 * i, level=0.2) + noise(24, level=0.01, seed=i) for i in range(4)]
    return [
        replace(piece_of(write_sound(folder / f"{i}.{kind}", wave, kind)), digest=f"content {i}")
        for i, (kind, wave) in enumerate(zip(kinds, waves, strict=True))
    ]


@pytest.fixture
def store(tmp_path: Path) -> PacketStore:
    return PacketStore(tmp_path / "packets", most_bytes=100_000_000)


def test_a_second_render_encodes_nothing_and_is_the_same(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    plan = plan_mix(pieces[:3], length_s=58)
    assert [type(passage) for passage in passages(plan)] == [Fresh, Copy, Fresh, Copy, Fresh]
    first, second = outputs(tmp_path / "1", *BOTH), outputs(tmp_path / "2", *BOTH)
    made = render(plan, first, store=store)
    assert (made.tracks_encoded, made.passages_encoded) == (2, 3)
    again = render(plan, second, store=store)
    assert (again.tracks_encoded, again.passages_encoded) == (0, 0)
    assert contents(first) == contents(second)


def test_changing_one_track_in_the_middle_encodes_it_and_its_two_joints(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    a, b, c, d = pieces
    long = [a, b, c, a, b]
    plan = plan_mix(long, length_s=85)
    render(plan, outputs(tmp_path / "1"), store=store)
    changed = render(plan_mix([a, b, d, a, b], length_s=85), outputs(tmp_path / "2"), store=store)
    assert (changed.tracks_encoded, changed.passages_encoded) == (1, 2)


def test_another_level_is_another_encoding_and_the_same_level_elsewhere_is_not(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    a, b, *_ = pieces
    prepare(a, store)
    prepare(b, store)
    prepare(b, store)
    assert len(list((tmp_path / "packets").iterdir())) == 4
    swapped = render(plan_mix([b, a], length_s=40), outputs(tmp_path / "1"), store=store)
    assert swapped.tracks_encoded == 0
    louder = replace(a, target_lufs=a.target_lufs + 0.5)
    assert (
        render(plan_mix([louder, b], length_s=40), outputs(tmp_path / "2"), store=store).tracks_encoded == 1
    )


def test_a_stream_is_the_file_from_its_first_second_on_and_keeps_what_it_encodes(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    tags = Tags("Evening", "Linden", "", (Chapter(0, "Arrival"), Chapter(30, "Return")))
    plan = plan_mix(pieces[:3], length_s=50)
    parts = stream(plan, store, tags=tags)
    sent = b"".join(islice(parts, 3))
    assert 1.0 <= music_in(sent) < 4.0
    sent += b"".join(parts)
    files = outputs(tmp_path / "1")
    made = render(plan, files, store=store, tags=tags)
    assert (made.tracks_encoded, made.passages_encoded) == (0, 0)
    assert files["opus"].read_bytes() == sent
    assert b"".join(stream(plan, store, tags=tags)) == sent


def test_a_listener_who_leaves_stops_the_work(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    parts = stream(plan_mix(pieces[:3], length_s=50), store)
    next(parts), next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "packets").iterdir()) == []


def test_kept_files_that_are_cut_or_changed_are_made_anew(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    plan = plan_mix(pieces[:2], length_s=40)
    good = outputs(tmp_path / "1")
    render(plan, good, store=store)
    entries = sorted((tmp_path / "packets").iterdir())
    for number, path in enumerate(entries):
        data = path.read_bytes()
        cut = (data[: len(data) // 2], data[:20], b"", data[:50] + b"\xff" + data[51:])
        path.write_bytes(cut[number % 4])
    after = outputs(tmp_path / "2")
    made = render(plan, after, store=store)
    assert made.passages_encoded == len([p for p in passages(plan) if not isinstance(p, Copy)])
    assert contents(after) == contents(good)
    assert sorted((tmp_path / "packets").iterdir()) == entries


def test_the_folder_may_vanish_while_a_mix_is_made(
    pieces: list[Piece], store: PacketStore, tmp_path: Path
) -> None:
    plan, files = plan_mix(pieces[:3], length_s=58), outputs(tmp_path / "1")
    done = iter(range(1000))

    def lose_it(_: float) -> None:
        if next(done) in (1, 3):
            shutil.rmtree(tmp_path / "packets", ignore_errors=True)

    render(plan, files, store=store, progress=lose_it)
    whole = outputs(tmp_path / "2")
    render(plan, whole, store=store)
    assert contents(files) == contents(whole)


def some(count: int) -> Iterator[Packets]:
    yield Packets(np.full(count, 100, np.uint16), bytes(100 * count))


def test_what_has_not_been_used_for_longest_is_dropped_and_still_read_by_who_holds_it(tmp_path: Path) -> None:
    store = PacketStore(tmp_path / "small", most_bytes=25_000)
    held = store.keep("a", some(100))
    store.keep("b", some(100)).close()
    for name, used_at in {"a": 200, "b": 100}.items():
        os.utime(tmp_path / "small" / name, (used_at, used_at))
    store.keep("c", some(100)).close()
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == ["a", "c"]
    for name in ("a", "c"):
        (tmp_path / "small" / name).unlink()
    assert sum(len(portion) for portion in held.packets()) == 100
    held.close()
    assert (store.has_room(25_000), store.has_room(25_001)) == (True, False)


def test_a_disk_that_is_full_is_told_and_nothing_half_is_left(pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "packets").symlink_to("/dev/full")
    with pytest.raises(CannotWrite):
        PacketStore(tmp_path / "packets" / "inside", most_bytes=1).writing("a")
    store = PacketStore(tmp_path / "full", most_bytes=10**9)
    entry = store.writing("a")
    entry._file.close()
    entry._file = Path("/dev/full").open("w+b", buffering=0)  # type: ignore[assignment]  # noqa: SIM115
    with pytest.raises(CannotWrite) as caught, entry:
        entry.write(next(some(3)))
    assert caught.value.reason == "the finished file could not be written (no space left on device)"
    assert list((tmp_path / "full").iterdir()) == []


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_middle_of_a_file_is_the_same_by_seeking_as_by_decoding_all_of_it(
    sound: MakeSound, kind: str, rate: int
) -> None:
    if kind == "opus" and rate != 48_000:
        rate = 24_000
    wave = (tone(20, hertz=330, rate=rate) + noise(20, level=0.01)[: 20 * rate]).astype(np.float32)
    path = sound(f"a.{kind}", wave, kind, rate=rate)
    marks, whole = Marks(), []
    with Excerpt(path) as excerpt:
        for _ in range(19):
            whole.append(excerpt.read(RATE))
            marks.push(whole[-1])
    start = 12 * RATE + 12_345
    with Excerpt(path, start, Marks(marks.as_bytes())) as excerpt:
        assert excerpt.has_sought
        found = excerpt.read(2 * RATE)
    assert np.abs(found - np.concatenate(whole)[start : start + 2 * RATE]).max() < 1e-4


def test_a_seek_to_the_wrong_place_is_noticed(sound: MakeSound) -> None:
    wave = noise(16)
    path = sound("a.flac", wave, "flac")
    shifted = Marks()
    shifted.push(np.concatenate([wave[3:], wave[:3]]))
    with Excerpt(path, 12 * RATE, shifted) as excerpt:
        assert not excerpt.has_sought
        assert np.abs(excerpt.read(RATE) - wave[12 * RATE : 13 * RATE]).max() < 1e-4
    with pytest.raises(SourceChanged), Excerpt(path, 40 * RATE) as excerpt:
        excerpt.read(RATE)


def test_music_goes_down_under_a_voice_and_silence_is_silent(sound: MakeSound, pieces: list[Piece]) -> None:
    constant = np.full((40 * RATE, 2), 0.25, np.float32)
    bed = Piece(sound("bed.wav", constant, "float"), 40.0, -20.0, -20.0, 0.0, 0.0, -20.0)
    voice = Voice(sound("voice.flac", np.zeros((3 * RATE, 2), np.float32), "flac"), 20, 3)
    plan = plan_mix([bed, Silence(5), pieces[0]], length_s=60, voices=[voice])
    out = np.concatenate(list(mix(plan)))
    level = 20 * np.log10(np.abs(out[:, 0]) / 0.25 + 1e-9)
    assert level[int(18.9 * RATE)] == pytest.approx(0, abs=0.01)
    assert level[int(19.4 * RATE)] == pytest.approx(-5, abs=0.01)
    assert np.allclose(level[int(19.81 * RATE) : int(23.39 * RATE)], -10, atol=0.01)
    assert level[int(25.41 * RATE)] == pytest.approx(0, abs=0.01)
    (hush,) = plan.hushes
    assert not out[hush.start : hush.stop].any()
    assert out[hush.start - RATE : hush.start].any()


def test_a_piece_that_meets_itself_keeps_its_level(sound: MakeSound) -> None:
    constant = np.full((60 * RATE, 2), 0.25, np.float32)
    bed = Piece(sound("bed.wav", constant, "float"), 60.0, -20.0, -20.0, 0.0, 0.0, -20.0)
    plan = plan_mix([bed], length_s=50, surplus=Surplus((), 100))
    out = np.concatenate(list(mix(plan)))
    assert len(out) == 150 * RATE
    assert np.allclose(out[10 * RATE : 120 * RATE], 0.25, atol=1e-5)
