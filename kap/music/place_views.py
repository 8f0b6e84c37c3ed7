"""Changing what a playlist plays, place by place or as a whole."""

from collections.abc import Callable
from uuid import UUID

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.db import db
from kap.music import arrangement, playlist_queries, queries
from kap.music import playlist_actions as actions
from kap.music.blueprint import bp
from kap.music.builder import Alternative, Avoid, Build, NotEnough, alternatives, build
from kap.music.models import Playlist, Track
from kap.music.playlist_forms import MOST_SEED, PinForm
from kap.music.playlist_page import (
    Shown,
    address,
    arrange_link,
    place_asked,
    playlist_page,
    silence_form,
    title_of,
    version_asked,
    voice_form,
)
from kap.problems import Conflict, Invalid
from kap.web.filters import timecode
from kap.web.notices import offer_undo

ALTERNATIVES_SHOWN = 4


@bp.post("/playlists/<uuid:playlist_id>/arrange")
@requires(Permission.PLAYLIST_EDIT)
def arrange(playlist_id: UUID) -> Response:
    """Have the places in the order that is sent: after dragging, and to undo a change."""
    actor = current_actor()
    playlist_queries.playlist_for(actor, playlist_id)
    try:
        wanted = arrangement.decode(request.values.get("places", ""))
    except ValueError as error:
        raise Invalid("That order could not be read, and nothing was changed.") from error
    tracks = {track.id: track for track in queries.tracks_by_id(actor, _ids(wanted))}
    return _change(
        playlist_id,
        lambda found: actions.arrange(found, wanted, tracks=tracks, version=version_asked(), actor=actor),
        wish=lambda _: "have another order",
        anchor="places",
    )


@bp.post("/playlists/<uuid:playlist_id>/rebuild")
@requires(Permission.PLAYLIST_EDIT)
def rebuild(playlist_id: UUID) -> Response:
    """Choose again around the pinned places, with the next seed."""
    actor = current_actor()
    found = playlist_queries.playlist_for(actor, playlist_id)
    seed, version = found.seed % MOST_SEED + 1, version_asked()
    try:
        chosen = _built(found, seed)
    except NotEnough as lack:
        found = playlist_queries.playlist_for(actor, playlist_id)
        return make_response(playlist_page(found, Shown(" ".join(lack.reasons), lack.missing)), 422)

    def take(now_found: Playlist) -> None:
        before = actions.arrangement_of(now_found)
        actions.rebuild(now_found, chosen, seed=seed, version=version, actor=actor)
        offer_undo("Chosen anew around what is pinned.", arrange_link(now_found, before))

    return _change(playlist_id, take, wish=lambda _: "have another order", anchor="places")


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/move")
@requires(Permission.PLAYLIST_EDIT)
def move(playlist_id: UUID, place_id: UUID) -> Response:
    by = -1 if request.values.get("to") == "up" else 1
    return _change(
        playlist_id,
        lambda found: actions.move(found, place_id, by=by, version=version_asked(), actor=current_actor()),
        wish=lambda found: f"move {_title(found, place_id)} {'up' if by < 0 else 'down'}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/replace")
@requires(Permission.PLAYLIST_EDIT)
def replace(playlist_id: UUID, place_id: UUID) -> Response:
    track = _track(playlist_id)
    return _change(
        playlist_id,
        lambda found: actions.replace(
            found, place_id, track=track, version=version_asked(), actor=current_actor()
        ),
        wish=lambda found: f"put “{track.title}” in the place of {_title(found, place_id)}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/remove")
