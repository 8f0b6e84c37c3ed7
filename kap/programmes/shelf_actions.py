"""Copying, writing, retiring a practice's programmes; keeping each as it was given. None of these commits."""

import re
import unicodedata
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.content.programmes import OWN, Programme
from kap.db import db
from kap.problems import Conflict
from kap.programmes import shelf_queries as queries
from kap.programmes.models import PracticeProgramme, ProgrammeText

CHANGED = "Someone else changed this programme. Nothing is overwritten; both versions are on this page."


class Overwritten(Conflict):
    """The programme was changed since the version this began from; theirs is `programme`, at `version`."""

    def __init__(self, programme: Programme, version: int) -> None:
        super().__init__(CHANGED)
        self.programme, self.version = programme, version


def copy(programme: Programme, *, actor: Actor, at: datetime) -> PracticeProgramme:
    """Begin a programme of the practice's own with the steps of another."""
    row = PracticeProgramme(
        practice_id=actor.practice_id,
        slug=_free_slug(actor.practice_id, programme.slug),
        copied_from=programme.slug,
        definition=programme.definition() | {"version": 1},
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    _enter(row)
    _record(row, actor)
    return row


def change(row: PracticeProgramme, wanted: Programme, *, version: int, actor: Actor) -> None:
    """Write its steps anew. Whoever was given it keeps it as it was. Raises `Overwritten`."""
    if wanted.digest == queries.written(row).digest:
        return
    if version != row.version:
        raise Overwritten(queries.written(row), row.version)
    try:
        with db.session.begin_nested():
            row.version += 1
            row.definition = wanted.definition() | {"version": row.version}
    except StaleDataError as error:  # someone else's came first, in this moment
        db.session.refresh(row)
        raise Overwritten(queries.written(row), row.version) from error
    _record(row, actor)


def retire(slug: str, *, actor: Actor, at: datetime) -> None:
    """Give a programme to nobody from now on. Whoever has it keeps it. Twice is once."""
    row = queries.practice_programme(actor.practice_id, slug)
    if row is None:
        programme = queries.shelf_of(actor.practice_id).named(slug)
        row = PracticeProgramme(
            practice_id=actor.practice_id, slug=programme.slug, made_at=at, made_by_id=actor.id, version=1
        )
        _enter(row)
    if row.retired_at is None:
        row.retired_at = at
        _record(row, actor)


def restore(slug: str, *, actor: Actor) -> None:
    """Undo `retire`."""
    row = queries.practice_programme(actor.practice_id, slug)
    if row is not None and row.retired_at is not None:
        row.retired_at = None
        _record(row, actor)


def keep(practice_id: UUID, programme: Programme, *, at: datetime) -> ProgrammeText:
    """Where these very steps are kept for the practice, from now on if they were not yet."""
    known = queries.kept(practice_id, programme)
    if known is not None:
        return known
    row = ProgrammeText(
        practice_id=practice_id,
        slug=programme.slug,
        digest=programme.digest,
        definition=programme.definition(),
        made_at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # another request kept it in the same moment
        known = queries.kept(practice_id, programme)
        if known is None:
            raise
        return known
    return row


def _enter(row: PracticeProgramme) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise Conflict(
            "Someone did the same in this moment. Go back to the programmes to find it."
        ) from error


def _free_slug(practice_id: UUID, words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:44].strip("-") or "programme"
    stem = OWN + name.removeprefix(OWN)
    taken = set(
        db.session.scalars(
            select(PracticeProgramme.slug).where(
                PracticeProgramme.practice_id == practice_id, PracticeProgramme.slug.startswith(stem)
            )
        )
    )
    numbered = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(slug for slug in numbered if slug not in taken)


def _record(row: PracticeProgramme, actor: Actor) -> None:
    audit.record(Permission.PROGRAMMES_EDIT, actor=actor, subject=row)
