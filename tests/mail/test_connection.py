"""Talking to a mail server."""

import smtplib
import socketserver
import threading
from collections.abc import Iterator

import pytest

from kap import mail
from kap.config import Config


class _Plain(socketserver.StreamRequestHandler):
    """A mail server that takes passwords but offers no TLS, or whose offer was cut out."""

    heard: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip():
            self.heard.append(line.split(maxsplit=1)[0].upper())
            self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n" if self.heard[-1] == "EHLO" else b"235 in\r\n")


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """Its port and the verbs it heard."""

    class Handler(_Plain):
        heard: list[str] = []  # noqa: RUF012 - one handler for each test

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_address[1], Handler.heard
        listening.shutdown()
        thread.join()


def test_a_password_never_travels_in_the_clear(server: tuple[int, list[str]]) -> None:
    port, heard = server
    with (
        pytest.raises(smtplib.SMTPNotSupportedError, match="offers no TLS; it is not told the password"),
        mail.connect(Config(smtp_url=f"smtp://kap:secret@127.0.0.1:{port}")),
    ):
        pass
    assert heard == ["EHLO"]


def test_a_relay_without_a_password_needs_no_tls(server: tuple[int, list[str]]) -> None:
    port, heard = server
    with mail.connect(Config(smtp_url=f"smtp://127.0.0.1:{port}")):
        assert heard == ["EHLO"]
