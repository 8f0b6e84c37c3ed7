"""What a voice note or a picture may be, and in which pieces a recording is sent. Pure."""

from collections.abc import Collection, Sequence

MEGABYTE = 1_000_000
VOICE_MEGABYTES = 60
PICTURE_MEGABYTES = 30
VOICE_MINUTES = 20
PIECE_BYTES = 256 * 1024
MOST_PIECES = VOICE_MEGABYTES * MEGABYTE // PIECE_BYTES + 12  # a take's last piece is not full
MOST_TAKES = 100
MOST_FILES = 50
LONGEST_WORDS = 300

TOO_LARGE_VOICE = (
    f"This file is larger than {VOICE_MEGABYTES} MB and was not kept. Twenty minutes of speech need less "
    "than that when they are saved as m4a, mp3 or ogg."
)
TOO_LARGE_PICTURE = (
    f"This picture is larger than {PICTURE_MEGABYTES} MB and was not kept. Please choose a smaller one."
)
NOT_SOUND = "This is not a sound file we can read. Please choose an m4a, mp3, ogg, webm, flac or wav file."
NO_ROOM = (
    "There is no room for it just now, and it was not kept here. It is still on your device; please try "
    "again later."
)

_BEGINNINGS = (
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"\x1aE\xdf\xa3",
    b"ID3",
    b"\xff",
    b"FORM",
    b"caff",
    b"MAC ",
    b"wvpk",
)

Place = tuple[int, int]
"""Which take, and which piece of it, both counted from 0."""


def places(takes: Sequence[int]) -> list[Place]:
    """Where the pieces of these takes go; each take named by how many it has. Raises `ValueError`."""
    if not 0 < len(takes) <= MOST_TAKES or any(count < 1 for count in takes) or sum(takes) > MOST_PIECES:
        raise ValueError(takes)
    return [(take, number) for take, count in enumerate(takes) for number in range(count)]


def missing(takes: Sequence[int], there: Collection[Place]) -> list[Place]:
    return [place for place in places(takes) if place not in there]


def whole_beginning(there: Collection[Place]) -> list[Place]:
    """Of what has arrived, what can be heard: of every take its pieces up to the first that is missing."""
    found = set(there)
    return [
        place for place in sorted(found) if all((place[0], number) in found for number in range(place[1]))
    ]


def may_be_sound(beginning: bytes) -> bool:
    """Whether a file that begins so may be a sound file; the decoder has the last word."""
    return beginning[4:8] == b"ftyp" or beginning.startswith(_BEGINNINGS)
