"""What is worth saying of a finished mix, in sentences. Pure."""

from collections.abc import Mapping
from typing import Any

from kap.audio.plan import MAX_BOOST_DB

LEAST_SHORT_DB = 0.1  # less than this nobody hears


def held_back(plan: Mapping[str, Any]) -> list[str]:
    """Which tracks stay under the loudness that was asked of them, and why."""
    return [
        _held(track)
        for track in plan["tracks"]
        if track.get("bound_by") in ("boost", "ceiling") and track.get("short_db", 0.0) >= LEAST_SHORT_DB
    ]


def _held(track: Mapping[str, Any]) -> str:
    short = f"{track['short_db']:.1f} dB under what was asked"
    if track["bound_by"] == "boost":
        return f"“{track['title']}” could be raised by {MAX_BOOST_DB:.0f} dB at most and stays {short}."
    return f"“{track['title']}” stays {short}, so that its peaks do not overload."
