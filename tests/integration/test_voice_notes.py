"""Voice notes as they arrive: in pieces, twice, half, too large, no sound at all; heard by who may."""

import errno
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from kap.access.audit import Event
from kap.audio.clips import VOICE_LUFS
from kap.db import db, transaction
from kap.integration import actions, file_tasks, queries
from kap.integration.file_actions import PREPARE
from kap.integration.file_rules import NO_ROOM, NOT_SOUND, TOO_LARGE_VOICE, VOICE_MEGABYTES
from kap.integration.files import Box
from kap.integration.models import Doomed, EntryFile, FilePiece, FileState, JournalEntry
from kap.integration.rules import Part
from kap.jobs.models import Job, JobState
from kap.jobs.run import MAX_STARTS
from kap.storage import Storage, storage
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET
from tests.integration.recordings import (
    JSON,
    ask,
    decoded,
    fragmented,
    loudness,
    pieces_of,
    recording,
    send,
    send_piece,
    silence,
    speech,
)

AtBrowser = Callable[[str], Browser]
Work = Callable[[], int]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two takes, one of several pieces, and one as Safari records it after an interruption."""
    folder = tmp_path_factory.mktemp("takes")
    return [
        recording(folder, silence(2), speech(20, level=0.02), silence(2), kind="flac"),
        fragmented(folder, speech(4, level=0.2)),
    ]


def note_of(file_id: UUID) -> EntryFile:
    db.session.expire_all()
    return db.session.get_one(EntryFile, file_id)


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def stored() -> list[bytes]:
    return [path.read_bytes() for path in Path(str(storage().root)).rglob("*") if path.is_file()]


@dataclass(frozen=True)
class Sent:
    """A recording of Pia's that has arrived and waits for the work."""

    pia: Browser
    entry_id: UUID
    file_id: UUID


@pytest.fixture
def sent(at_browser: AtBrowser, entry: JournalEntry, takes: list[bytes]) -> Sent:
    made = Sent(at_browser("pia"), entry.id, uuid4())
    send(made.pia, made.entry_id, made.file_id, takes)
    return made


@pytest.fixture
def note(sent: Sent, work: Work) -> EntryFile:
    """A finished voice note in Pia's entry."""
    work()
    return note_of(sent.file_id)


@pytest.fixture
def pia(at_browser: AtBrowser) -> Browser:
    return at_browser("pia")


def share_voice(entry_id: UUID, cast: Cast) -> None:
    with transaction() as session:
        entry = session.get_one(JournalEntry, entry_id)
        actions.share(entry, parts=[Part.VOICE], actor=cast.actor("pia"), at=NOON)


def test_a_recording_arrives_in_pieces_and_is_trimmed_evened_and_heard(
    at_browser: AtBrowser, cast: Cast, takes: list[bytes], work: Work, tmp_path: Path
) -> None:
    pia, entry_id, file_id = at_browser("pia"), uuid4(), uuid4()
    assert [len(pieces_of(take)) > 1 for take in takes] == [True, False]
    told = send(pia, entry_id, file_id, takes)
    assert (told["state"], told["missing"]) == ("waiting", [])
    assert "Your voice note is being prepared" in pia.get(told["url"]).text
    assert work() == 2  # the note, and what is forgotten of its pieces
    entry, note = db.session.get_one(JournalEntry, entry_id), note_of(file_id)
    assert (entry.text, entry.version, note.state, note.pieces) == ("", 0, FileState.READY, [])
    assert note.about["seconds"] == pytest.approx(24.7, abs=0.5)
    assert len(note.peaks) == 2000
    for format_, type_ in (("opus", "audio/ogg"), ("m4a", "audio/mp4")):
        answer = pia.get(f"/my/journal/{entry_id}/files/{file_id}/{format_}")
        assert (answer.status_code, answer.mimetype) == (200, type_)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        made = tmp_path / format_
        made.write_bytes(answer.data)
        assert len(decoded(made)) / 48_000 == pytest.approx(note.about["seconds"], abs=0.05)
        assert loudness(made) == pytest.approx(VOICE_LUFS, abs=1.5)
    page = pia.get(f"/my/journal/{entry_id}").text
    assert "Voice note of 0:2" in page
    assert 'role="img" aria-label="The sound of this voice note over its 0:2' in page


