from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed

_STANDING = "withdrawn_at IS NULL AND replaced_at IS NULL"


class Signature(Model):
    """A patient's signature under one consent: the text word for word, who, when and from what.

    Never changed but by the moments at which it was confirmed, taken back or replaced by a newer one.
    """

    __tablename__ = "signature"
    __table_args__ = (
        Index("ix_signature_patient_signed", "patient_id", "signed_at"),
        # Signing twice is signing once.
        Index(
            "uq_signature_standing",
            "patient_id",
            "consent",
            unique=True,
            sqlite_where=text(_STANDING),
            postgresql_where=text(_STANDING),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    consent: Mapped[str] = mapped_column(String(60))  # its slug
    consent_version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of `source`
    source: Mapped[str] = mapped_column(Text)  # Markdown with front matter: see kap.content.consents
    name_sealed: Mapped[bytes]  # as typed by the signer
    chosen_sealed: Mapped[bytes]
    signed_at: Mapped[datetime]
    signed_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    device: Mapped[str] = mapped_column(String(200))  # what the browser said it is
    witnessed_at: Mapped[datetime | None]
    witness_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship()
    name: Sealed[str] = Sealed("name_sealed")
    # {"choices": {key: [option, …]}, "words": {key: text}} of the text's own choices and words.
    chosen: Sealed[dict[str, Any]] = Sealed("chosen_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key
