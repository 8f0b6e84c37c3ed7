"""A guide as a PDF to keep, to print, or to give to the person who takes one home."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kap.content.consents import Consent
from kap.content.guides import (
    Acknowledgement,
    Audio,
    Breathing,
    Checklist,
    Guide,
    Prose,
    Question,
    Source,
)
from kap.content.markdown import tree

# The longest guide that is accepted takes about two seconds; see LARGEST_FILE_BYTES.
SECONDS = 30
JOURNAL_SECONDS = 60  # what rooms give at once takes about two
_TYPESETTER = Path(__file__).with_name("typeset.py")


class NotTypeset(Exception):
    """The typesetter did not finish; what it said stands in the message, without the guide's text."""


def guide_pdf(guide: Guide, *, footer: str) -> bytes:
    """The text with boxes to tick and lines to write on, and nothing that anyone ticked or wrote.

    Takes a process of its own, mostly a third of a second and never longer than `SECONDS`. Raises
    `NotTypeset`.
    """
    return _typeset(_as_data(guide, footer))


def consent_pdf(consent: Consent, *, said: Sequence[tuple[str, str]], footer: str) -> bytes:
    """What was signed, and below it what its signer said and when: pairs of a label and words.

    Raises `NotTypeset`.
    """
    sources = [_source(source) for source in consent.sources]
    blocks = [{"kind": "prose", "inside": tree(consent.body, consent.citations)}]
    blocks += [{"kind": "aside", "title": label, "words": words, "inside": []} for label, words in said]
    return _typeset(
        {
            "title": consent.title,
            "summary": consent.summary,
            "footer": footer,
            "blocks": blocks,
            "sources": sources,
        }
    )


def journal_pdf(
    blocks: Sequence[Mapping[str, Any]], *, title: str, summary: str, footer: str, folder: Path
) -> bytes:
    """A portion of a journal: headings, paragraphs, and pictures that lie in `folder` by their names.

    Raises `NotTypeset`.
    """
    content = {
        "title": title,
        "summary": summary,
        "footer": footer,
        "folder": str(folder),
        "blocks": list(blocks),
    }
    return _run(content, template="journal", seconds=JOURNAL_SECONDS)


def _typeset(content: Mapping[str, Any]) -> bytes:
    blocks, above = [], set[int]()
    for block in content["blocks"]:
        blocks.append({**block, "inside": _in_steps(block.get("inside", []), above)})
    return _run({**content, "blocks": blocks}, template="guide", seconds=SECONDS)


def _run(content: Mapping[str, Any], *, template: str, seconds: int) -> bytes:
    data = json.dumps(content).encode()
    command = [sys.executable, "-I", str(_TYPESETTER), template]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=True)  # noqa: S603 - our own program, no shell
    except subprocess.TimeoutExpired as error:
        raise NotTypeset(f"longer than {seconds} seconds") from error
    except subprocess.CalledProcessError as error:
        raise NotTypeset(f"ended with {error.returncode}") from error
    return done.stdout


def _in_steps(nodes: Sequence[Mapping[str, Any]], above: set[int]) -> list[Mapping[str, Any]]:
    """No heading without words and none that skips a level: what reads a PDF aloud goes by them.

    `above` are the levels that came before, and those here are added to it.
    """
    kept: list[Mapping[str, Any]] = []
    for node in nodes:
        if node["kind"] == "heading":
            if _has_words(node):
                level = 3 if node["level"] > 2 and above else 2
                above.add(level)
                kept.append({**node, "level": level})
        elif "inside" in node:
            kept.append({**node, "inside": _in_steps(node["inside"], above)})
        else:
            kept.append(node)
    return kept


def _has_words(node: Mapping[str, Any]) -> bool:
    return bool(str(node.get("text", "")).strip()) or any(map(_has_words, node.get("inside", ())))


def _as_data(guide: Guide, footer: str) -> dict[str, Any]:
    citations = {source.key: source.number for source in guide.sources}
    return {
        "title": guide.title,
        "summary": guide.summary,
        "footer": footer,
        "blocks": [_block(block, citations) for block in guide.blocks],
        "sources": [_source(source) for source in guide.sources],
    }


def _source(source: Source) -> dict[str, Any]:
    return {"number": source.number, "title": source.title, "url": source.url}


def _block(block: Any, citations: Mapping[str, int]) -> dict[str, Any]:
    match block:
        case Checklist():
            return {"kind": "checklist", "items": [_line(item.text, citations) for item in block.items]}
        case Prose():
            kind: dict[str, Any] = {"kind": "prose"}
        case Question():
            kind = {"kind": "question"}
        case Acknowledgement():
            kind = {"kind": "acknowledgement"}
        case Breathing():
            kind = {"kind": "aside", "title": "A slow breath", "words": block.words}
        case Audio():
            words = f"“{block.title}” can be heard on this guide's page."
            kind = {"kind": "aside", "title": "To listen to", "words": words}
    return {**kind, "inside": tree(block.text, citations)}


def _line(text: str, citations: Mapping[str, int]) -> list[dict[str, Any]]:
    """The words of one line, whatever else its first signs might make of it as a paragraph."""
    return tree(text, citations, inline=True)
