"""One mix, its kinds as in opus,m4a: `mix_kap TRACKS MINUTES FOLDER STORE KINDS [kept] [changed]`.

What it encodes is forgotten afterwards, or with `kept` stays in the store; `changed`, one track is another.
"""

import json
import sys
from pathlib import Path

from kap.audio.render import Rendered, render
from kap.audio.store import PacketStore
from tests.bench.work import pieces

described, minutes, folder, packets, kinds, *how = sys.argv[1:]


def made(store: PacketStore) -> Rendered:
    plan = pieces.plan(described, minutes, changed="changed" in how)
    return render(plan, {kind: Path(folder) / f"kap.{kind}" for kind in kinds.split(",")}, store=store)


if "kept" in how:
    found = made(pieces.store_in(packets))
else:
    with pieces.as_prepared(packets) as store:
        found = made(store)
print(json.dumps({"tracks": found.tracks_encoded, "passages": found.passages_encoded}))
