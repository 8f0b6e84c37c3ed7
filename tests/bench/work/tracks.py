"""The music that is measured and mixed: a list of plain facts in a JSON file, so that no peer needs Kap."""

import json
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

CROSSFADE_S = 12.0
TARGET_LUFS = -20.0


@dataclass(frozen=True)
class Track:
    """A file and what was measured of it (seconds, LUFS, dBTP)."""

    path: str
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    lead_silence_s: float
    trail_silence_s: float

    @property
    def heard_s(self) -> float:
        return self.duration_s - self.lead_silence_s - self.trail_silence_s


def load(described: str) -> list[Track]:
    return [Track(**facts) for facts in json.loads(Path(described).read_text())]


def save(described: str, tracks: list[Track]) -> None:
    Path(described).write_text(json.dumps([asdict(track) for track in tracks]))


def programme(tracks: list[Track], length_s: float) -> list[Track]:
    """The tracks in turns, as many as a mix of this length takes. Raises ValueError for no tracks."""
    chosen, reach_s = [], CROSSFADE_S
    for track in cycle(tracks):
        chosen.append(track)
        reach_s += track.heard_s - CROSSFADE_S
        if reach_s > length_s:
            return chosen
    raise ValueError("no tracks")
