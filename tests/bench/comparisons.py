"""What is compared with what. Each group is given a scratch folder and yields its rows."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench.processes import Cost, Work, once, side_by_side
from tests.bench.report import Row, less_is_better, more_is_better

Group = Callable[[Path], Iterator[Row]]

TRACK_S = 120
SLOWEST_RECIPE = "river-stones"
LIBRARIES = (100, 1_000, 10_000)
ENTRIES, LOOKS = 2_000, 15
CASELOADS = (50, 500)
WEEKS = ("50:50:week", "500:500:week")
PRACTICES = {"20 of 50": "20:50", "200 of 2,000": "200:2000"}


def building(_: Path) -> Iterator[Row]:
    """A programme of two hours with its surplus, from libraries of three sizes."""
    took = once(Work("build", tuple(map(str, LIBRARIES)))).answer
    fewer = None
    for size in LIBRARIES:
        name, found = f"build 120 min from {size:,} tracks, time", took[str(size)]
        yield less_is_better(name, found, "s", fewer) if fewer else Row(name, found, "s")
        fewer = (f"{size:,} tracks", found)


def composing(_: Path) -> Iterator[Row]:
    """One recipe, of the family that has most to compute, to FLAC."""
    name = f"compose {TRACK_S // 60} min"
    cost = side_by_side({name: Work("compose", (SLOWEST_RECIPE, str(TRACK_S)))})[name]
    yield Row(f"{name}, speed", TRACK_S / cost.wall_s, "x real time")
    yield Row(f"{name}, peak memory", cost.peak_mb, "MB")


def importing(folder: Path) -> Iterator[Row]:
    """Everything Kap wants to know of a track, beside FFmpeg's loudness and true peak alone."""
    tracks = _library(folder)
    length_s = once(Work("length", (tracks,))).answer
    costs = side_by_side(
        {"measure": Work("measure_kap", (tracks,)), "ebur128": Work("measure_ffmpeg", (tracks,))}
    )
    kap, ffmpeg = costs["measure"], costs["ebur128"]
    name, peer = f"measure {length_s / 60:.0f} min", "FFmpeg ebur128 with true peak"
    speeds = length_s / kap.wall_s, length_s / ffmpeg.wall_s
    yield more_is_better(f"{name}, speed", speeds[0], "x real time", (peer, speeds[1]))
    yield less_is_better(f"{name}, processor time", kap.cpu_s, "s", (peer, ffmpeg.cpu_s))
    yield less_is_better(f"{name}, peak memory", kap.peak_mb, "MB", (peer, ffmpeg.peak_mb))


def mixing(folder: Path) -> Iterator[Row]:
    """The same mix to Opus by Kap, plain pydub, FFmpeg's `acrossfade` and one streaming encode."""
    tracks = _twelve(folder)
    store, nothing, hour = str(folder / "packets"), str(folder / "no-packets"), "60"
    prepared = once(Work("prepare_kap", (tracks, store)))
    yield Row("import: encode 12 tracks, both formats", prepared.wall_s, "s")

    def kap(minutes: str, packets: str, kinds: str = "opus", *how: str) -> Work:
        return Work("mix_kap", (tracks, minutes, str(folder), packets, kinds, *how))

    peers = {
        "pydub": Work("mix_pydub", (tracks, hour, str(folder))),
        "FFmpeg acrossfade": Work("mix_ffmpeg", (tracks, hour, str(folder))),
        "streaming encode": Work("mix_stream", (tracks, hour, str(folder))),
    }
    costs = side_by_side({"warm": kap(hour, store), "cold": kap(hour, nothing), **peers})
    warm = costs["warm"]
    for peer in peers:
        yield less_is_better("mix 60 min, warm, time", warm.wall_s, "s", (peer, costs[peer].wall_s))
    for peer in peers:
        yield less_is_better("mix 60 min, warm, peak memory", warm.peak_mb, "MB", (peer, costs[peer].peak_mb))
    streamed = costs["streaming encode"]
    yield less_is_better(
        "mix 60 min, cold, time", costs["cold"].wall_s, "s", ("streaming encode", streamed.wall_s)
    )
    yield Row("mix 60 min, cold, peak memory", costs["cold"].peak_mb, "MB")
    yield from _of_kap_alone(folder, tracks, store, warm, kap)


