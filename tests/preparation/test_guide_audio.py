"""A track that a guide names: heard by the patient who has the guide, and no other track by anyone."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from kap.content.drafts import Draft, guide_of
from kap.db import transaction
from kap.music.models import Track, TrackState
from kap.preparation import guide_queries
from kap.preparation.models import Assignment
from kap.storage import storage
from tests.conftest import NOON, Browser, Cast
from tests.preparation.conftest import THE_DAY

SOUND = b"RIFF of sorts"


@pytest.fixture
def enter(cast: Cast, tmp_path: Path) -> Callable[..., Track]:
    def enter_track(title: str, practice_id: UUID | None = None) -> Track:
        path = tmp_path / "sound"
        path.write_bytes(SOUND)
        with transaction() as session:
            track = Track(
                practice_id=practice_id or cast.practice.id,
                state=TrackState.READY,
                file_name="sound.flac",
                title=title,
                codec="flac",
                file_key=storage().put(path, kind="track"),
                added_at=NOON,
                version=1,
            )
            session.add(track)
        return track

    return enter_track


def test_the_patient_hears_it_whatever_the_case_of_its_title(
    at_browser: Callable[[str], Browser], give: Callable[..., Assignment], enter: Callable[..., Track]
) -> None:
    given, pia = give("set-and-setting"), at_browser("pia")
    page = f"/my/preparation/{given.id}"
    assert "This recording is not here yet." in pia.get(page).text
    assert pia.get(f"{page}/audio/sample").status_code == 404
    enter("evening window")
    assert f'src="{page}/audio/sample"' in pia.get(page).text
    heard = pia.get(f"{page}/audio/sample")
    assert (heard.status_code, heard.data) == (200, SOUND)


def test_no_other_track_and_nobody_elses(
    at_browser: Callable[[str], Browser],
    cast: Cast,
    give: Callable[..., Assignment],
    enter: Callable[..., Track],
) -> None:
    enter("Something else")
    enter("Evening Window", cast.other.id)
    given, pia = give("set-and-setting"), at_browser("pia")
    for key in ("sample", "something-else"):
        assert pia.get(f"/my/preparation/{given.id}/audio/{key}").status_code == 404
    assert pia.get(f"/my/preparation/{give(THE_DAY).id}/audio/sample").status_code == 404
    enter("Evening Window")
    assert at_browser("pau").get(f"/my/preparation/{given.id}/audio/sample").status_code == 404


def test_capitals_of_every_script_name_the_same_track(cast: Cast, enter: Callable[..., Track]) -> None:
    track = enter("ÜBER  DEN FLUSS")
    draft = Draft(
        title="A song",
        summary="To hear.",
        reviewed="2026-11-01",
        body="::: audio {song: Über den Fluss}\nListen.\n:::\n",
    )
    guide = guide_of(draft, slug="own-song", version=1)
    assert guide_queries.tracks_for(cast.practice.id, guide) == {"song": track}
    assert guide_queries.tracks_for(cast.other.id, guide) == {}
