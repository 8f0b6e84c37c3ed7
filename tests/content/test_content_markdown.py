import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.content.markdown import render, render_line


def test_plain_markdown_becomes_plain_html() -> None:
    assert render("## Rest\n\nLie *down*.\n\n- one\n- two\n") == (
        "<h2>Rest</h2>\n<p>Lie <em>down</em>.</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
    )


def test_a_script_is_shown_as_text() -> None:
    assert render("<script>alert(1)</script>") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"


def test_an_event_handler_is_shown_as_text() -> None:
    assert render("<b onclick=x()>y</b>") == "<p>&lt;b onclick=x()&gt;y&lt;/b&gt;</p>\n"


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"],
)
def test_a_dangerous_link_stays_text(target: str) -> None:
    assert "<a" not in render(f"[here]({target})")


@pytest.mark.parametrize("target", ["/patients/1", "mailto:a@example.org", "//example.org", "#somewhere"])
def test_only_web_links_lead_anywhere(target: str) -> None:
    assert render_line(f"[here]({target})") == '<a rel="noopener noreferrer">here</a>'


def test_a_web_link_tells_the_other_page_nothing() -> None:
    assert render_line("[here](https://example.org/a)") == (
        '<a href="https://example.org/a" rel="noopener noreferrer">here</a>'
    )


def test_a_picture_is_left_out() -> None:
    assert render_line("![a bowl](https://example.org/bowl.png)") == ""


def test_a_citation_points_to_its_source() -> None:
    assert render_line("Rest.[^rest-1]", {"rest-1": 3}) == (
        'Rest.<sup class="citation">'
        '<a href="#source-rest-1" aria-label="Source 3" rel="noopener noreferrer">3</a></sup>'
    )


def test_an_unknown_label_stays_as_written() -> None:
    assert render_line("Rest.[^rest-2]", {"rest-1": 3}) == "Rest.[^rest-2]"


@given(st.text(alphabet=st.sampled_from(list("<>&\"'()[]!*_`#-/:^ \nascriptjvhef=")), max_size=200))
def test_no_text_produces_an_active_element(text: str) -> None:
    html = render(text, {"a": 1}).lower()
    for opening in ("<script", "<img", "<iframe", "<svg", "<style", 'href="javascript', "<a on"):
        assert opening not in html