def _of_kap_alone(
    folder: Path, tracks: str, store: str, warm: Cost, kap: Callable[..., Work]
) -> Iterator[Row]:
    kept = str(folder / "kept")
    hour = "60"
    costs = side_by_side({"120 min": kap("120", store), "both": kap(hour, store, "opus,m4a")})
    longer = costs["120 min"]
    yield Row("mix 120 min, warm, time", longer.wall_s, "s")
    yield less_is_better("mix 120 min, warm, peak memory", longer.peak_mb, "MB", ("60 min", warm.peak_mb))
    yield Row("mix 60 min, warm, Opus and AAC, time", costs["both"].wall_s, "s")
    shutil.copytree(store, kept, copy_function=os.link)
    once(kap(hour, kept, "opus", "kept"))
    again = once(kap(hour, kept, "opus", "kept"))
    yield Row("the same mix again, time", again.wall_s, "s")
    changed = once(kap(hour, kept, "opus", "kept", "changed"))
    yield Row("one track changed in the middle, time", changed.wall_s, "s")
    yield Row("one track changed in the middle, tracks encoded", changed.answer["tracks"], "")
    yield Row(
        "one track changed in the middle, passages encoded: two joints, and the end, which moves",
        changed.answer["passages"],
        "",
    )
    for name, packets in (("warm", store), ("cold", str(folder / "no-packets"))):
        first = once(Work("first_second", (tracks, hour, packets)))
        yield Row(f"first second of a mix, {name}", 1000 * first.answer, "ms")


def pages(_: Path) -> Iterator[Row]:
    """Each main page for a caseload of 200 in a practice of 2,000, beside one of 20 in 50."""
    small, large = PRACTICES
    for page, (few, many) in once(Work("pages", tuple(PRACTICES.values()))).answer.items():
        for what, unit in (("time", "ms"), ("SQL", "statements")):
            yield less_is_better(f"{page}, {large}: {what}", many[unit], unit, (small, few[unit]))


def looking(_: Path) -> Iterator[Row]:
    """Looking for words in one patient's sealed journal, beside the same text readable in memory."""
    took = once(Work("looking", (str(ENTRIES), str(LOOKS)))).answer
    name, peer = f"look in {ENTRIES:,} sealed entries", ("plain text in memory", took["plain_ms"])
    yield less_is_better(f"{name}, time of the whole page", took["ms"], "ms", peer)
    yield Row(f"{name}, processor time", took["processor_ms"], "ms")


def programmes(_: Path) -> Iterator[Row]:
    """A programme for a whole caseload, and what is due to it within a week."""
    few, many = CASELOADS
    costs = once(Work("give_programmes", tuple(map(str, CASELOADS)))).answer
    for act, words in (("give", "a programme given to"), ("due", "what is due within a week to")):
        for what, unit in (("time", "ms"), ("SQL", "statements")):
            peer = f"{few} patients", costs[str(few)][act][unit]
            name = f"{words} {many} patients: {what}"
            yield less_is_better(name, costs[str(many)][act][unit], unit, peer)


def homes(_: Path) -> Iterator[Row]:
    """A therapist's home when each of 500 patients has a session this week, beside one with 50."""
    few, many = once(Work("pages", WEEKS)).answer["therapist's home"]
    for what, unit in (("time", "ms"), ("SQL", "statements")):
        name = f"therapist's home, 500 patients with a session this week: {what}"
        yield less_is_better(name, many[unit], unit, ("50 patients", few[unit]))


GROUPS: Mapping[str, Group] = {
    "building": building,
    "composing": composing,
    "importing": importing,
    "looking": looking,
    "mixing": mixing,
    "pages": pages,
    "programmes": programmes,
    "homes": homes,
}


def _twelve(folder: Path) -> str:
    """Path of a description of the tracks to mix, made now."""
    made = folder / "twelve"
    made.mkdir()
    described = str(made / "tracks.json")
    once(Work("twelve", (described,)))
    return described


def _library(folder: Path) -> str:
    """Path of a description of the tracks to work on, rendered the first time it is asked for."""
    described = folder / "tracks.json"
    if not described.exists():
        once(Work("library", (str(described), str(TRACK_S))))
    return str(described)
