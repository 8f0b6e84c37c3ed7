"""M3U in UTF-8: what nearly every player reads. A line for each track, and lines about it before that one.

`#EXTALB` and `#EXTART` are read by many, `#KAP` by nobody else; players pass over what they do not know.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kap.music.exchange.listing import (
    Listing,
    ListingError,
    Wanted,
    check_count,
    lines_of,
    number,
    playlist_extension,
    text,
    tidied,
    track_extension,
    with_playlist_extension,
    with_track_extension,
)

_SEPARATOR = " - "


def write(listing: Listing) -> str:
    return "\n".join(["#EXTM3U", *_lines(tidied(listing))]) + "\n"


def _lines(listing: Listing) -> Iterator[str]:
    if listing.title:
        yield f"#PLAYLIST:{listing.title}"
    about = _present({"creator": listing.creator, "note": listing.note}) | playlist_extension(listing)
    if about:
        yield f"#KAP-PLAYLIST:{json.dumps(about)}"
    for entry in listing.entries:
        yield from _entry_lines(entry)


def _entry_lines(entry: Wanted) -> Iterator[str]:
    about: dict[str, Any] = _present({"note": entry.note}) | track_extension(entry)
    if entry.identifiers:
        about["identifiers"] = list(entry.identifiers)
    if entry.silence_s is not None:
        named = _present({"title": entry.title, "artist": entry.artist, "album": entry.album})
        yield f"#KAP-SILENCE:{json.dumps(about | named | _present({'location': entry.location}))}"
        return
    seconds = "-1" if entry.duration_s is None else f"{entry.duration_s:.3f}".rstrip("0").rstrip(".")
    yield f"#EXTINF:{seconds},{_SEPARATOR.join(filter(None, [entry.artist, entry.title]))}"
    if entry.artist:
        yield f"#EXTART:{entry.artist}"
    if entry.album:
        yield f"#EXTALB:{entry.album}"
    if about:
        yield f"#KAP-TRACK:{json.dumps(about)}"
    yield _location(entry)


def _location(entry: Wanted) -> str:
    """A line that is no comment; a name to look for, when there is no file to point to."""
    found = entry.location or _SEPARATOR.join(filter(None, [entry.artist, entry.title])) or "track"
    return f"./{found}" if found.startswith("#") else found


def _present(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


@dataclass
class _Reader:
    listing: Listing = field(default_factory=Listing)
    entries: list[Wanted] = field(default_factory=list)
    ahead: Wanted = field(default_factory=Wanted)
    credit: str = ""  # what #EXTINF says: the title, with the artist before it

    def line(self, line: str, where: str) -> None:
        name, colon, value = line.partition(":")
        known = {
            "#EXTINF": self._extinf,
            "#EXTART": self._artist,
            "#EXTALB": self._album,
            "#PLAYLIST": self._title,
            "#KAP-PLAYLIST": self._about_list,
            "#KAP-TRACK": self._about_track,
            "#KAP-SILENCE": self._silence,
        }
        if name.startswith("#EXT-X-"):
            raise ListingError(where, "belongs to a stream cut into pieces, not to a list of tracks")
        if colon and name in known:
            known[name](value.strip(), where)
        elif not line.startswith("#"):
            self._track(line, where)

    def _title(self, value: str, where: str) -> None:
        self.listing = replace(self.listing, title=text(value, where))

    def _about_list(self, value: str, where: str) -> None:
        about = _object(value, where)
        self.listing = replace(
            with_playlist_extension(self.listing, about, where),
            creator=text(about.get("creator"), where),
            note=text(about.get("note"), where),
        )

    def _extinf(self, value: str, where: str) -> None:
        seconds, _, credit = value.partition(",")
        # Some programs write attributes after the seconds: “-1 tvg-id="…"”.
        found = number(seconds.split()[0] if seconds.split() else "", where)
        self.ahead = replace(self.ahead, duration_s=found if found > 0 else None)
        self.credit = text(credit, where)

    def _artist(self, value: str, where: str) -> None:
        self.ahead = replace(self.ahead, artist=text(value, where))

    def _album(self, value: str, where: str) -> None:
        self.ahead = replace(self.ahead, album=text(value, where))

    def _about_track(self, value: str, where: str) -> None:
        self.ahead = _about(self.ahead, _object(value, where), where)

    def _silence(self, value: str, where: str) -> None:
        about = _object(value, where)
        names: dict[str, Any] = {
            name: text(about.get(name), where) for name in ("title", "artist", "album", "location")
        }
        self.entries.append(_about(Wanted(**names), about, where))

    def _track(self, location: str, where: str) -> None:
        artist, title = self.ahead.artist, self.credit
        if artist:
            title = title.removeprefix(artist).removeprefix(_SEPARATOR)
        elif _SEPARATOR in title:
            artist, _, title = title.partition(_SEPARATOR)
        location = text(location, where)
        title = title or _name_in(location) if not artist else title
        self.entries.append(replace(self.ahead, title=title, artist=artist, location=location))
        self.ahead, self.credit = Wanted(), ""


def read(content: str) -> Listing:
    """Raises `ListingError` naming the line."""
    reader = _Reader()
    for count, line in enumerate(lines_of(content), start=1):
        if line.strip():
            reader.line(line.strip(), f"line {count}")
            check_count(len(reader.entries), "the file")
    return replace(reader.listing, entries=tuple(reader.entries))


def _about(entry: Wanted, about: Mapping[str, Any], where: str) -> Wanted:
    found = about.get("identifiers", [])
    if not isinstance(found, list):
        raise ListingError(where, "must name its identifiers in a list")
    named = replace(
        entry,
        note=text(about.get("note"), where),
        identifiers=tuple(filter(None, (text(each, where) for each in found))),
    )
    return with_track_extension(named, about, where)


def _object(value: str, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ListingError(where, "is not what Kap writes there") from error
    if not isinstance(found, Mapping):
        raise ListingError(where, "is not what Kap writes there")
    return found


def _name_in(location: str) -> str:
    """The name of a file without folders and ending, as a title of last resort."""
    last = location.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    return stem if dot and stem and len(ending) <= 5 else last
