"""The blocks of a guide beyond prose and checklists, and what is said of each mistake in them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.content.blocks import Block
from kap.content.document import ContentError
from kap.content.guides import Acknowledgement, Audio, Breathing, Checklist, Prose, Question, parse_guide
from tests.content.conftest import FRONT

NO_QUIZ = "there is no block called “quiz”; there are question, acknowledge, breathing, audio"
PLAIN = "a block holds plain text only; close it with ::: first"
EXAMPLE = "“::: breathing {in 4, hold 1, out 6, minutes 3}”; hold may be left out"
PACE = f"a breathing exercise is written {EXAMPLE}"
LIMITS = "in takes 2 to 10 seconds, hold 0 to 10, out 2 to 15, and all of it 1 to 15 minutes"
FIRST = FRONT.count("\n") + 1  # the line on which a body begins


def blocks(body: str) -> list[Block]:
    return list(parse_guide(FRONT + body, "a-walk").blocks)


def complaint(body: str) -> tuple[int, str]:
    with pytest.raises(ContentError) as caught:
        parse_guide(FRONT + body, "a-walk")
    return caught.value.line - FIRST + 1, caught.value.reason


def test_a_question_an_acknowledgement_a_breath_and_a_sound() -> None:
    question, statement, breath, sound = blocks(
        "::: question {hope}\nWhat do you *hope* for?[^shoes]\n:::\n"
        ":::acknowledge {driving}\nI will not drive.\n:::\n"
        "::: breathing {in 4, hold 1, out 6, minutes 3}\n:::\n"
        "::: audio {sea: Still Water}\nListen.\n:::"
    )
    assert isinstance(question, Question)
    assert question.key == "hope"
    assert "What do you <em>hope</em> for?<sup" in question.html
    assert isinstance(statement, Acknowledgement)
    assert (statement.key, statement.html) == ("driving", "<p>I will not drive.</p>\n")
    assert isinstance(breath, Breathing)
    assert (breath.breathe_in, breath.hold, breath.breathe_out, breath.breaths) == (4, 1, 6, 16)
    assert breath.words.startswith("Breathe in for 4 seconds, wait for 1 second, breathe out for 6 seconds.")
    assert isinstance(sound, Audio)
    assert (sound.key, sound.title, sound.html) == ("sea", "Still Water", "<p>Listen.</p>\n")


def test_blocks_keep_their_place_between_prose_and_lists() -> None:
    found = blocks(
        "A\n::: question {q}\nB?\n:::\n- [ ] {c} C\n::: breathing {in 4, out 6, minutes 1}\n:::\nD\n"
    )
    assert [type(each) for each in found] == [Prose, Question, Checklist, Breathing, Prose]


def test_a_new_wording_is_told_from_the_old_one() -> None:
    [one] = blocks("::: acknowledge {a}\nI will wait.\n:::")
    [other] = blocks("::: acknowledge {a}\nI will wait a day.\n:::")
    assert isinstance(one, Acknowledgement)
    assert isinstance(other, Acknowledgement)
    assert one.wording != other.wording


def test_a_script_inside_a_block_is_shown_as_text() -> None:
    [block] = blocks("::: question {q}\n<script>alert(1)</script> [x](javascript:alert(1))\n:::")
    assert isinstance(block, Question)
    assert "<script" not in block.html
    assert "<a" not in block.html


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("A\n\n::: quiz {q}\nB\n:::", 3, NO_QUIZ),
        ("::: question\nB\n:::", 1, "a block begins with “::: name {…}” on a line of its own"),
        ("::: question {Q}\nB\n:::", 1, "a key may hold small letters, digits and hyphens"),
        ("::: question {q}\n\n:::", 1, "this block is empty; write its words between the two lines"),
        ("A\n::: question {q}\nB", 2, "this block is never closed; end it with a line of :::"),
        ("::: question {q}\nB\n::: question {r}\nC\n:::", 3, PLAIN),
        ("::: question {q}\n- [ ] {c} C\n:::", 2, PLAIN),
        ("- [ ] {q} C\n\n::: question {q}\nB\n:::", 3, "key “q” is used twice"),
        ("::: breathing {slowly}\n:::", 1, PACE),
        ("::: breathing {in 40, out 6, minutes 3}\n:::", 1, LIMITS),
        ("::: audio {sea}\nB\n:::", 1, "audio is written “::: audio {key: title of a track}”"),
        ("::: question {q}\nB.[^who]\n:::", 2, "source “who” is not in the list of sources"),
        (":::", 1, "a block begins with “::: name {…}” on a line of its own"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_at_its_line(body: str, line: int, reason: str) -> None:
    assert complaint(body) == (line, reason)


_LINES = st.sampled_from(
    ["", "Words.", "::: question {q}", "::: question {r}", ":::", "- [ ] {a} A", "- [ ] {b} B", "- [x] c",
     "## H", "::: breathing {in 4, out 6, minutes 3}", "[^shoes]", "[^nobody]", "<script>", "---"]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12))
def test_any_text_is_a_guide_or_a_complaint_about_one_of_its_lines(lines: list[str]) -> None:
    line, keys = 1, list[str]()
    try:
        guide = parse_guide(FRONT + "\n".join(lines), "a-walk")
        keys = [item.key for item in guide.items] + [question.key for question in guide.questions]
    except ContentError as error:
        line = error.line - FIRST + 1
    assert 1 <= line <= max(1, len(lines))
    assert len(keys) == len(set(keys))


def test_two_megabytes_are_refused_before_they_are_read(write: Callable[..., Path]) -> None:
    with pytest.raises(ContentError, match="line 1: the file is larger than 200 kB"):
        parse_guide(FRONT + "walk " * 400_000, "a-walk")
