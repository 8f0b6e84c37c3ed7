"""The command `kap`."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import available_timezones

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import select

from kap import __version__, demo, install
from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.accounts import queries as people
from kap.accounts.messages import invitation_link
from kap.accounts.models import Practice
from kap.clock import now
from kap.config import Config, ConfigError
from kap.db import db, transaction
from kap.mail import bounces
from kap.mail.rules import LetterState
from kap.music import actions as music
from kap.music.actions import Origin
from kap.music.rules import display_name
from kap.problems import Problem
from kap.serve import PortTaken, check_port, run_worker, serve_all, serve_web

Command = TypeVar("Command", bound=Callable[..., Any])
out = Console(highlight=False, soft_wrap=True)
MARKS = {"arrived": "[green]added  [/green]", "known": "there  ", "refused": "[red]refused[/red]"}


def main() -> None:
    """Entry of `kap` and of `python -m kap`."""
    os.umask(0o077)  # whatever Kap writes is for its owner alone
    cli(prog_name="kap")


def plainly(command: Command) -> Command:
    """End with one sentence and exit code 1 where a person can mend what is wrong."""

    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (ConfigError, install.CannotStart, PortTaken, Problem) as problem:
            raise click.ClickException(str(problem)) from problem

    return told  # type: ignore[return-value]


def _config() -> Config:
    return Config.load(os.environ)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kap")
def cli() -> None:
    """A self-hosted companion for ketamine-assisted psychotherapy.

    \b
    A first look, with a demonstration practice:   kap run --demo
    An installation for a practice:                kap init
                                                   kap invite --new-practice "My practice" \\
                                                     --zone Europe/Berlin --role admin \\
                                                     --name "Ana Ahlberg" --email ana@example.org
                                                   kap run
    Is everything well?                            kap doctor

    Settings come from KAP_… variables or from kap.toml in the instance folder (KAP_INSTANCE,
    ./instance unless set).
    """


@cli.command()
@plainly
def init() -> None:
    """Make the instance: folder, key file, database. Harmless when it is already there."""
    config = _config()
    install.prepare(config)
    out.print(f"The instance is ready in {config.instance}.")
    out.print(f"Keep a copy of {config.key_path} in a safe place, apart from the database's backup.")


@cli.command()
@plainly
def migrate() -> None:
    """Bring the database to this version of Kap."""
    changed = install.migrate(install.open_app(_config()))
    out.print("The database is now up to date." if changed else "The database was up to date already.")


@cli.command()
@click.option("--demo", "with_demo", is_flag=True, help="Fill an empty installation with a demonstration.")
@plainly
def run(*, with_demo: bool) -> None:
    """Everything in one: prepare the instance, then web server and job worker until Ctrl-C."""
    config = _config()
    check_port(config)
    app = install.prepare(config)
    with app.app_context():
        filled = demo.fill() if with_demo else False
        shown = demo.is_filled()
        db.engine.dispose()
    if filled:
        out.print("A demonstration practice was made. Its music is being composed in the background.")
    sys.exit(serve_all(config, ready=lambda: _welcome(config, with_sign_ins=shown)))


def _welcome(config: Config, *, with_sign_ins: bool) -> None:
    out.print(f"\nKap answers at [bold]{config.address}[/bold]   (Ctrl-C stops it)\n")
    if with_sign_ins:
        for who, email in demo.SIGN_INS:
            out.print(f"  {who:<44} {email}")
        out.print(f"\n  The password of all of them: {demo.PASSWORD}\n")
    sys.stdout.flush()


@cli.command()
@plainly
def serve() -> None:
    """The web server alone. Run `kap worker` beside it."""
    config = _config()
    check_port(config)
    install.open_app(config)
    serve_web(config, ready=lambda: _welcome(config, with_sign_ins=False))


@cli.command()
@plainly
def worker() -> None:
    """The job worker alone: measures and renders music, sends mail."""
    config = _config()
    install.open_app(config)
    run_worker(config)


@cli.command("demo")
@plainly
def demo_command() -> None:
    """Fill an empty installation with a demonstration practice: two therapists, six patients, music."""
    app = install.prepare(_config())
    with app.app_context():
        filled = demo.fill()
    out.print(
        "The demonstration practice is there." if filled else "There is a practice already; nothing changed."
    )


@cli.command()
@click.option("--practice", help="Name of the practice, when there is more than one.")
@click.option("--new-practice", help="Open a practice with this name first.")
@click.option("--zone", default="UTC", show_default=True, help="Its time zone, e.g. Europe/Berlin.")
@click.option("--role", type=click.Choice(["admin", "therapist"]), default="admin", show_default=True)
@click.option("--name", required=True, prompt=True, help="The person's name.")
@click.option("--email", required=True, prompt="E-mail address", help="What they will sign in with.")
@plainly
def invite(
    *, practice: str | None, new_practice: str | None, zone: str, role: str, name: str, email: str
) -> None:
    """Invite a member of staff and print the link to hand over."""
    config = _config()
    if zone not in available_timezones():
        raise click.ClickException(f"{zone} is not a time zone. Europe/Berlin would be one.")
    app = install.prepare(config)
    with app.app_context(), transaction():
        home = _opened(new_practice, zone) if new_practice else _practice(practice)
        actor = Actor.system(home.id)
        user = accounts.enter_user(
            practice=home, role=Role(role), name=name, email=email, actor=actor, at=now()
        )
        _, token = accounts.invite(user, actor=actor, days=config.invitation_days, at=now())
    with app.test_request_context():
        link = invitation_link(token)
    out.print(f"Hand this link to {name}. It works once and for {config.invitation_days} days:\n\n  {link}\n")


@cli.command()
@click.argument("email")
@plainly
def reset(email: str) -> None:
    """Let someone who forgot their password choose another: prints a link for them alone.

    Their devices are signed out. Hand the link to the person themselves, for it opens what they can open.
    """
    config = _config()
    app = install.open_app(config)
    with app.test_request_context(), transaction():
        user = people.user_by_email(email)
        if user is None:
            raise click.ClickException("Nobody signs in with this e-mail address.")
        actor = Actor.system(user.practice_id)
        _, token = accounts.forget_password(user, actor=actor, days=config.invitation_days, at=now())
        link = invitation_link(token)
    out.print(f"The link works once and for {config.invitation_days} days:\n\n  {link}\n")


@cli.command()
@plainly
def doctor() -> None:
    """Look at instance, key, database, storage, audio and mail, and say what is wrong in plain words."""
    unwell = 0
    for finding in install.examine(_config()):
        unwell += not finding.well
        mark = "[green]well [/green]" if finding.well else "[red]wrong[/red]"
        out.print(f"{mark}  {finding.thing:<9} {finding.words}")
    if unwell:
        raise click.ClickException("Something is wrong; see above.")


@cli.group("mail")
def mail_group() -> None:
    """Letters."""


@mail_group.command("bounce")
@plainly
def mail_bounce() -> None:
    """Read a delivery status notification from standard input and write it in the delivery log.

    For a mail server to pipe undeliverable mail into; see docs/mail.md.
    """
    app = install.open_app(_config())
    report = bounces.read_report(sys.stdin.buffer.read(bounces.LARGEST + 1))
    with app.app_context(), transaction():
        letter = bounces.take_in(report)
        words = "Written down." if letter.state is LetterState.BOUNCED else "No failure; nothing is changed."
    out.print(words)


def _at_most(characters: int) -> Callable[[click.Context, click.Parameter, str], str]:
    def check(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
        if len(value) > characters:
            raise click.BadParameter(f"at most {characters} characters")
        return value.strip()

    return check


@cli.group("music")
def music_group() -> None:
    """The music library."""


@music_group.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--practice", help="Name of the practice, when there is more than one.")
@click.option(
    "--licence",
    default="",
    callback=_at_most(100),
    help="Licence to note of each new track, such as CC BY 4.0.",
)
@click.option(
    "--source",
    default="",
    callback=_at_most(300),
    help="Where the music comes from: a shop, a label, an address.",
)
@plainly
def music_import(path: Path, practice: str | None, licence: str, source: str) -> None:
    """Import a file, or every music file below a folder. What is already there is left alone."""
    app = install.prepare(_config())
    with app.app_context():
        with transaction():
            home = _practice(practice)
        became = _import_each(music.files_in(path), home, Origin(licence, source))
        db.session.rollback()
    out.print(
        f"{became['arrived']} arrived, {became['known']} already there, {became['refused']} not imported."
    )
    if became["arrived"]:
        out.print("The worker measures what arrived; it can be used as soon as that is done.")
    if became["refused"]:
        raise click.ClickException(f"{became['refused']} could not be imported; see above.")


def _import_each(files: list[Path], practice: Practice, origin: Origin) -> Counter[str]:
    """Import these files, saying of each what became of it; returns how many arrived, or did not."""
    became: Counter[str] = Counter()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    actor, at = Actor.system(practice.id), now()
    with Progress(*columns, console=out) as progress:
        bar = progress.add_task("", total=len(files))
        for file in files:
            progress.update(bar, description=display_name(file.name))
            stored = music.store(file, file_name=file.name)
            with transaction():
                imported = music.enter(stored, practice_id=practice.id, actor=actor, at=at, origin=origin)
            became[imported.outcome] += 1
            progress.console.print(f"{MARKS[imported.outcome]}  {escape(imported.message)}")
            progress.advance(bar)
        progress.update(bar, description="")
    return became


def _opened(name: str, zone: str) -> Practice:
    return accounts.found_practice(name=name, zone=zone, help_text="", at=now())


def _practice(name: str | None) -> Practice:
    """The practice of that name, or the only one there is."""
    named = select(Practice).where(Practice.name == name) if name else select(Practice)
    found = list(db.session.scalars(named))
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(
            f'There is no practice called "{name}".' if name else "There is no practice yet."
        )
    raise click.ClickException(
        "There is more than one practice; name it with --practice: " + ", ".join(p.name for p in found)
    )
