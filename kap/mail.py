"""Mail over SMTP. What is sent is composed when it is sent: a job row never holds an address or a token."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from kap.clock import now
from kap.config import Config, current_config
from kap.db import transaction
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import Progress, TaskFailed, task

TIMEOUT_SECONDS = 20  # a server that hangs must not hold a worker


@dataclass(frozen=True)
class Letter:
    """One message to one person. No clinical word belongs in it."""

    to: str
    subject: str
    text: str


# Composers return None when the message has lost its reason, such as an invitation that was revoked.
Composer = Callable[..., Letter | None]
COMPOSERS: dict[str, Composer] = {}


def composer(name: str) -> Callable[[Composer], Composer]:
    """Register the function that writes messages called `name` from identifiers."""

    def decorate(function: Composer) -> Composer:
        COMPOSERS[name] = function
        return function

    return decorate


def configured() -> bool:
    """Whether this installation can send mail at all."""
    return bool(current_config().smtp_url)


def post(name: str, *, practice_id: UUID, about: UUID | None = None, **identifiers: Any) -> Job:
    """Send the message called `name` once the caller's transaction is committed."""
    return queue.enqueue("mail.send", practice_id=practice_id, about=about, name=name, **identifiers)


@task("mail.send", attempts=5)
def send(progress: Progress, *, name: str, **identifiers: Any) -> None:
    with transaction():
        letter = COMPOSERS[name](**identifiers)
    if letter is None:
        return
    config = current_config()
    if not config.smtp_url:
        raise TaskFailed("No mail server is set up (KAP_SMTP_URL).")
    try:
        deliver(config, letter)
    except smtplib.SMTPRecipientsRefused as error:
        raise TaskFailed("The mail server refused the recipient's address.") from error


def deliver(config: Config, letter: Letter) -> None:
    """Hand `letter` to the configured server. Raises `OSError` or `smtplib.SMTPException`."""
    with connect(config) as server:
        server.send_message(_message(config, letter))


def connect(config: Config) -> smtplib.SMTP:
    """A connection to the configured server, signed in where the address has a user. Raises as `deliver`."""
    url = urlsplit(config.smtp_url)
    host = url.hostname or "localhost"
    secure = ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_SECONDS, context=secure)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_SECONDS)
        if server.ehlo() and server.has_extn("starttls"):
            server.starttls(context=secure)
        elif url.username:
            server.close()
            raise smtplib.SMTPNotSupportedError("The mail server offers no TLS; it is not told the password.")
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
    return server


def _message(config: Config, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"] = config.mail_from
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=urlsplit(config.address).hostname)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(letter.text)
    return message
