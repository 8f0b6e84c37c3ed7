"""Looking back at one's own entries: found by their words, themes and sessions, and side by side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kap.access.actor import Actor
from kap.integration import queries
from kap.integration.moments import moment_of
from kap.integration.queries import Words
from kap.integration.searching import Wanted, excerpt
from kap.integration.visible import Visible
from kap.patients.models import Patient
from kap.sessions.models import DosingSession

SOME = 25


@dataclass(frozen=True)
class Sought:
    """What the writer looks for among their entries; nothing of it narrows nothing."""

    words: str = ""
    tag: str = ""
    session_id: UUID | None = None

    def __bool__(self) -> bool:
        return bool(self.words.strip() or self.tag or self.session_id)


@dataclass(frozen=True)
class Line:
    """One entry of the timeline. `words` are pieces of its text, and whether each is what was looked for."""

    entry: Visible
    words: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Timeline:
    """The newest of the entries that were found, how many there are, and what there is to look for."""

    lines: Sequence[Line]
    found: int
    written: int
    tags: Sequence[tuple[str, int]]  # each as it was first typed, with its number of entries, most first


def timeline(actor: Actor, patient: Patient, sought: Sought, *, shown: int = SOME) -> Timeline:
    """The writer's own entries, as they look for them; of nobody else's.

    Words are opened in memory for this answer alone: nothing of them is kept to search in.
    """
    written = queries.words_of(actor, patient)
    wanted = Wanted(sought.words)
    found = [each for each in written if _is_sought(each, sought, wanted)]
    page = {each.id: each for each in found[:shown]}
    return Timeline(
        lines=[
            Line(entry, excerpt(page[entry.id].text, wanted))
            for entry in queries.own_entries(patient, page.keys())
        ],
        found=len(found),
        written=len(written),
        tags=_tags(written),
    )


@dataclass(frozen=True)
class Column:
    """A session, and what was written at one moment after it, in order."""

    session: DosingSession
    entries: Sequence[Words]


def side_by_side(
    actor: Actor, patient: Patient, sessions: Sequence[DosingSession], moment: str
) -> list[Column]:
    """What the writer wrote at that moment after each of `sessions`, the earliest first."""
    at_moment: dict[UUID, list[Words]] = {session.id: [] for session in sessions}
    for entry in reversed(queries.words_of(actor, patient)):
        place = moment_of(entry, sessions)
        if place is not None and place[1] == moment:
            at_moment[place[0]].append(entry)
    return [Column(session, at_moment[session.id]) for session in reversed(sessions)]


def _is_sought(entry: Words, sought: Sought, wanted: Wanted) -> bool:
    if sought.session_id is not None and entry.about != str(sought.session_id):
        return False
    if sought.tag and sought.tag.casefold() not in {tag.casefold() for tag in entry.tags}:
        return False
    return not wanted or wanted.is_in(entry.title, entry.text, *entry.tags)


def _tags(written: Sequence[Words]) -> list[tuple[str, int]]:
    named: dict[str, str] = {}
    count: Counter[str] = Counter()
    for entry in reversed(written):
        for tag in entry.tags:
            named.setdefault(tag.casefold(), tag)
            count[tag.casefold()] += 1
    return [(named[folded], number) for folded, number in count.most_common()]