def test_any_place_in_it_can_be_had_by_range(
    at_browser: AtBrowser, entry: JournalEntry, note: EntryFile, tmp_path: Path
) -> None:
    pia, address = at_browser("pia"), f"/my/journal/{entry.id}/files/{note.id}/m4a"
    whole = pia.get(address).data
    for start, end in ((0, 1), (65_530, 65_600), (len(whole) - 9, len(whole) - 1), (100_000, 100_000)):
        part = pia.get(address, headers={"Range": f"bytes={start}-{end}"})
        assert (part.status_code, part.data) == (206, whole[start : end + 1])
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{len(whole)}"
    assert pia.get(address, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert whole.find(b"moov") < whole.find(b"mdat")  # a player need not read to the end to find a place
    made = tmp_path / "note.m4a"
    made.write_bytes(whole)
    assert len(decoded(made, at=10)) / 48_000 == pytest.approx(note.about["seconds"] - 10, abs=0.1)


def test_pieces_arrive_once_however_often_and_in_whatever_order(
    at_browser: AtBrowser, entry: JournalEntry, takes: list[bytes], work: Work
) -> None:
    pia, file_id = at_browser("pia"), uuid4()
    places = ask(pia, entry.id, file_id, takes)["missing"]
    for take, number in [*reversed(places), *places]:
        piece = pieces_of(takes[take])[number]
        assert send_piece(pia, (entry.id, file_id), (take, number), piece).json == {"ok": True}
    assert count(FilePiece) == len(places)
    for _ in range(3):
        assert ask(pia, entry.id, file_id, takes)["missing"] == []
    assert send_piece(pia, (entry.id, file_id), (0, 0), b"late").json == {"ok": True}
    work()
    assert (count(EntryFile), count(FilePiece), count(Doomed), len(stored())) == (1, 0, 0, 2)
    assert note_of(file_id).about["seconds"] > 20


def test_what_is_missing_is_asked_for_and_a_broken_piece_is_not_taken(
    at_browser: AtBrowser, entry: JournalEntry, takes: list[bytes]
) -> None:
    pia, file_id = at_browser("pia"), uuid4()
    places = ask(pia, entry.id, file_id, takes)["missing"]
    first = pieces_of(takes[0])[0]
    assert send_piece(pia, (entry.id, file_id), (0, 0), first, digest="0" * 64).status_code == 422
    assert send_piece(pia, (entry.id, file_id), (0, 0), first[:-1], digest="x").status_code == 422
    assert (
        send_piece(pia, (entry.id, file_id), (0, 0), first + b"more than a piece may have").status_code == 422
    )
    assert send_piece(pia, (entry.id, file_id), (0, 100_000), first).status_code == 422
    assert send_piece(pia, (entry.id, uuid4()), (0, 0), first).status_code == 404
    assert ask(pia, entry.id, file_id, takes)["missing"] == places
    assert send_piece(pia, (entry.id, file_id), (0, 0), first).status_code == 200
    assert ask(pia, entry.id, file_id, takes)["missing"] == places[1:]
    assert note_of(file_id).state is FileState.ARRIVING


@pytest.mark.parametrize("takes_", ["", "0", "1,0", "9999", "1;2", ",".join(["1"] * 101)])
def test_no_recording_can_have_such_pieces(at_browser: AtBrowser, entry: JournalEntry, takes_: str) -> None:
    answer = at_browser("pia").post(
        f"/my/journal/{entry.id}/notes/{uuid4()}", {"takes": takes_}, headers=JSON
    )
    assert (answer.status_code, answer.json) == (
        422,
        {"error": f"A voice note can have {VOICE_MEGABYTES} MB."},
    )
    assert count(EntryFile) == 0


def test_of_what_stops_half_way_what_arrived_can_be_kept(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, takes: list[bytes], work: Work
) -> None:
    pia, file_id = at_browser("pia"), uuid4()
    ask(pia, entry.id, file_id, takes)
    keep = f"/my/journal/{entry.id}/notes/{file_id}/keep"
    assert pia.post(keep).status_code == 422  # nothing is there yet
    send_piece(pia, (entry.id, file_id), (0, 0), pieces_of(takes[0])[0])
    assert "A part of a recording has arrived." in pia.get(f"/my/journal/{entry.id}").text
    share_voice(entry.id, cast)
    assert at_browser("theo").get(f"/patients/{cast.pia.id}/journal/{entry.id}").status_code == 404
    assert [pia.post(keep).status_code for _ in range(2)] == [303, 303]
    work()
    assert (note_of(file_id).state, note_of(file_id).about["seconds"] > 2) == (FileState.READY, True)


def test_a_recording_made_elsewhere_needs_no_script(
    at_browser: AtBrowser, takes: list[bytes], work: Work
) -> None:
    pia, entry_id, file_id = at_browser("pia"), uuid4(), uuid4()
    for _ in range(2):
        fields = {"file_id": str(file_id), "recording": (BytesIO(takes[0]), "My secret name.flac")}
        answer = pia.post(f"/my/journal/{entry_id}/notes", fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/my/journal/{entry_id}/write#more")
    assert "Your voice note has arrived." in pia.get(f"/my/journal/{entry_id}/write").text
    work()
    assert (count(EntryFile), count(FilePiece), count(Doomed), len(stored())) == (1, 0, 0, 2)
    assert note_of(file_id).state is FileState.READY
    # The first words of a page that was open all along find no other version.
    assert pia.post(f"/my/journal/{entry_id}", {"text": SECRET, "version": "0"}).status_code == 303
    assert db.session.get_one(JournalEntry, entry_id).text == SECRET


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 not a sound", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_sound_is_refused_at_once_and_leaves_nothing(
    at_browser: AtBrowser, content: bytes
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    fields = {"file_id": str(uuid4()), "recording": (BytesIO(content), "holiday.pdf")}
    answer = pia.post(f"/my/journal/{entry_id}/notes", fields)
    assert (answer.status_code, NOT_SOUND in answer.text) == (422, True)
    fields["recording"] = (BytesIO(content), "holiday.pdf")
    assert pia.post(f"/my/journal/{entry_id}/notes", fields, headers=JSON).json == {"error": NOT_SOUND}
    assert (count(EntryFile), count(JournalEntry), stored()) == (0, 0, [])


def test_what_only_looks_like_sound_is_refused_by_the_work(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, work: Work
) -> None:
    pia, file_id = at_browser("pia"), uuid4()
    fields = {"file_id": str(file_id), "recording": (BytesIO(b"OggS" + bytes(5000)), "x.ogg")}
    assert pia.post(f"/my/journal/{entry.id}/notes", fields).status_code == 303
    work()
    assert note_of(file_id).state is FileState.REFUSED
    page = pia.get(f"/my/journal/{entry.id}").text
    assert "This recording cannot be used: this is not a sound file we can read." in page
    assert SECRET in page
    share_voice(entry.id, cast)
    assert at_browser("theo").get(f"/patients/{cast.pia.id}/journal/{entry.id}").status_code == 404


def test_three_gigabytes_are_refused_by_their_announcement(
    at_browser: AtBrowser, entry: JournalEntry
) -> None:
    pia = at_browser("pia")
    answer = pia.post(
        f"/my/journal/{entry.id}/notes",
        headers=JSON,
        input_stream=BytesIO(b"x" * 1000),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": "3000000000"},
    )
    assert (answer.status_code, answer.json) == (413, {"error": TOO_LARGE_VOICE})
    assert (count(EntryFile), stored()) == (0, [])


def test_a_little_too_much_is_refused_with_the_same_words(at_browser: AtBrowser, entry: JournalEntry) -> None:
    large = b"OggS" + bytes(VOICE_MEGABYTES * 1_000_000)
    fields = {"file_id": str(uuid4()), "recording": (BytesIO(large), "x.ogg")}
    answer = at_browser("pia").post(f"/my/journal/{entry.id}/notes", fields, headers=JSON)
    assert (answer.status_code, answer.json) == (422, {"error": TOO_LARGE_VOICE})
    assert stored() == []


def test_a_full_disk_keeps_nothing_half_and_says_so(
    pia: Browser, entry: JournalEntry, takes: list[bytes], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = uuid4()
    ask(pia, entry.id, file_id, takes)

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", full)
        piece = send_piece(pia, (entry.id, file_id), (0, 0), pieces_of(takes[0])[0])
        assert (piece.status_code, piece.json) == (
            503,
            {"error": NO_ROOM},
        )  # the page keeps it and tries again
        fields = {"file_id": str(uuid4()), "recording": (BytesIO(takes[0]), "x.flac")}
        assert NO_ROOM in pia.post(f"/my/journal/{entry.id}/notes", fields).text
    assert (count(FilePiece), count(EntryFile)) == (0, 1)
    send(pia, entry.id, file_id, takes)
    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", full)
        work()
        assert note_of(file_id).state is FileState.WAITING
    with transaction() as session:
        (job,) = session.scalars(select(Job).where(Job.task == PREPARE))
        assert job.state is JobState.WAITING
        job.run_at = NOON
    work()
    assert note_of(file_id).state is FileState.READY


def test_a_worker_that_is_killed_leaves_no_plain_sound_and_its_work_to_the_next(
    sent: Sent, takes: list[bytes], work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "kap-note-999999999-abc"
    left.mkdir()
    (left / "take-0").write_bytes(takes[0])
    running = tmp_path / "kap-note-1-abc"
    running.mkdir()
    work()
    assert note_of(sent.file_id).state is FileState.READY
    assert [path.name for path in tmp_path.glob("kap-note-*")] == [running.name]


def test_work_that_always_kills_the_worker_is_given_up_with_a_sentence(sent: Sent, work: Work) -> None:
    with transaction() as session:
        (job,) = session.scalars(select(Job).where(Job.task == PREPARE))
        job.attempts = MAX_STARTS
    work()
    assert note_of(sent.file_id).state is FileState.REFUSED
    assert file_tasks.STOPPED in sent.pia.get(f"/my/journal/{sent.entry_id}").text


def test_a_note_deleted_while_it_is_prepared_leaves_nothing(
    cast: Cast, sent: Sent, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, made, put = cast.actor("pia"), list[int](), Box.put

    def put_after_deletion(box: Box, *args: Any, **kwargs: Any) -> str:
        if not made:
            with transaction() as session:
                actions.delete(session.get_one(JournalEntry, sent.entry_id), actor=actor, at=NOON)
        made.append(1)
        return put(box, *args, **kwargs)

    monkeypatch.setattr(Box, "put", put_after_deletion)
    work()
    assert (len(made), count(EntryFile), stored()) == (2, 0, [])


def test_removing_a_note_removes_its_key_and_files(
    at_browser: AtBrowser, entry: JournalEntry, note: EntryFile, work: Work
) -> None:
    pia, address = at_browser("pia"), f"/my/journal/{entry.id}/files/{note.id}"
    assert "It cannot be brought back" in pia.get(f"{address}/delete").text
    assert pia.post(f"{address}/delete").status_code == 303
    work()
    assert (count(EntryFile), count(Doomed), stored()) == (0, 0, [])
    assert pia.get(f"{address}/opus").status_code == 404
    assert SECRET in pia.get(f"/my/journal/{entry.id}").text


def test_an_entry_of_nothing_but_a_note_goes_with_it(
    at_browser: AtBrowser, takes: list[bytes], work: Work
) -> None:
    pia, entry_id, file_id = at_browser("pia"), uuid4(), uuid4()
    send(pia, entry_id, file_id, takes[1:])
    work()
    assert "A voice note" in pia.get("/my/journal").text
    assert pia.post(f"/my/journal/{entry_id}/files/{file_id}/delete").status_code == 303
    work()
    assert (count(JournalEntry), count(Doomed), stored()) == (0, 0, [])


@pytest.mark.parametrize("name", ["theo", "tess", "pau", "ana", "zoe", "zed"])
def test_nobody_hears_a_private_note(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, note: EntryFile, name: str
) -> None:
    browser = at_browser(name)
    for format_ in ("opus", "m4a", "jpeg"):
        for address in (
            f"/my/journal/{entry.id}/files/{note.id}/{format_}",
            f"/patients/{cast.pia.id}/journal/{entry.id}/files/{note.id}/{format_}",
        ):
            answer = browser.get(address)
            assert (answer.status_code in (403, 404), b"OggS" in answer.data) == (True, False)


def test_a_shared_note_is_heard_by_the_team_and_told_once_a_visit(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, note: EntryFile
) -> None:
    entry_id, note_id = entry.id, note.id
    share_voice(entry_id, cast)
    theo, address = at_browser("theo"), f"/patients/{cast.pia.id}/journal/{entry_id}"
    page = theo.get(address).text
    assert (f"{address}/files/{note_id}/opus" in page, SECRET in page) == (True, False)
    for span in ("bytes=0-99", "bytes=100-", "bytes=5-9"):
        heard = theo.get(f"{address}/files/{note_id}/opus", headers={"Range": span})
        assert (heard.status_code, heard.headers["Cache-Control"]) == (206, "private, no-store")
    assert theo.get(f"{address}/files/{note_id}/jpeg").status_code == 404
    for name in ("tess", "pau", "zoe", "zed"):
        assert at_browser(name).get(f"{address}/files/{note_id}/opus").status_code == 404
    told = db.session.scalars(select(Event.subject).where(Event.subject_id.in_([entry_id, note_id])))
    assert sorted(each or "" for each in told if each) == ["entry_file", "journal_entry", "journal_entry"]
    own = at_browser("pia").get(f"/my/journal/{entry_id}").text
    assert own.count("Theo Thorne, listened to a voice note") == 1
    assert "Listened to a shared voice note" in at_browser("pia").get("/my/trace").text
    with transaction() as session:
        actions.stop_sharing(session.get_one(JournalEntry, entry_id), actor=cast.actor("pia"), at=NOON)
    assert theo.get(f"{address}/files/{note_id}/opus").status_code == 404


def test_a_note_is_found_in_no_other_entry(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry, note: EntryFile, takes: list[bytes]
) -> None:
    pau, other = at_browser("pau"), uuid4()
    assert pau.post(f"/my/journal/{other}", {"text": "Mine", "version": "0"}).status_code == 303
    for path in (f"files/{note.id}/opus", f"files/{note.id}", f"files/{note.id}/delete"):
        assert pau.get(f"/my/journal/{other}/{path}").status_code == 404
    answer = pau.post(f"/my/journal/{other}/notes/{note.id}", {"takes": "1"}, headers=JSON)
    assert answer.status_code == 404
    fields = {"file_id": str(note.id), "recording": (BytesIO(takes[0]), "x.flac")}
    before = len(stored())
    assert pau.post(f"/my/journal/{other}/notes", fields).status_code == 404
    assert len(stored()) == before
    assert queries.own_file(cast.pia, entry.id, note.id).state is FileState.READY


def test_nothing_of_it_lies_plain_or_is_told_to_jobs_events_or_logs(
    pia: Browser, entry: JournalEntry, takes: list[bytes], work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    file_id, before = uuid4(), count(Event)
    fields = {"file_id": str(file_id), "recording": (BytesIO(takes[0]), "grandmother.flac")}
    assert pia.post(f"/my/journal/{entry.id}/notes", fields).status_code == 303
    arrived = stored()
    work()
    (job,) = db.session.scalars(select(Job).where(Job.task == PREPARE))
    assert (job.practice_id, job.arguments) == (None, {"file_id": str(file_id)})
    assert count(Event) == before
    printed = "".join(capsys.readouterr())
    assert [word in printed for word in ("grandmother", str(len(takes[0])))] == [False, False]
    for held in [*arrived, *stored()]:
        assert not any(mark in held for mark in (b"fLaC", b"OggS", b"OpusHead", b"moov", takes[0][5000:5064]))
    assert b"seconds" not in note_of(file_id).about_sealed
