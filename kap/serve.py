"""The web server and the job worker: one process each, looked after together."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from kap import worker
from kap.app import create_app
from kap.config import Config

log = structlog.get_logger(__name__)
STOP_SECONDS = 8  # then whoever is still there is killed; its job is taken up again
STALLED_SECONDS = (
    60  # someone who takes none of an answer for so long has paused or gone: the thread is needed
)
RESTART_AFTER = 1.0  # a worker that dies at once must not spin


class PortTaken(Exception):
    """Something else listens on the address Kap should use."""


def check_port(config: Config) -> None:
    """Raise `PortTaken` when the web server could not listen."""
    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise PortTaken(
                f"Port {config.port} on {config.host} is taken or not allowed. Set KAP_PORT to another one."
            ) from error


def serve_web(config: Config, *, ready: Callable[[], None] | None = None) -> None:
    """Answer requests until told to stop."""
    _Gunicorn(config, ready).run()


def run_worker(config: Config) -> None:
    """Do background work until told to stop."""
    worker.run(create_app(config), config)


def serve_all(config: Config, *, ready: Callable[[], None]) -> int:
    """Web server and worker together, until either the web server or the person at the keyboard ends it.

    A worker that dies is replaced. Returns the exit code.
    """
    return _Supervisor(config, ready).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, config: Config, ready: Callable[[], None] | None) -> None:
        self.config, self.ready = config, ready
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self.config.host}:{self.config.port}",
            "workers": self.config.web_workers,
            "threads": self.config.web_threads,
            "worker_class": "gthread",
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
            "forwarded_allow_ips": "*" if self.config.trusted_proxies else "127.0.0.1",
            "proc_name": "kap",
        }
        if os.path.isdir("/dev/shm"):  # noqa: S108 - gunicorn's heartbeat must not wait for a disk
            settings["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
        settings["when_ready"] = lambda arbiter: _give_up_on_the_stalled(arbiter.LISTENERS)
        if self.ready:
            settings["post_worker_init"] = lambda _: self.ready()
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self.config)


def _give_up_on_the_stalled(listeners: Iterable[Any]) -> None:
    """Have every connection accepted from `listeners` end once its client has taken nothing for a while.

    A connection inherits this from its listener. It bounds a standstill and not an answer: music that plays
    for hours is sent for hours, and a player that was paused asks for the rest of a file anew. By the kernel,
    which also closes the connection, as gunicorn would wait for the client once more.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
    for listener in listeners if option else ():
        listener.sock.setsockopt(socket.IPPROTO_TCP, option, int(STALLED_SECONDS * 1000))


class _Supervisor:
    def __init__(self, config: Config, ready: Callable[[], None]) -> None:
        self.config, self.ready = config, ready
        self.stopping = False
        self.web = self.worker = 0

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told_to_stop)
        self.worker = self._fork(lambda: run_worker(self.config))
        self.web = self._fork(lambda: serve_web(self.config, ready=self.ready))
        code = self._watch()
        self._stop()
        return code

    def _fork(self, work: Callable[[], None]) -> int:
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        os.setpgid(0, 0)  # the keyboard's interrupt is for the supervisor, which stops its children in order
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        code = 1
        try:
            work()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException as error:
            log.error("process ended", error=type(error).__name__)
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _watch(self) -> int:
        """Wait for the web server to end; replace the worker whenever it does."""
        while not self.stopping:
            with contextlib.suppress(InterruptedError):
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == self.web:
                    self.web = 0
                    return os.waitstatus_to_exitcode(status)
                if ended == self.worker:
                    log.warning("worker ended and is started again")
                    time.sleep(RESTART_AFTER)
                    self.worker = self._fork(lambda: run_worker(self.config))
            time.sleep(0.1)
        return 0

    def _told_to_stop(self, _: int, __: FrameType | None) -> None:
        self.stopping = True

    def _stop(self) -> None:
        children = [child for child in (self.web, self.worker) if child]
        for child in children:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            while time.monotonic() < deadline and os.waitpid(child, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
            _signal(child, signal.SIGKILL)


def _signal(child: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)
