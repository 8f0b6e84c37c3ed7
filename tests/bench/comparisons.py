"""What is compared with what. Each group is given a scratch folder and yields its rows."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench.processes import Work, once, side_by_side
from tests.bench.report import Row, less_is_better, more_is_better

Group = Callable[[Path], Iterator[Row]]

TRACK_S = 120
SLOWEST_RECIPE = "river-stones"
PRACTICES = {"20 of 50": "20:50", "200 of 2,000": "200:2000"}


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
    """One mix to Opus and M4A, beside pydub making the Opus file alone."""
    tracks = _library(folder)
    peaks = {}
    for minutes in (20, 40):
        work = (tracks, str(minutes), str(folder))
        costs = side_by_side({f"mix {minutes} min": Work("mix_kap", work), "pydub": Work("mix_pydub", work)})
        kap, pydub = costs[f"mix {minutes} min"], costs["pydub"]
        peaks[minutes] = kap.peak_mb
        for what, unit, ours, theirs in (
            ("time", "s", kap.wall_s, pydub.wall_s),
            ("processor time", "s", kap.cpu_s, pydub.cpu_s),
            ("peak memory", "MB", kap.peak_mb, pydub.peak_mb),
        ):
            yield less_is_better(f"mix {minutes} min, {what}", ours, unit, ("pydub", theirs))
    yield less_is_better("mix 40 min, peak memory again", peaks[40], "MB", ("20 min", peaks[20]))


def pages(_: Path) -> Iterator[Row]:
    """Each main page for a caseload of 200 in a practice of 2,000, beside one of 20 in 50."""
    small, large = PRACTICES
    for page, (few, many) in once(Work("pages", tuple(PRACTICES.values()))).answer.items():
        for what, unit in (("time", "ms"), ("SQL", "statements")):
            yield less_is_better(f"{page}, {large}: {what}", many[unit], unit, (small, few[unit]))


GROUPS: Mapping[str, Group] = {
    "composing": composing,
    "importing": importing,
    "mixing": mixing,
    "pages": pages,
}


def _library(folder: Path) -> str:
    """Path of a description of the tracks to work on, rendered the first time it is asked for."""
    described = folder / "tracks.json"
    if not described.exists():
        once(Work("library", (str(described), str(TRACK_S))))
    return str(described)
