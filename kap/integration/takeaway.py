"""The journal as one page that needs nothing else, as an archive to carry on with, and on paper."""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g

from kap import paths
from kap.clock import in_zone
from kap.content.pdf import NotTypeset, journal_pdf
from kap.db import db, reading
from kap.integration import taking
from kap.integration.journal_format import (
    ENTRIES,
    EXTENSIONS,
    FORMAT,
    MANIFEST,
    MEDIA,
    VERSION,
    reads_from_the_right,
)
from kap.integration.rules import SCALES, FileKind
from kap.integration.taking import Taken, TakenFile, in_base64
from kap.patients.models import Patient
from kap.problems import Invalid
from kap.web.filters import clock, timecode, zone

MEDIA_HERE = (
    "<!-- media -->"  # in templates/integration/take/entry.html; nobody's words can hold it unescaped
)
STYLE = paths.STATIC / "css" / "journal-book.css"
SCHEMA = paths.STATIC / "journal-format-1.schema.json"
LARGEST_PICTURE_ON_PAPER = 20_000_000
TOO_LONG = "The PDF could not be made of this. The page to read holds everything; print it from there."
ELSEWHERE = "{}. It is in the page to read."
_PAPER_PICTURES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class Writer:
    """Where a journal is read from while its file is on the way: nothing is held open between two batches.

    Answers are streamed after the request has been settled, so every batch has a context, and with it a
    short reading transaction, of its own.
    """

    def __init__(self, patient: Patient, ids: Sequence[UUID]) -> None:
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._patient_id, self._ids = patient.id, ids
        self._zone = patient.practice.zone

    def each(self, made: Callable[[Taken], Any]) -> Iterator[tuple[Taken, Any]]:
        """Every entry, with what `made` makes of it inside the application."""
        for start in range(0, len(self._ids), taking.AT_A_TIME):
            yield from self._some(self._ids[start : start + taking.AT_A_TIME], made)

    def _some(self, ids: Sequence[UUID], made: Callable[[Taken], Any]) -> list[tuple[Taken, Any]]:
        with self._app.app_context(), reading():
            g.zone = self._zone
            patient = db.session.get_one(Patient, self._patient_id)
            return [(entry, made(entry)) for entry in taking.taken(patient, ids)]


def date_of(moment: datetime) -> str:
    """Sunday 22 November 2026: what is taken away is read in other years too."""
    local = in_zone(moment, zone())
    return f"{local:%A} {local.day} {local:%B} {local.year}"


def moment(at: datetime) -> str:
    """Sunday 22 November 2026, 14:05"""
    return f"{date_of(at)}, {clock(at)}"


def page(patient: Patient, *, at: datetime) -> Iterator[bytes]:
    """One HTML file with everything in it: words, pictures, voice, and how it looks. It runs no script."""
    ids = taking.ids_of(patient)
    frame = _rendered(
        "integration/take/page.html",
        name=patient.name,
        practice=patient.practice.name,
        at=at,
        count=len(ids),
        style=STYLE.read_text(encoding="utf-8"),
        entries_here=MEDIA_HERE,
        moment=moment,
    )
    head, _, foot = frame.partition(MEDIA_HERE)
    writer = Writer(patient, ids)
    return _page(head, foot, writer)


def _page(head: str, foot: str, writer: Writer) -> Iterator[bytes]:
    yield head.encode()
    for entry, shown in writer.each(_shown):
        before, _, after = shown.partition(MEDIA_HERE)
        yield before.encode("utf-8", "replace")
        for file in entry.files:
            yield from _as_element(file)
        yield after.encode("utf-8", "replace")
    yield foot.encode()


def _shown(entry: Taken) -> str:
    return _rendered(
        "integration/take/entry.html",
        entry=entry,
        scales=SCALES,
        media_here=MEDIA_HERE,
        from_the_right=reads_from_the_right,
        moment=moment,
        date=date_of,
    )


def _rendered(template: str, **values: Any) -> str:
    """Without the context of other pages, which knows who is signed in: there is no request any more."""
    return current_app.jinja_env.get_template(template).render(**values)


def _as_element(file: TakenFile) -> Iterator[bytes]:
    """The file as an element of the page, its bytes in its address."""
    kind = file.media_type or "application/octet-stream"
    source = f'src="data:{kind};base64,'
    if file.kind is FileKind.PICTURE:
        start, end = f'<p class="picture"><img alt="{_label(file)}" {source}', '"></p>\n'
    else:
        start, end = (
            f'<p class="voice"><audio controls aria-label="{_label(file)}" {source}',
            '"></audio></p>\n',
        )
    yield start.encode()
    yield from in_base64(file.sealed.parts())
    yield end.encode()


def _label(file: TakenFile) -> str:
    return "A picture" if file.kind is FileKind.PICTURE else "A voice note"


def archive(patient: Patient, *, at: datetime) -> Iterator[bytes]:
    """A zip of JSON and of the files beside it, in the form that docs/journal-format.md describes."""
    ids = taking.ids_of(patient)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": at.isoformat(),
        "practice": patient.practice.name,
        "entries": len(ids),
    }
    return _archive(manifest, Writer(patient, ids))


def _archive(manifest: dict[str, Any], writer: Writer) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(MANIFEST, _json(manifest))
        target.writestr("schema.json", SCHEMA.read_bytes())
        yield sink.drained()
        for number, (entry, data) in enumerate(writer.each(as_data), start=1):
            target.writestr(f"{ENTRIES}{number:06}.json", _json(data))
            yield sink.drained()
            for file in entry.files:
                yield from _stored(target, sink, file)
    yield sink.drained()


