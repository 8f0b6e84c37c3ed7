"""Writing a practice's own guides, keeping every text, moving patients on. None of these commits."""

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
from kap.content.drafts import Draft, draft_of, guide_of
from kap.content.guides import OWN, Guide
from kap.db import db
from kap.preparation import guide_queries as queries
from kap.preparation.models import Assignment, GuideText, PracticeGuide
from kap.problems import Conflict, Invalid

CHANGED = "Someone else changed this draft. Nothing is overwritten; both versions are on this page."


class Overwritten(Conflict):
    """The draft was changed since the `version` this one began from; theirs is `draft`, at `version`."""

    def __init__(self, draft: Draft, version: int) -> None:
        super().__init__(CHANGED)
        self.draft, self.version = draft, version


def keep(practice_id: UUID, guide: Guide, *, at: datetime) -> GuideText:
    """Where this very text is kept for the practice, from now on if it was not yet."""
    known = queries.kept(practice_id, guide)
    if known is not None:
        return known
    row = _text(practice_id, guide, at=at)
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # another request kept it in the same moment
        known = queries.kept(practice_id, guide)
        if known is None:
            raise
        return known
    return row


def begin(draft: Draft, *, copied_from: str = "", actor: Actor, at: datetime) -> PracticeGuide:
    """A guide of the practice's own, as a draft that nobody is given yet."""
    row = PracticeGuide(
        practice_id=actor.practice_id,
        slug=_free_slug(actor.practice_id, copied_from or draft.title),
        copied_from=copied_from,
        draft=draft.as_dict(),
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    _enter(row)
    _record(row, actor)
    return row


def _enter(row: PracticeGuide) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise Conflict("Someone did the same in this moment. Go back to the guides to find it.") from error


def copy(guide: Guide, *, actor: Actor, at: datetime) -> PracticeGuide:
    """Begin a guide of the practice's own with the words of another."""
    return begin(draft_of(guide), copied_from=guide.slug, actor=actor, at=at)


def keep_draft(row: PracticeGuide, draft: Draft, *, version: int) -> None:
    """Keep what was typed, right or wrong; the same again changes nothing. Raises `Overwritten`."""
    if draft.as_dict() == present_draft(row).as_dict():
        return
    if version != row.version:
        raise Overwritten(present_draft(row), row.version)
    try:
        with db.session.begin_nested():
            row.draft = draft.as_dict()
            row.version += 1
    except StaleDataError as error:  # someone else's came first, in this moment
        db.session.refresh(row)
        raise Overwritten(present_draft(row), row.version) from error


def publish(row: PracticeGuide, *, actor: Actor, at: datetime) -> GuideText:
    """Make the draft the guide's next version, the one that is given from now on.

    Raises `DraftError` when it is no guide yet, and `Invalid` when it says the same as the last version.
    """
    draft = present_draft(row)
    newest = _newest(row)
    guide = guide_of(draft, slug=row.slug, version=newest.version + 1 if newest else 1)
    if newest and guide_of(draft, slug=row.slug, version=newest.version).digest == newest.digest:
        raise Invalid(f"This is word for word version {newest.version}, so there is nothing to publish.")
    text = _text(row.practice_id, guide, at=at, note=draft.note, by=actor.id)
    try:
        with db.session.begin_nested():
            db.session.add(text)
            row.draft = None
            row.version += 1
    except (IntegrityError, StaleDataError) as error:  # the same button, pressed twice or by two people
        raise Invalid("This guide was published in the same moment. Look at its newest version.") from error
    _record(row, actor)
    return text


def retire(slug: str, *, actor: Actor, at: datetime) -> None:
    """Give a guide to nobody from now on. Whoever has it keeps it. Twice is once."""
    row = queries.practice_guide(actor.practice_id, slug)
    if row is None:
        guide = queries.guide_for(actor.practice_id, slug)
        row = PracticeGuide(
            practice_id=actor.practice_id, slug=guide.slug, made_at=at, made_by_id=actor.id, version=1
        )
        _enter(row)
    if row.retired_at is None:
        row.retired_at = at
        db.session.flush()
        _record(row, actor)


def restore(slug: str, *, actor: Actor) -> None:
    """Undo `retire`."""
    row = queries.practice_guide(actor.practice_id, slug)
    if row is not None and row.retired_at is not None:
        row.retired_at = None
        _record(row, actor)


def move_on(assignment: Assignment, *, to: Guide, actor: Actor, at: datetime) -> bool:
    """Have a patient read the text `to` from now on; False when they do already.

    Ticks and answers stay under their keys, and what `to` no longer asks is shown below it. Raises `Conflict`
    when the patient was given that guide separately.
    """
    given = queries.as_given(assignment)
    if assignment.done_at is not None or given is None or given.digest == to.digest:
        return False
    practice_id = assignment.patient.practice_id
    before, after = keep(practice_id, given, at=at), keep(practice_id, to, at=at)
    try:
        with db.session.begin_nested():
            assignment.earlier_texts = [*assignment.earlier_texts, str(before.id)]
            assignment.given_text, assignment.text_id = after, after.id
            assignment.guide, assignment.guide_version = to.slug, to.version
            assignment.moved_at = at
    except IntegrityError as error:
        raise Conflict(f"“{to.title}” is given already and not done yet.") from error
    audit.record(
        Permission.ASSIGNMENT_ASSIGN, actor=actor, patient_id=assignment.patient_id, subject=assignment
    )
    return True


def _text(
    practice_id: UUID, guide: Guide, *, at: datetime, note: str = "", by: UUID | None = None
) -> GuideText:
    return GuideText(
        practice_id=practice_id,
        slug=guide.slug,
        version=guide.version,
        digest=guide.digest,
        source=guide.source,
        note=note,
        made_at=at,
        made_by_id=by,
    )


def present_draft(row: PracticeGuide) -> Draft:
    """What its writers have before them: the draft, else the newest version."""
    if row.draft is not None:
        return Draft.from_dict(row.draft)
    newest = _newest(row)
    return draft_of(newest) if newest else Draft()


def _newest(row: PracticeGuide) -> Guide | None:
    versions = db.session.scalars(
        select(GuideText.id).where(GuideText.practice_id == row.practice_id, GuideText.slug == row.slug)
    ).first()
    return queries.guide_for(row.practice_id, row.slug) if versions else None


def _free_slug(practice_id: UUID, words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:44].strip("-") or "guide"
    stem = OWN + name.removeprefix(OWN)
    taken = set(
        db.session.scalars(
            select(PracticeGuide.slug).where(
                PracticeGuide.practice_id == practice_id, PracticeGuide.slug.startswith(stem)
            )
        )
    )
    return next(slug for slug in _numbered(stem, len(taken) + 2) if slug not in taken)


def _numbered(stem: str, count: int) -> list[str]:
    return [stem, *(f"{stem}-{number}" for number in range(2, count + 1))]


def _record(row: PracticeGuide, actor: Actor) -> None:
    audit.record(Permission.GUIDES_EDIT, actor=actor, subject=row)
