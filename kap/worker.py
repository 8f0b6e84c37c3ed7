"""The job worker: huey's consumer and the sweep that gives lost jobs another chance."""

import threading
from datetime import timedelta
from uuid import UUID

import structlog
from flask import Flask
from huey import Huey
from huey.consumer import Consumer

from kap.clock import now
from kap.config import Config
from kap.db import db, reading, transaction
from kap.jobs import periodic, queue
from kap.jobs.run import hand_back, perform
from kap.jobs.signals import open_queue, signal_task

log = structlog.get_logger(__name__)
SWEEP_SECONDS = 5


def install(app: Flask, config: Config) -> None:
    """Connect `app` to the queue, so that what it enqueues is heard."""
    lease = timedelta(seconds=config.job_lease_seconds)
    huey = open_queue(config.queue)
    app.extensions["kap.huey"] = huey
    app.extensions["kap.signal"] = signal_task(huey, lambda job_id: perform(app, UUID(job_id), lease=lease))


def run(app: Flask, config: Config) -> None:
    """Work until told to stop. SIGTERM and SIGINT end it; an unfinished job is taken up again."""
    huey: Huey = app.extensions["kap.huey"]
    stop = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(app, huey, stop), name="sweep", daemon=True)
    sweeper.start()
    consumer = Consumer(huey, workers=config.job_threads, periodic=False, initial_delay=0.05, max_delay=0.5)
    try:
        consumer.run()
    finally:
        stop.set()
        sweeper.join()
        hand_back(app)  # the next worker need not wait for the leases to run out


def drain(app: Flask, config: Config) -> int:
    """Run every job that is due, one after the other, in this process. Returns how many there were."""
    lease = timedelta(seconds=config.job_lease_seconds)
    done = 0
    while True:
        with app.app_context(), reading():
            waiting = queue.due()
        if not waiting:
            return done
        for job_id in waiting:
            perform(app, job_id, lease=lease)
            done += 1


def _sweep(app: Flask, huey: Huey, stop: threading.Event) -> None:
    while True:
        try:
            _put_on_the_list(app)
            _signal_what_is_due(app, huey)
        except Exception as error:
            log.warning("sweep failed", error=type(error).__name__)
        if stop.wait(SWEEP_SECONDS):
            return


def _put_on_the_list(app: Flask) -> None:
    """What runs again and again. Asked without the lock that writing takes, which is rarely needed."""
    with app.app_context():
        with reading():
            wanted = periodic.due(at=now())
            db.session.rollback()
        if wanted:
            with transaction():
                periodic.enqueue_due(at=now())


def _signal_what_is_due(app: Flask, huey: Huey) -> None:
    # While signals wait in the queue none is lost, and sending more would only pile up.
    if huey.pending_count():
        return
    with app.app_context(), reading():
        waiting = queue.due()
        db.session.rollback()
        queue.signal(waiting)
