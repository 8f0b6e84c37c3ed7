"""The built package carries all that the product needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.product.conftest import CHECKOUT, environ


def test_a_wheel_makes_the_same_product(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    wheel = next(tmp_path.glob("kap-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for folder, prefix in (("templates", "kap/_data/"), ("playlists", "kap/_data/"), ("kap/static", "")):
        shipped = {f"{prefix}{path.relative_to(CHECKOUT)}" for path in _files(CHECKOUT / folder)}
        assert shipped - inside == set()
    ran = subprocess.run(
        [sys.executable, "-m", "kap", "demo"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**environ(tmp_path / "instance"), "PYTHONPATH": str(tmp_path / "installed")},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "The demonstration practice is there.")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
