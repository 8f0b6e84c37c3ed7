"""Real recordings and pictures, made here, and a decoder that is not ours to judge what became of them."""

import re
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import imageio_ffmpeg
import numpy as np
from werkzeug.test import TestResponse

from kap.integration.file_rules import PIECE_BYTES
from tests.audio.sounds import Wave, write_sound
from tests.conftest import Browser

JSON = {"Accept": "application/json"}


def speech(seconds: float, *, level: float = 0.1, seed: int = 1) -> Wave:
    """A hum with overtones in syllables, as loud as asked for, its peaks as low as a calm voice's."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 8)
    tones = sum(np.sin(2 * np.pi * 160 * (n + 1) * at + phase) / (n + 1) for n, phase in enumerate(phases))
    wave = np.repeat((tones * (0.7 + 0.3 * np.sin(2 * np.pi * 3 * at)))[:, None], 2, axis=1)
    return np.asarray(wave * level / np.sqrt(np.mean(wave**2)), np.float32)


def silence(seconds: float) -> Wave:
    return np.zeros((round(seconds * 48_000), 2), np.float32)


def recording(folder: Path, *parts: Wave, kind: str = "webm", name: str = "take") -> bytes:
    return write_sound(folder / f"{name}.{kind}", np.concatenate(parts), kind).read_bytes()


def fragmented(folder: Path, wave: Wave) -> bytes:
    """MP4 with AAC as Safari records it: an index without samples, then fragments."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    return write_sound(folder / "safari.m4a", wave, "m4a", container=options).read_bytes()


def ffmpeg(*arguments: str | Path, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """FFmpeg as a program, of another build than the one we decode and encode with."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True)


def decoded(path: Path, *, at: float = 0.0) -> Wave:
    """What FFmpeg hears from a second on."""
    found = ffmpeg(
        "-v", "error", "-ss", str(at), "-i", path, "-f", "f32le", "-ac", "2", "-ar", "48000", "-"
    ).stdout
    return np.frombuffer(found, np.float32).reshape(-1, 2)


def loudness(path: Path) -> float:
    """Integrated loudness in LUFS by FFmpeg's meter."""
    told = ffmpeg("-i", path, "-af", "ebur128", "-f", "null", "-").stderr.decode()
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", told)[-1])


def pieces_of(take: bytes) -> list[bytes]:
    return [take[start : start + PIECE_BYTES] for start in range(0, len(take), PIECE_BYTES)]


def ask(browser: Browser, entry_id: UUID, file_id: UUID, takes: Sequence[bytes]) -> Any:
    """Begin or end a recording as the page's script does; the JSON of the answer."""
    counts = ",".join(str(len(pieces_of(take))) for take in takes)
    answer = browser.post(f"/my/journal/{entry_id}/notes/{file_id}", {"takes": counts}, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json


def send_piece(
    browser: Browser, address: tuple[UUID, UUID], place: tuple[int, int], piece: bytes, digest: str = ""
) -> TestResponse:
    entry_id, file_id = address
    fields = {"digest": digest or sha256(piece).hexdigest(), "piece": (BytesIO(piece), "piece")}
    return browser.post(f"/my/journal/{entry_id}/notes/{file_id}/{place[0]}/{place[1]}", fields, headers=JSON)


def send(browser: Browser, entry_id: UUID, file_id: UUID, takes: Sequence[bytes]) -> Any:
    """All of a recording, until nothing is missing; the JSON of the last answer."""
    for take, number in ask(browser, entry_id, file_id, takes)["missing"]:
        piece = pieces_of(takes[take])[number]
        assert send_piece(browser, (entry_id, file_id), (take, number), piece).status_code == 200
    return ask(browser, entry_id, file_id, takes)
