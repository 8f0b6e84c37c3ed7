"""Measure tracks as the library does: `measure_kap TRACKS`."""

import sys
from pathlib import Path

from kap.audio.measure import measure
from tests.bench.work import tracks

for track in tracks.load(sys.argv[1]):
    measure(Path(track.path))
