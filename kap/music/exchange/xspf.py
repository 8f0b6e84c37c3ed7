"""XSPF (https://www.xspf.org/spec): XML, read without document types, entities or anything from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

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

NAMESPACE = "http://xspf.org/ns/0/"
_DATA = "{urn:x-kap}data"
_DEEPEST = 20
_MOST_ELEMENTS = 100_000


def write(listing: Listing) -> str:
    listing = tidied(listing)
    ET.register_namespace("", NAMESPACE)
    ET.register_namespace("kap", "urn:x-kap")
    root = ET.Element(_name("playlist"), version="1")
    _add(root, "title", listing.title)
    _add(root, "creator", listing.creator)
    _add(root, "annotation", listing.note)
    _extend(root, PLAYLIST_EXTENSION, playlist_extension(listing))
    tracks = ET.SubElement(root, _name("trackList"))
    for entry in listing.entries:
        _add_track(ET.SubElement(tracks, _name("track")), entry)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_track(track: ET.Element, entry: Wanted) -> None:
    _add(track, "location", entry.location)
    for identifier in entry.identifiers:
        _add(track, "identifier", identifier)
    _add(track, "title", entry.title)
    _add(track, "creator", entry.artist)
    _add(track, "annotation", entry.note)
    _add(track, "album", entry.album)
    if entry.duration_s is not None:
        _add(track, "duration", str(round(entry.duration_s * 1000)))
    _extend(track, TRACK_EXTENSION, track_extension(entry))


def _add(parent: ET.Element, name: str, content: str) -> None:
    if content:
        ET.SubElement(parent, _name(name)).text = content


def _extend(parent: ET.Element, uri: str, values: Mapping[str, Any]) -> None:
    if values:
        extension = ET.SubElement(parent, _name("extension"), application=uri)
        ET.SubElement(extension, _DATA).text = json.dumps(values, ensure_ascii=True)


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def read(content: str) -> Listing:
    """Raises `ListingError` naming the line or the field."""
    root = _tree(content)
    if _plain(root) != "playlist":
        raise ListingError("the file", "is XML, but no XSPF playlist")
    tracks = [track for holder in _all(root, "trackList") for track in _all(holder, "track")]
    check_count(len(tracks), "trackList")
    listing = Listing(
        title=_one(root, "title", "title"),
        creator=_one(root, "creator", "creator"),
        note=_one(root, "annotation", "annotation"),
        entries=tuple(_entry(track, f"track[{number}]") for number, track in enumerate(tracks, 1)),
    )
    return with_playlist_extension(listing, _extended(root, PLAYLIST_EXTENSION, "extension"), "extension")


def _entry(track: ET.Element, where: str) -> Wanted:
    identifiers = (text(each.text, f"{where}.identifier") for each in _all(track, "identifier"))
    entry = Wanted(
        title=_one(track, "title", where),
        artist=_one(track, "creator", where),
        album=_one(track, "album", where),
        note=_one(track, "annotation", where),
        duration_s=milliseconds(_one(track, "duration", where), f"{where}.duration"),
        identifiers=tuple(filter(None, identifiers)),
        location=_one(track, "location", where),
    )
    extension = f"{where}.extension"
    return with_track_extension(entry, _extended(track, TRACK_EXTENSION, extension), extension)


def _one(parent: ET.Element, name: str, where: str) -> str:
    found = next(_all(parent, name), None)
    return "" if found is None else text(found.text, where if where == name else f"{where}.{name}")


def _all(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    """Children of a name, in XSPF's namespace or in none, as some programs leave it out."""
    return (child for child in parent if _plain(child) == name)


def _plain(element: ET.Element) -> str:
    return str(element.tag).removeprefix(f"{{{NAMESPACE}}}")


def _extended(parent: ET.Element, uri: str, where: str) -> Mapping[str, Any]:
    for extension in _all(parent, "extension"):
        data = extension.find(_DATA)
        if extension.get("application") == uri and data is not None:
            try:
                values = json.loads(data.text or "")
            except (ValueError, RecursionError) as error:
                raise ListingError(where, "is not what Kap writes there") from error
            if isinstance(values, Mapping):
                return values
    return {}


def _tree(content: str) -> ET.Element:
    builder, depth, count = ET.TreeBuilder(), 0, 0
    # It is text by now, whatever encoding it declares.
    parser = expat.ParserCreate("UTF-8", "}")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if count > _MOST_ELEMENTS:
            raise ListingError("the file", f"has more than {_MOST_ELEMENTS:,} elements")
        if depth > _DEEPEST:
            raise ListingError(f"line {parser.CurrentLineNumber}", "lies too deep inside other elements")
        builder.start(f"{{{name}" if "}" in name else name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(f"{{{name}" if "}" in name else name)

    def doctype(*_: object) -> None:
        where = f"line {parser.CurrentLineNumber}"
        raise ListingError(where, "declares a document type, which is not read for safety")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content.encode(), True)
    except expat.ExpatError as error:
        raise ListingError(f"line {error.lineno}", f"is not XML: {expat.ErrorString(error.code)}") from error
    return builder.close()
