"""A well-behaved mail server, and the product set up to use it."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask


class Postbox:
    """What the server takes in; `refuse` is the answer to the next recipients."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.refuse = ""
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def postbox(app: Flask) -> Iterator[Postbox]:
    postbox = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(postbox, hostname="127.0.0.1", port=port)
    server.start()
    config = replace(
        app.extensions["kap.config"], smtp_url=f"smtp://127.0.0.1:{port}", mail_from="kap@linden.example"
    )
    app.extensions["kap.config"] = config
    yield postbox
    server.stop()


def text_of(letter: Message) -> str:
    """What a letter says."""
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode().replace("\r\n", "\n")
