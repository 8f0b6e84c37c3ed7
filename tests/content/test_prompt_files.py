from collections.abc import Callable
from pathlib import Path

import pytest

from kap.content.document import ContentError
from kap.content.prompts import PromptSet, load_prompts, prompt_sets, prompts_for

Write = Callable[..., Path]


def test_a_set_is_read_whole(write: Write) -> None:
    path = write("---\nwhen: 24h\ntitle: Next day\noffset_hours: 24\n---\n\n- One?\n- Two?\n", "24h.md")
    assert load_prompts(path) == PromptSet("24h", "Next day", 24.0, ("One?", "Two?"))


def test_sets_stand_in_the_order_of_the_days() -> None:
    assert [(when, chosen.offset_hours) for when, chosen in prompt_sets().items()] == [
        ("any-time", None),
        ("evening", 0),
        ("24h", 24),
        ("72h", 72),
        ("1-week", 168),
        ("2-weeks", 336),
        ("1-month", 720),
        ("3-months", 2160),
    ]


@pytest.mark.parametrize(
    ("hours", "when"),
    [
        (None, "any-time"),
        (-3.0, "any-time"),
        (0.0, "evening"),
        (12.0, "evening"),
        (12.1, "24h"),
        (19.0, "24h"),
        (48.0, "24h"),
        (49.0, "72h"),
        (120.0, "72h"),
        (121.0, "1-week"),
        (252.0, "1-week"),
        (253.0, "2-weeks"),
        (528.0, "2-weeks"),
        (529.0, "1-month"),
        (1440.0, "1-month"),
        (1441.0, "3-months"),
        (9000.0, "3-months"),
    ],
)
def test_the_nearest_moment_gives_the_prompts(hours: float | None, when: str) -> None:
    assert prompts_for(hours).when == when


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (
            "---\nwhen: 1h\ntitle: T\noffset_hours: 1\n---\n- A?\n",
            2,
            "“when” must be 24h, like the file's name",
        ),
        ("---\nwhen: 24h\ntitle: T\n---\n- A?\n", 1, "“offset_hours” is missing from the front matter"),
        (
            "---\nwhen: 24h\ntitle: T\noffset_hours: -1\n---\n- A?\n",
            4,
            "“offset_hours” must be a number, not below 0",
        ),
        (
            "---\nwhen: 24h\ntitle: T\noffset_hours: 1\n---\n\nA?\n",
            7,
            "each prompt stands on one line that begins with “- ”",
        ),
        ("---\nwhen: 24h\ntitle: T\noffset_hours: 1\n---\n", 6, "there is no prompt"),
    ],
)
def test_a_broken_set_names_its_line(write: Write, text: str, line: int, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        load_prompts(write(text, "24h.md"))
    assert (caught.value.line, caught.value.reason) == (line, reason)
