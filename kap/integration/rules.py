"""What an entry is made of, who may see which part of it, and how that is said. Pure."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID

LOWEST, HIGHEST = 0, 10
FIRST_WORDS = 100
MOST_TAGS, LONGEST_TAG, LONGEST_TITLE = 20, 40, 120
_JOINERS = "\u200d\ufe0e\ufe0f"  # they bind an emoji to the one before it


class Part(StrEnum):
    """What can be shared on its own. A title and themes go with the text."""

    TEXT = "text"
    VOICE = "voice"
    PICTURES = "pictures"
    RATINGS = "ratings"


class FileKind(StrEnum):
    VOICE = "voice"
    PICTURE = "picture"

    @property
    def part(self) -> Part:
        return Part.VOICE if self is FileKind.VOICE else Part.PICTURES


class FileState(StrEnum):
    ARRIVING = "arriving"
    WAITING = "waiting"  # for the job that makes of it what is heard or seen
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True)
class Scale:
    """A rating from 0 to 10, with the words at both ends."""

    question: str
    low: str
    high: str
    about_music: bool = False


# The last three are what Kaelen et al. 2018 (doi 10.1007/s00213-017-4820-5) asked about the music.
SCALES: Mapping[str, Scale] = {
    "mood_before": Scale("Mood before writing", "heavy", "light"),
    "mood_after": Scale("Mood after writing", "heavy", "light"),
    "body": Scale("How my body feels", "tense", "at ease"),
    "liking": Scale("I liked the music", "not at all", "very much", about_music=True),
    "resonance": Scale("The music fitted what was in me", "not at all", "completely", about_music=True),
    "openness": Scale("I let the music in", "not at all", "completely", about_music=True),
}


@dataclass(frozen=True)
class Ratings:
    """Each from 0 to 10 by its scale, or None where nothing was noted."""

    mood_before: int | None = None
    mood_after: int | None = None
    body: int | None = None
    liking: int | None = None
    resonance: int | None = None
    openness: int | None = None

    @property
    def given(self) -> dict[str, int]:
        """Those that were noted, in the order in which they are shown."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Writing:
    """What a person put on the page. `text` has line feeds only; ratings run from 0 to 10 by `SCALES`."""

    text: str = ""
    mood_before: int | None = None
    mood_after: int | None = None
    session_id: UUID | None = None
    body: int | None = None
    liking: int | None = None
    resonance: int | None = None
    openness: int | None = None
    title: str = ""
    tags: tuple[str, ...] = ()
    moment_s: float | None = None
    phase: str = ""  # what that part of the session is called

    @property
    def ratings(self) -> Ratings:
        return Ratings(**{name: getattr(self, name) for name in SCALES})

    @property
    def is_blank(self) -> bool:
        """Nothing that anyone would miss: a chosen session alone is not an entry."""
        return not (self.text.strip() or self.title or self.tags or self.ratings.given)


@dataclass(frozen=True)
class Grant:
    """One part shared with a person, or with `None`: whoever is on the care team. Since `at`."""

    part: Part
    to: UUID | None
    at: datetime


@dataclass(frozen=True)
class Viewer:
    """Someone who is not the writer, and since when they are on the care team, if they are."""

    id: UUID
    on_team_since: datetime | None


@dataclass(frozen=True)
class Member:
    """Someone on the care team now, by name."""

    id: UUID
    name: str
    since: datetime


def sees(grant: Grant, viewer: Viewer) -> bool:
    """Whether the grant lets the viewer see its part.

    Nobody outside the care team sees anything. What was shared by name does not come back to life when the
    person leaves the team and joins it again.
    """
    if viewer.on_team_since is None:
        return False
    return grant.to is None or (grant.to == viewer.id and grant.at >= viewer.on_team_since)


def visible_parts(grants: Iterable[Grant], present: Collection[Part], viewer: Viewer) -> frozenset[Part]:
    """The parts of an entry that the viewer may see: shared with them, and there."""
    return frozenset(grant.part for grant in grants if grant.part in present and sees(grant, viewer))


def shared_with_since(grants: Iterable[Grant], present: Collection[Part], viewer: Viewer) -> datetime | None:
    """When the entry was first shared with the viewer, of what they see now."""
    return min((grant.at for grant in grants if grant.part in present and sees(grant, viewer)), default=None)


PART_WORDS: Mapping[Part, str] = {
    Part.TEXT: "your words",
    Part.VOICE: "your voice notes",
    Part.PICTURES: "your pictures",
    Part.RATINGS: "your ratings",
}
ONLY_YOU = "Only you can read this. Nobody else can see that it exists, when you wrote it or how long it is."


def who_can_see(
    grants: Collection[Grant], present: Collection[Part], team: Sequence[Member]
) -> tuple[str, ...]:
    """Who can see what of an entry, in words to its writer: a sentence for each audience."""
    audiences: dict[tuple[bool, tuple[str, ...]], list[Part]] = {}
    for part in Part:
        if part in present:
            audiences.setdefault(_audience(part, grants, team), []).append(part)
    nobody = (False, ())
    if not audiences or set(audiences) == {nobody}:
        return (ONLY_YOU,)
    whole = len(audiences) == 1
    sentences = [
        _sentence(shared, names, "this" if whole else _and([PART_WORDS[part] for part in parts]), whole)
        for (shared, names), parts in audiences.items()
        if (shared, names) != nobody
    ]
    if nobody in audiences:
        sentences.append(f"Only you can see {_and([PART_WORDS[part] for part in audiences[nobody]])}.")
    elif not whole:
        sentences.append("Nobody else can.")
    return tuple(sentences)


def _audience(part: Part, grants: Collection[Grant], team: Sequence[Member]) -> tuple[bool, tuple[str, ...]]:
    """Whether the whole team may see the part, and the names of those who can now."""
    of_part = [grant for grant in grants if grant.part is part]
    names = tuple(
        member.name
        for member in team
        if any(sees(grant, Viewer(member.id, member.since)) for grant in of_part)
    )
    return any(grant.to is None for grant in of_part), names


def _sentence(with_team: bool, names: Sequence[str], what: str, whole: bool) -> str:
    nobody_else = " Nobody else." if whole else ""
    if not with_team:
        return f"{'Shared. ' if whole else ''}{_and(names)} can read {what}.{nobody_else}"
    if not names:
        return f"Shared. Nobody is on your care team now; whoever joins it can read {what}."
    return (
        f"{'Shared. ' if whole else ''}Your care team can read {what}: {', '.join(names)}. "
        f"So can anyone who joins the team later.{nobody_else}"
    )


def _and(words: Sequence[str]) -> str:
    """one, two and three"""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def tags_in(typed: str) -> tuple[str, ...]:
    """The themes in a line of words between commas: tidied, each once whatever its case, in order."""
    found: dict[str, str] = {}
    for word in typed.replace("\n", ",").split(","):
        tag = " ".join(word.split())
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def seconds_in(typed: str) -> float | None:
    """The moment that a person typed as players write it: 12:30 or 1:05:00. Raises `ValueError`."""
    if not typed.strip():
        return None
    parts = typed.strip().split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(typed)
    numbers = [int(part) for part in parts]
    if any(number >= 60 for number in numbers[1:]) or numbers[0] > 1000:
        raise ValueError(typed)
    total = 0
    for number in numbers:
        total = total * 60 + number
    return float(total)


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
