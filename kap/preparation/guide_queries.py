"""Which guides a practice has: those that ship, those it wrote, and every text of them that was kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.content.drafts import Draft
from kap.content.guides import Guide, earlier, library, parse_guide, predecessors_of, successor_of
from kap.db import db
from kap.music.finding import folded
from kap.music.models import Track, TrackState
from kap.patients.models import Patient
from kap.patients.queries import visible_to
from kap.preparation.models import Assignment, GuideText, PracticeGuide
from kap.problems import NotThere

NO_SUCH = "There is no such guide."


@dataclass(frozen=True)
class Version:
    """One text of a guide. `kept` is the row it stands in; what only ships has none."""

    guide: Guide
    kept: GuideText | None

    @property
    def mark(self) -> str:
        return self.guide.mark

    @property
    def made_at(self) -> datetime | None:
        return self.kept.made_at if self.kept and self.kept.made_by_id else None


@dataclass(frozen=True)
class Shelf:
    """The guides of a practice. A draft may belong to a guide that is given already."""

    offered: list[Guide]
    retired: list[Guide]
    own: frozenset[str]
    drafts: list[tuple[PracticeGuide, Draft]]


def offered(practice_id: UUID) -> list[Guide]:
    """What can be given today, in the order a patient meets it."""
    return shelf_of(practice_id).offered


def shelf_of(practice_id: UUID) -> Shelf:
    rows = _rows(practice_id)
    retired = {row.slug for row in rows if row.retired_at is not None}
    guides = {**library(), **_newest_own(practice_id)}
    ordered = sorted(guides.values(), key=lambda guide: (guide.order, guide.title))
    return Shelf(
        offered=[guide for guide in ordered if guide.slug not in retired],
        retired=[guide for guide in ordered if guide.slug in retired],
        own=frozenset(row.slug for row in rows if row.slug not in library()),
        drafts=[(row, Draft.from_dict(row.draft)) for row in rows if row.draft is not None],
    )


def guide_for(practice_id: UUID, slug: str) -> Guide:
    """The newest text of a guide, given to patients or retired. Raises `NotThere`."""
    guide = library().get(slug) or _newest_own(practice_id, [slug]).get(slug)
    if guide is None:
        raise NotThere(NO_SUCH)
    return guide


def practice_guide(practice_id: UUID, slug: str) -> PracticeGuide | None:
    return db.session.scalars(
        select(PracticeGuide).where(PracticeGuide.practice_id == practice_id, PracticeGuide.slug == slug)
    ).first()


def own_guide(practice_id: UUID, slug: str) -> PracticeGuide:
    """A guide the practice wrote. Raises `NotThere`, also for one that ships."""
    row = None if slug in library() else practice_guide(practice_id, slug)
    if row is None:
        raise NotThere(NO_SUCH)
    return row


def kept(practice_id: UUID, guide: Guide) -> GuideText | None:
    """Where exactly this text is kept for the practice."""
    return db.session.scalars(
        select(GuideText).where(
            GuideText.practice_id == practice_id,
            GuideText.slug == guide.slug,
            GuideText.digest == guide.digest,
        )
    ).first()


def versions_of(practice_id: UUID, slug: str) -> list[Version]:
    """Every text of a guide that is known here, the newest first, with those of the guides it came from."""
    slugs = [slug, *predecessors_of(slug)]
    rows = db.session.scalars(
        select(GuideText)
        .where(GuideText.practice_id == practice_id, GuideText.slug.in_(slugs))
        .order_by(GuideText.made_at.desc())
    )
    found = {row.digest: Version(parse_guide(row.source, row.slug), row) for row in rows}
    shipped = [library()[slug]] if slug in library() else []
    before = [guide for (name, _), guide in earlier().items() if name in slugs]
    for guide in (*shipped, *before):
        found.setdefault(guide.digest, Version(guide, None))
    newest = guide_for(practice_id, slug).digest
    return sorted(
        found.values(),
        key=lambda each: (each.guide.digest == newest, each.guide.slug == slug, each.guide.version),
        reverse=True,
    )


def version_marked(versions: Collection[Version], mark: str) -> Version:
    """Raises `NotThere`."""
    found = next((each for each in versions if each.mark == mark), None)
    if found is None:
        raise NotThere("There is no such version of this guide.")
    return found


def as_given(assignment: Assignment) -> Guide | None:
    """The text an assignment stands for, or None where it is gone: it was given before texts were kept."""
    if assignment.given_text is not None:
        return parse_guide(assignment.given_text.source, assignment.given_text.slug)
    of_then = earlier().get((assignment.guide, assignment.guide_version))
    return of_then or library().get(assignment.guide)


def newer_than(given: Guide, offered: Collection[Guide]) -> Guide | None:
    """The text that replaced this one, if it is offered."""
    slug = successor_of(given.slug)
    newest = next((guide for guide in offered if guide.slug == slug), None)
    return newest if newest is not None and newest.digest != given.digest else None


def with_an_earlier_text(actor: Actor, guide: Guide) -> list[Assignment]:
    """Of the actor's caseload, who has an earlier text of this guide and is not done with it."""
    caseload = visible_to(actor).where(Patient.archived_at.is_(None)).with_only_columns(Patient.id)
    rows = db.session.scalars(
        select(Assignment)
        .where(
            Assignment.patient_id.in_(caseload),
            Assignment.guide.in_([guide.slug, *predecessors_of(guide.slug)]),
            Assignment.withdrawn_at.is_(None),
            Assignment.done_at.is_(None),
        )
        .options(joinedload(Assignment.patient), joinedload(Assignment.given_text))
    )
    found = [row for row in rows if (given := as_given(row)) is not None and given.digest != guide.digest]
    return sorted(found, key=lambda row: row.patient.name)


