"""The instrument: what a therapist hears, varies and keeps."""

import io
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import av
import pytest
from flask import Flask
from sqlalchemy import select

from kap.audio.synth import FAMILIES, RECIPES, Recipe, as_dict, recipe_from
from kap.audio.synth.sketch import SKETCH_S, sketch
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.music import instrument_views, recipe_tracks
from kap.music.instrument_forms import InstrumentForm, settings_of
from kap.music.models import Familiarity, Pulse, Track, TrackState, Vocals
from kap.music.sketches import Busy, Sketches
from kap.problems import Conflict
from tests.conftest import NOON, Browser, Cast

SittingDown = Callable[[str], Browser]
SETTINGS = {
    "family": "choir", "root": "A", "mode": "minor",
    "intensity": "62", "brightness": "30", "density": "55", "seed": "7",
}  # fmt: skip
MINE = Recipe("choir-7", "My choir", "choir", 7, 60, 0.62, 110.0, "minor", 0.3, 0.55, "Distant choir on A.")


def tracks() -> list[Track]:
    return list(db.session.scalars(select(Track).order_by(Track.added_at)))


@pytest.mark.parametrize("kind", ["opus", "m4a"])
def test_a_sketch_is_half_a_minute_that_a_browser_can_play(kind: str) -> None:
    with av.open(io.BytesIO(sketch(RECIPES[3], kind)), "r") as container:
        length = sum(frame.samples for frame in container.decode(container.streams.audio[0])) / 48_000
    assert abs(length - SKETCH_S) < 0.03


def test_a_recipe_survives_being_written_down() -> None:
    assert [recipe_from(as_dict(recipe)) for recipe in RECIPES] == list(RECIPES)


def test_every_shipped_recipe_can_be_set_on_the_instrument(app: Flask) -> None:
    for recipe in RECIPES:
        with app.test_request_context():
            form = InstrumentForm(formdata=None, data=settings_of(recipe))
            assert form.validate(), form.errors
            again = form.recipe(title=recipe.title, seconds=recipe.seconds)
        assert again == replace(recipe, slug=again.slug, note=again.note, root_hz=again.root_hz)
        assert abs(again.root_hz / recipe.root_hz - 1) < 1e-9


def test_the_page_offers_every_way_of_playing_and_says_what_is_set(at_browser: SittingDown) -> None:
    page = at_browser("theo").get("/music/instrument", query_string=SETTINGS).text
    ways = re.findall(r'<input (checked )?[^>]*type="radio"[^>]* value="(\w+)"', page)
    assert ways == [("checked " if family == "choir" else "", family) for family in FAMILIES]
    assert "strong, 62" in page
    assert "/music/instrument/sketch.opus?family=choir&amp;root=A&amp;mode=minor" in page


def test_a_family_alone_begins_as_it_usually_sounds(at_browser: SittingDown) -> None:
    page = at_browser("theo").get("/music/instrument?family=bowls").text
    first = next(recipe for recipe in RECIPES if recipe.family == "bowls")
    assert f'<input type="hidden" name="seed" value="{first.seed}">' in page


def test_what_cannot_be_played_is_said_and_not_played(at_browser: SittingDown) -> None:
    theo = at_browser("theo")
    answer = theo.get("/music/instrument", query_string={**SETTINGS, "intensity": "140"})
    assert answer.status_code == 422
    assert "This lies between 0 and 100." in answer.text
    assert "<audio" not in answer.text
    assert (
        theo.get("/music/instrument/sketch.opus", query_string={**SETTINGS, "mode": "x"}).status_code == 404
    )


