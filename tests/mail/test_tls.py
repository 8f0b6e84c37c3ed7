"""Over TLS from the start and after STARTTLS, with a certificate that is trusted and one that is not."""

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kap.clock import now
from kap.config import Config
from kap.mail import Letter
from kap.mail.rules import SENT, Outcome, Reason, Verdict
from kap.mail.smtp import deliver
from tests.mail.postbox import Postbox
from tests.mail.server import Server, serving
from tests.product.conftest import free_port

LETTER = Letter(to="pia@example.org", subject="A line", text="Hello.\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=(given.login, given.password) == (b"kap", b"se:cret"), handled=False)


@pytest.fixture
def starting(certificate: Path) -> Iterator[tuple[str, Postbox]]:
    """The address of a server that wants STARTTLS and a password, and what it takes in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    postbox, port = Postbox(), free_port()
    server = Controller(
        postbox, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
        authenticator=_let_in, auth_required=True,
    )  # fmt: skip
    server.start()
    yield f"smtp://kap:{{password}}@127.0.0.1:{port}", postbox
    server.stop()


@pytest.fixture
def from_the_start(certificate: Path) -> Iterator[Server]:
    """A server that speaks TLS from the first byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as server:
        yield server


def _deliver(url: str, word: str = "se%3Acret") -> Outcome:
    config = Config(smtp_url=url.format(password=word), mail_timeout_seconds=5)
    return deliver(config, LETTER, message_id="<one@linden.example>")


def test_a_letter_goes_over_tls_with_the_password(
    starting: tuple[str, Postbox], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url, postbox = starting
    assert (_deliver(url), len(postbox.letters)) == (SENT, 1)


def test_a_wrong_password_is_told_and_tried_again(
    starting: tuple[str, Postbox], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url, postbox = starting
    outcome = _deliver(url, "wrong")
    assert (outcome.verdict, outcome.reason, postbox.letters) == (Verdict.AGAIN, Reason.SIGN_IN, [])


def test_a_certificate_nobody_vouches_for_gets_neither_password_nor_letter(
    starting: tuple[str, Postbox],
) -> None:
    url, postbox = starting
    assert (_deliver(url), postbox.letters) == (Outcome(Verdict.AGAIN, Reason.NOT_SAFE), [])


def test_tls_from_the_start(
    from_the_start: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = from_the_start.url.replace("smtp://", "smtps://")
    assert (_deliver(url), from_the_start.heard) == (Outcome(Verdict.AGAIN, Reason.NOT_SAFE), [])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert (_deliver(url), len(from_the_start.letters)) == (SENT, 1)
