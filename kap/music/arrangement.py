"""What plays in which order, short enough for an address or a hidden field of a form. Pure.

`<track>,~<seconds of silence>,<track>.<hundredths at which it is pinned>`, a track as 22 letters of its id.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

LONGEST_SILENCE_S = 30 * 60
MOST_PLACES = 200
_LATEST_HUNDREDTHS = 24 * 3600 * 100


@dataclass(frozen=True)
class Wanted:
    """A place: a track, or silence of a length; pinned, it begins at a second of the music."""

    track_id: UUID | None = None
    silence_s: float | None = None
    pinned_at_s: float | None = None


def encode(places: Iterable[Wanted]) -> str:
    return ",".join(_word(place) for place in places)


def decode(text: str) -> list[Wanted]:
    """The places of an arrangement. Raises `ValueError` for what is none."""
    words = text.split(",") if text else []
    if len(words) > MOST_PLACES:
        raise ValueError("too many places")
    return [_place(word) for word in words]


def out_of_order(places: Iterable[Wanted]) -> tuple[Wanted, Wanted] | None:
    """Two pinned places that stand the wrong way round, if there are any."""
    pinned = [place for place in places if place.pinned_at_s is not None]
    return next(
        ((a, b) for a, b in pairwise(pinned) if (a.pinned_at_s or 0.0) >= (b.pinned_at_s or 0.0)), None
    )


def repeated(places: Iterable[Wanted]) -> UUID | None:
    """A track that stands in two places, if there is one."""
    seen: set[UUID] = set()
    for place in places:
        if place.track_id in seen:
            return place.track_id
        if place.track_id:
            seen.add(place.track_id)
    return None


def _word(place: Wanted) -> str:
    what = f"~{round(place.silence_s or 0)}"
    if place.track_id:
        what = base64.urlsafe_b64encode(place.track_id.bytes).decode().rstrip("=")
    return what if place.pinned_at_s is None else f"{what}.{round(place.pinned_at_s * 100)}"


def _place(word: str) -> Wanted:
    what, dot, pinned = word.partition(".")
    pinned_at = _whole(pinned, _LATEST_HUNDREDTHS) / 100 if dot else None
    if what.startswith("~"):
        return Wanted(silence_s=float(max(_whole(what[1:], LONGEST_SILENCE_S), 1)), pinned_at_s=pinned_at)
    try:
        return Wanted(UUID(bytes=base64.urlsafe_b64decode(f"{what}==")), pinned_at_s=pinned_at)
    except (binascii.Error, ValueError) as error:
        raise ValueError("no track") from error


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most):
        raise ValueError("no number")
    return int(text)
