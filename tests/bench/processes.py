"""Work in a process of its own, its wall time and its peak memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
# What has taken this long is not run again, so that slow peers do not decide how long everything takes.
ENOUGH_S = 40.0
# POSIX leaves the unit of ru_maxrss open: macOS counts bytes, the others kibibytes.
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Work:
    """A program of `tests.bench.work`, and its arguments."""

    program: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a process took: `cpu_s` with its children, `peak_mb` (10^6 bytes) of it or its largest child."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    answer: Any


def once(work: Work) -> Cost:
    """Run to the end. Raises CalledProcessError."""
    command = [sys.executable, "-W", "ignore", "-m", f"tests.bench.work.{work.program}", *work.arguments]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(
        wall_s=wall_s,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss * _MAXRSS_BYTES / 1e6,
        answer=json.loads(said) if said else None,
    )


def side_by_side(works: Mapping[str, Work]) -> dict[str, Cost]:
    """Medians of up to RUNS runs of each, in turns, so that a busy minute meets all of them."""
    taken: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            if sum(cost.wall_s for cost in taken[name]) < ENOUGH_S:
                taken[name].append(once(work))
                print(f"  {name}: {taken[name][-1].wall_s:.1f} s", file=sys.stderr, flush=True)
    return {name: _median(costs) for name, costs in taken.items()}


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        wall_s=median(cost.wall_s for cost in costs),
        cpu_s=median(cost.cpu_s for cost in costs),
        peak_mb=median(cost.peak_mb for cost in costs),
        answer=costs[-1].answer,
    )
