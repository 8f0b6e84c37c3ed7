"""`python -m tests.music_pictures` draws docs/images/music-* and fills in the tables of docs/music.md.

The figures also go to build/music.json.
"""

import json
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # speeds are those of one processor

from kap.audio.synth import RECIPES, Recipe, vary
from tests.music_pictures import jobs, mixes
from tests.music_pictures.mixes import MixRow
from tests.music_pictures.tracks import Row

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT, BUILD = CHECKOUT / "docs/music.md", CHECKOUT / "build"
LONG = ("moss", "lamplight", "river-stones", "first-snow")


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="kap-") as place, ProcessPoolExecutor(2, spawn) as workers:
        folder = Path(place)
        others = [replace(vary(recipe, recipe.seed + 100), slug=f"{recipe.slug}-2") for recipe in RECIPES]
        described = [workers.submit(jobs.describe, recipe, folder) for recipe in RECIPES]
        varied = [workers.submit(jobs.render, recipe, folder) for recipe in others]
        long = {slug: workers.submit(jobs.over_time, slug) for slug in LONG}
        rows, found = zip(*(future.result() for future in described), strict=True)
        measured = [*found, *(future.result() for future in varied)]
        shelf = list(zip([*RECIPES, *others], measured, strict=True))
        mixed = list(workers.map(jobs.mix, mixes.ROUTES, [folder] * 4, [shelf] * 4))
        over_time = {slug: future.result() for slug, future in long.items()}
    _keep(rows, over_time, mixed)


def _keep(rows: Sequence[Row], long: dict[str, list[dict[str, float]]], mixed: Sequence[MixRow]) -> None:
    told = {"recipes": [asdict(row) for row in rows], "long": long, "mixes": [asdict(row) for row in mixed]}
    (BUILD / "music.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    text = DOCUMENT.read_text("utf-8")
    text = _with(text, "recipes", _table(RECIPE_COLUMNS, rows))
    text = _with(text, "pictures", "\n\n".join(map(_shown, RECIPES)))
    text = _with(text, "long", _table(LONG_COLUMNS, list(long.items())))
    text = _with(text, "mixes", _table(MIX_COLUMNS, mixed))
    DOCUMENT.write_text(text, "utf-8")


Columns = Sequence[tuple[str, Callable[[Any], str]]]

RECIPE_COLUMNS: Columns = (
    ("recipe", lambda row: row.title),
    ("family", lambda row: row.family),
    ("intensity", lambda row: f"{row.intensity:.2f}"),
    ("LUFS", lambda row: _signed(row.lufs)),
    ("LRA, LU", lambda row: f"{row.range_lu:.1f}"),
    ("peak, dBTP", lambda row: _signed(row.peak_dbtp)),
    ("centroid, Hz", lambda row: f"{row.centroid_hz:.0f}"),
    ("rise in 0.4 s, dB", lambda row: f"{row.rise_db:.1f}"),
    ("last third beside first, dB", lambda row: _signed(row.course_db)),
    ("left to right", lambda row: f"{row.phase:.2f}"),
    ("clicks", lambda row: str(row.clicks)),
    ("stillest minute, dB", lambda row: f"{row.movement_db:.1f}"),
    ("closest repeat", lambda row: f"{row.repeat:.2f}"),
    ("speed", lambda row: f"{row.speed:.0f} ×"),
)
LONG_COLUMNS: Columns = (
    ("recipe", lambda row: next(recipe.title for recipe in RECIPES if recipe.slug == row[0])),
    ("same sound in 30 min", lambda row: f"{row[1][1]['same']:.2f}"),
    ("closest repeat in 30 min", lambda row: f"{row[1][1]['repeat']:.2f}"),
    ("stillest minute, dB", lambda row: f"{row[1][1]['movement_db']:.1f}"),
    ("speed", lambda row: f"{row[1][1]['speed']:.0f} ×"),
    ("peak memory, 5 min", lambda row: f"{row[1][0]['peak_mb']:.0f} MB"),
    ("peak memory, 30 min", lambda row: f"{row[1][1]['peak_mb']:.0f} MB"),
)
MIX_COLUMNS: Columns = (
    ("mix", lambda row: row.title),
    ("tracks", lambda row: str(row.tracks)),
    ("length asked, s", lambda row: f"{row.wanted_s:.3f}"),
    ("length decoded, s", lambda row: f"{row.decoded_s:.3f}"),
    ("LUFS", lambda row: _signed(row.lufs)),
    ("LRA, LU", lambda row: f"{row.range_lu:.1f}"),
    ("rise in 0.4 s, dB", lambda row: f"{row.rise_db:.1f}"),
    ("silences", lambda row: str(row.silences)),
    ("mean distance from the asked level, dB", lambda row: f"{row.from_asked_db:.1f}"),
)


def _shown(recipe: Recipe) -> str:
    return f"**{recipe.title}.** {recipe.note}\n\n![{recipe.title}](images/music-recipe-{recipe.slug}.png)"


def _signed(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def _table(columns: Columns, rows: Sequence[Any]) -> str:
    lines = [" | ".join(name for name, _ in columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(shown(row) for _, shown in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _with(text: str, name: str, table: str) -> str:
    """The document with what stands between the marks of that name replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    changed, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n\n{table}\n\n{end}",
        text,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"docs/music.md has no place for {name}")
    return changed


if __name__ == "__main__":
    main()
