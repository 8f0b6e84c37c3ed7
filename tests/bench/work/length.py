"""Seconds of music in the described tracks: `length TRACKS`."""

import json
import sys

from tests.bench.work import tracks

print(json.dumps(sum(track.duration_s for track in tracks.load(sys.argv[1]))))
