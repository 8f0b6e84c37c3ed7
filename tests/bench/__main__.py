"""`python -m tests.bench`: measure everything, or `--only` one group."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import report
from tests.bench.comparisons import GROUPS
from tests.bench.processes import ROOT


def main() -> None:
    names = _wanted_groups()
    about = report.machine()
    rows: list[report.Row] = []
    with tempfile.TemporaryDirectory(prefix="kap-bench-") as folder:
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += GROUPS[name](Path(folder))
    report.print_machine(about)
    print()
    report.print_table(rows)
    report.write(ROOT / "build", rows, about)


def _wanted_groups() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group; may be given again")
    return parser.parse_args().only or list(GROUPS)


if __name__ == "__main__":
    main()
