"""Journal prompts for the days and weeks after a session."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from kap.content.document import Document, read_document
from kap.paths import TEMPLATES

ANY_TIME = "any-time"

_PROMPT = re.compile(r"- +(\S.*)")


@dataclass(frozen=True)
class PromptSet:
    """`offset_hours` is the time after the session these prompts are written for; None fits any day."""

    when: str
    title: str
    offset_hours: float | None
    prompts: tuple[str, ...]


@cache
def prompt_sets() -> Mapping[str, PromptSet]:
    """The prompts that ship, by `when`: any time first, then in the order of the days."""
    return load_prompt_sets(TEMPLATES / "prompts")


def prompts_for(hours_since_session: float | None) -> PromptSet:
    """The set whose moment lies nearest; before a session, or without one, the set for any time."""
    sets = prompt_sets()
    if hours_since_session is None or hours_since_session < 0:
        return sets[ANY_TIME]
    timed = [(chosen.offset_hours, chosen) for chosen in sets.values() if chosen.offset_hours is not None]
    return min(timed, key=lambda pair: abs(pair[0] - hours_since_session))[1]


def load_prompt_sets(folder: Path) -> Mapping[str, PromptSet]:
    """Every set in a folder. Raises `ContentError` for the first file that cannot be used."""
    sets = [load_prompts(path) for path in folder.glob("*.md")]
    sets.sort(key=lambda chosen: -1.0 if chosen.offset_hours is None else chosen.offset_hours)
    return MappingProxyType({chosen.when: chosen for chosen in sets})


def load_prompts(path: Path) -> PromptSet:
    """Read one set. The file's name, `when` and only for any time the missing offset must agree."""
    document = read_document(path)
    document.only(("when", "title", "offset_hours"))
    when = document.text("when")
    if when != path.stem:
        raise document.error(f"“when” must be {path.stem}, like the file's name", field="when")
    return PromptSet(
        when=when,
        title=document.text("title"),
        offset_hours=None if when == ANY_TIME else document.number("offset_hours"),
        prompts=_prompts(document),
    )


def _prompts(document: Document) -> tuple[str, ...]:
    prompts = []
    for line, text in enumerate(document.body.split("\n"), start=document.body_line):
        if not text.strip():
            continue
        found = _PROMPT.fullmatch(text.rstrip())
        if not found:
            raise document.error("each prompt stands on one line that begins with “- ”", line=line)
        prompts.append(found[1])
    if not prompts:
        raise document.error("there is no prompt", line=document.body_line)
    return tuple(prompts)
