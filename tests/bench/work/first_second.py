"""Seconds from asking for a mix to its first second, imports done: `first_second TRACKS MINUTES STORE`."""

import json
import sys
import time

from kap.audio.ogg import music_in
from kap.audio.stream import stream
from tests.bench.work import pieces

described, minutes, packets = sys.argv[1:]
with pieces.as_prepared(packets) as store:
    begun, sent = time.perf_counter(), b""
    for part in stream(pieces.plan(described, minutes), store):
        sent += part
        if music_in(sent) >= 1.0:
            break
    taken_s = time.perf_counter() - begun
print(json.dumps(taken_s))
