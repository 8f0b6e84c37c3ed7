"""A mail server that speaks by a script: at one step it does what servers in trouble do."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Literal

Trouble = Literal["hang", "drip", "drop"] | bytes
GREETING, SENDER, RECIPIENT, DATA, CONTENT, DONE, QUIT = (
    "GREETING", "MAIL", "RCPT", "DATA", "CONTENT", "DONE", "QUIT",
)  # fmt: skip
WELL = {GREETING: b"220 here", DATA: b"354 go on", QUIT: b"221 bye"}


class Server(socketserver.ThreadingTCPServer):
    """`at` is the step at which it does `trouble`; `letters` are those it has seen whole."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.at, self.trouble = "", b""
        self.letters: list[Message] = []
        self.heard: list[str] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever does not trust the certificate leaves; that is no news."""

    def is_in_trouble(self, at: str, trouble: Trouble) -> None:
        self.at, self.trouble = at, trouble  # type: ignore[assignment]


class _Conversation(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        try:
            self._converse()
        except (_Left, OSError):
            return

    def _converse(self) -> None:
        self._say(GREETING)
        while line := self.rfile.readline():
            verb = line.split()[0].decode().upper()
            self.server.heard.append(verb)
            self._say(verb)
            if verb == "DATA":
                self._take()
            if verb == "QUIT":
                return

    def _take(self) -> None:
        if self.server.at == CONTENT:
            self.rfile.readline()
            self._say(CONTENT)
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if not line:
            raise _Left
        self.server.letters.append(message_from_bytes(b"".join(lines)))
        self._say(DONE)

    def _say(self, step: str) -> None:
        trouble: Trouble = WELL.get(step, b"250 ok")
        if self.server.at == step:
            trouble = self.server.trouble
        if trouble == "drop":
            raise _Left
        if trouble == "hang":
            self.server.released.wait()
            raise _Left
        if trouble == "drip":
            while not self.server.released.wait(0.05):
                self.wfile.write(b"2")
            raise _Left
        assert isinstance(trouble, bytes)
        self.wfile.write(trouble + b"\r\n")


class _Left(Exception):
    pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The server, answering until the end; over TLS from the first byte where `tls` is given."""
    with Server() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()
