import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from kap.content.guides import Checklist, ChecklistItem, ContentError, Prose, Source, load_guide, load_library

Write = Callable[..., Path]

BODY = """
Walk slowly.[^walker-2020]

## To get ready

- [ ] {shoes} Your **shoes** are tied[^shoes]
- [ ] {coat} You have a coat

Off you go.
"""


def test_a_guide_is_read_whole(write: Write, front: str) -> None:
    path = write(front + BODY)
    guide = load_guide(path)
    assert (guide.slug, guide.title, guide.summary) == ("a-walk", "A walk", "How to go for one.")
    assert (guide.order, guide.version, guide.reviewed) == (1, 2, date(2026, 3, 31))
    assert (guide.audience, guide.asks, guide.minutes) == ("patient", None, 1)
    assert guide.sources == (
        Source("walker-2020", "Walker, On walking", "https://doi.org/10.1000/walk", 1),
        Source("shoes", "Shoes", "https://example.org/shoes", 2),
    )
    assert guide.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_prose_and_checklists_keep_their_order(write: Write, front: str) -> None:
    guide = load_guide(write(front + BODY))
    before, checklist, after = guide.blocks
    link = '<a href="#source-{}" aria-label="Source {}" rel="noopener noreferrer">{}</a>'
    mark = '<sup class="citation">' + link + "</sup>"
    assert before == Prose(
        f"<p>Walk slowly.{mark.format('walker-2020', 1, 1)}</p>\n<h2>To get ready</h2>\n"  # type: ignore[arg-type]
    )
    assert checklist == Checklist(
        (
            ChecklistItem("shoes", f"Your <strong>shoes</strong> are tied{mark.format('shoes', 2, 2)}"),  # type: ignore[arg-type]
            ChecklistItem("coat", "You have a coat"),  # type: ignore[arg-type]
        )
    )
    assert after == Prose("<p>Off you go.</p>\n")  # type: ignore[arg-type]
    assert [item.key for item in guide.items] == ["shoes", "coat"]


def test_a_citation_names_an_anchor_of_the_source_list(write: Write, front: str) -> None:
    guide = load_guide(write(front + BODY))
    assert [source.anchor for source in guide.sources] == ["source-walker-2020", "source-shoes"]


def test_reading_time_grows_with_the_text_and_not_with_markers(write: Write, front: str) -> None:
    assert load_guide(write(front + "\n" + "walk " * 180)).minutes == 1
    assert load_guide(write(front + "\n" + "walk[^shoes] " * 180)).minutes == 1
    assert load_guide(write(front + "\n" + "walk " * 181)).minutes == 2


def test_a_guide_may_ask_for_an_intention(write: Write, front: str) -> None:
    text = front.replace("audience:", "asks: intention\naudience:")
    assert load_guide(write(text)).asks == "intention"


def test_a_library_follows_the_order_given(write: Write, front: str) -> None:
    write(front.replace("order: 1", "order: 3"), "a.md")
    write(front.replace("order: 1", "order: 2"), "b.md")
    folder = write(front.replace("order: 1", "order: 2"), "c.md").parent
    assert list(load_library(folder)) == ["b", "c", "a"]


def broken(path: Path) -> tuple[int, str]:
    with pytest.raises(ContentError) as caught:
        load_guide(path)
    error = caught.value
    assert str(error) == f"{path}, line {error.line}: {error.reason}"
    return error.line, error.reason


def test_no_front_matter(write: Write) -> None:
    expected = (1, "the file must begin with front matter between two lines of ---")
    assert broken(write("# Hello\n")) == expected
    assert broken(write("---\ntitle: Hello\n")) == expected
    assert broken(write("")) == expected


def test_front_matter_that_is_not_yaml(write: Write) -> None:
    assert broken(write("---\ntitle: A\nsummary: [1, 2\norder: 1\n---\n"))[0] == 4


def test_front_matter_that_is_not_a_mapping(write: Write) -> None:
    assert broken(write("---\n- title\n---\n")) == (1, "front matter must be lines of “name: value”")


def test_a_date_that_does_not_exist(write: Write, front: str) -> None:
    assert broken(write(front.replace("2026-03-31", "2026-02-31")))[0] == 1


