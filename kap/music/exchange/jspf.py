"""JSPF, the JSON twin of XSPF (https://www.xspf.org/jspf), with what ListenBrainz makes of it.

Where the format wants lists, readers meet single values: ListenBrainz writes an extension as an object and an
identifier as text (https://listenbrainz.readthedocs.io/en/latest/users/api/playlist.html). Both are read.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from kap.music.exchange.listing import (
    PLAYLIST_EXTENSION,
    TRACK_EXTENSION,
    Listing,
    ListingError,
    Wanted,
    check_count,
    milliseconds,
    playlist_extension,
    text,
    tidied,
    track_extension,
    with_playlist_extension,
    with_track_extension,
)


def write(listing: Listing) -> str:
    listing = tidied(listing)
    playlist = {
        "title": listing.title,
        "creator": listing.creator,
        "annotation": listing.note,
        "track": [_track(entry) for entry in listing.entries],
        "extension": _extension(PLAYLIST_EXTENSION, playlist_extension(listing)),
    }
    return json.dumps({"playlist": _known(playlist)}, ensure_ascii=False, indent=2) + "\n"


def _track(entry: Wanted) -> dict[str, Any]:
    return _known(
        {
            "title": entry.title,
            "creator": entry.artist,
            "album": entry.album,
            "annotation": entry.note,
            "duration": None if entry.duration_s is None else round(entry.duration_s * 1000),
            "identifier": list(entry.identifiers),
            "location": [entry.location] if entry.location else [],
            "extension": _extension(TRACK_EXTENSION, track_extension(entry)),
        }
    )


def _extension(uri: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {uri: [values]} if values else {}


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value or name == "track"}


def read(content: str) -> Listing:
    """Raises `ListingError` naming the field."""
    whole = _object(_parsed(content), "the file")
    playlist = _object(whole.get("playlist", whole), "playlist")
    tracks = playlist.get("track")
    if not isinstance(tracks, list):
        raise ListingError("playlist.track", "must be a list")
    check_count(len(tracks), "playlist.track")
    listing = Listing(
        title=text(playlist.get("title"), "playlist.title"),
        creator=text(playlist.get("creator"), "playlist.creator"),
        note=text(playlist.get("annotation"), "playlist.annotation"),
        entries=tuple(_entry(track, f"playlist.track[{number}]") for number, track in enumerate(tracks, 1)),
    )
    return with_playlist_extension(listing, *_extended(playlist, PLAYLIST_EXTENSION, "playlist.extension"))


def _entry(value: object, where: str) -> Wanted:
    track = _object(value, where)
    entry = Wanted(
        title=text(track.get("title"), f"{where}.title"),
        artist=text(track.get("creator"), f"{where}.creator"),
        album=text(track.get("album"), f"{where}.album"),
        note=text(track.get("annotation"), f"{where}.annotation"),
        duration_s=milliseconds(track.get("duration"), f"{where}.duration"),
        identifiers=_texts(track.get("identifier"), f"{where}.identifier"),
        location=next(iter(_texts(track.get("location"), f"{where}.location")), ""),
    )
    return with_track_extension(entry, *_extended(track, TRACK_EXTENSION, f"{where}.extension"))


def _extended(holder: Mapping[str, Any], uri: str, where: str) -> tuple[Mapping[str, Any], str]:
    """What stands under our name among the extensions, be it an object or a list of one."""
    extensions = holder.get("extension")
    if extensions is None:
        return {}, where
    found = _object(extensions, where).get(uri)
    found = next(iter(found), None) if isinstance(found, list) else found
    return ({} if found is None else _object(found, f"{where}.{uri}")), f"{where}.{uri}"


def _texts(value: object, where: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(filter(None, (text(each, where) for each in values)))


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ListingError(where, "must be an object")
    return value


def _parsed(content: str) -> object:
    try:
        return json.loads(content, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise ListingError(f"line {error.lineno}", f"is not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise ListingError("the file", "is not JSON that can be read") from error


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
