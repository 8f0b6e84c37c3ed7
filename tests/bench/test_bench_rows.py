"""The arithmetic of the comparison and the files it writes."""

import json
from pathlib import Path

import pytest

from kap.audio.decode import Source
from tests.bench.processes import Work, once
from tests.bench.report import Row, less_is_better, more_is_better, shown, write
from tests.bench.work.tracks import Track, load, programme, save

TRACK = Track("a.flac", 61.0, -20.0, -6.0, 0.5, 0.5)


def test_a_ratio_says_how_many_times_better_it_is_than_the_peer() -> None:
    assert less_is_better("mix, time", 5.0, "s", ("pydub", 100.0)) == Row(
        "mix, time", 5.0, "s", "pydub: 100 s", 20.0
    )
    assert more_is_better("measure, speed", 90.0, "x real time", ("FFmpeg", 30.0)) == Row(
        "measure, speed", 90.0, "x real time", "FFmpeg: 30 x real time", 3.0
    )


def test_a_cost_of_nothing_has_no_ratio() -> None:
    assert less_is_better("sign-in page", 0.0, "statements", ("small", 0.0)).ratio is None


@pytest.mark.parametrize(
    "value, words", [(1234.5, "1,234"), (100.4, "100"), (12.345, "12.3"), (0.01234, "0.0123"), (0, "0")]
)
def test_figures_are_shown_with_three_digits(value: float, words: str) -> None:
    assert shown(value) == words


def test_the_list_and_the_machine_are_two_files(tmp_path: Path) -> None:
    write(tmp_path / "build", [Row("a", 1.5, "s")], {"python": "3"})
    found = {path.name: json.loads(path.read_text()) for path in (tmp_path / "build").iterdir()}
    assert found == {
        "bench.json": [{"name": "a", "value": 1.5, "unit": "s", "peer": None, "ratio": None}],
        "bench-machine.json": {"python": "3"},
    }


def test_a_programme_has_no_more_tracks_than_the_mix_takes() -> None:
    # the first gives 60 s, each further one 60 s less 12 s of crossfade
    assert [len(programme([TRACK], length_s)) for length_s in (59, 60, 107, 108)] == [1, 2, 2, 3]


def test_a_programme_needs_tracks() -> None:
    with pytest.raises(ValueError, match="no tracks"):
        programme([], 60)


def test_every_audio_program_does_its_work(tmp_path: Path) -> None:
    described = str(tmp_path / "tracks.json")
    once(Work("library", (described, "6")))
    assert once(Work("length", (described,))).answer == 36.0
    for program in ("measure_kap", "measure_ffmpeg"):
        assert once(Work(program, (described,))).answer is None


def test_every_program_makes_the_same_mix(tmp_path: Path) -> None:
    described, store = str(tmp_path / "tracks.json"), str(tmp_path / "packets")
    once(Work("twelve", (described, "15")))
    save(described, load(described)[:5])  # one of each kind
    once(Work("prepare_kap", (described, store)))
    made = once(Work("mix_kap", (described, "1", str(tmp_path), store, "opus,m4a"))).answer
    assert (made["tracks"], made["passages"] > 0) == (0, True)
    changed = ("mix_kap", (described, "0.5", str(tmp_path), store, "opus", "kept", "changed"))
    assert once(Work(*changed)).answer["tracks"] == 0
    once(Work("mix_kap", (described, "1", str(tmp_path), store, "opus")))
    assert once(Work("first_second", (described, "1", store))).answer > 0
    for program in ("mix_pydub", "mix_ffmpeg", "mix_stream"):
        once(Work(program, (described, "1", str(tmp_path))))
    lengths = {path.name: seconds_of(path) for path in tmp_path.glob("*.opus") if "track" not in path.name}
    assert lengths == {name: 60.0 for name in ("kap.opus", "pydub.opus", "ffmpeg.opus", "stream.opus")}


def seconds_of(path: Path) -> float:
    with Source(path) as source:
        return round(sum(map(len, source.blocks())) / 48_000, 2)


def test_looking_is_measured_sealed_and_plain() -> None:
    took = once(Work("looking", ("12", "3"))).answer
    assert sorted(took) == ["ms", "plain_ms", "processor_ms"]
    assert all(value > 0 for value in took.values())


def test_homes_of_a_full_week_are_measured_and_cost_the_same_statements() -> None:
    [(page, (few, many))] = once(Work("pages", ("3:3:week", "12:12:week"))).answer.items()
    assert page == "therapist's home"
    assert few["statements"] == many["statements"]


def test_pages_of_both_practices_are_measured() -> None:
    costs = once(Work("pages", ("3:6", "4:8"))).answer
    assert list(costs) == [
        "sign-in page",
        "therapist's home",
        "patients",
        "chart",
        "library",
        "patient's home",
        "journal",
    ]
    assert all(len(both) == 2 and all(cost["ms"] > 0 for cost in both) for both in costs.values())


def test_programmes_of_both_caseloads_are_measured() -> None:
    costs = once(Work("give_programmes", ("6", "9"))).answer
    assert {size: list(acts) for size, acts in costs.items()} == {"6": ["give", "due"], "9": ["give", "due"]}
    for act in ("give", "due"):
        assert costs["6"][act]["statements"] == costs["9"][act]["statements"]
        assert all(costs[size][act]["ms"] > 0 for size in costs)