@requires(Permission.PLAYLIST_EDIT)
def remove(playlist_id: UUID, place_id: UUID) -> Response:
    return _change(
        playlist_id,
        lambda found: _remove(found, place_id),
        wish=lambda found: f"take {_title(found, place_id)} out",
        anchor="places",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/pin")
@requires(Permission.PLAYLIST_EDIT)
def pin(playlist_id: UUID, place_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    form = PinForm()
    if not form.validate():
        objection = f"{_title(found, place_id)} was not pinned. {' '.join(form.at.errors)}"
        return make_response(playlist_page(found, Shown(objection)), 422)
    return _change(
        playlist_id,
        lambda found: actions.pin(
            found, place_id, at_s=form.at.seconds, version=version_asked(), actor=current_actor()
        ),
        wish=lambda found: f"pin {_title(found, place_id)} to {timecode(form.at.seconds)}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/unpin")
@requires(Permission.PLAYLIST_EDIT)
def unpin(playlist_id: UUID, place_id: UUID) -> Response:
    return _change(
        playlist_id,
        lambda found: actions.unpin(found, place_id, version=version_asked(), actor=current_actor()),
        wish=lambda found: f"unpin {_title(found, place_id)}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/add")
@requires(Permission.PLAYLIST_EDIT)
def add(playlist_id: UUID) -> Response:
    track, after = _track(playlist_id), place_asked("after")
    return _change(
        playlist_id,
        lambda found: actions.add(
            found, track=track, after=after, version=version_asked(), actor=current_actor()
        ),
        wish=lambda _: f"add “{track.title}”",
        anchor="places",
    )


@bp.post("/playlists/<uuid:playlist_id>/silence")
@requires(Permission.PLAYLIST_EDIT)
def add_silence(playlist_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    form = silence_form(found)
    if not form.validate():
        return make_response(playlist_page(found, Shown(silence=form)), 422)
    after = UUID(form.after.data) if form.after.data else None
    return _change(
        playlist_id,
        lambda found: actions.add_silence(
            found,
            seconds=form.seconds.data or 0,
            after=after,
            version=form.version.data or 0,
            actor=current_actor(),
        ),
        wish=lambda _: f"add {form.seconds.data} seconds of silence",
        anchor="places",
    )


@bp.post("/playlists/<uuid:playlist_id>/voices")
@requires(Permission.PLAYLIST_EDIT)
def lay_voice(playlist_id: UUID) -> Response:
    actor = current_actor()
    found = playlist_queries.playlist_for(actor, playlist_id)
    form = voice_form(found)
    if not form.validate():
        return make_response(playlist_page(found, Shown(voice=form)), 422)
    clip = playlist_queries.voice_for(actor, UUID(form.clip.data))
    return _change(
        playlist_id,
        lambda found: actions.lay_voice(
            found, clip=clip, at_s=form.at.seconds, version=form.version.data or 0, actor=actor
        ),
        wish=lambda _: f"lay “{clip.title}” at {timecode(form.at.seconds)}",
        anchor="guidance",
    )


@bp.post("/playlists/<uuid:playlist_id>/voices/<uuid:voice_id>/remove")
@requires(Permission.PLAYLIST_EDIT)
def lift_voice(playlist_id: UUID, voice_id: UUID) -> Response:
    return _change(
        playlist_id,
        lambda found: actions.lift_voice(found, voice_id, version=version_asked(), actor=current_actor()),
        wish=lambda _: "take guidance out",
        anchor="guidance",
    )


@bp.get("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/alternatives")
@requires(Permission.PLAYLIST_EDIT)
def place_alternatives(playlist_id: UUID, place_id: UUID) -> str:
    """A few other tracks for a place, each with its reason: a part of the playlist's page."""
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    place = playlist_queries.place_in(found, place_id)
    offered = _alternatives(found, place.position) if place else []
    return render_template("music/alternatives.html", playlist=found, place=place, offered=offered)


@bp.get("/playlists/<uuid:playlist_id>/choose")
@requires(Permission.PLAYLIST_EDIT)
def choose(playlist_id: UUID) -> str:
    """Tracks to put in a place (`replace`) or after one (`after`), those that fit best first."""
    actor = current_actor()
    found = playlist_queries.playlist_for(actor, playlist_id)
    replaced, after = place_asked("replace"), place_asked("after")
    beside = replaced or after
    place = playlist_queries.place_in(found, beside) if beside else None
    near = _target(playlist_queries.laid_out(found), place.position if place else 0)
    search = request.args.get("q", "")[:100]
    page = playlist_queries.choices_for(
        actor, found, near=near, search=search, page=request.args.get("page", 1, int)
    )
    return render_template(
        "music/choose.html",
        playlist=found,
        place=place,
        replacing=bool(replaced),
        near=near,
        page=page,
        search=search,
        title_of=title_of,
    )


def _built(found: Playlist, seed: int) -> Build:
    candidates = queries.candidates(current_actor())
    arc, pins = playlist_queries.arc_of(found), playlist_queries.pins_of(found)
    length_s, surplus_s, avoid = found.length_s, found.surplus_s, Avoid.from_dict(found.avoid)
    db.session.rollback()  # choosing takes a while when the library is large
    return build(
        arc,
        length_s=length_s,
        surplus_s=surplus_s,
        candidates=candidates,
        avoid=avoid,
        pins=pins,
        seed=seed,
    )


def _alternatives(found: Playlist, position: int) -> list[tuple[Track, Alternative]]:
    actor, laid = current_actor(), playlist_queries.laid_out(found)
    index = playlist_queries.heard(found, laid)[position]
    if index is None:
        return []
    known = {one.id: one for one in queries.candidates(actor)}
    known |= {str(place.track_id): queries.candidate(place.track) for place in found.places if place.track}
    avoid = Avoid.from_dict(found.avoid)
    offered = alternatives(laid, index, known.values(), avoid=avoid, most=ALTERNATIVES_SHOWN)
    ids = [UUID(one.candidate_id) for one in offered]
    tracks = {track.id: track for track in queries.tracks_by_id(actor, ids)}
    return [(tracks[UUID(one.candidate_id)], one) for one in offered]


def _change(
    playlist_id: UUID,
    change: Callable[[Playlist], None],
    *,
    wish: Callable[[Playlist], str],
    anchor: str,
) -> Response:
    """Change a playlist, or show it as it is now beside what was asked for when that came too late."""
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    asked = wish(found)
    try:
        change(found)
    except Conflict as conflict:
        objection = f"{conflict} You asked to {asked}: that was not done. Below is how it stands now."
        return make_response(playlist_page(found, Shown(objection)), 409)
    except Invalid as objection:
        return make_response(playlist_page(found, Shown(str(objection))), 422)
    return redirect(address(found, anchor), 303)


def _remove(found: Playlist, place_id: UUID) -> None:
    """Take a place out, and offer to put it back where it was."""
    before, title = actions.arrangement_of(found), _title(found, place_id)
    actions.remove(found, place_id, version=version_asked(), actor=current_actor())
    offer_undo(f"{title} is out.", arrange_link(found, before))


def _track(playlist_id: UUID) -> Track:
    """The track that is sent, for someone who may change the playlist: a stranger learns nothing of it."""
    playlist_queries.playlist_for(current_actor(), playlist_id)
    track_id = place_asked("track_id")
    if track_id is None:
        raise Invalid("Choose a track first.")
    return queries.track_for(current_actor(), track_id)


def _ids(wanted: list[arrangement.Wanted]) -> list[UUID]:
    return [one.track_id for one in wanted if one.track_id]


def _title(found: Playlist, place_id: UUID) -> str:
    place = playlist_queries.place_in(found, place_id)
    return f"“{title_of(place)}”" if place else "a track that is no longer there"


def _target(laid: Build, position: int) -> float:
    """The intensity the arc asks for at a place; at the end of the arc for one that is not heard."""
    if position < len(laid.places):
        return laid.places[position].target_intensity
    return laid.arc.phases[-1].end_intensity
