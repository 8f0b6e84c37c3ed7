"""Arcs that a practice draws itself. None of these commits."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.music.arcs import Arc, arc_from
from kap.music.models import PracticeArc
from kap.problems import Conflict


def draw(start: Arc, *, title: str, actor: Actor, at: datetime) -> PracticeArc:
    """Begin an arc of one's own as a copy of another; what is said of the other's evidence stays behind."""
    copy = replace(
        start,
        title=title,
        order=0,
        version=1,
        evidence=f"Drawn in your practice, starting from “{start.title}”."[:2000],
        sources=(),
        points=start.curve,
    )
    arc = PracticeArc(
        practice_id=actor.practice_id,
        title=title,
        route=copy.route,
        definition=copy.as_dict(),
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    db.session.add(arc)
    db.session.flush()
    audit.record(Permission.ARC_EDIT, actor=actor, subject=arc)
    return arc


def redraw(arc: PracticeArc, *, definition: dict[str, Any], version: int, actor: Actor) -> None:
    """Keep another curve, other phases or another name; playlists made from it stay as they are.

    Raises `ArcError` naming the field that cannot be, `Conflict` when someone changed it since `version`.
    """
    if arc.version != version:
        raise Conflict("Someone changed this arc since you opened it. Yours is not saved yet.")
    read = arc_from(definition)
    arc.title, arc.route, arc.definition = read.title, read.route, read.as_dict()
    arc.version += 1
    audit.record(Permission.ARC_EDIT, actor=actor, subject=arc)


def retire(arc: PracticeArc, *, actor: Actor, at: datetime) -> None:
    """Offer it no longer; playlists made from it stay as they are, and `restore` undoes it."""
    arc.retired_at = arc.retired_at or at
    audit.record(Permission.ARC_EDIT, actor=actor, subject=arc)


def restore(arc: PracticeArc, *, actor: Actor) -> None:
    arc.retired_at = None
    audit.record(Permission.ARC_EDIT, actor=actor, subject=arc)
