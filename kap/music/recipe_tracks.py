"""Tracks that Kap plays itself: what a recipe tells about its track, and the recipe behind a track."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.audio.synth import FAMILIES, RECIPES, Recipe, as_dict, recipe_from
from kap.db import db
from kap.jobs import queue
from kap.music import queries
from kap.music.models import Familiarity, Pulse, Track, TrackState, Vocals
from kap.problems import Conflict

RECIPE_LICENCE = "CC0 1.0"
RECIPE_SOURCE = "Made by Kap from a recipe"


def shelf_track(recipe: Recipe, *, practice_id: UUID, actor: Actor, at: datetime) -> Track:
    """Return the track of a recipe that ships."""
    track = _waiting(recipe, practice_id, actor, at)
    track.recipe = recipe.slug
    return track


def _waiting(recipe: Recipe, practice_id: UUID, actor: Actor, at: datetime) -> Track:
    """Return a track that waits to be rendered, with everything a recipe knows of it beforehand."""
    return Track(
        practice_id=practice_id,
        state=TrackState.WAITING,
        file_name=f"{recipe.slug}.flac",
        title=recipe.title,
        artist="Kap",
        licence=RECIPE_LICENCE,
        source=RECIPE_SOURCE,
        duration_s=float(recipe.seconds),  # known before it is rendered, so that it can be planned with
        added_at=at,
        added_by_id=actor.id,
        version=1,
        **_ratings(recipe),
    )


def _ratings(recipe: Recipe) -> Mapping[str, Any]:
    family = FAMILIES[recipe.family]
    return {
        "intensity": recipe.intensity,
        "vocals": Vocals.WORDLESS if family.voices else Vocals.NONE,
        "pulse": Pulse.SLOW if family.pulse else Pulse.NONE,
        "culture": family.association,
        "familiarity": Familiarity.UNFAMILIAR,
        "tags": [family.title.lower()],
    }


def recipe_of(track: Track) -> Recipe | None:
    """Return the recipe a track is rendered from; None for an upload. Raises RecipeError."""
    if track.recipe_made is not None:
        return recipe_from(track.recipe_made)
    return next((recipe for recipe in RECIPES if recipe.slug == track.recipe), None)


def keep(recipe: Recipe, *, actor: Actor, at: datetime) -> Track:
    """Enter a recipe of one's own into the library and have it rendered.

    Raises `Conflict` when the same music is there already.
    """
    made = as_dict(recipe)
    if any(_sounds_like(made, track) for track in db.session.scalars(_made(actor))):
        raise Conflict("The same music is in your library already. Vary it, or choose another length.")
    track = _waiting(recipe, actor.practice_id, actor, at)
    track.recipe_made = made
    db.session.add(track)
    db.session.flush()
    queue.enqueue("music.render_recipe", practice_id=actor.practice_id, about=track.id, track_id=track.id)
    audit.record(Permission.LIBRARY_ADD, actor=actor, subject=track)
    return track


def _made(actor: Actor) -> Select[Track]:
    return queries.tracks_of(actor).where(Track.recipe_made.is_not(None))


def _sounds_like(made: Mapping[str, Any], track: Track) -> bool:
    """Whether a track is rendered from the same numbers, whatever it is called."""
    named = {"slug", "title", "note"}
    other = track.recipe_made or {}
    return all(made[field] == other.get(field) for field in made.keys() - named)
