from typing import Any

from wtforms import IntegerField, IntegerRangeField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from kap.audio.synth import FAMILIES, LARGEST_SEED, LONGEST_S, ROOTS, SHORTEST_S, Recipe
from kap.audio.synth.sketch import SKETCH_S
from kap.music.rules import intensity_words
from kap.web.forms import Form

SHORTEST_MIN, LONGEST_MIN = SHORTEST_S // 60, LONGEST_S // 60

Scale = tuple[tuple[float, str], ...]
"""Up to each number, exclusive, a word."""

SCALES: dict[str, Scale] = {
    "intensity": tuple((border, intensity_words(border - 0.01)) for border in (0.3, 0.55, 0.8, 1.01)),
    "brightness": ((0.25, "dark"), (0.5, "soft"), (0.75, "clear"), (1.01, "bright")),
    "density": ((0.25, "sparse"), (0.5, "open"), (0.75, "full"), (1.01, "dense")),
}
MODES_IN_WORDS = {
    "add9": "Warm major, at rest",
    "pentatonic": "Five open notes, bright",
    "open": "Fifths only, neither major nor minor",
    "suspended": "Floating, never quite home",
    "bittersweet": "Minor with a bright sixth, bittersweet",
    "minor": "Minor, tender",
}


def _percent(label: str) -> IntegerRangeField:
    return IntegerRangeField(label, validators=[NumberRange(0, 100, "This lies between 0 and 100.")])


class InstrumentForm(Form):
    """What can be moved on the instrument; the three scales run from 0 to 100."""

    family = RadioField("Way of playing", choices={slug: family.title for slug, family in FAMILIES.items()})
    root = SelectField("Drone", choices={note: note for note in ROOTS})
    mode = SelectField("Notes over it", choices=MODES_IN_WORDS)
    intensity = _percent("Intensity")
    brightness = _percent("Brightness")
    density = _percent("Density")
    seed = IntegerField(widget=HiddenInput(), validators=[NumberRange(0, LARGEST_SEED)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        for field in (self.family, self.root, self.mode):  # an address may leave them out, a person cannot
            field.flags.required = True

    def recipe(self, *, title: str = "", seconds: int = SKETCH_S) -> Recipe:
        """The validated form as something to play."""
        family, root = self.family.data, self.root.data
        return Recipe(
            slug=f"{family}-{self.seed.data}",
            title=title or suggested_title(family, root),
            family=family,
            seed=self.seed.data or 0,
            seconds=seconds,
            intensity=(self.intensity.data or 0) / 100,
            root_hz=ROOTS[root],
            mode=self.mode.data,
            brightness=(self.brightness.data or 0) / 100,
            density=(self.density.data or 0) / 100,
            note=f"{FAMILIES[family].title} on {root}. {MODES_IN_WORDS[self.mode.data]}.",
        )


class KeepForm(InstrumentForm):
    title = StringField("Title", validators=[InputRequired("Please enter a title."), Length(max=200)])
    minutes = IntegerField(
        "Length in minutes",
        default=5,
        validators=[
            InputRequired("Please enter a length."),
            NumberRange(SHORTEST_MIN, LONGEST_MIN, f"Between {SHORTEST_MIN} and {LONGEST_MIN} minutes."),
        ],
    )

    def whole_recipe(self) -> Recipe:
        return self.recipe(title=self.title.data or "", seconds=(self.minutes.data or SHORTEST_MIN) * 60)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """The form's values for a recipe, as they stand in an address."""
    return {
        "family": recipe.family,
        "root": min(ROOTS, key=lambda note: abs(ROOTS[note] - recipe.root_hz)),
        "mode": recipe.mode,
        "intensity": round(recipe.intensity * 100),
        "brightness": round(recipe.brightness * 100),
        "density": round(recipe.density * 100),
        "seed": recipe.seed,
    }


def suggested_title(family: str, root: str) -> str:
    return f"{FAMILIES[family].title} on {root.partition(',')[0]}"
