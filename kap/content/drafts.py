"""A guide as a form holds it while someone writes it, and the way to the text of a guide and back."""

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import yaml

from kap.content.document import ContentError, parse_document
from kap.content.guides import Guide, parse_guide

LAST = 1000  # the order of a guide that has no place of its own yet: after those that ship


@dataclass(frozen=True)
class Draft:
    """Everything as it was typed, right or wrong. `sources` has one source a line: key | title | address.

    `note` says to colleagues what is new; it is no part of the guide.
    """

    title: str = ""
    summary: str = ""
    reviewed: str = ""
    audience: str = "patient"
    asks_intention: bool = False
    is_practice: bool = False
    order: int = LAST
    sources: str = ""
    body: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Draft":
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


class DraftError(Exception):
    """A draft is no guide yet: `reason`, about `field`, at `line` of it (0 where a field has one line)."""

    def __init__(self, field: str, reason: str, line: int = 0) -> None:
        super().__init__(f"Line {line}: {reason}" if line else reason)
        self.field, self.line, self.reason = field, line, reason


def draft_of(guide: Guide) -> Draft:
    """The draft from which exactly this guide would come."""
    body = parse_document(guide.slug, guide.source.encode()).body
    return Draft(
        title=guide.title,
        summary=guide.summary,
        reviewed=guide.reviewed.isoformat(),
        audience=guide.audience,
        asks_intention=guide.asks is not None,
        is_practice=guide.is_practice,
        order=guide.order,
        sources="\n".join(f"{source.key} | {source.title} | {source.url}" for source in guide.sources),
        body=body.strip() + "\n",
    )


def guide_of(draft: Draft, *, slug: str, version: int) -> Guide:
    """The guide a draft makes. Raises `DraftError` for the first thing that is wrong."""
    head: dict[str, Any] = {
        "title": _present("title", draft.title),
        "summary": _present("summary", draft.summary),
        "order": draft.order,
        "version": version,
        "reviewed": _day(draft.reviewed),
        "audience": _present("audience", draft.audience),
        "sources": _sources(draft.sources),
    }
    if draft.asks_intention:
        head["asks"] = "intention"
    if draft.is_practice:
        head["kind"] = "practice"
    front = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=1000)
    text = f"---\n{front}---\n\n{draft.body.strip()}\n"
    try:
        return parse_guide(text, slug)
    except ContentError as error:
        raise _about_the_form(error, draft, front) from error


def _about_the_form(error: ContentError, draft: Draft, front: str) -> DraftError:
    """The complaint, at the line of the text box instead of the line of the whole text."""
    first = front.count("\n") + 4  # where the body stands: two lines of ---, one empty
    skipped = len(draft.body) - len(draft.body.lstrip())
    line = error.line - first + 1 + draft.body.count("\n", 0, skipped)
    reason = error.reason[:1].upper() + error.reason[1:]
    if error.line >= first:
        return DraftError("body", f"{reason}.", line)
    return DraftError("sources" if "source" in error.reason else "body", f"{reason}.")


def _present(field: str, value: str) -> str:
    if not value.strip():
        raise DraftError(field, "This is still empty.")
    return " ".join(value.split())


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise DraftError("reviewed", "Please give the day on which the text was last reviewed.") from error


def _sources(lines: str) -> list[dict[str, str]]:
    rows = []
    for line, text in enumerate(lines.splitlines(), start=1):
        if not text.strip():
            continue
        parts = [part.strip() for part in text.split("|")]
        if len(parts) != 3 or not all(parts):
            raise DraftError("sources", "A source is written: key | title | web address or doi.", line)
        key, title, address = parts
        where = {"doi": address} if address.startswith("10.") else {"url": address}
        rows.append({"key": key, "title": title, **where})
    return rows
