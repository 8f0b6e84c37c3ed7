import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.db import db, transaction
from kap.music import parts
from kap.music.playlist_queries import ready_mix
from kap.problems import Conflict
from kap.sessions import actions
from kap.sessions.models import DosingSession
from kap.storage import storage
from tests.conftest import NOON, Browser, Cast
from tests.sessions.conftest import address, fresh

At = Callable[[str], Browser]


@pytest.fixture
def held(cast: Cast, planned: DosingSession, tmp_path: Path) -> DosingSession:
    """Pia's session is over; its music is nine bytes of each format."""
    path = tmp_path / "music"
    path.write_bytes(b"nine byte")
    with transaction():
        actions.open_session(planned, actor=cast.actor("theo"), at=NOON)
        actions.close(planned, actor=cast.actor("theo"), at=NOON)
        assert planned.mix
        planned.mix.opus_key = storage().put(path, kind="mix")
        planned.mix.m4a_key = storage().put(path, kind="mix")
    return planned


def own(session: DosingSession, rest: str = "") -> str:
    return f"/my/sessions/{session.id}/music{rest}"


def statuses(browser: Browser, session: DosingSession) -> list[int]:
    return [browser.get(own(session, rest)).status_code for rest in ("", "/opus", "/m4a", "/opus/parts")]


def test_a_patient_hears_it_again_from_when_it_is_allowed_until_it_is_not(
    cast: Cast, at_browser: At, held: DosingSession
) -> None:
    theo, pia = at_browser("theo"), at_browser("pia")
    assert statuses(pia, held) == [404] * 4
    assert "Listen again" not in pia.get("/").text
    theo.post(address(held, "listening"))
    assert "Pia Pine can listen to this music again" in theo.get(address(held)).text
    assert statuses(pia, held) == [200] * 4
    assert f'href="{own(held)}">Listen again' in pia.get("/").text
    assert pia.get(own(held, "/opus")).data == b"nine byte"
    assert "Theo" not in pia.get(own(held)).text
    theo.post(address(held, "listening/stop"))
    assert statuses(pia, held) == [404] * 4
    db.session.rollback()
    acts = db.session.scalars(select(Event.act).where(Event.act.contains("music:give"))).all()
    assert acts == ["sessions:music:give"] * 2


def test_it_is_nobody_elses_to_hear(cast: Cast, at_browser: At, held: DosingSession) -> None:
    with transaction():
        actions.let_listen(held, actor=cast.actor("theo"), at=NOON)
    assert statuses(at_browser("pau"), held) == [404] * 4
    assert statuses(at_browser("theo"), held) == [403] * 4
    assert at_browser("tess").post(address(held, "listening")).status_code == 404
    assert at_browser("pia").post(address(held, "listening")).status_code == 403


def test_only_a_session_that_is_over_is_heard_again(cast: Cast, at_browser: At, held: DosingSession) -> None:
    with transaction():
        actions.let_listen(held, actor=cast.actor("theo"), at=NOON)
        actions.reopen(held, actor=cast.actor("theo"), at=NOON)
    assert at_browser("theo").post(address(held, "listening")).status_code == 409
    assert statuses(at_browser("pia"), held) == [404] * 4
    with transaction():
        row = fresh(held)
        row.mix_id = None
    with pytest.raises(Conflict, match="no music"):
        actions.let_listen(fresh(held), actor=cast.actor("theo"), at=NOON)


def test_a_device_is_told_how_to_check_what_it_keeps(
    cast: Cast, at_browser: At, held: DosingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 4)
    theo = at_browser("theo")
    key = held.mix.opus_key if held.mix else None
    assert key
    told = theo.get(address(held, "music/opus")).get_json()
    assert told == {
        "etag": f'"{key.partition("/")[2]}"',
        "length": 9,
        "size": 4,
        "digests": [hashlib.sha256(part).hexdigest() for part in (b"nine", b" byt", b"e")],
        "type": "audio/ogg; codecs=opus",
    }
    part = theo.get(f"/mixes/{held.mix_id}/opus", headers={"Range": "bytes=4-7", "If-Range": told["etag"]})
    assert (part.status_code, part.data, part.headers["ETag"]) == (206, b" byt", told["etag"])


def test_before_a_session_a_device_is_told_of_the_music_it_would_open_with(
    cast: Cast, at_browser: At, planned: DosingSession, tmp_path: Path
) -> None:
    theo = at_browser("theo")
    assert theo.get(address(planned, "music/opus")).status_code == 404  # its file is lost
    path = tmp_path / "music"
    path.write_bytes(b"x")
    with transaction():
        row = fresh(planned)
        assert row.playlist
        mix = ready_mix(row.playlist)
        assert mix
        mix.opus_key = storage().put(path, kind="mix")
    assert theo.get(address(planned, "music/opus")).get_json()["length"] == 1
    assert at_browser("tess").get(address(planned, "music/opus")).status_code == 404
