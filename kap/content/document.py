"""A Markdown file with YAML front matter, read so that every complaint names the file and the line."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from frontmatter.default_handlers import YAMLHandler
from yaml.constructor import ConstructorError

# A guide is read on a phone in minutes; anything this long is a mistake, such as an embedded picture.
LARGEST_FILE_BYTES = 200_000

_FRONT_MATTER = YAMLHandler()


class _Loader(yaml.SafeLoader):
    """Without merge keys: a few lines of them that name each other grow until no memory is left."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, "“<<” is not read here", key.start_mark)
        super().flatten_mapping(node)


class ContentError(Exception):
    """A shipped or edited text cannot be used. `line` counts from 1; `name` is the file's, if it has one."""

    def __init__(self, name: Path | str, line: int, reason: str) -> None:
        super().__init__(f"{name}, line {line}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Document:
    """Front matter and body of one file, with typed access to the fields.

    Every accessor raises `ContentError` at the field's own line when the value is missing or the wrong kind.
    """

    name: Path | str
    source: str
    head: str
    fields: dict[str, object]
    body: str
    body_line: int
    digest: str

    def error(self, reason: str, *, field: str = "", line: int = 0) -> ContentError:
        return ContentError(self.name, line or self._line_of(field), reason)

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

    def flag(self, field: str) -> bool:
        """True or false; false where the front matter does not say."""
        value = self.fields.get(field, False)
        if not isinstance(value, bool):
            raise self.error(f"“{field}” must be true or false", field=field)
        return value

    def tables(self, field: str) -> list[dict[str, object]]:
        """A list of mappings of any kind; empty where the front matter has none."""
        value = self.fields.get(field, [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.error(f"“{field}” must be a list of entries", field=field)
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
    with path.open("rb") as file:
        return parse_document(path, file.read(LARGEST_FILE_BYTES + 1))


def parse_document(name: Path | str, raw: bytes) -> Document:
    """The same of a text that stands in no file; `name` is what complaints call it."""
    if len(raw) > LARGEST_FILE_BYTES:
        raise ContentError(name, 1, f"the file is larger than {LARGEST_FILE_BYTES // 1000} kB")
    text = _decoded(name, raw)
    if not _FRONT_MATTER.detect(text) or text.count("\n---") == 0:
        raise ContentError(name, 1, "the file must begin with front matter between two lines of ---")
    head, body = _FRONT_MATTER.split(text)
    return Document(
        name=name,
        source=text,
        head=head,
        fields=_loaded(name, head),
        body=body,
        body_line=text.count("\n", 0, len(text) - len(body)) + 1,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _decoded(name: Path | str, raw: bytes) -> str:
    if b"\0" in raw:
        raise ContentError(name, raw.count(b"\n", 0, raw.index(b"\0")) + 1, "the text holds a NUL")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ContentError(name, line, "the text is not UTF-8") from error


def _loaded(name: Path | str, head: str) -> dict[str, object]:
    try:
        fields = _FRONT_MATTER.load(head, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ContentError(name, mark.line + 1 if mark else 1, f"front matter: {problem}") from error
    except (ValueError, RecursionError) as error:  # a date like 2026-02-31; brackets a thousand deep
        raise ContentError(name, 1, f"front matter: {error}") from error
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise ContentError(name, 1, "front matter must be lines of “name: value”")
    return fields


def _is_text_mapping(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(part, str) for pair in row.items() for part in pair)
