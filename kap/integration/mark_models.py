from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.integration.models import JournalEntry


class EntryMark(Model):
    """Someone wants to bring this entry to the next session. Whoever may see the entry sees who that is."""

    __tablename__ = "entry_mark"
    __table_args__ = (UniqueConstraint("entry_id", "user_id"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    entry: Mapped[JournalEntry] = relationship()
    user: Mapped[User] = relationship()
