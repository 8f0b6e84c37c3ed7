"""What must not appear in somebody's music. What nobody has said about a track never counts as harmless."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kap.music.builder.parts import Candidate
from kap.music.finding import folded


@dataclass(frozen=True)
class Avoid:
    """No voices at all; no words in these languages; nothing religious or cultural; nothing that is
    described with one of these words (styles, culture, title); not these tracks."""

    voices: bool = False
    languages: tuple[str, ...] = ()
    religious_or_cultural: bool = False
    words: tuple[str, ...] = ()
    track_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Avoid()

    def as_dict(self) -> dict[str, Any]:
        return {
            "voices": self.voices,
            "languages": list(self.languages),
            "religious_or_cultural": self.religious_or_cultural,
            "words": list(self.words),
            "track_ids": list(self.track_ids),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Avoid":
        """Whatever is missing is not avoided; blanks and repetitions are dropped."""
        return cls(
            voices=bool(values.get("voices")),
            languages=_distinct(values.get("languages")),
            religious_or_cultural=bool(values.get("religious_or_cultural")),
            words=_distinct(values.get("words")),
            track_ids=_distinct(values.get("track_ids")),
        )

    def in_words(self) -> tuple[str, ...]:
        """("no voices", "no words in English", "nothing religious or cultural", "no “drums”")"""
        said = [
            *(["no voices"] if self.voices else []),
            *(f"no words in {language}" for language in self.languages),
            *(["nothing religious or cultural"] if self.religious_or_cultural else []),
            *(f"no “{word}”" for word in self.words),
        ]
        if self.track_ids:
            plural = "" if len(self.track_ids) == 1 else "s"
            said.append(f"{len(self.track_ids)} track{plural} left out by name")
        return tuple(said)

    def allows(self, track: Candidate) -> bool:
        return not any(self._objections(track))

    def objections(self, track: Candidate) -> tuple[str, ...]:
        """Why a track must not appear, in words; nothing when it may."""
        return tuple(self._objections(track))

    def _objections(self, track: Candidate) -> Iterator[str]:
        if track.id in self.track_ids:
            yield "it is left out by name"
        yield from self._about_voices(track)
        if self.religious_or_cultural and track.culture is None:
            yield "nobody has said whether its content is religious or cultural"
        elif self.religious_or_cultural and track.culture:
            yield f"its content is religious or cultural ({track.culture})"
        yield from self._about_words(track)

    def _about_voices(self, track: Candidate) -> Iterator[str]:
        if self.voices and track.vocals not in (None, "none"):
            yield "it has voices"
        elif (self.voices or self.languages) and track.vocals is None:
            yield "nobody has said whether it has voices"
        if self.languages and track.vocals == "words":
            sung = _words_of(track.language)
            if not sung:
                yield "nobody has said which language its words are in"
            for language in self.languages:
                if _words_of(language) & sung:
                    yield f"its words are in {language}"

    def _about_words(self, track: Candidate) -> Iterator[str]:
        if not self.words:
            return
        described = folded(" ".join([track.title, track.culture or "", *track.tags]))
        found = [word for word in self.words if _begins_a_word(word, described)]
        yield from (f"it is described as “{word}”" for word in found)
        if not found and (track.culture is None or not track.tags):
            yield "nobody has described its style and its cultural content"


def _distinct(values: Iterable[Any] | None) -> tuple[str, ...]:
    stripped = (str(value).strip() for value in values or ())
    return tuple(dict.fromkeys(value for value in stripped if value))


def _words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", folded(text)))


def _begins_a_word(word: str, text: str) -> bool:
    """“drum” is found in “slow drums”, “men” is not found in “lament”.

    Accents make no difference, as one name may be written in two ways. Scripts without capitals may have no
    spaces either, or put particles before a word, so there it is found anywhere.
    """
    wanted = folded(word)
    is_caseless = unicodedata.category(wanted[:1] or " ") == "Lo"
    beginning = "" if is_caseless else r"(?<!\w)"
    return re.search(beginning + re.escape(wanted), text) is not None
