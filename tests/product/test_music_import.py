"""`kap music import`: a folder of music from the command line."""

import sqlite3
from pathlib import Path

from tests.audio.sounds import tone, write_sound
from tests.product.conftest import kap


def test_what_is_music_arrives_and_the_rest_is_named(tmp_path: Path) -> None:
    instance, folder = tmp_path / "instance", tmp_path / "music"
    (folder / "more").mkdir(parents=True)
    write_sound(folder / "one.flac", tone(2), "flac")
    write_sound(folder / "two.mp3", tone(2, hertz=300), "mp3")
    write_sound(folder / "more" / "тихо.ogg", tone(2, hertz=500), "ogg")
    write_sound(folder / "same as one.flac", tone(2), "flac")
    (folder / "notes.txt").write_text("not music")
    (folder / "[red]loud.flac").write_bytes(b"")
    assert kap("init", instance=instance).returncode == 0
    nobody = kap("music", "import", str(folder), instance=instance)
    assert (nobody.returncode, nobody.stderr) == (1, "Error: There is no practice yet.\n")
    kap(
        "invite", "--new-practice", "Linden", "--name", "Ana", "--email", "ana@example.org", instance=instance
    )
    origin = ("--licence", "CC BY 4.0", "--source", "a shop")
    imported = kap("music", "import", str(folder), *origin, instance=instance)
    assert (imported.returncode, imported.stderr) == (1, "Error: 2 could not be imported; see above.\n")
    assert "3 arrived, 1 already there, 2 not imported." in imported.stdout
    assert "[red]loud.flac: this file is empty." in imported.stdout
    assert "notes.txt: this is not a sound file we can read." in imported.stdout
    assert "same as one.flac is already in your library as “one”." in imported.stdout
    with sqlite3.connect(instance / "kap.db") as database:
        rows = database.execute(
            "SELECT file_name, state, licence, source FROM track ORDER BY file_name"
        ).fetchall()
    assert rows == [(name, "waiting", "CC BY 4.0", "a shop") for name in ("one.flac", "two.mp3", "тихо.ogg")]
    again = kap("music", "import", str(folder / "one.flac"), instance=instance)
    assert (again.returncode, again.stdout.count("is already in your library")) == (0, 1)
