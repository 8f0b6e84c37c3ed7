from base64 import b64decode
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model, choice
from kap.integration.rules import FileKind, FileState, Grant, Part, Ratings, Writing
from kap.patients.models import Patient
from kap.sealed import Key, Sealed, WithKeptKey
from kap.sessions.models import DosingSession

__all__ = [
    "Comment",
    "Doomed",
    "EntryFile",
    "EntryShare",
    "FileKind",
    "FilePiece",
    "FileState",
    "JournalEntry",
]


class JournalEntry(WithKeptKey, Model):
    """A patient's own writing. Nobody else may list, count or date it, unless they are shown a part of it.

    It has a key of its own, which does not lie in the database: destroying that key destroys the entry in
    every backup. `key_id` is None only for entries of an earlier version until they are sealed anew.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (Index("ix_journal_entry_patient_made", "patient_id", "made_at"),)

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("dosing_session.id", ondelete="SET NULL"))
    key_id: Mapped[UUID | None]
    text_sealed: Mapped[bytes]
    title_sealed: Mapped[bytes | None]
    tags_sealed: Mapped[bytes | None]
    mood_before_sealed: Mapped[bytes | None]  # 0 heavy to 10 light
    mood_after_sealed: Mapped[bytes | None]
    rated_sealed: Mapped[bytes | None]  # the other ratings that were given, by name
    moment_sealed: Mapped[bytes | None]  # seconds into the music of the session it is about
    phase_sealed: Mapped[bytes | None]  # what the part of the session is called that it is about
    locked_sealed: Mapped[bytes | None]  # in place of words: what only the writer's browser can open
    made_at: Mapped[datetime]
    edited_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    # Counted by hand: sharing must not make a page that is open for writing look overwritten.
    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        "version_id_col": version,
        "version_id_generator": False,
    }

    patient: Mapped[Patient] = relationship()
    session: Mapped[DosingSession | None] = relationship()
    comments: Mapped[list["Comment"]] = relationship(
        order_by="Comment.at", cascade="all, delete-orphan", back_populates="entry"
    )
    files: Mapped[list["EntryFile"]] = relationship(
        order_by="EntryFile.made_at", cascade="all, delete-orphan", back_populates="entry"
    )
    shares: Mapped[list["EntryShare"]] = relationship(
        order_by="EntryShare.at", cascade="all, delete-orphan", back_populates="entry"
    )
    text: Sealed[str] = Sealed("text_sealed")
    title: Sealed[str | None] = Sealed("title_sealed")
    tags: Sealed[list[str] | None] = Sealed("tags_sealed")
    mood_before: Sealed[int | None] = Sealed("mood_before_sealed")
    mood_after: Sealed[int | None] = Sealed("mood_after_sealed")
    rated: Sealed[dict[str, int] | None] = Sealed("rated_sealed")
    moment_s: Sealed[float | None] = Sealed("moment_sealed")
    phase: Sealed[str | None] = Sealed("phase_sealed")
    locked: Sealed[str | None] = Sealed("locked_sealed")  # of the form that `kap.integration.locking` checks

    def sealing_key(self) -> Key:
        return self.patient.data_key if self.key_id is None else self.kept_key

    @property
    def ratings(self) -> Ratings:
        return Ratings(mood_before=self.mood_before, mood_after=self.mood_after, **(self.rated or {}))

    @property
    def writing(self) -> Writing:
        return Writing(
            text=self.text,
            title=self.title or "",
            tags=tuple(self.tags or ()),
            session_id=self.session_id,
            moment_s=self.moment_s,
            phase=self.phase or "",
            **self.ratings.given,
        )

    @property
    def is_locked(self) -> bool:
        return self.locked_sealed is not None

    @property
    def present(self) -> frozenset[Part]:
        """The parts that hold anything: what is not there cannot be shared, nor seen to be missing.

        Of a locked entry nothing can be shared.
        """
        if self.is_locked:
            return frozenset()
        there = {file.kind.part for file in self.files if file.state is FileState.READY}
        if self.text.strip() or self.title or self.tags:
            there.add(Part.TEXT)
        if self.mood_before_sealed or self.mood_after_sealed or self.rated_sealed:
            there.add(Part.RATINGS)
        return frozenset(there)

    @property
    def shared_at(self) -> datetime | None:
        """Since when someone can see a part of it."""
        if not self.shares:
            return None
        present = self.present
        return min((share.at for share in self.shares if share.part in present), default=None)

    @property
    def grants(self) -> frozenset[Grant]:
        return frozenset(Grant(share.part, share.user_id, share.at) for share in self.shares)


class EntryFile(WithKeptKey, Model):
    """A voice note or a picture of an entry, sealed under a key of its own with everything about it.

    `about` is whatever its page needs: media type, length in seconds, wave, words beside it.
    """

    __tablename__ = "entry_file"
    __table_args__ = (Index("ix_entry_file_entry", "entry_id"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id", ondelete="CASCADE"))
    kind: Mapped[FileKind] = mapped_column(choice(FileKind))
    state: Mapped[FileState] = mapped_column(choice(FileState))
    key_id: Mapped[UUID]
    source_key: Mapped[str | None] = mapped_column(String(80))  # as it arrived, sealed, until it is worked on
    file_key: Mapped[str | None] = mapped_column(String(80))  # as it is read or heard, sealed
    aac_key: Mapped[str | None] = mapped_column(String(80))  # the same, for browsers that play no Opus in Ogg
    about_sealed: Mapped[bytes]
    made_at: Mapped[datetime]

    entry: Mapped[JournalEntry] = relationship(back_populates="files")
    pieces: Mapped[list["FilePiece"]] = relationship(
        order_by="FilePiece.take, FilePiece.number", cascade="all, delete-orphan", back_populates="file"
    )
    about: Sealed[dict[str, Any]] = Sealed("about_sealed")

    def sealing_key(self) -> Key:
        return self.kept_key

    @property
    def peaks(self) -> bytes:
        """The outline of a voice note, as `kap.audio.measure` has it of a track."""
        return b64decode(self.about.get("peaks", ""))

    @property
    def storage_keys(self) -> list[str]:
        known = (self.source_key, self.file_key, self.aac_key, *(piece.key for piece in self.pieces))
        return [key for key in known if key is not None]


class FilePiece(Model):
    """A piece of a recording as it arrived, sealed under its file's key, until the whole is worked on.

    Whatever interrupted a recording begins another take of it: a sound file of its own, sent in pieces too.
    """

    __tablename__ = "file_piece"
    __table_args__ = (UniqueConstraint("file_id", "take", "number", name="uq_file_piece_place"),)

    file_id: Mapped[UUID] = mapped_column(ForeignKey("entry_file.id", ondelete="CASCADE"))
    take: Mapped[int]
    number: Mapped[int]
    key: Mapped[str] = mapped_column(String(80))

    file: Mapped[EntryFile] = relationship(back_populates="pieces")


class EntryShare(Model):
    """One part of an entry that one audience may see: a person by name, or whoever is on the care team.

    Taking it back removes the row.
    """

    __tablename__ = "entry_share"
    __table_args__ = (
        Index(
            "uq_entry_share_team",
            "entry_id",
            "part",
            unique=True,
            sqlite_where=text("user_id IS NULL"),
            postgresql_where=text("user_id IS NULL"),
        ),
        Index(
            "uq_entry_share_person",
            "entry_id",
            "part",
            "user_id",
            unique=True,
            sqlite_where=text("user_id IS NOT NULL"),
            postgresql_where=text("user_id IS NOT NULL"),
        ),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id", ondelete="CASCADE"))
    part: Mapped[Part] = mapped_column(choice(Part))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))  # None: the care team
    at: Mapped[datetime]

    entry: Mapped[JournalEntry] = relationship(back_populates="shares")


class Comment(Model):
    """A line under a shared entry, by the care team or the patient."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_entry_at", "entry_id", "at"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    text_sealed: Mapped[bytes]

    entry: Mapped[JournalEntry] = relationship(back_populates="comments")
    author: Mapped[User] = relationship()
    text: Sealed[str] = Sealed("text_sealed")

    def sealing_key(self) -> Key:
        return self.entry.sealing_key()


class Doomed(Model):
    """A key, or a file in the storage, of something deleted: this row stays until it surely is destroyed."""

    __tablename__ = "doomed"

    key_id: Mapped[UUID | None]
    file_key: Mapped[str | None] = mapped_column(String(80))
