"""What a patient confirms before a session, in the words that ship. Pure.

A practice may write its own; these carry the source they were taken from.
"""

from dataclasses import dataclass

from kap.sessions.rules import Route

LONGEST_WORDING = 1_000  # characters


@dataclass(frozen=True)
class Wording:
    """A statement to confirm. `source` says where its facts come from; `url` is empty where there is none."""

    text: str
    source: str
    url: str = ""


_LABEL = "SPRAVATO (esketamine) nasal spray. US prescribing information"
_LABEL_URL = (
    "https://nctr-crs.fda.gov/fdalabel/services/spl/set-ids/d81a6a79-a74a-44b7-822c-0dfa3036eaed/spl-doc"
)
_ASA = "American Society of Anesthesiologists, fasting before sedation, 2017, as reported by others"

_BEFORE_SEDATION = Wording(
    "I will not eat a fatty meal in the 8 hours before my session, and nothing light in the 6 hours before. "
    "Clear drinks, such as water, I will stop 2 hours before.",
    _ASA,
)

FASTING: dict[Route, Wording] = {
    Route.IV: _BEFORE_SEDATION,
    Route.IM: _BEFORE_SEDATION,
    Route.SUBLINGUAL: _BEFORE_SEDATION,
    Route.INTRANASAL: Wording(
        "I will not eat in the 2 hours before my session, and not drink in the 30 minutes before.",
        _LABEL,
        _LABEL_URL,
    ),
}

_NO_DRIVING = Wording(
    "Someone takes me home. I will not drive or use machines until the next day, after a good night's sleep.",
    _LABEL,
    _LABEL_URL,
)

TRAVEL: dict[Route, Wording] = dict.fromkeys(Route, _NO_DRIVING)
