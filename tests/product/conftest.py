"""The product as its users start it: `kap …` in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 60  # generous, for a busy machine; nothing waits this long when all is well


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environ(instance: Path, **settings: str) -> dict[str, str]:
    """The environment of a `kap` process: none of ours but what is named."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KAP_")}
    return {**inherited, "PYTHONPATH": str(CHECKOUT), "KAP_INSTANCE": str(instance), **settings}


def kap(*arguments: str, instance: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `kap …` to its end."""
    command = [sys.executable, "-m", "kap", *arguments]
    return subprocess.run(
        command, env=environ(instance, **settings), capture_output=True, text=True, timeout=120, check=False
    )


def bounce(mail: bytes, instance: Path) -> subprocess.CompletedProcess[bytes]:
    """Pipe a mail into `kap mail bounce`, as a mail server does."""
    command = [sys.executable, "-m", "kap", "mail", "bounce"]
    return subprocess.run(
        command, env=environ(instance), input=mail, capture_output=True, timeout=120, check=False
    )


class Running:
    """A `kap run` that answers."""

    def __init__(self, process: subprocess.Popen[str], address: str, instance: Path) -> None:
        self.process, self.address, self.instance = process, address, instance

    def stop(self, number: int = signal.SIGINT) -> str:
        """End it as the keyboard would, and return all it printed."""
        self.process.send_signal(number)
        printed, _ = self.process.communicate(timeout=30)
        return printed


@contextmanager
def running(instance: Path, *arguments: str, command: str = "run", **settings: str) -> Iterator[Running]:
    """`kap run`, or another command that answers, in its own process from its first answer to its end."""
    port = settings.pop("KAP_PORT", None) or str(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "kap", command, *arguments],
        env=environ(instance, KAP_PORT=port, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield Running(process, address, instance)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def status(url: str) -> int:
    """The status a stranger's GET of `url` ends at, redirects followed."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - an address of our own
            return int(answer.status)
    except HTTPError as error:
        return error.code


def _wait_for(address: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"kap ended with {process.returncode}: {process.communicate()[0]}")
        try:
            status(address + "/sign-in")
            return
        except (URLError, ConnectionError):
            process_pause()
    raise RuntimeError("kap did not answer")


def process_pause() -> None:
    """A moment for another process; it tells us nothing when it is ready but by answering."""
    time.sleep(0.05)
