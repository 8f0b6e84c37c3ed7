"""Starting and stopping, and every way in which that can go wrong, as the person at the keyboard sees it."""

import os
import signal
import sqlite3
import stat
from pathlib import Path

from tests.product.conftest import free_port, kap, running, status


def test_a_first_start_makes_everything_and_a_second_keeps_it(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with running(instance, "--demo") as first:
        assert status(first.address) == 200  # led to the sign-in page
        printed = first.stop()
    assert "A demonstration practice was made." in printed
    assert "mara@linden.example" in printed
    assert first.process.returncode == 0
    assert stat.S_IMODE((instance / "key").stat().st_mode) == 0o600
    key = (instance / "key").read_bytes()
    with running(instance, "--demo") as second:
        printed = second.stop(signal.SIGTERM)
    assert "was made" not in printed
    assert "mara@linden.example" in printed
    assert second.process.returncode == 0
    assert (instance / "key").read_bytes() == key
    with sqlite3.connect(instance / "kap.db") as database:
        assert database.execute("SELECT count(*) FROM patient").fetchone() == (6,)


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    with running(tmp_path / "instance") as product:
        group = os.getpgid(product.process.pid)
        product.stop()
    children = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _session_of(entry) == str(group)
    ]
    assert children == []


def _session_of(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[3]
    except OSError:
        return ""


def test_what_is_made_in_a_folder_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    instance.chmod(0o755)
    kap("demo", instance=instance)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in instance.iterdir()}
    assert made == {"key": 0o600, "keys.db": 0o600, "kap.db": 0o600, "queue.db": 0o600, "files": 0o700}


def test_a_taken_port(tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path / "one", KAP_PORT=port):
        second = kap("run", instance=tmp_path / "two", KAP_PORT=port)
    assert second.returncode == 1
    assert second.stderr == (
        f"Error: Port {port} on 127.0.0.1 is taken or not allowed. Set KAP_PORT to another one.\n"
    )


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    instance = tmp_path / "file" / "instance"
    ended = kap("init", instance=instance)
    assert (ended.returncode, ended.stderr) == (
        1,
        f"Error: The folder {instance} cannot be made: Not a directory.\n",
    )


def test_a_missing_key(tmp_path: Path) -> None:
    assert kap("init", instance=tmp_path).returncode == 0
    (tmp_path / "key").unlink()
    ended = kap("run", instance=tmp_path, KAP_PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: The key file {tmp_path}/key is missing, and without it nothing in the database can be read."
        " Restore it from its backup.\n"
    )
    assert not (tmp_path / "key").exists()


def test_a_key_others_can_read(tmp_path: Path) -> None:
    assert kap("init", instance=tmp_path).returncode == 0
    (tmp_path / "key").chmod(0o644)
    ended = kap("serve", instance=tmp_path, KAP_PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: The key file {tmp_path}/key can be read by others; run: chmod 600 {tmp_path}/key\n"
    )


def test_a_database_from_a_newer_version(tmp_path: Path) -> None:
    assert kap("init", instance=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "kap.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = kap("run", instance=tmp_path, KAP_PORT=str(free_port()))
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: The database was made by a newer version of Kap. Please run that version, or a newer one.\n",
    )


def test_a_setting_kap_does_not_know(tmp_path: Path) -> None:
    ended = kap("run", instance=tmp_path, KAP_COLOUR="sage")
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: The environment has a setting Kap does not know: KAP_COLOUR.\n",
    )


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/kap"
    ended = kap("init", instance=tmp_path, KAP_DATABASE_URL=nowhere)
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: The database does not answer. Check KAP_DATABASE_URL and that the server is running.\n",
    )


def test_the_doctor_finds_a_new_instance_well_and_says_what_is_wrong_with_a_broken_one(
    tmp_path: Path,
) -> None:
    assert "There is no folder" in kap("doctor", instance=tmp_path / "none").stdout
    assert kap("init", instance=tmp_path).returncode == 0
    well = kap("doctor", instance=tmp_path)
    assert (well.returncode, well.stdout.count("well "), well.stdout.count("wrong")) == (0, 7, 0)
    unreachable = kap("doctor", instance=tmp_path, KAP_SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
    assert (unreachable.returncode, unreachable.stdout.count("wrong")) == (1, 1)


def test_inviting_the_first_administrator(tmp_path: Path) -> None:
    invited = kap(
        "invite",
        *("--new-practice", "Linden", "--zone", "Europe/Berlin"),
        *("--name", "Ana", "--email", "ana@example.org"),
        instance=tmp_path,
    )  # fmt: skip
    assert invited.returncode == 0
    link = next(word for word in invited.stdout.split() if "/invitation/" in word)
    path = link.partition("8000")[2]
    with running(tmp_path) as product:
        assert status(product.address + path) == 200
        assert status(product.address + path[:-1] + "x") == 404


def test_help_teaches(tmp_path: Path) -> None:
    told = kap("--help", instance=tmp_path).stdout
    for command in (
        "init",
        "serve",
        "worker",
        "migrate",
        "demo",
        "invite",
        "reset",
        "doctor",
        "music",
        "run",
    ):
        assert f"  {command} " in told


def test_a_forgotten_password(tmp_path: Path) -> None:
    assert kap("demo", instance=tmp_path).returncode == 0
    nobody = kap("reset", "nobody@linden.example", instance=tmp_path)
    assert (nobody.returncode, nobody.stderr) == (1, "Error: Nobody signs in with this e-mail address.\n")
    reset = kap("reset", "mara@linden.example", instance=tmp_path)
    assert reset.returncode == 0
    path = next(word for word in reset.stdout.split() if "/invitation/" in word).partition("8000")[2]
    with running(tmp_path, command="serve") as product:
        assert status(product.address + path) == 200
    with sqlite3.connect(tmp_path / "kap.db") as database:
        forgotten = "SELECT count(*) FROM user WHERE password_hash IS NULL AND role = 'therapist'"
        assert database.execute(forgotten).fetchone() == (1,)
