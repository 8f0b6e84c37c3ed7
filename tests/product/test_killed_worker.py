"""A worker that is killed in the middle of a render: the render is finished all the same, by another."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from flask import Flask
from sqlalchemy import select

from kap.access.actor import Actor
from kap.accounts import actions as accounts
from kap.app import create_app
from kap.clock import now
from kap.config import Config
from kap.db import db, transaction
from kap.jobs.models import Job, JobState
from kap.music import actions as music
from kap.music import playlist_actions as playlists
from kap.music import queries
from kap.music.arcs import arcs
from kap.music.builder import build
from kap.music.models import Mix, MixState
from kap.storage import storage
from tests.audio.sounds import tone, write_sound
from tests.product.conftest import Running, process_pause, running

PATIENCE = 120  # seconds, for a busy machine; nothing waits this long when all is well
LENGTH_S = 3 * 60


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "instance", KAP_JOB_LEASE_SECONDS="2", KAP_JOB_THREADS="1") as product:
        yield product


@pytest.fixture
def beside(product: Running) -> Iterator[Flask]:
    """Our own way into the running product's database and files."""
    app = create_app(Config(instance=product.instance))
    with app.app_context():
        yield app
        db.session.close()
        db.engine.dispose()


def test_no_job_is_lost_and_no_half_file_appears(product: Running, beside: Flask, tmp_path: Path) -> None:
    _request_a_long_mix(tmp_path)
    _until(lambda: _job().state is JobState.RUNNING and _job().progress > 0.05)
    before = _worker_of(product)
    os.kill(before, signal.SIGKILL)
    mix = _mix()
    assert (mix.state, mix.opus_key, mix.m4a_key) == (MixState.WAITING, None, None)
    assert [key for key, _, _ in storage().files() if key.startswith("mix/")] == []
    _until(lambda: _mix().state is MixState.READY)
    assert (_job().state, _job().attempts) == (JobState.DONE, 2)
    assert _worker_of(product) != before
    with storage().local_path(_mix().opus_key or "") as path:
        assert _decoded_seconds(path) == LENGTH_S


def _request_a_long_mix(folder: Path) -> None:
    at = now()
    with transaction():
        practice = accounts.found_practice(name="Linden", zone="UTC", help_text="", at=at)
        actor = Actor.system(practice.id)
        for hertz in (220, 330):
            path = write_sound(folder / f"{hertz}.flac", tone(110, hertz=hertz, rate=8000), "flac", rate=8000)
            imported = music.import_file(
                path, practice_id=practice.id, actor=actor, file_name=path.name, at=at
            )
            assert imported.track is not None
            imported.track.intensity = 0.3
    _until(lambda: len(queries.candidates(actor)) == 2)
    with transaction():
        chosen = build(arcs()["iv-40"], length_s=LENGTH_S, candidates=queries.candidates(actor))
        playlist = playlists.make_playlist(chosen, name="Long", actor=actor, at=at)
        playlists.request_mix(playlist, actor=actor, at=at)


def _job() -> Job:
    return db.session.scalars(select(Job).where(Job.task == "music.render_mix")).one()


def _mix() -> Mix:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Mix)).one()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        db.session.rollback()
        db.session.expire_all()
        if holds():
            db.session.rollback()
            return
        db.session.rollback()
        assert time.monotonic() < deadline
        process_pause()


def _worker_of(product: Running) -> int:
    """The worker is the supervisor's child that has no child of its own; the web server has its workers."""
    _until(lambda: len(_childless(product.process.pid)) == 1)
    return _childless(product.process.pid)[0]


def _childless(parent: int) -> list[int]:
    return [child for child in _children(parent) if not _children(child)]


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in listed.split()]


def _decoded_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    return samples / 48_000


def test_what_was_begun_is_on_the_list_again_after_an_orderly_stop(
    product: Running, beside: Flask, tmp_path: Path
) -> None:
    _request_a_long_mix(tmp_path)
    _until(lambda: _job().state is JobState.RUNNING and _job().progress > 0)
    product.stop()
    db.session.rollback()
    db.session.expire_all()
    assert (_job().state, _job().attempts, _job().lease_until) == (JobState.WAITING, 0, None)
