"""Which track of a library a list means: by identifier, or else by artist, title and length."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from kap.music.exchange.listing import Wanted, plain_isrc

NEAR_S = 3.0
"""Two files of one recording may differ in length by as much."""

How = Literal["identifier", "artist and title", "title and length", "similar", "ambiguous", "none"]

# How alike artist and title have to be, from 0 to 1, for a misspelling of the same; without a length, more.
ALIKE, ALIKE_WITHOUT_LENGTH = 0.87, 0.93
SHORTLIST = 20
LONGEST = 300  # letters of a title or a name that are looked at; none in a library is as long

# What is added to titles without making another recording of them. A live version is another.
_ADDED = r"(?:re-?master(?:ed)?|feat\.?|ft\.?|featuring|bonus track|album version|original mix|mono|stereo)\b"
_IN_BRACKETS = re.compile(rf"[(\[][^)\]]*\b{_ADDED}[^)\]]*[)\]]", re.IGNORECASE)
_AT_THE_END = re.compile(
    rf"\s+(?:[-–—]\s+(?:\d{{4}}\s+)?{_ADDED}|(?:feat\.?|ft\.?|featuring)\s).*$", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+|[ivx]+")
_BETWEEN_ARTISTS = re.compile(
    r"\s*(?:,|;|/|&|\+|\band\b|\bwith\b|\bfeat\b\.?|\bft\b\.?|\bfeaturing\b)\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Known:
    """A track of the library."""

    id: str
    title: str
    artist: str = ""
    album: str = ""
    duration_s: float | None = None
    isrc: str = ""
    recording_mbid: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Match:
    """What was found for an entry: one track, or several that are ambiguous, or none; the best first."""

    wanted: Wanted
    track_ids: tuple[str, ...]
    how: How

    @property
    def track_id(self) -> str | None:
        return self.track_ids[0] if len(self.track_ids) == 1 else None

    @property
    def is_ambiguous(self) -> bool:
        return len(self.track_ids) > 1


def match(wanted: Iterable[Wanted], library: Iterable[Known]) -> list[Match]:
    """One answer for each entry, in their order. Silence matches nothing and is no failure: leave it out."""
    shelf = _Shelf(sorted(library, key=lambda track: track.id))
    return [shelf.find(entry) for entry in wanted]


def plain(words: str) -> str:
    """A title or a name without case, accents, punctuation and what is merely added to it."""
    words = _AT_THE_END.sub("", _IN_BRACKETS.sub(" ", words[:LONGEST]))
    return _letters(words) or _letters(words, keep_marks=True)


def _letters(words: str, *, keep_marks: bool = False) -> str:
    spread = unicodedata.normalize("NFKD", words.casefold().replace("&", " and "))
    kept = "".join(char for char in spread if keep_marks or not unicodedata.combining(char))
    kept = re.sub(r"['’`´]", "", kept)
    return " ".join(re.findall(r"[^\W_]+", kept) or (kept.split() if keep_marks else []))


def _artists(words: str) -> frozenset[str]:
    each = (plain(part).removeprefix("the ") for part in _BETWEEN_ARTISTS.split(words))
    return frozenset(filter(None, each))


@dataclass(frozen=True)
class _Named:
    track: Known
    title: str
    artists: frozenset[str]
    words: str  # artist and title, for comparing letters


class _Shelf:
    """The library, so that each way of looking is a look into a dictionary."""

    def __init__(self, library: Sequence[Known]) -> None:
        self.by_identifier: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.by_title: dict[str, list[_Named]] = defaultdict(list)
        self.by_word: dict[str, list[int]] = defaultdict(list)
        self.all: list[_Named] = []
        for track in library:
            self._put(track)

    def _put(self, track: Known) -> None:
        names = (
            ("digest", track.digest.casefold()),
            ("mbid", track.recording_mbid.casefold()),
            ("isrc", plain_isrc(track.isrc)),
        )
        for kind, value in names:
            if value:
                self.by_identifier[kind, value].append(track.id)
        title, artists = plain(track.title), _artists(track.artist)
        named = _Named(track, title, artists, _words(artists, title))
        self.by_title[title].append(named)
        for word in set(named.words.split()):
            self.by_word[word].append(len(self.all))
        self.all.append(named)

    def find(self, wanted: Wanted) -> Match:
        for kind, value in (
            ("digest", wanted.digest),
            ("mbid", wanted.recording_mbid),
            ("isrc", wanted.isrc),
        ):
            found = self.by_identifier.get((kind, value)) if value else None
            if found:
                return _answer(wanted, found, "identifier")
        if not plain(wanted.title):
            return Match(wanted, (), "none")
        return self._by_name(wanted) or self._similar(wanted) or Match(wanted, (), "none")

    def _by_name(self, wanted: Wanted) -> Match | None:
        same = self.by_title.get(plain(wanted.title), [])
        artists = _artists(wanted.artist)
        by_artist = [named for named in same if artists & named.artists and _is_near(wanted, named.track)]
        if by_artist:
            exact = [named for named in by_artist if named.artists == artists]
            return _answer(wanted, _nearest(wanted, exact or by_artist), "artist and title")
        # Without an artist on one side, only a length says that it is the same.
        nameless = [
            named
            for named in same
            if not (artists and named.artists) and _is_near(wanted, named.track) and wanted.duration_s
        ]
        found = [named for named in nameless if named.track.duration_s]
        return _answer(wanted, _nearest(wanted, found), "title and length") if found else None

    def _similar(self, wanted: Wanted) -> Match | None:
        """A misspelling: nearly the same letters, and the same length where both are known."""
        artists = _artists(wanted.artist)
        words = _words(artists, plain(wanted.title))
        best = [
            (likeness, named)
            for named in self._shortlist(words)
            if _is_near(wanted, named.track)
            and _says_enough(wanted, artists, named)
            and _numbers(words) == _numbers(named.words)
            if (likeness := _likeness(words, named.words)) >= _threshold(wanted, named.track)
        ]
        top = max((likeness for likeness, _ in best), default=0.0)
        found = [named for likeness, named in best if likeness >= top - 0.02]
        return _answer(wanted, _nearest(wanted, found), "similar") if found else None

    def _shortlist(self, words: str) -> list[_Named]:
        """The tracks that share most words, rare words counting more."""
        shared: dict[int, float] = defaultdict(float)
        for word in set(words.split()):
            holders = self.by_word.get(word, [])
            for index in holders:
                shared[index] += 1 / len(holders)
        ranked = sorted(shared, key=lambda index: (-shared[index], index))
        return [self.all[index] for index in ranked[:SHORTLIST]]


def _answer(wanted: Wanted, track_ids: Sequence[str], how: How) -> Match:
    return Match(wanted, tuple(track_ids), how if len(track_ids) == 1 else "ambiguous")


def _nearest(wanted: Wanted, found: Sequence[_Named]) -> list[str]:
    return [named.track.id for named in sorted(found, key=lambda named: _difference(wanted, named.track))]


def _difference(wanted: Wanted, track: Known) -> float:
    if wanted.duration_s is None or track.duration_s is None:
        return NEAR_S
    return abs(wanted.duration_s - track.duration_s)


def _is_near(wanted: Wanted, track: Known) -> bool:
    return _difference(wanted, track) <= NEAR_S


def _threshold(wanted: Wanted, track: Known) -> float:
    return ALIKE if wanted.duration_s and track.duration_s else ALIKE_WITHOUT_LENGTH


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0


def _says_enough(wanted: Wanted, artists: frozenset[str], named: _Named) -> bool:
    """Whether more than a title can be compared: the artists, or without any the lengths."""
    if artists or named.artists:
        return bool(artists and named.artists)
    return bool(wanted.duration_s and named.track.duration_s)


def _numbers(words: str) -> list[str]:
    """The numbers in it: “No. 1” and “No. 2” are nearly the same letters and never the same piece."""
    return sorted(word for word in words.split() if _NUMBER.fullmatch(word))


def _words(artists: frozenset[str], title: str) -> str:
    return " ".join([*sorted(artists), title])
