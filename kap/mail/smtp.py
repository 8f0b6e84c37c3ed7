"""One conversation with the mail server: bounded as a whole, and clear about how far it came."""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from kap.clock import now
from kap.config import Config
from kap.mail.composing import Letter
from kap.mail.rules import SENT, Outcome, Reason, Step, Verdict, broken, judged

# Lines as long as mail allows (RFC 5322 2.1.1): otherwise a long address in the head would be turned into an
# encoded word, which no mail program reads as an address.
NARROW, WIDE = SMTP.clone(max_line_length=998), SMTPUTF8.clone(max_line_length=998)


class _WholeLines:
    """A reply that breaks off in the middle of a line is none: the first digits of one look like another."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readline(self, most: int) -> bytes:
        line: bytes = self._file.readline(most)
        return line if line.endswith(b"\n") or len(line) == most else b""

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    """What makes a client give up when its time is up, whatever it is doing then.

    A timeout of the socket alone bounds each wait: a server that sends a byte now and then holds a client for
    ever. Here every connection is cut at the end of the time, from another thread, and reads as closed.
    """

    _host: str

    def begin(self, host: str, seconds: float) -> None:
        self._host = host  # what TLS checks the certificate against; else set in the constructor only
        self._ends = time.monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        for each in self._watched:
            each.close()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _WholeLines(self.sock.makefile("rb"))
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        left = max(self._ends - time.monotonic(), 0.001)
        sock = socket.create_connection((host, port), left)
        self._watched.append(sock.dup())  # TLS takes the first over
        return sock

    def _cut(self) -> None:
        for each in self._watched:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Client(_Bounded):
    pass


class _TLSClient(_Bounded, smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = super()._get_socket(host, port, timeout)
        wrapped: socket.socket = self.context.wrap_socket(sock, server_hostname=self._host)
        return wrapped


@contextmanager
def connect(config: Config) -> Iterator[smtplib.SMTP]:
    """A connection to the configured server, signed in where the address has a user.

    Raises `OSError` or `smtplib.SMTPException`.
    """
    url, secure = urlsplit(config.smtp_url), ssl.create_default_context()
    host = url.hostname or "localhost"
    # Named, because the library would ask a name server who we are, and wait.
    client: _Client | _TLSClient
    if url.scheme == "smtps":
        client = _TLSClient(local_hostname=_own_name(config), context=secure)
    else:
        client = _Client(local_hostname=_own_name(config))
    client.begin(host, config.mail_timeout_seconds)
    try:
        code, words = client.connect(host, url.port or client.default_port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        _sign_in(client, config, secure)
        yield client
        # What was said is settled; a server that does not say goodbye changes nothing about it.
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
    finally:
        client.close()
        client.end()


def _sign_in(client: _Client | _TLSClient, config: Config, secure: ssl.SSLContext) -> None:
    url = urlsplit(config.smtp_url)
    client.ehlo_or_helo_if_needed()
    if isinstance(client, _Client):
        if client.has_extn("starttls"):
            client.starttls(context=secure)
            client.ehlo_or_helo_if_needed()
        elif url.username:
            raise smtplib.SMTPNotSupportedError("The mail server offers no TLS; it is not told the password.")
    if url.username:
        client.login(unquote(url.username), unquote(url.password or ""))


def _own_name(config: Config) -> str:
    name = urlsplit(config.address).hostname or ""
    return name if "." in name.strip("0123456789.") else "[127.0.0.1]"


def deliver(config: Config, letter: Letter, *, message_id: str) -> Outcome:
    """Hand `letter` to the configured server, and say what came of it. Raises nothing a server can cause."""
    at = [Step.CONNECT]
    started = time.monotonic()
    try:
        with connect(config) as server:
            _converse(server, config, letter, message_id, at)
    except smtplib.SMTPResponseException as refusal:
        words = refusal.smtp_error
        return judged(at[0], refusal.smtp_code, words if isinstance(words, bytes) else words.encode())
    except (OSError, smtplib.SMTPException) as error:
        if time.monotonic() - started >= config.mail_timeout_seconds:
            return broken(at[0], timed_out=True)
        if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError) and at[0] is Step.CONNECT:
            return Outcome(Verdict.AGAIN, Reason.NOT_SAFE)
        return broken(at[0], timed_out=isinstance(error, TimeoutError))
    return SENT


def _converse(server: smtplib.SMTP, config: Config, letter: Letter, message_id: str, at: list[Step]) -> None:
    """From the sender to the last dot; `at` is the step it is at, whatever happens there."""
    message = message_of(config, letter, message_id=message_id)
    wide = not letter.to.isascii()
    if wide and not server.has_extn("smtputf8"):
        at[0] = Step.RECIPIENT
        raise smtplib.SMTPResponseException(553, b"5.6.7 the server takes no such address")
    options, notify = (["SMTPUTF8", "BODY=8BITMIME"] if wide else []), []
    if server.has_extn("dsn"):  # RFC 3461: tell us of failures, and send the words of the letter nowhere
        options.append("RET=HDRS")
        notify.append("NOTIFY=FAILURE")
    at[0] = Step.SENDER
    _expect(2, server.mail(parseaddr(config.mail_bounces_to or config.mail_from)[1], options))
    at[0] = Step.RECIPIENT
    _expect(2, server.rcpt(letter.to, notify))
    at[0] = Step.CONTENT
    _expect(3, server.docmd("DATA"))
    content = smtplib._quote_periods(message.as_bytes(policy=WIDE if wide else NARROW))  # type: ignore[attr-defined]
    at[0] = Step.HANDED_OVER
    server.send(content + b".\r\n")
    _expect(2, server.getreply())


def _expect(kind: int, answer: tuple[int, bytes]) -> None:
    """Raises what smtplib raises, unless the server's status begins with `kind`."""
    if answer[0] // 100 != kind:
        raise smtplib.SMTPResponseException(*answer)


def message_of(config: Config, letter: Letter, *, message_id: str) -> EmailMessage:
    """`letter` with its head."""
    message = EmailMessage()
    message["From"] = config.mail_from
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(letter.text)
    return message
