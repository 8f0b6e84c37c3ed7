"""Pictures: nothing but the picture is kept, sealed, and shown to those who see the part."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import func, select

from kap.db import db, transaction
from kap.integration import actions
from kap.integration.file_rules import PICTURE_MEGABYTES, TOO_LARGE_PICTURE
from kap.integration.models import EntryFile, FileState, JournalEntry
from kap.integration.pictures import LONGEST_SIDE, NotAPicture, prepared
from kap.integration.rules import Part
from kap.storage import storage
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
RED, BLUE = (200, 30, 30), (30, 30, 200)
WHERE = b"52.5200 13.4050 taken by Pia's telephone"


def two_halves(size: tuple[int, int] = (640, 320)) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, *size))
    return picture


def photo(orientation: int = 1, size: tuple[int, int] = (640, 320)) -> bytes:
    """A JPEG with everything a telephone writes beside the picture."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x010E] = orientation, "Telephone", WHERE.decode()
    exif.get_ifd(0x8825)[1] = "N"
    target = BytesIO()
    two_halves(size).save(target, "JPEG", exif=exif, comment=WHERE, icc_profile=WHERE, xmp=WHERE)
    return target.getvalue()


def saved(kind: str, picture: Image.Image | None = None, **options: object) -> bytes:
    target = BytesIO()
    (picture or two_halves()).save(target, kind, **options)
    return target.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises this size and that holds next to nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def corner(picture: Image.Image, x: float, y: float) -> str:
    red, _, blue = picture.getpixel((int(x * picture.width), int(y * picture.height)))  # type: ignore[misc]
    return "red" if red > blue else "blue"


def add(browser: Browser, entry_id: UUID, content: bytes, words: str = "", file_id: UUID | None = None):  # type: ignore[no-untyped-def]
    fields = {
        "file_id": str(file_id or uuid4()),
        "words": words,
        "picture": (BytesIO(content), "IMG_secret_4711.jpg"),
    }
    return browser.post(f"/my/journal/{entry_id}/pictures", fields)


def test_nothing_but_the_picture_is_kept() -> None:
    given = photo()
    assert given.count(WHERE) >= 3
    made = prepared(BytesIO(given))
    kept = Image.open(BytesIO(made.content))
    assert (kept.format, kept.size, dict(kept.getexif())) == ("JPEG", (640, 320), {})
    assert {name for name in kept.info if not str(name).startswith("jfif")} == set()
    assert not any(
        mark in made.content for mark in (WHERE[:8], b"Exif", b"Telephone", b"ICC_PROFILE", b"xap")
    )


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (640, 320), (0.2, 0.5)),
        (3, (640, 320), (0.8, 0.5)),
        (6, (320, 640), (0.5, 0.2)),
        (8, (320, 640), (0.5, 0.8)),
    ],
)
def test_it_is_turned_upright_first(
    orientation: int, size: tuple[int, int], red_at: tuple[float, float]
) -> None:
    made = prepared(BytesIO(photo(orientation)))
    kept = Image.open(BytesIO(made.content))
    assert (kept.size, (made.width, made.height)) == (size, size)
    assert corner(kept, *red_at) == "red"
    assert corner(kept, 1 - red_at[0], 1 - red_at[1]) == "blue"


def test_a_large_one_is_made_smaller() -> None:
    made = prepared(BytesIO(photo(6, (5000, 2500))))
    assert (made.width, made.height) == (LONGEST_SIDE // 2, LONGEST_SIDE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_other_kinds_become_the_same(kind: str) -> None:
    made = prepared(BytesIO(saved(kind)))
    kept = Image.open(BytesIO(made.content))
    assert (kept.format, kept.size, corner(kept, 0.2, 0.5), corner(kept, 0.8, 0.5)) == (
        "JPEG",
        (640, 320),
        "red",
        "blue",
    )


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16", "LA"])
def test_every_way_of_writing_colours_is_read(mode: str) -> None:
    picture = Image.new(mode, (8, 8))
    made = prepared(BytesIO(saved("TIFF" if mode in ("CMYK", "I;16") else "PNG", picture)))
    assert (made.width, made.height) == (8, 8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This is not a picture we can open."),
        (b"%PDF-1.7", "This is not a picture we can open."),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            "This is not a picture we can open.",
        ),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "This is a HEIC picture, which we cannot open."),
        (photo()[:900], "This picture is damaged and cannot be opened."),
        (png_of(100_000, 100_000), "This picture has more than 60 million pixels."),
        (png_of(60_000, 2_000), "This picture has more than 60 million pixels."),
        (png_of(5_000, 5_000), "This picture is damaged and cannot be opened."),
    ],
)
def test_what_is_no_picture_or_a_bomb_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(NotAPicture) as refused:
        prepared(BytesIO(content))
    assert str(refused.value).startswith(sentence)


