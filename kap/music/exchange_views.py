"""Playlists taken elsewhere and brought from elsewhere as lists of titles."""

import json
from dataclasses import replace
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.music import arrangement, lists, playlist_queries, queries
from kap.music import playlist_actions as actions
from kap.music.arcs import Arc, ArcError, arc_from
from kap.music.arrangement import MOST_PLACES, Wanted
from kap.music.blueprint import bp
from kap.music.exchange import FORMATS, MOST_BYTES, Listing, ListingError, read, write
from kap.music.lists import Found
from kap.music.playlist_forms import NOBODY, USUAL_SURPLUS_MIN, ImportForm, ListFileForm
from kap.music.playlist_page import address
from kap.music.rules import display_name
from kap.problems import Invalid

OWN_ARC = "list"  # the arc that came with the list


@bp.get("/playlists/<uuid:playlist_id>/export/<any(jspf, xspf, m3u8, cue):list_format>")
@requires(Permission.LIBRARY_READ)
def export(playlist_id: UUID, list_format: str) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    name = display_name(found.name)
    listing = lists.listing_of(found, sound_file=f"{name}.flac" if list_format == "cue" else "")
    response = Response(write(listing, list_format), mimetype=FORMATS[list_format].media_type)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{list_format}")
    return response


@bp.get("/playlists/import")
@requires(Permission.PLAYLIST_EDIT)
def import_list() -> str:
    return render_template("music/import.html", form=ListFileForm(formdata=None))


@bp.post("/playlists/import")
@requires(Permission.PLAYLIST_EDIT)
def match_list() -> Response:
    """Show what a list came to in the library, before anything is made of it."""
    form = ListFileForm()
    if not form.validate():
        return make_response(render_template("music/import.html", form=form), 422)
    file = form.list.data
    try:
        listing = read(file.stream.read(MOST_BYTES + 1), file_name=file.filename or "")
    except ListingError as error:
        form.list.errors = [f"{error} Nothing was made of it."]
        return make_response(render_template("music/import.html", form=form), 422)
    found = lists.found_in(current_actor(), listing)
    there = sum(bool(one.silence or one.choices) for one in found)
    if there > MOST_PLACES:
        form.list.errors = [
            f"{there} of its pieces are in your library, and a playlist holds {MOST_PLACES} at most."
            " Divide the list into several. Nothing was made of it."
        ]
        return make_response(render_template("music/import.html", form=form), 422)
    return make_response(_matched_page(listing, found, display_name(file.filename or "")))


@bp.post("/playlists/import/make")
@requires(Permission.PLAYLIST_EDIT)
def make_from_list() -> Response:
    actor, own = current_actor(), request.form.get("own_arc", "")
    known = _with_own(playlist_queries.arcs_for(actor), own)
    form, wanted = ImportForm(known), _places_sent()
    ids = [one.track_id for one in wanted if one.track_id]
    tracks = {track.id: track for track in queries.tracks_by_id(actor, ids)}
    if not form.validate():
        return make_response(_found_page(form, lists.as_chosen(wanted, tracks), own), 422)
    try:
        made = actions.make_from_list(
            wanted,
            tracks=tracks,
            arc=known[form.arc.data],
            minutes=form.minutes.data,
            surplus_s=form.surplus_s,
            name=form.name.data or "",
            actor=actor,
            at=now(),
        )
    except Invalid as objection:
        form.form_errors.append(str(objection))
        return make_response(_found_page(form, lists.as_chosen(wanted, tracks), own), 422)
    flash("Made of the list. Below is how it stands.", "success")
    return redirect(address(made), 303)


def _places_sent() -> list[Wanted]:
    words = ",".join(word for word in request.form.getlist("place") if word)
    try:
        return lists.each_once(arrangement.decode(words))
    except ValueError as error:
        raise Invalid("That list could not be read any more. Choose its file again.") from error


def _matched_page(listing: Listing, found: list[Found], file_name: str) -> str:
    own = json.dumps(listing.arc) if listing.arc else ""
    known = _with_own(playlist_queries.arcs_for(current_actor()), own)
    name = listing.title or file_name.rpartition(".")[0] or file_name
    form = ImportForm(
        known,
        formdata=None,
        name=name[: actions.NAME_LENGTH],
        arc=next(iter(known), None),
        minutes=round(listing.length_s / 60, 2) if listing.length_s else None,
        surplus=USUAL_SURPLUS_MIN if listing.surplus_s is None else round(listing.surplus_s / 60),
    )
    return _found_page(form, found, own)


def _found_page(form: ImportForm, found: list[Found], own: str) -> str:
    return render_template(
        "music/import_found.html",
        form=form,
        own_arc=own,
        found=found,
        there=sum(bool(one.silence) or len(one.choices) == 1 for one in found),
        several=sum(len(one.choices) > 1 for one in found),
        missing=[one for one in found if not one.silence and not one.choices],
        nobody=NOBODY,
        again=url_for("music.import_list"),
    )


def _with_own(known: dict[str, Arc], own: str) -> dict[str, Arc]:
    """The arcs to choose from, first the one that came with the list, if it did and can be used."""
    if not own:
        return known
    try:
        brought = arc_from(json.loads(own), slug=OWN_ARC, as_built=True)
    except (ValueError, ArcError, RecursionError):
        return known
    # What a file says about evidence nobody here has checked, so it is not shown as if it were known.
    return {OWN_ARC: replace(brought, evidence="", sources=()), **known}