def test_varying_leads_to_a_neighbour_on_the_same_note(at_browser: SittingDown) -> None:
    answer = at_browser("theo").get("/music/instrument", query_string={**SETTINGS, "vary": "1"})
    assert answer.status_code == 303
    found = {name: value[0] for name, value in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert found.keys() == SETTINGS.keys()
    assert {name: found[name] for name in ("family", "root", "mode")} == {
        "family": "choir",
        "root": "A",
        "mode": "minor",
    }
    assert found["seed"] != SETTINGS["seed"]
    for name in ("intensity", "brightness", "density"):
        assert abs(int(found[name]) - int(SETTINGS[name])) <= 12


def test_a_sketch_is_composed_once_and_given_in_pieces(
    at_browser: SittingDown, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[Recipe] = []

    def compose(recipe: Recipe, kind: str) -> bytes:
        composed.append(recipe)
        return kind.encode() + bytes(range(100))

    monkeypatch.setattr(instrument_views, "SKETCHES", Sketches(compose))
    theo = at_browser("theo")
    whole = theo.get("/music/instrument/sketch.opus", query_string=SETTINGS)
    piece = theo.get("/music/instrument/sketch.opus", query_string=SETTINGS, headers={"Range": "bytes=0-3"})
    beyond = theo.get("/music/instrument/sketch.opus", query_string=SETTINGS, headers={"Range": "bytes=900-"})
    assert (whole.status_code, whole.mimetype, len(whole.data)) == (200, "audio/ogg", 104)
    assert (piece.status_code, piece.data, piece.headers["Content-Range"]) == (206, b"opus", "bytes 0-3/104")
    assert beyond.status_code == 416
    assert [(r.family, r.seed, r.intensity, r.root_hz) for r in composed] == [("choir", 7, 0.62, 110.0)]


def test_while_one_sketch_is_composed_others_wait_and_then_are_told_so() -> None:
    begun, finish = threading.Event(), threading.Event()

    def compose(recipe: Recipe, kind: str) -> bytes:
        begun.set()
        finish.wait()
        return b"sound"

    sketches = Sketches(compose, patience_s=0.01)
    first = threading.Thread(target=sketches.of, args=(MINE, "opus"))
    first.start()
    begun.wait()
    with pytest.raises(Busy):
        sketches.of(replace(MINE, seed=8), "opus")
    finish.set()
    first.join()
    assert sketches.of(MINE, "opus") == b"sound"


def test_what_is_kept_is_made_and_can_be_made_again(
    app: Flask, at_browser: SittingDown, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    theo = at_browser("theo")
    kept = theo.post("/music/instrument", {**SETTINGS, "title": "For Monday", "minutes": "3"})
    assert kept.status_code == 303
    (track,) = tracks()
    assert kept.headers["Location"] == f"/tracks/{track.id}"
    assert (track.title, track.state, track.duration_s) == ("For Monday", TrackState.WAITING, 180)
    assert (track.licence, track.source) == ("CC0 1.0", "Made by Kap from a recipe")
    assert (track.intensity, track.vocals, track.pulse) == (0.62, Vocals.WORDLESS, Pulse.NONE)
    assert (track.culture, track.familiarity, track.tags) == ("", Familiarity.UNFAMILIAR, ["distant choir"])
    made = recipe_tracks.recipe_of(track)
    assert made == replace(MINE, title="For Monday", seconds=180, note=made.note if made else "")
    with transaction():
        track.recipe_made = as_dict(replace(MINE, seconds=6))  # nobody here has three minutes
    assert work() == 1
    db.session.expire_all()
    assert (track.state, track.duration_s, track.codec) == (TrackState.READY, 6.0, "flac")
    assert "Vary this one" in theo.get(f"/tracks/{track.id}").text
    varied = theo.get("/music/instrument", query_string={"track": str(track.id)})
    assert '<input type="hidden" name="seed" value="7">' in varied.text


def test_the_same_music_is_not_kept_twice(app: Flask, cast: Cast) -> None:
    theo, tess, zoe = cast.actor("theo"), cast.actor("tess"), cast.actor("zoe")
    with transaction():
        recipe_tracks.keep(MINE, actor=theo, at=NOON)
    with transaction(), pytest.raises(Conflict):
        recipe_tracks.keep(replace(MINE, title="Another name"), actor=tess, at=NOON)
    with transaction():
        recipe_tracks.keep(replace(MINE, seconds=120), actor=tess, at=NOON)
        recipe_tracks.keep(MINE, actor=zoe, at=NOON)
    assert len(tracks()) == 3
    assert {job.task for job in db.session.scalars(select(Job))} == {"music.render_recipe"}


def test_what_is_missing_is_asked_for_and_nothing_moved_is_lost(at_browser: SittingDown) -> None:
    answer = at_browser("theo").post("/music/instrument", {**SETTINGS, "title": "", "minutes": "61"})
    assert answer.status_code == 422
    assert "Please enter a title." in answer.text
    assert "Between 1 and 60 minutes." in answer.text
    assert '<input type="hidden" name="intensity" value="62">' in answer.text
    assert tracks() == []


def test_a_recipe_of_another_version_is_refused_with_a_sentence(
    app: Flask, cast: Cast, at_browser: SittingDown, work: Callable[[], int]
) -> None:
    with transaction():
        track = recipe_tracks.keep(MINE, actor=cast.actor("theo"), at=NOON)
        track.recipe_made = {**as_dict(MINE), "family": "theremin"}
    work()
    db.session.expire_all()
    assert track.state is TrackState.REFUSED
    assert track.problem == "choir-7.flac: This version of Kap cannot play this recipe."
    answer = at_browser("theo").get("/music/instrument", query_string={"track": str(track.id)})
    assert answer.status_code == 404


def test_another_practices_tracks_and_uploads_cannot_be_varied(
    app: Flask, cast: Cast, at_browser: SittingDown
) -> None:
    with transaction():
        track = recipe_tracks.keep(MINE, actor=cast.actor("zoe"), at=NOON)
    theo = at_browser("theo")
    assert theo.get("/music/instrument", query_string={"track": str(track.id)}).status_code == 404
    assert theo.get("/music/instrument", query_string={"track": str(uuid4())}).status_code == 404