def _stored(target: zipfile.ZipFile, sink: "_Sink", file: TakenFile) -> Iterator[bytes]:
    info = zipfile.ZipInfo(member_of(file))  # not compressed again: what it holds already is
    info.file_size = file.sealed.size
    with target.open(info, "w", force_zip64=file.sealed.size >= zipfile.ZIP64_LIMIT // 2) as member:
        for part in file.sealed.parts():
            member.write(part)
            yield sink.drained()


def member_of(file: TakenFile) -> str:
    return f"{MEDIA}{file.id}.{EXTENSIONS.get(file.media_type, 'bin')}"


def as_data(entry: Taken) -> dict[str, Any]:
    """An entry in the form that docs/journal-format.md describes."""
    data: dict[str, Any] = {
        "id": str(entry.id),
        "made_at": entry.made_at.isoformat(),
        "edited_at": entry.edited_at.isoformat(),
        "written_about": entry.written_about and entry.written_about.isoformat(),
        "title": entry.title,
        "text": entry.text,
        "themes": list(entry.tags),
        "ratings": entry.ratings,
        "session": _session(entry),
        "comments": [
            {"author": said.author, "own": said.is_own, "at": said.at.isoformat(), "text": said.text}
            for said in entry.comments
        ],
        "files": [
            {
                "id": str(file.id),
                "kind": file.kind.value,
                "made_at": file.made_at.isoformat(),
                "member": member_of(file),
                "media_type": file.media_type,
                "seconds": file.about.get("seconds"),
                "words": file.about.get("words"),
            }
            for file in entry.files
        ],
    }
    return data if entry.locked is None else {**data, "locked": entry.locked}


def _session(entry: Taken) -> dict[str, Any] | None:
    if entry.session_at is None:
        return None
    return {"at": entry.session_at.isoformat(), "moment_seconds": entry.moment_s}


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "replace")


class _Sink:
    """Takes what a zip writer writes, which never looks back, until it is sent on."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        return

    def close(self) -> None:
        return

    def drained(self) -> bytes:
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return joined


def paper(patient: Patient, ids: Sequence[UUID], *, footer: str) -> bytes:
    """These entries as a PDF with their pictures; a voice note is named where it stands. Raises `Invalid`."""
    with tempfile.TemporaryDirectory(prefix="kap-") as name:
        folder = Path(name)
        blocks = [
            block
            for start in range(0, len(ids), taking.AT_A_TIME)
            for entry in taking.taken(patient, ids[start : start + taking.AT_A_TIME])
            for block in _on_paper(entry, folder)
        ]
        name_of_writer = patient.name
        db.session.rollback()  # typesetting takes seconds, and nothing of the database
        words = {"title": "My journal", "summary": name_of_writer, "footer": footer}
        try:
            try:
                return journal_pdf(blocks, folder=folder, **words)
            except NotTypeset:  # perhaps for a picture that is none: the words are worth having without
                return journal_pdf([_without_picture(block) for block in blocks], folder=folder, **words)
        except NotTypeset as error:
            raise Invalid(TOO_LONG) from error


def _without_picture(block: dict[str, Any]) -> dict[str, Any]:
    return _paragraph(ELSEWHERE.format("A picture"), small=True) if block["kind"] == "picture" else block


def _on_paper(entry: Taken, folder: Path) -> Iterator[dict[str, Any]]:
    yield _heading(moment(entry.made_at), 2)
    if entry.title:
        yield _heading(entry.title, 3)
    yield from (_paragraph(text) for text in entry.text.split("\n") if text.strip())
    if entry.tags:
        yield _paragraph("Themes: " + ", ".join(entry.tags), small=True)
    for name, value in entry.ratings.items():
        scale = SCALES[name]
        yield _paragraph(f"{scale.question}: {value} from 0, {scale.low}, to 10, {scale.high}", small=True)
    if entry.session_at:
        at = "" if entry.moment_s is None else f", at {timecode(entry.moment_s)} of its music"
        yield _paragraph(f"About the session of {date_of(entry.session_at)}{at}", small=True)
    for file in entry.files:
        yield _picture(file, folder) or _paragraph(ELSEWHERE.format(_label(file)), small=True)
    for said in entry.comments:
        yield _paragraph(f"{said.author}, {moment(said.at)}:", small=True)
        yield from (_paragraph(text, quoted=True) for text in said.text.split("\n") if text.strip())


def _heading(text: str, level: int) -> dict[str, Any]:
    return {"kind": "heading", "level": level, "text": _printable(text), "rtl": reads_from_the_right(text)}


def _paragraph(text: str, *, small: bool = False, quoted: bool = False) -> dict[str, Any]:
    return {
        "kind": "paragraph",
        "text": _printable(text),
        "rtl": reads_from_the_right(text),
        "small": small,
        "quoted": quoted,
    }


def _printable(text: str) -> str:
    """Without what no paper shows: NUL and its like would stop the typesetter."""
    return "".join(each for each in text if each == "\t" or each >= " ").strip()


def _picture(file: TakenFile, folder: Path) -> dict[str, Any] | None:
    kind = _PAPER_PICTURES.get(file.media_type)
    if file.kind is not FileKind.PICTURE or kind is None or file.sealed.size > LARGEST_PICTURE_ON_PAPER:
        return None
    path = folder / f"{file.id}.{kind}"
    with path.open("wb") as target:
        for part in file.sealed.parts():
            target.write(part)
    return {"kind": "picture", "name": path.name, "words": file.about.get("words") or _label(file)}
