"""Photographs and drawings: decoded, turned upright, made smaller and written anew, so that nothing but the
picture is left. Where a photograph was taken, when and with which device stands in its metadata.
"""

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

TYPE = "image/jpeg"
LONGEST_SIDE = 2048
MOST_PIXELS = 60_000_000  # a telephone's largest photographs have 50 million
QUALITY = 88
TOO_MANY_PIXELS = (
    f"This picture has more than {MOST_PIXELS // 1_000_000} million pixels. Please choose a smaller one."
)
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


class NotAPicture(Exception):
    """The text is a sentence for the person who chose the file."""


@dataclass(frozen=True)
class Picture:
    content: bytes
    width: int
    height: int


def prepared(source: BinaryIO) -> Picture:
    """The picture in `source` as it is kept. Raises `NotAPicture`."""
    head = source.read(12)
    source.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own word about large pictures and odd metadata
            with Image.open(source, formats=_FORMATS) as picture:
                return _written(_upright(picture))
    except UnidentifiedImageError as error:
        raise NotAPicture(_why_not(head)) from error
    except Image.DecompressionBombError as error:  # its own limit is higher than ours
        raise NotAPicture(TOO_MANY_PIXELS) from error
    except NotAPicture:
        raise
    except Exception as error:  # its decoders meet damage with whatever comes up
        raise NotAPicture("This picture is damaged and cannot be opened.") from error


def _upright(picture: Image.Image) -> Image.Image:
    if picture.width * picture.height > MOST_PIXELS:
        raise NotAPicture(TOO_MANY_PIXELS)
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded no larger than needed
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return ImageOps.exif_transpose(picture)


def _written(picture: Image.Image) -> Picture:
    clear = picture.convert("RGBA")
    clean = Image.new("RGB", clear.size, "white")  # a new one, as a copy would take comments along
    clean.paste(clear, mask=clear.getchannel("A"))
    target = io.BytesIO()
    clean.save(target, "JPEG", quality=QUALITY, optimize=True)
    return Picture(target.getvalue(), clean.width, clean.height)


def _why_not(head: bytes) -> str:
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        return (
            "This is a HEIC picture, which we cannot open. Save it as JPEG first: on an iPhone, Settings, "
            "Camera, Formats, Most Compatible makes new photos JPEG."
        )
    return "This is not a picture we can open. Please choose a JPEG, PNG, WebP or GIF file."
