"""Sets one text. A program of its own, so that it can be stopped: data as JSON in, a PDF out.

The template is named by its first argument: "guide", or "journal", whose pictures lie in a folder.
"""

import sys
from pathlib import Path
from typing import Literal

import typst

HERE = Path(__file__).parent


def typeset(data: str, template: str = "guide") -> bytes:
    """With the fonts that come with it, so that every installation prints alike, and fit to be read aloud.

    A sign that none of these fonts has, as in a name in another script, is looked for in the system's fonts.
    Where no font has it, the rest is still worth having: it is printed as a box.
    """
    for own_fonts_only in (True, False):
        try:
            return _compiled(data, template, own_fonts_only=own_fonts_only, standard="ua-1")
        except typst.TypstError:
            continue
    return _compiled(data, template, own_fonts_only=False)


def _compiled(
    data: str, template: str, *, own_fonts_only: bool, standard: Literal["ua-1"] | None = None
) -> bytes:
    return typst.compile(
        HERE / f"{template}.typ",
        root=Path("/"),  # a template opens what its data names, which is ours and never anybody's words
        sys_inputs={"guide": data},
        ignore_system_fonts=own_fonts_only,
        pdf_standards=standard,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(sys.stdin.buffer.read().decode(), *sys.argv[1:]))
