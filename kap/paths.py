"""Where the data that ships with Kap lies: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def _shipped(folder: str) -> Path:
    beside = CHECKOUT / folder
    # A stranger's `templates/` next to site-packages must not win, so the checkout has to look like ours.
    if beside.is_dir() and (CHECKOUT / "pyproject.toml").is_file():
        return beside
    return PACKAGE / "_data" / folder


TEMPLATES = _shipped("templates")
PLAYLISTS = _shipped("playlists")
MIGRATIONS = PACKAGE / "migrations"
STATIC = PACKAGE / "static"
