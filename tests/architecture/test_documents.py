"""What the documents say is what the code does."""

from pathlib import Path

import pytest
from click import Group

from kap.access.permissions import MEANING, Permission
from kap.access.policy import POLICY
from kap.cli import cli
from tests.architecture.render_docs import DOCS, RENDERED

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", RENDERED)
def test_a_rendered_document_is_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == RENDERED[name](), "run: make docs"


def test_every_permission_has_a_meaning_and_a_place_in_the_policy() -> None:
    assert set(MEANING) == set(Permission) == set(POLICY)


def test_the_readme_names_every_command() -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    assert isinstance(cli, Group)
    assert [name for name in cli.commands if f"kap {name}" not in readme] == []


def test_every_picture_the_readme_shows_exists() -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    pictures = [part.split(")")[0] for part in readme.split("](")[1:] if part.startswith("docs/images/")]
    assert pictures
    assert [picture for picture in pictures if not (CHECKOUT / picture).is_file()] == []
