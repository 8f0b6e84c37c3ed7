"""An entry as one reader may see it: what is hidden from them cannot be asked for."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kap.integration.models import Comment, EntryFile, JournalEntry
from kap.integration.rules import FileState, Part, Ratings, Viewer, shared_with_since, visible_parts
from kap.patients.models import Patient
from kap.sessions.models import DosingSession


@dataclass(frozen=True)
class Visible:
    """What a reader sees of an entry. `parts` are those they may see; of the others there is no trace.

    Nothing is opened before it is asked for, so a list may hold these without opening anyone's words.
    """

    parts: frozenset[Part]
    shared_at: datetime | None  # with this reader; for the writer, with anyone
    _entry: JournalEntry = field(repr=False)

    @classmethod
    def to_writer(cls, entry: JournalEntry) -> "Visible":
        return cls(frozenset(Part), entry.shared_at, entry)

    @classmethod
    def to(cls, viewer: Viewer, entry: JournalEntry) -> "Visible | None":
        """What someone who is not the writer sees, or None when there is nothing."""
        grants, present = entry.grants, entry.present
        parts = visible_parts(grants, present, viewer)
        return cls(parts, shared_with_since(grants, present, viewer), entry) if parts else None

    @property
    def row(self) -> JournalEntry:
        """The entry itself, to act on it: never for a page."""
        return self._entry

    @property
    def id(self) -> UUID:
        return self._entry.id

    @property
    def patient_id(self) -> UUID:
        return self._entry.patient_id

    @property
    def patient(self) -> Patient:
        return self._entry.patient

    @property
    def made_at(self) -> datetime:
        return self._entry.made_at

    @property
    def session(self) -> DosingSession | None:
        return self._entry.session

    @property
    def moment_s(self) -> float | None:
        return self._entry.moment_s

    @property
    def phase(self) -> str:
        return self._entry.phase or ""

    @property
    def is_locked(self) -> bool:
        """Only ever true for its writer: nothing of a locked entry can be shared."""
        return self._entry.is_locked

    @property
    def comments(self) -> list[Comment]:
        return self._entry.comments

    @property
    def text(self) -> str:
        return self._entry.text if Part.TEXT in self.parts else ""

    @property
    def title(self) -> str:
        return (self._entry.title or "") if Part.TEXT in self.parts else ""

    @property
    def tags(self) -> list[str]:
        return (self._entry.tags or []) if Part.TEXT in self.parts else []

    @property
    def ratings(self) -> Ratings:
        return self._entry.ratings if Part.RATINGS in self.parts else Ratings()

    @property
    def files(self) -> list[EntryFile]:
        """Voice notes and pictures that are ready, of the parts there are."""
        return [
            file
            for file in self._entry.files
            if file.kind.part in self.parts
            and file.state is FileState.READY
            and not file.has_lost_its_key  # removed, and the database is an older copy
        ]
