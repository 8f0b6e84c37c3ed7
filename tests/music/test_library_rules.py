import pytest

from kap.audio.labels import LINE_LENGTH
from kap.music.rules import content_type, display_name, intensity_words, title_from


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("tone.flac", "tone.flac"),
        ("C:\\music\\tone.flac", "tone.flac"),
        ("../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("a\x00b\nc\u202e.mp3", "a b c .mp3"),
        ("  two   spaces.ogg ", "two spaces.ogg"),
        ("", "a file without a name"),
        ("../", ".."),
        ("x" * 300, "x" * LINE_LENGTH),
    ],
)
def test_display_name(sent: str, kept: str) -> None:
    assert display_name(sent) == kept


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Slow_tide.flac", "Slow tide"),
        ("01. First light.mp3", "01. First light"),
        (".flac", ".flac"),
        ("no ending", "no ending"),
        ("Op. 17 no. 4 in A minor", "Op. 17 no. 4 in A minor"),
    ],
)
def test_title_from(name: str, title: str) -> None:
    assert title_from(name) == title


def test_intensity_words_change_at_the_builders_borders() -> None:
    values = (0.0, 0.29, 0.3, 0.54, 0.55, 0.79, 0.8, 1.0)
    assert [intensity_words(value) for value in values] == [
        "quiet",
        "quiet",
        "middle",
        "middle",
        "strong",
        "strong",
        "very strong",
        "very strong",
    ]


def test_content_type_follows_what_a_file_holds() -> None:
    assert [content_type(codec) for codec in ("mp3", "pcm_s24le", "vorbis", "wmav2", None)] == [
        "audio/mpeg",
        "audio/wav",
        "audio/ogg",
        "application/octet-stream",
        "application/octet-stream",
    ]
