from collections.abc import Callable
from pathlib import Path

import pytest

FRONT = """\
---
title: A walk
summary: How to go for one.
order: 1
version: 2
reviewed: 2026-03-31
audience: patient
sources:
  - key: walker-2020
    title: Walker, On walking
    doi: 10.1000/walk
  - key: shoes
    title: Shoes
    url: https://example.org/shoes
---
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str, name: str = "a-walk.md") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write_file


@pytest.fixture
def front() -> str:
    return FRONT