def test_it_is_stored_sealed_and_shown_to_its_owner(at_browser: AtBrowser) -> None:
    pia, entry_id, file_id = at_browser("pia"), uuid4(), uuid4()
    for _ in range(2):
        answer = add(pia, entry_id, photo(), "The well <b>", file_id)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/my/journal/{entry_id}/write#more")
    (file,) = db.session.scalars(select(EntryFile))
    assert (file.state, file.about) == (
        FileState.READY,
        {"words": "The well <b>", "width": 640, "height": 320},
    )
    held = [path.read_bytes() for path in Path(str(storage().root)).rglob("*") if path.is_file()]
    assert len(held) == 1
    assert not any(mark in held[0] for mark in (b"JFIF", WHERE[:8]))
    shown = pia.get(f"/my/journal/{entry_id}/files/{file_id}/jpeg")
    assert (shown.status_code, shown.mimetype, shown.headers["Cache-Control"]) == (
        200,
        "image/jpeg",
        "private, no-store",
    )
    assert (shown.headers["X-Content-Type-Options"], Image.open(BytesIO(shown.data)).size) == (
        "nosniff",
        (640, 320),
    )
    assert pia.get(f"/my/journal/{entry_id}/files/{file_id}/opus").status_code == 404
    assert 'alt="The well &lt;b&gt;"' in pia.get(f"/my/journal/{entry_id}").text
    assert "A picture" in pia.get("/my/journal").text


def test_a_refusal_keeps_the_words_and_leaves_nothing_else(at_browser: AtBrowser) -> None:
    answer = add(at_browser("pia"), uuid4(), b"%PDF-1.7", "Words I wrote")
    assert (answer.status_code, 'value="Words I wrote"' in answer.text) == (422, True)
    assert "This is not a picture we can open." in answer.text
    assert db.session.scalar(select(func.count()).select_from(JournalEntry)) == 0


def test_one_that_is_too_large_is_refused_by_its_announcement(at_browser: AtBrowser) -> None:
    answer = add(at_browser("pia"), uuid4(), bytes((PICTURE_MEGABYTES + 2) * 1_000_000))
    assert (answer.status_code, TOO_LARGE_PICTURE in answer.text) == (413, True)


def test_a_shared_picture_is_seen_by_the_team_and_by_nobody_else(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry
) -> None:
    file_id, entry_id = uuid4(), entry.id
    assert add(at_browser("pia"), entry_id, photo(), "", file_id).status_code == 303
    address = f"/patients/{cast.pia.id}/journal/{entry_id}/files/{file_id}/jpeg"
    statuses = {
        name: at_browser(name).get(address).status_code for name in ("theo", "tess", "pau", "ana", "zoe")
    }
    assert statuses == {"theo": 404, "tess": 404, "pau": 404, "ana": 403, "zoe": 404}
    with transaction() as session:
        found = session.get_one(JournalEntry, entry_id)
        actions.share(found, parts=[Part.PICTURES], actor=cast.actor("pia"), at=NOON)
    statuses = {name: at_browser(name).get(address).status_code for name in statuses}
    assert statuses == {"theo": 200, "tess": 404, "pau": 404, "ana": 403, "zoe": 404}
    assert "Opened by your care team" in at_browser("pia").get(f"/my/journal/{entry_id}").text
