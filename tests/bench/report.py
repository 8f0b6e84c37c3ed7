"""The rows, the machine they were measured on, and both as a table and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("av", "imageio-ffmpeg", "numpy", "pydub", "SQLAlchemy")


@dataclass(frozen=True)
class Row:
    """One figure. `ratio` says how many times better it is than the peer's; below 1 it is worse.

    There is none without a peer, nor for a cost of nothing.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None


def less_is_better(name: str, value: float, unit: str, peer: tuple[str, float]) -> Row:
    return _compared(name, value, unit, peer, ratio=peer[1] / value if value else None)


def more_is_better(name: str, value: float, unit: str, peer: tuple[str, float]) -> Row:
    return _compared(name, value, unit, peer, ratio=value / peer[1])


def _compared(name: str, value: float, unit: str, peer: tuple[str, float], *, ratio: float | None) -> Row:
    who, theirs = peer
    return Row(name, value, unit, f"{who}: {shown(theirs)} {unit}", ratio)


def shown(value: float) -> str:
    """Three figures."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, str]:
    """What the figures depend on, as name and words."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "processors": f"{usable} of {os.cpu_count()} usable",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB",
        "platform": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "load": f"{os.getloadavg()[0]:.1f} waiting or running as the measuring began",
    }


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def print_table(rows: Sequence[Row]) -> None:
    columns = [("what", "value", "unit", "peer", "ratio")]
    columns += [
        (row.name, shown(row.value), row.unit, row.peer or "", f"{row.ratio:.2f}" if row.ratio else "")
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for name, value, unit, peer, ratio in columns:
        print(
            f"{name:{widths[0]}}  {value:>{widths[1]}} {unit:{widths[2]}}  {peer:{widths[3]}}"
            f"  {ratio:>{widths[4]}}".rstrip()
        )


def print_machine(about: dict[str, str]) -> None:
    for name, words in about.items():
        print(f"{name:10}  {words}", file=sys.stdout)


def write(folder: Path, rows: Sequence[Row], about: dict[str, str]) -> None:
    """`bench.json`, a list of rows, and beside it `bench-machine.json`."""
    folder.mkdir(exist_ok=True)
    for name, content in (("bench", [asdict(row) for row in rows]), ("bench-machine", about)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
