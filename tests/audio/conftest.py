from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.audio.sounds import Wave, write_sound

MakeSound = Callable[..., Path]


@pytest.fixture
def sound(tmp_path: Path) -> MakeSound:
    """`sound(name, wave, kind)` writes a small real file into the test's folder."""

    def make(name: str, wave: Wave, kind: str, **options: Any) -> Path:
        return write_sound(tmp_path / name, wave, kind, **options)

    return make
