"""Encode every track once, as importing does: `prepare_kap TRACKS STORE`."""

import sys
from concurrent.futures import ThreadPoolExecutor

from kap.audio.encoding import prepare
from tests.bench.work import pieces, tracks

described, store = sys.argv[1:]
with ThreadPoolExecutor(2) as pool:
    list(pool.map(lambda track: prepare(pieces.piece(track), pieces.store_in(store)), tracks.load(described)))