@pytest.mark.parametrize("field", ["title", "summary", "order", "version", "reviewed", "audience"])
def test_a_missing_field(write: Write, front: str, field: str) -> None:
    lines = [line for line in front.splitlines() if not line.startswith(f"{field}:")]
    assert broken(write("\n".join(lines) + "\n")) == (1, f"“{field}” is missing from the front matter")


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (("title: A walk", "title: 12"), 2, "“title” must be text"),
        (("title: A walk", "title: ' '"), 2, "“title” must be text"),
        (("order: 1", "order: first"), 4, "“order” must be a whole number from 1"),
        (("version: 2", "version: 0"), 5, "“version” must be a whole number from 1"),
        (("version: 2", "version: true"), 5, "“version” must be a whole number from 1"),
        (("2026-03-31", "last spring"), 6, "“reviewed” must be a date such as 2026-03-31"),
        (("audience: patient", "adience: patient"), 7, "unknown field “adience”"),
        (("audience: patient", "audience: patient\nasks: money"), 8, "“asks” can only be intention"),
        (
            ("key: shoes", "key: walker-2020"),
            8,
            "source key “walker-2020” is missing, misspelt or used twice",
        ),
        (("key: shoes", "key: Shoes"), 8, "source key “Shoes” is missing, misspelt or used twice"),
        (("url: https:", "url: ftp:"), 8, "source “shoes” needs a title and a doi or web url"),
        (("    title: Shoes\n", ""), 8, "source “shoes” needs a title and a doi or web url"),
        (("title: Shoes", "title: 7"), 8, "“sources” must be a list of entries made of text"),
    ],
)
def test_a_field_of_the_wrong_kind(
    write: Write, front: str, change: tuple[str, str], line: int, reason: str
) -> None:
    assert broken(write(front.replace(*change))) == (line, reason)


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("\nWalk.\nWalk.[^nobody]\n", 18, "source “nobody” is not in the list of sources"),
        ("- [ ] {a} Walk\n- [ ] {a} Rest\n", 17, "checklist key “a” is used twice"),
        ("- [ ] {a} Walk\n\nOr:\n\n- [ ] {a} Rest\n", 20, "checklist key “a” is used twice"),
        ("\n- [ ] Walk\n", 17, "a checklist line is written “- [ ] {key} text”"),
        ("- [x] {a} Walk\n", 16, "a checklist line is written “- [ ] {key} text”"),
        ("  - [ ] {a} Walk\n", 16, "a checklist line is written “- [ ] {key} text”"),
        ("- [ ] {a} Walk\n  far\n", 17, "a checklist line ends at its own line; leave one empty after"),
    ],
)
def test_a_broken_body(write: Write, front: str, body: str, line: int, reason: str) -> None:
    assert broken(write(front + body)) == (line, reason)


def test_a_file_that_is_too_large(write: Write, front: str) -> None:
    assert broken(write(front + "walk " * 40_001)) == (1, "the file is larger than 200 kB")


def test_a_file_that_is_not_utf8(tmp_path: Path, front: str) -> None:
    path = tmp_path / "a-walk.md"
    path.write_bytes(front.encode() + "\nÜber".encode("latin-1"))
    assert broken(path) == (17, "the text is not UTF-8")


def test_a_name_that_cannot_be_an_address(write: Write, front: str) -> None:
    assert broken(write(front, "A walk.md")) == (
        1,
        "the file name may hold small letters, digits and single hyphens",
    )


def test_windows_line_ends_read_the_same(write: Write, tmp_path: Path, front: str) -> None:
    unix = load_guide(write(front + BODY))
    other = tmp_path / "windows" / "a-walk.md"
    other.parent.mkdir()
    other.write_bytes((front + BODY).replace("\n", "\r\n").encode())
    assert load_guide(other).blocks == unix.blocks


def test_merge_keys_are_not_read(write: Write) -> None:
    wider = "".join(f"b{n}: &b{n} {{<<: [{','.join([f'*b{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
    with pytest.raises(ContentError, match="line 3: front matter: “<<” is not read here"):
        load_guide(write(f"---\nb0: &b0 {{x: 1}}\n{wider}---\nText.\n"))


def test_a_nul_is_refused_with_its_line(tmp_path: Path, front: str) -> None:
    path = tmp_path / "a-walk.md"
    path.write_bytes(front.encode() + b"\nWalk\0.\n")
    with pytest.raises(ContentError, match="the text holds a NUL"):
        load_guide(path)
