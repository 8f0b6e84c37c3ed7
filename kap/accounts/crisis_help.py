"""A practice's crisis help as its patients see it. Pure."""

import re

from markupsafe import Markup

from kap.content.markdown import render

# Only a number alone in bold. Guessing at others would one day join "112" and "24" into one nobody answers.
_BOLD_NUMBER = re.compile(r"<strong>(\+?\d[\d ()-]*\d)</strong>")
SHORTEST_NUMBER = 3  # 112, 988
SHORTEST_SPACED_NUMBER = 6  # 116 117; anything shorter in pieces is rather opening hours


def crisis_help(text: str) -> Markup:
    """HTML of the practice's Markdown; a telephone number that stands alone in bold dials when tapped."""
    html = _BOLD_NUMBER.sub(_dialled, str(render(text)))
    return Markup(html)  # noqa: S704 - the renderer made it safe, and only digits were added


def _dialled(bold: re.Match[str]) -> str:
    number = bold[1]
    dialled = re.sub(r"[^\d+]", "", number)
    shortest = SHORTEST_NUMBER if number == dialled else SHORTEST_SPACED_NUMBER
    if len(dialled) < shortest:
        return bold[0]
    return f'<strong><a href="tel:{dialled}">{number}</a></strong>'
