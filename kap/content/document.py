"""A Markdown file with YAML front matter, read so that every complaint names the file and the line."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from frontmatter.default_handlers import YAMLHandler

# A guide is read on a phone in minutes; anything this long is a mistake, such as an embedded picture.
LARGEST_FILE_BYTES = 200_000

_FRONT_MATTER = YAMLHandler()


class ContentError(Exception):
    """A shipped or edited content file cannot be used. `line` counts from 1."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Document:
    """Front matter and body of one file, with typed access to the fields.

    Every accessor raises `ContentError` at the field's own line when the value is missing or the wrong kind.
    """

    path: Path
    head: str
    fields: dict[str, object]
    body: str
    body_line: int
    digest: str

    def error(self, reason: str, *, field: str = "", line: int = 0) -> ContentError:
        return ContentError(self.path, line or self._line_of(field), reason)

    def only(self, known: Collection[str]) -> None:
        """Refuse fields that nothing reads: they are misspelt more often than meant."""
        for field in self.fields:
            if field not in known:
                raise self.error(f"unknown field “{field}”", field=field)

    def text(self, field: str) -> str:
        value = self._required(field)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"“{field}” must be text", field=field)
        return value.strip()

    def whole(self, field: str) -> int:
        value = self._required(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.error(f"“{field}” must be a whole number from 1", field=field)
        return value

    def number(self, field: str) -> float:
        value = self._required(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise self.error(f"“{field}” must be a number, not below 0", field=field)
        return float(value)

    def day(self, field: str) -> date:
        value = self._required(field)
        if type(value) is not date:
            raise self.error(f"“{field}” must be a date such as 2026-03-31", field=field)
        return value

    def rows(self, field: str) -> list[dict[str, str]]:
        """A list of mappings from text to text, such as the sources of a guide."""
        value = self._required(field)
        if not isinstance(value, list) or not all(_is_text_mapping(row) for row in value):
            raise self.error(f"“{field}” must be a list of entries made of text", field=field)
        return value

    def _required(self, field: str) -> object:
        if field not in self.fields:
            raise self.error(f"“{field}” is missing from the front matter")
        return self.fields[field]

    def _line_of(self, field: str) -> int:
        found = re.search(rf"^{re.escape(field)}\s*:", self.head, re.MULTILINE) if field else None
        return self.head.count("\n", 0, found.start()) + 1 if found else 1


def read_document(path: Path) -> Document:
    """Read one content file; `ContentError` when it is too large, not UTF-8 or its front matter is broken."""
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise ContentError(path, 1, f"the file is larger than {LARGEST_FILE_BYTES // 1000} kB")
    raw = path.read_bytes()
    text = _decoded(path, raw)
    if not _FRONT_MATTER.detect(text) or text.count("\n---") == 0:
        raise ContentError(path, 1, "the file must begin with front matter between two lines of ---")
    head, body = _FRONT_MATTER.split(text)
    return Document(
        path=path,
        head=head,
        fields=_loaded(path, head),
        body=body,
        body_line=text.count("\n", 0, len(text) - len(body)) + 1,
        digest=hashlib.sha256(raw).hexdigest(),
    )


def _decoded(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ContentError(path, line, "the text is not UTF-8") from error


def _loaded(path: Path, head: str) -> dict[str, object]:
    try:
        fields = _FRONT_MATTER.load(head)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ContentError(path, mark.line + 1 if mark else 1, f"front matter: {problem}") from error
    except ValueError as error:  # YAML turns 2026-02-31 into a date by itself and fails
        raise ContentError(path, 1, f"front matter: {error}") from error
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise ContentError(path, 1, "front matter must be lines of “name: value”")
    return fields


def _is_text_mapping(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(part, str) for pair in row.items() for part in pair)
