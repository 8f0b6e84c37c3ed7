"""Sets one text. A program of its own, so that it can be stopped: data as JSON in, a PDF out."""

import sys
from pathlib import Path
from typing import Literal

import typst

TEMPLATE = Path(__file__).with_name("guide.typ")


def typeset(data: str) -> bytes:
    """With the fonts that come with it, so that every installation prints alike, and fit to be read aloud.

    A sign that none of these fonts has, as in a name in another script, is looked for in the system's fonts.
    Where no font has it, the rest is still worth having: it is printed as a box.
    """
    for own_fonts_only in (True, False):
        try:
            return _compiled(data, own_fonts_only=own_fonts_only, standard="ua-1")
        except typst.TypstError:
            continue
    return _compiled(data, own_fonts_only=False)


def _compiled(data: str, *, own_fonts_only: bool, standard: Literal["ua-1"] | None = None) -> bytes:
    return typst.compile(
        TEMPLATE,
        sys_inputs={"guide": data},
        ignore_system_fonts=own_fonts_only,
        pdf_standards=standard,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(sys.stdin.buffer.read().decode()))
