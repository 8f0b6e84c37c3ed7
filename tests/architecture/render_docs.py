"""The documents that are rendered from code: `make docs` writes them, a test compares them."""

from pathlib import Path

from kap.access.permissions import MEANING, Permission, Role, Tie
from kap.access.policy import POLICY
from kap.config import settings

DOCS = Path(__file__).resolve().parents[2] / "docs"

ACCESS_HEAD = """\
# Who may do what

This page is rendered from `kap/access/policy.py`, the one table that decides, and a test fails when the two
differ. What it does not name is denied.

**Roles**: administrator, therapist, patient. **Ties**: how someone stands to a record. *Own*: it is about
them, or is their own account. *Care team*: a therapist on the patient's care team. *Practice*: it belongs to
their practice.

Someone without any tie to a record gets "there is nothing here" (404), the same as for a record that does not
exist. Someone with a tie but without the permission is refused (403), and the refusal is logged.

**Administering is not reading.** The administrator has no entry for anything clinical.

"""

CONFIGURATION_HEAD = """\
# Settings

This page is rendered from `kap/config.py`; a test fails when the two differ.

Settings are read once, at the start: first from `KAP_…` variables, then from `kap.toml` in the instance
folder, where they are written without the prefix and in lower case (`port = 8080`). A name Kap does not know
stops the start, so a typing mistake cannot pass unnoticed.

| Setting | Default | Meaning |
| --- | --- | --- |
"""


def access() -> str:
    """`docs/access.md`."""
    rooms = dict.fromkeys(permission.split(":")[0] for permission in Permission)
    return ACCESS_HEAD + "".join(_room(room) for room in rooms)


def _room(room: str) -> str:
    head = "| Permission | What it allows | Who |\n| --- | --- | --- |"
    rows = [f"\n## {room.capitalize()}\n", head]
    for permission in Permission:
        if permission.split(":")[0] == room:
            rows.append(f"| `{permission}` | {MEANING[permission]} | {_who(permission)} |")
    return "\n".join(rows) + "\n"


def _who(permission: Permission) -> str:
    holders = POLICY[permission]
    if holders == {(role, Tie.SELF) for role in Role}:
        return "everyone, own"
    words = {Tie.SELF: "own", Tie.CARE_TEAM: "care team", Tie.PRACTICE: "practice"}
    return "; ".join(f"{role.value}, {words[tie]}" for role in Role for tie in Tie if (role, tie) in holders)


def configuration() -> str:
    """`docs/configuration.md`."""
    rows = ""
    for name, default, meaning in settings():
        rows += f"| `{name}` | {default and f'`{default}`'} | {meaning} |\n"
    return CONFIGURATION_HEAD + rows


RENDERED = {"access.md": access, "configuration.md": configuration}

if __name__ == "__main__":
    for name, render in RENDERED.items():
        (DOCS / name).write_text(render(), "utf-8")
        print(f"docs/{name}")
