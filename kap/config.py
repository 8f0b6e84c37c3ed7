"""Frozen settings, read once from `KAP_…` variables over the instance's `kap.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from flask import current_app

INSTANCE_FILE = "kap.toml"


class ConfigError(Exception):
    """A setting that Kap cannot start with; its text is one sentence for the person who starts it."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting, its default and its meaning. `docs/configuration.md` is checked against this class."""

    instance: Path = _setting(
        Path("instance"),
        "Folder of this installation: key, database, files, `kap.toml`.",
    )
    database_url: str = _setting("", "SQLAlchemy URL. Empty: SQLite, `kap.db` in the instance folder.")
    key_file: Path | None = _setting(None, "File with the instance key. Empty: `key` in the instance folder.")
    keys_file: Path | None = _setting(
        None,
        "File with the keys of journal entries, each wrapped by the instance key. Empty: `keys.db` in the "
        "instance folder. Back it up apart from the database, and keep no old copy for longer than deleted "
        "entries may be brought back.",
    )
    storage_url: str = _setting(
        "",
        "Where files lie: a folder or `s3://bucket/prefix`. Empty: `files` in the instance.",
    )
    queue_url: str = _setting(
        "",
        "Where job signals go: a SQLite file or a PostgreSQL or Redis URL. Empty: `queue.db`.",
    )
    host: str = _setting("127.0.0.1", "Address the web server listens on.")
    port: int = _setting(8000, "Port the web server listens on.")
    base_url: str = _setting("", "Address people use, for links in mail. Empty: `http://host:port`.")
    web_workers: int = _setting(1, "Web server processes.")
    web_threads: int = _setting(16, "Threads in each web server process.")
    job_threads: int = _setting(2, "Jobs that run at the same time.")
    trusted_proxies: int = _setting(0, "How many reverse proxies stand in front and set X-Forwarded headers.")
    smtp_url: str = _setting("", "`smtp://user:password@host:587` or `smtps://…`. Empty: no mail is sent.")
    mail_from: str = _setting("kap@localhost", "Sender of mail.")
    mail_bounces_to: str = _setting(
        "",
        "Address that undeliverable mail comes back to, read by `kap mail bounce`. Empty: the sender.",
    )
    mail_timeout_seconds: int = _setting(60, "Longest that handing one letter to the mail server may take.")
    staff_idle_minutes: int = _setting(30, "Staff are signed out after this long without a request.")
    staff_absolute_hours: int = _setting(
        12, "Staff are signed out this long after signing in, whatever they do."
    )
    patient_idle_minutes: int = _setting(120, "Patients are signed out after this long without a request.")
    patient_absolute_hours: int = _setting(
        72, "Patients are signed out this long after signing in, whatever they do."
    )
    invitation_days: int = _setting(7, "Days an invitation stays open.")
    upload_megabytes: int = _setting(600, "Largest music file that may be uploaded.")
    form_megabytes: int = _setting(8, "Largest form, such as a long journal entry, that is accepted.")
    packets_megabytes: int = _setting(
        4000,
        "Most that may lie in `packets` in the instance folder: encoded tracks and joints, kept so that "
        "mixes are made quickly. What has not been used for longest goes first.",
    )
    job_lease_seconds: int = _setting(30, "A job whose worker has been silent this long is given to another.")
    log_level: str = _setting("info", "debug, info, warning or error.")
    development: bool = _setting(False, "Shows the `/style` page. Never for a practice.")

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Config":
        """Settings from the environment over the instance file. Raises `ConfigError`."""
        named = {f"KAP_{f.name.upper()}": f for f in fields(cls)}
        from_environ = {key: value for key, value in environ.items() if key.startswith("KAP_")}
        _refuse_unknown(from_environ, named, "The environment")
        instance = Path(from_environ.get("KAP_INSTANCE") or "instance").absolute()
        from_file = _read_instance_file(instance / INSTANCE_FILE)
        _refuse_unknown(from_file, {f.name: f for f in fields(cls)}, str(instance / INSTANCE_FILE))
        values: dict[str, Any] = {}
        for variable, spec in named.items():
            raw = from_environ.get(variable, from_file.get(spec.name))
            if raw not in (None, ""):
                values[spec.name] = _typed(spec.name, spec.type, raw)
        values["instance"] = instance
        return cls(**values)

    @property
    def key_path(self) -> Path:
        return self.key_file or self.instance / "key"

    @property
    def keys_path(self) -> Path:
        return self.keys_file or self.instance / "keys.db"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.instance / 'kap.db'}"

    @property
    def storage(self) -> str:
        return self.storage_url or str(self.instance / "files")

    @property
    def packets(self) -> Path:
        return self.instance / "packets"

    @property
    def queue(self) -> str:
        return self.queue_url or str(self.instance / "queue.db")

    @property
    def address(self) -> str:
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether people reach us over TLS, so that cookies may insist on it."""
        return self.address.startswith("https://")


def current_config() -> Config:
    """The settings of the running application."""
    found: Config = current_app.extensions["kap.config"]
    return found


def settings() -> list[tuple[str, str, str]]:
    """(variable, default in words, meaning) of every setting, for the documentation."""
    rows = []
    for spec in fields(Config):
        default = "" if spec.default in (None, "", MISSING) else str(spec.default)
        rows.append((f"KAP_{spec.name.upper()}", default, str(spec.metadata["meaning"])))
    return rows


def _read_instance_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"{where} has a setting Kap does not know: {', '.join(unknown)}.")


def _typed(name: str, wanted: Any, raw: Any) -> Any:
    """`raw`, a string from the environment or a TOML value, as the field's type."""
    try:
        if wanted is bool:
            return _boolean(raw)
        if wanted is int:
            return int(raw)
        if wanted in (Path, Path | None):
            return Path(str(raw)).absolute()
        return str(raw)
    except ValueError as error:
        raise ConfigError(f"{name} cannot be {raw!r}.") from error


def _boolean(raw: Any) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "0": False,
        "false": False,
        "no": False,
    }
    if str(raw).lower() not in words:
        raise ValueError(raw)
    return words[str(raw).lower()]
