"""Who acts: a plain value made at the start of a request or a job, never a database row."""

from dataclasses import dataclass
from uuid import UUID

from kap.access.permissions import Role


@dataclass(frozen=True)
class Actor:
    """A person, or the system when `role` is None, acting within one practice."""

    id: UUID | None
    practice_id: UUID
    role: Role | None

    @classmethod
    def system(cls, practice_id: UUID) -> "Actor":
        """Kap itself, in a job or at the command line."""
        return cls(id=None, practice_id=practice_id, role=None)