def earlier_texts_of(assignment: Assignment) -> list[Guide]:
    """The texts a patient had before this one, the latest first."""
    if not assignment.earlier_texts:
        return []
    wanted = [UUID(text_id) for text_id in reversed(assignment.earlier_texts)]
    rows = {row.id: row for row in db.session.scalars(select(GuideText).where(GuideText.id.in_(wanted)))}
    return [parse_guide(rows[each].source, rows[each].slug) for each in wanted]


def tracks_for(practice_id: UUID, guide: Guide) -> dict[str, Track]:
    """The practice's own tracks that a guide's audio blocks name, by the block's key; some may be missing."""
    if not guide.audio:
        return {}
    titles = {block.key: folded(" ".join(block.title.split())) for block in guide.audio}
    # Titles begin what a track is searched by: SQLite knows no capitals but A to Z.
    named = (Track.search_text.startswith(f"\n{title}\n", autoescape=True) for title in titles.values())
    rows = db.session.scalars(
        select(Track)
        .where(
            Track.practice_id == practice_id,
            or_(*named),
            Track.state == TrackState.READY,
            Track.retired_at.is_(None),
            Track.file_key.is_not(None),
        )
        .order_by(Track.added_at.desc())
    )
    by_title = {folded(" ".join(row.title.split())): row for row in rows}
    return {key: by_title[title] for key, title in titles.items() if title in by_title}


def _rows(practice_id: UUID) -> list[PracticeGuide]:
    wanted = select(PracticeGuide).where(PracticeGuide.practice_id == practice_id)
    return list(db.session.scalars(wanted.order_by(PracticeGuide.made_at)))


def _newest_own(practice_id: UUID, slugs: Collection[str] | None = None) -> dict[str, Guide]:
    """The newest published text of each guide the practice wrote."""
    own = select(GuideText).where(
        GuideText.practice_id == practice_id, GuideText.slug.not_in(_slugs_that_ship())
    )
    if slugs is not None:
        own = own.where(GuideText.slug.in_(slugs))
    rows = db.session.scalars(own.order_by(GuideText.version))
    return {row.slug: parse_guide(row.source, row.slug) for row in rows}


def _slugs_that_ship() -> set[str]:
    return {*library(), *(slug for slug, _ in earlier())}
