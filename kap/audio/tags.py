"""What a finished mix says about itself: title, artist, album, and where its chapters begin."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    start_s: float
    title: str


@dataclass(frozen=True)
class Tags:
    title: str = ""
    artist: str = ""
    album: str = ""
    chapters: tuple[Chapter, ...] = ()

    def named(self) -> dict[str, str]:
        """What is not empty, by its usual name."""
        known = {"title": self.title, "artist": self.artist, "album": self.album}
        return {name: text for name, text in known.items() if text}

    def comments(self) -> dict[str, str]:
        """The same and the chapters as Vorbis comments, for Ogg and FLAC."""
        found = {name.upper(): text for name, text in self.named().items()}
        for number, chapter in enumerate(self.chapters):
            found[f"CHAPTER{number:03d}"] = _clock(chapter.start_s)
            found[f"CHAPTER{number:03d}NAME"] = chapter.title
        return found

    def vorbis_comment(self) -> bytes:
        texts = [f"{name}={text}" for name, text in self.comments().items()]
        return _counted("Kap") + struct.pack("<I", len(texts)) + b"".join(map(_counted, texts))


def _counted(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
