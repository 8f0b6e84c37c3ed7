"""Arcs of a practice's own: drawn, changed by two people at once, retired."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.music import arc_actions, playlist_queries
from kap.music.arcs import arcs
from kap.music.models import Playlist, PracticeArc, Track
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
CURVE = [(-5.0, 0.2), (10.0, 0.7), (30.0, 0.2)]


@pytest.fixture
def drawn(cast: Cast) -> PracticeArc:
    with transaction():
        return arc_actions.draw(arcs()["iv-40"], title="Ours", actor=cast.actor("theo"), at=NOON)


def filled(**changes: Any) -> dict[str, Any]:
    """The form of an arc with three points and two phases."""
    points = {
        f"points-{number}-{name}": value
        for number, point in enumerate(CURVE)
        for name, value in zip(("minute", "intensity"), point, strict=True)
    }
    phases = {
        "phases-0-label": "Coming in",
        "phases-0-end": 10,
        "phases-0-words": "none",
        "phases-0-pulse": "slow",
        "phases-0-startles": 0,
        "phases-0-loudness_range": 9,
        "phases-1-label": "Going home",
        "phases-1-end": 30,
        "phases-1-words": "allowed",
        "phases-1-pulse": "fast",
        "phases-1-elastic": "y",
    }
    return {"title": "Ours", "route": "im", "lead": 5, "version": 1, **points, **phases, **changes}


def fresh(arc: PracticeArc) -> PracticeArc:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(PracticeArc, arc.id)


def test_an_arc_begins_as_a_copy_without_the_evidence_of_the_first(at_browser: AtBrowser) -> None:
    answer = at_browser("theo").post("/arcs/new", {"title": "Ours", "start": "im"})
    row = db.session.scalars(select(PracticeArc)).one()
    assert (answer.status_code, answer.location) == (303, f"/arcs/{row.id}")
    copy, first = playlist_queries.drawn(row), arcs()["im"]
    assert (copy.title, copy.route, copy.points, copy.sources) == ("Ours", "im", first.curve, ())
    assert copy.evidence == f"Drawn in your practice, starting from “{first.title}”."
    assert [phase.rules for phase in copy.phases] == [phase.rules for phase in first.phases]


def test_an_arc_needs_a_name_and_something_to_start_from(at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    assert "Please give it a name." in theo.post("/arcs/new", {"start": "im"}).text
    assert theo.post("/arcs/new", {"title": "Ours", "start": "nothing"}).status_code == 422
    assert db.session.scalars(select(PracticeArc)).all() == []


def test_the_curve_and_the_phases_are_kept_as_they_were_drawn(
    at_browser: AtBrowser, drawn: PracticeArc
) -> None:
    answer = at_browser("theo").post(f"/arcs/{drawn.id}", filled(title="Longer"))
    assert answer.status_code == 303
    arc = playlist_queries.drawn(fresh(drawn))
    assert (arc.title, arc.route, list(arc.points)) == ("Longer", "im", CURVE)
    assert [(phase.label, phase.start_min, phase.end_min, phase.elastic) for phase in arc.phases] == [
        ("Coming in", -5.0, 10.0, False),
        ("Going home", 10.0, 30.0, True),
    ]
    assert arc.phases[0].rules.in_words() == (
        "no vocals",
        "a slow pulse at most",
        "a loudness range up to 9 LU",
        "no sudden rises",
    )
    assert arc.phases[1].rules.in_words() == ()
    assert fresh(drawn).version == 2
    acts = db.session.scalars(select(Event.act).where(Event.subject_id == drawn.id)).all()
    assert acts == [Permission.ARC_EDIT, Permission.ARC_EDIT]


def test_rows_may_come_in_any_order(at_browser: AtBrowser, drawn: PracticeArc) -> None:
    swapped = {"points-0-minute": 30, "points-2-minute": -5, "points-0-intensity": 0.9}
    at_browser("theo").post(f"/arcs/{drawn.id}", filled(**swapped))
    points = playlist_queries.drawn(fresh(drawn)).points
    assert points == ((-5.0, 0.2), (10.0, 0.7), (30.0, 0.9))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "Please give it a name."),
    ({"points-1-intensity": 1.2}, "Point 2, intensity: Intensity lies between 0 and 1."),
    ({"points-1-minute": "soon"}, "Point 2, minute: Not a valid float value."),
    ({"points-1-minute": 30}, "Point 3, minute must come after 30, the point before."),
    ({"points-2-minute": 45}, "Point 3, minute must lie inside the phases."),
    ({"phases-1-label": ""}, "Phase 2, name: A phase needs a name."),
    ({"phases-1-label": "Coming in"}, "Phase 2, name “coming-in” is used twice."),
    ({"phases-1-end": 10}, "Phase 2, end must come after its start."),
    (
        {"lead": 0, "phases-0-end": 3, "phases-1-end": 5}
        | {"points-0-minute": 0, "points-1-minute": 2, "points-2-minute": 4},
        "Phases must cover 10 to 240 minutes.",
    ),
]


def test_what_cannot_be_is_said_and_nothing_is_lost(at_browser: AtBrowser, drawn: PracticeArc) -> None:
    theo = at_browser("theo")
    for changes, words in REFUSED:
        answer = theo.post(f"/arcs/{drawn.id}", filled(**changes))
        assert (answer.status_code, words in answer.text) == (422, True), words
        assert ('value="Going home"' in answer.text) == ("phases-1-label" not in changes)
    assert fresh(drawn).version == 1


def test_rows_are_added_and_removed_without_a_script(at_browser: AtBrowser, drawn: PracticeArc) -> None:
    theo, url = at_browser("theo"), f"/arcs/{drawn.id}"
    more = theo.post(url, filled(do="add-point")).text
    assert len(re.findall(r'name="points-\d+-minute"', more)) == 4
    assert 'name="points-3-minute" required step="any" type="number" value="20"' in more
    fewer = theo.post(url, filled(do="remove-point-1")).text
    assert re.findall(r'name="points-(\d+)-minute"', fewer) == ["0", "2"]
    assert len(re.findall(r'name="phases-\d+-label"', theo.post(url, filled(do="add-phase")).text)) == 3
    assert len(re.findall(r'name="phases-\d+-label"', theo.post(url, filled(do="remove-phase-0")).text)) == 1
    assert "Not saved yet." in fewer
    assert fresh(drawn).version == 1


def test_a_change_that_comes_too_late_keeps_what_was_entered(
    at_browser: AtBrowser, drawn: PracticeArc
) -> None:
    url = f"/arcs/{drawn.id}"
    at_browser("theo").post(url, filled(title="First"))
    late = at_browser("tess").post(url, filled(title="Second"))
    assert late.status_code == 409
    assert "Someone changed this arc since you opened it." in late.text
    assert 'value="Second"' in late.text
    assert 'name="version" type="hidden" value="2"' in late.text
    assert at_browser("tess").post(url, filled(title="Second", version=2)).status_code == 303
    assert fresh(drawn).title == "Second"


def test_a_retired_arc_is_not_offered_and_comes_back(at_browser: AtBrowser, drawn: PracticeArc) -> None:
    theo = at_browser("theo")
    assert str(drawn.id) in theo.get("/playlists/new?route=own").text
    theo.post(f"/arcs/{drawn.id}/retire")
    page = theo.get("/arcs").text
    assert f"/arcs/{drawn.id}/restore" in page
    assert str(drawn.id) not in theo.get("/playlists/new?route=own").text
    assert "Ours" in theo.get("/arcs?retired=1").text
    theo.post(f"/arcs/{drawn.id}/restore")
    assert fresh(drawn).retired_at is None


def test_a_playlist_keeps_the_arc_it_was_made_from(
    at_browser: AtBrowser, drawn: PracticeArc, library: list[Track]
) -> None:
    theo = at_browser("theo")
    answer = theo.post("/playlists/new", {"arc": str(drawn.id), "minutes": "1"})
    assert answer.status_code == 303, answer.text
    theo.post(f"/arcs/{drawn.id}", filled())
    theo.post(f"/arcs/{drawn.id}/retire")
    playlist = db.session.scalars(select(Playlist)).one()
    arc = playlist_queries.arc_of(playlist)
    assert (arc.slug, len(arc.phases)) == (str(drawn.id), len(arcs()["iv-40"].phases))
    assert theo.get(answer.location).status_code == 200


def test_who_may_see_and_draw_arcs(at_browser: AtBrowser, anyone: Browser, drawn: PracticeArc) -> None:
    url = f"/arcs/{drawn.id}"
    statuses = {who: at_browser(who).get(url).status_code for who in ("tess", "pia", "ana", "zoe")}
    assert statuses == {"tess": 200, "pia": 403, "ana": 403, "zoe": 404}
    assert anyone.get(url).status_code == 302
    for path in (url, f"{url}/retire", f"{url}/restore"):
        answers = {who: at_browser(who).post(path, filled()).status_code for who in ("pia", "ana", "zoe")}
        assert answers == {"pia": 403, "ana": 403, "zoe": 404}
    assert "Ours" not in at_browser("zoe").get("/arcs").text
    assert at_browser("theo").get(f"/arcs/{uuid4()}").status_code == 404
