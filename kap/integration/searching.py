"""Finding words in what was written, whatever their case, accents and script. Pure.

Text is folded character by character, so that a place in the folded text is a place in what was typed.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BEFORE, AROUND = 60, 260
# Letters that Unicode does not take apart, and signs that a keyboard types in its own way.
_ALIKE = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "ـ": ""}
    | dict.fromkeys("‘’", "'")
    | dict.fromkeys("‐‑–—", "-")
    | dict.fromkeys("“”„«»", '"')
)
_UNSEEN = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff")
_QUOTES = re.compile('["“”„«»]')
_PHRASES = re.compile(r'["“”„«]([^"“”„«»]+)["“”»]')


class _Folding(dict[int, str]):
    """What each character folds to, worked out when it is first met: says nothing of who wrote it."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _fold_character(chr(code))
        return found


def _fold_character(character: str) -> str:
    if character.isspace():
        return " "
    if "\ud800" <= character <= "\udfff":
        return "?"  # half of a pair: no text of its own
    apart = unicodedata.normalize("NFKD", character.casefold()).casefold().translate(_ALIKE)
    kept = (each for each in apart if not unicodedata.combining(each) and each not in _UNSEEN)
    return "".join(" " if each.isspace() else each for each in kept)


_FOLDING = _Folding()
# Latin-1 holds what most people of Western Europe write, but for what a phone makes of quotes and dashes. It
# folds in one pass; only the few of its letters that become several need another.
_OF_PHONES = [(typed, _FOLDING[ord(typed)]) for typed in "‘’“”„–—…"]
_LATIN = [_FOLDING[code] for code in range(256)]
_SINGLE = bytes(
    ord(to) if len(to) == 1 and to.isascii() else code for code, to in zip(range(256), _LATIN, strict=True)
)
_SEVERAL = {bytes([code]): to.encode() for code, to in enumerate(_LATIN) if len(to) != 1 or not to.isascii()}
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def folded(text: str) -> bytes:
    """`text` without case, accents and marks that cannot be seen, each space a plain one, as UTF-8."""
    if not text.isascii():
        for typed, to in _OF_PHONES:
            text = text.replace(typed, to)
    try:
        single = text.encode("latin-1").translate(_SINGLE)
    except UnicodeEncodeError:
        return text.translate(_FOLDING).encode()
    if single.isascii():
        return single
    single = single.replace(b"\xdf", b"ss")
    return single if single.isascii() else _BEYOND_ASCII.sub(lambda one: _SEVERAL[one[0]], single)


@dataclass(frozen=True)
class Term:
    """A word, or a phrase whose words follow one another, as it is looked for in folded text."""

    words: tuple[bytes, ...]

    def pattern(self) -> re.Pattern[bytes]:
        return re.compile(b" +".join(map(re.escape, self.words)))

    def places(self, haystack: bytes) -> Iterator[tuple[int, int]]:
        return (found.span() for found in self.pattern().finditer(haystack))


class Wanted:
    """What someone looks for: every word of it must occur, and what stands in quotes word after word."""

    def __init__(self, typed: str) -> None:
        phrases = _PHRASES.findall(typed)
        # A quote that is not closed yet stands for nothing.
        single = [[word] for word in _QUOTES.sub(" ", _PHRASES.sub(" ", typed)).split()]
        found = (tuple(folded(" ".join(words)).split()) for words in [*(p.split() for p in phrases), *single])
        self.terms = [Term(words) for words in dict.fromkeys(words for words in found if words)]
        self._patterns = [term.pattern() for term in self.terms]

    def __bool__(self) -> bool:
        return bool(self.terms)

    def is_in(self, *fields: str) -> bool:
        """Whether each term occurs in one of the fields. A phrase does not run from one into the next."""
        haystack = b"\n".join(map(folded, fields))
        return all(pattern.search(haystack) for pattern in self._patterns)


def excerpt(text: str, wanted: Wanted) -> list[tuple[str, bool]]:
    """The text around the first place where a term occurs: pieces, and whether each is one of the terms.

    Where none does, as it may stand in the title, the beginning of the text.
    """
    haystack = folded(text)
    firsts = [place for term in wanted.terms for place in [next(term.places(haystack), None)] if place]
    first = _character_at(text, min(firsts)[0]) if firsts else 0
    start = _word_before(text, max(first - BEFORE, 0))
    part = text[start : start + AROUND]
    pieces = _marked(part, wanted.terms)
    if start:
        pieces = [("…", False), *pieces]
    return [*pieces, ("…", False)] if start + AROUND < len(text) else pieces


def _marked(part: str, terms: Sequence[Term]) -> list[tuple[str, bool]]:
    ends = [0]  # how far the folded text reaches after each character
    for character in part:
        ends.append(ends[-1] + len(_FOLDING[ord(character)].encode()))
    haystack = folded(part)
    is_found = [False] * len(part)
    for term in terms:
        for begin, end in term.places(haystack):
            for index in range(len(part)):
                if ends[index] < end and ends[index + 1] > begin:
                    is_found[index] = True
    pieces: list[tuple[str, bool]] = []
    for character, found in zip(part, is_found, strict=True):
        if pieces and pieces[-1][1] == found:
            pieces[-1] = (pieces[-1][0] + character, found)
        else:
            pieces.append((character, found))
    return pieces


def _character_at(text: str, place: int) -> int:
    """The index in `text` of what stands at `place` of the folded text: halving, as folding keeps order."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if len(folded(text[: middle + 1])) > place:
            high = middle
        else:
            low = middle + 1
    return low


def _word_before(text: str, index: int) -> int:
    """`index`, moved on to where a word begins, unless that is far away."""
    if index == 0:
        return 0
    space = text.find(" ", index, index + BEFORE // 2)
    return index if space < 0 else space + 1
