"""What was written, and how it is named in a list. Pure."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

MOOD_HEAVY, MOOD_LIGHT = 0, 10
FIRST_WORDS = 100
_JOINERS = "\u200d\ufe0e\ufe0f"  # they bind an emoji to the one before it


@dataclass(frozen=True)
class Writing:
    """What a person put on the page. `text` has line feeds only; moods run from 0 heavy to 10 light."""

    text: str = ""
    mood_before: int | None = None
    mood_after: int | None = None
    session_id: UUID | None = None

    @property
    def is_blank(self) -> bool:
        """Nothing that anyone would miss: a chosen session alone is not an entry."""
        return not self.text.strip() and self.mood_before is None and self.mood_after is None


def first_words(text: str, limit: int = FIRST_WORDS) -> str:
    """The beginning of `text` on one line, at most `limit` characters and an ellipsis, cut between words."""
    line = " ".join(text[: limit * 10].split())
    if len(line) <= limit:
        return line
    end = line.rfind(" ", 0, limit + 1)
    if end < limit // 2:  # one very long word, or a script without spaces
        end = _between_characters(line, limit)
    return line[:end].rstrip() + "…"


def _between_characters(line: str, end: int) -> int:
    """`end`, moved back until no accent or emoji is cut in two."""
    while end > 1 and _continues(line, end):
        end -= 1
    return end


def _continues(line: str, index: int) -> bool:
    character, before = line[index], line[index - 1]
    is_mark = unicodedata.category(character).startswith("M")
    is_skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return is_mark or is_skin_tone or character in _JOINERS or before == "\u200d"
