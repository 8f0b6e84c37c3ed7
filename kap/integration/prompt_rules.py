"""Which questions stand beside the page, and what a patient chose about them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

LONGEST_PROMPT = 300
KEPT_SKIPS = 300  # more than anyone skips; a list without an end would grow with the years
# After this long no session is the reason why someone writes.
ASKED_WITHIN = timedelta(days=105)


@dataclass(frozen=True)
class Prompt:
    """One question. `key` stays the same while its words do."""

    key: str
    text: str
    own: bool = False  # by the care team


@dataclass(frozen=True)
class Choices:
    """What a patient chose: whether questions stand there at all, and which they skipped, and when.

    A question skipped after one session is there again after the next.
    """

    off: bool = False
    skipped: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Choices":
        return cls(off=bool(stored.get("off")), skipped=tuple(stored.get("skipped", ())))

    def as_dict(self) -> dict[str, Any]:
        return {"off": self.off, "skipped": list(self.skipped)}

    def turned(self, *, off: bool) -> "Choices":
        return replace(self, off=off)

    def skipping(self, key: str, occasion: str) -> "Choices":
        mark = _mark(key, occasion)
        kept = [each for each in self.skipped if each != mark]
        return replace(self, skipped=(*kept, mark)[-KEPT_SKIPS:])

    def without_skips(self, occasion: str) -> "Choices":
        """All questions of this occasion again."""
        kept = tuple(each for each in self.skipped if not each.endswith(f"@{occasion}"))
        return replace(self, skipped=kept)

    def skips(self, key: str, occasion: str) -> bool:
        return _mark(key, occasion) in self.skipped


def shipped(texts: Iterable[str]) -> list[Prompt]:
    return [Prompt(sha256(text.encode()).hexdigest()[:12], text) for text in texts]


def shown(prompts: Iterable[Prompt], choices: Choices, occasion: str) -> list[Prompt]:
    """Those to show; none where the patient turned them off."""
    if choices.off:
        return []
    return [each for each in prompts if not choices.skips(each.key, occasion)]


def hours_since(closed_at: datetime | None, now: datetime) -> float | None:
    """Hours since the session that is the reason to write; None when there is none any more."""
    if closed_at is None or not timedelta(0) <= now - closed_at < ASKED_WITHIN:
        return None
    return (now - closed_at).total_seconds() / 3600


def put_above(question: str, text: str) -> str:
    """The page with the question on it: above a blank page, below what stands there already. Once."""
    if not question or question in text:
        return text
    return f"{text.rstrip()}\n\n{question}\n\n" if text.strip() else f"{question}\n\n"


def _mark(key: str, occasion: str) -> str:
    return f"{key}@{occasion}"
