import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.music.arcs import (
    SMOOTHING_MIN,
    STYLES,
    Arc,
    ArcError,
    Phase,
    PhaseRules,
    Point,
    arc_from,
    arcs,
    load,
)

SHIPPED = sorted(arcs())

# The published table: phase, start, end, intensity at the start and at the end.
TABLE = {
    "iv-40": [
        ("settle", -10, 0, 0.15, 0.20),
        ("onset", 0, 10, 0.25, 0.35),
        ("ascent", 10, 20, 0.40, 0.65),
        ("peak", 20, 40, 0.70, 0.70),
        ("descent", 40, 50, 0.55, 0.35),
        ("return", 50, 65, 0.30, 0.20),
        ("ground", 65, 75, 0.15, 0.10),
    ],
    "im": [
        ("settle", -10, 0, 0.15, 0.20),
        ("onset", 0, 5, 0.30, 0.40),
        ("ascent", 5, 12, 0.50, 0.70),
        ("peak", 12, 35, 0.75, 0.75),
        ("descent", 35, 50, 0.60, 0.40),
        ("return", 50, 70, 0.30, 0.20),
        ("ground", 70, 95, 0.15, 0.10),
    ],
    "sublingual": [
        ("absorb", 0, 10, 0.15, 0.20),
        ("onset", 10, 20, 0.25, 0.35),
        ("ascent", 20, 30, 0.40, 0.60),
        ("peak", 30, 55, 0.65, 0.65),
        ("descent", 55, 70, 0.50, 0.35),
        ("return", 70, 90, 0.30, 0.20),
        ("ground", 90, 100, 0.15, 0.10),
    ],
    "intranasal": [
        ("dosing", 0, 10, 0.15, 0.20),
        ("onset", 10, 20, 0.25, 0.35),
        ("ascent", 20, 30, 0.40, 0.55),
        ("peak", 30, 55, 0.60, 0.60),
        ("descent", 55, 75, 0.45, 0.30),
        ("return", 75, 100, 0.25, 0.20),
        ("observation", 100, 120, 0.10, 0.10),
    ],
}

ARC = """\
title = "Short"
route = "iv"
order = 1
version = 1
minute_zero = "the start"
evidence = "None."

[[sources]]
title = "A page"
url = "https://example.org/"

[[phases]]
name = "settle"
label = "Settle in"
start = -10
end = 0
from = 0.2
to = 0.2
elastic = true
words = "none"
character = "Quiet."

[[phases]]
name = "peak"
label = "Peak"
start = 0
end = 20
from = 0.6
to = 0.8
words = "wordless"
character = "Steady."
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str, name: str = "short.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write_file


@pytest.fixture
def short(write: Callable[..., Path]) -> Arc:
    return load(write(ARC))


def rows(arc: Arc) -> list[tuple[str, float, float, float, float]]:
    return [
        (phase.name, phase.start_min, phase.end_min, phase.start_intensity, phase.end_intensity)
        for phase in arc.phases
    ]


@pytest.mark.parametrize("slug", TABLE)
def test_a_standard_arc_follows_the_table(slug: str) -> None:
    assert rows(arcs()[slug]) == TABLE[slug]


@pytest.mark.parametrize("slug", TABLE)
@pytest.mark.parametrize("style, factor", [("gentle", 0.6), ("deep", 1.15)])
def test_a_gentle_and_a_deep_arc_scale_what_lies_above_the_floor(
    slug: str, style: str, factor: float
) -> None:
    def scaled(intensity: float) -> float:
        return pytest.approx(min(0.85, 0.15 + factor * (intensity - 0.15)), abs=0.006)  # type: ignore[return-value]

    assert rows(arcs()[f"{slug}-{style}"]) == [
        (name, start, end, scaled(low), scaled(high)) for name, start, end, low, high in TABLE[slug]
    ]


@pytest.mark.parametrize("slug", TABLE)
def test_a_steady_arc_neither_rises_nor_has_a_peak(slug: str) -> None:
    arc = arcs()[f"{slug}-steady"]
    assert {intensity for _, _, _, *both in rows(arc)[1:-1] for intensity in both} == {0.3}
    assert arc.peak is None


def test_every_route_ships_in_every_style() -> None:
    assert [(arc.slug, arc.route, arc.style, arc.start_min, arc.length_min) for arc in arcs().values()] == [
        (slug if style == "standard" else f"{slug}-{style}", route, style, start, length)
        for slug, route, start, length in (
            ("iv-40", "iv", -10, 85),
            ("im", "im", -10, 105),
            ("sublingual", "sublingual", 0, 100),
            ("intranasal", "intranasal", 0, 120),
        )
        for style in ("standard", "gentle", "deep", "steady")
    ]
    assert sorted(STYLES) == ["deep", "gentle", "standard", "steady"]


@pytest.mark.parametrize("slug", SHIPPED)
def test_phases_that_carry_the_experience_allow_no_words_and_no_sudden_rises(slug: str) -> None:
    carrying = [
        phase for phase in arcs()[slug].phases if phase.name not in ("return", "ground", "observation")
    ]
    assert {phase.rules.words for phase in carrying} == {"none", "wordless"}
    assert {phase.rules.startles for phase in carrying} == {0}


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_evidence_says_what_is_only_a_default(slug: str) -> None:
    evidence = " ".join(arcs()[slug].evidence.split())
    assert (
        "No source prescribes the inner boundaries or the intensities: they are defaults to edit." in evidence
    )
    assert "It did not change depression scores." in evidence
    assert arcs()[slug].sources


def test_intensity_is_straight_inside_a_phase(short: Arc) -> None:
    assert short.intensity_at(-5) == 0.2
    assert short.intensity_at(10) == pytest.approx(0.7)
    assert short.intensity_at(15) == pytest.approx(0.75)


def test_intensity_bridges_a_boundary_over_two_minutes_each_way(short: Arc) -> None:
    assert short.intensity_at(-2) == pytest.approx(0.2)
    assert short.intensity_at(2) == pytest.approx(0.62)
    assert short.intensity_at(0) == pytest.approx(0.41)
    assert short.intensity_at(-1) == pytest.approx(0.305)


def test_intensity_outside_the_arc_is_that_of_its_ends(short: Arc) -> None:
    assert short.intensity_at(-60) == 0.2
    assert short.intensity_at(90) == pytest.approx(0.8)


@pytest.mark.parametrize("slug", SHIPPED)
@given(data=st.data())
def test_the_curve_has_no_steps(slug: str, data: st.DataObject) -> None:
    arc = arcs()[slug].fitted(data.draw(st.floats(20, 300)))
    minute = data.draw(st.floats(arc.start_min, arc.end_min))
    steepest = 0.6 / min(SMOOTHING_MIN, *(phase.length_min / 2 for phase in arc.phases))
    assert abs(arc.intensity_at(minute + 0.01) - arc.intensity_at(minute)) <= 0.01 * steepest
    assert 0 <= arc.intensity_at(minute) <= 1


def test_phase_at_takes_the_later_phase_on_a_boundary(short: Arc) -> None:
    assert [short.phase_at(minute).name for minute in (-99, -10, -0.1, 0, 19.9, 20, 99)] == [
        "settle",
        "settle",
        "settle",
        "peak",
        "peak",
        "peak",
        "peak",
    ]


def minutes(arc: Arc) -> list[tuple[str, float, float]]:
    return [(phase.name, round(phase.start_min, 3), round(phase.end_min, 3)) for phase in arc.phases]


def test_an_arc_of_its_own_length_is_unchanged() -> None:
    assert arcs()["im"].fitted(105) == arcs()["im"]


def test_a_longer_arc_lengthens_only_the_way_back() -> None:
    assert minutes(arcs()["iv-40"].fitted(110)) == [
        ("settle", -10, 0),
        ("onset", 0, 10),
        ("ascent", 10, 20),
        ("peak", 20, 40),
        ("descent", 40, 50),
        ("return", 50, 80),
        ("ground", 80, 100),
    ]


def test_a_shorter_arc_first_shortens_what_follows_no_effect() -> None:
    assert minutes(arcs()["iv-40"].fitted(67.5)) == [
        ("settle", -5, 0),
        ("onset", 0, 10),
        ("ascent", 10, 20),
        ("peak", 20, 40),
        ("descent", 40, 50),
        ("return", 50, 57.5),
        ("ground", 57.5, 62.5),
    ]


def test_a_much_shorter_arc_shrinks_as_a_whole() -> None:
    # 85 min lose at most 60 % of the 35 elastic ones, which leaves 64; half of that is 32.
    assert minutes(arcs()["iv-40"].fitted(32)) == [
        ("settle", -2, 0),
        ("onset", 0, 5),
        ("ascent", 5, 10),
        ("peak", 10, 20),
        ("descent", 20, 25),
        ("return", 25, 28),
        ("ground", 28, 30),
    ]


def test_an_arc_without_elastic_phases_scales_evenly(write: Callable[..., Path]) -> None:
    rigid = load(write(ARC.replace("elastic = true", "elastic = false")))
    assert minutes(rigid.fitted(60)) == [("settle", -20, 0), ("peak", 0, 40)]
    assert minutes(rigid.fitted(15)) == [("settle", -5, 0), ("peak", 0, 10)]


def test_what_comes_before_minute_zero_never_grows(short: Arc) -> None:
    assert minutes(short.fitted(60)) == [("settle", -20, 0), ("peak", 0, 40)]


@pytest.mark.parametrize("length", [0, -5, float("nan"), float("inf")])
def test_a_length_must_be_above_zero(short: Arc, length: float) -> None:
    with pytest.raises(ValueError, match="an arc needs a length above zero"):
        short.fitted(length)


@pytest.mark.parametrize("slug", SHIPPED)
@given(length=st.floats(1, 600))
def test_any_length_fits_and_keeps_minute_zero(slug: str, length: float) -> None:
    arc = arcs()[slug]
    fitted = arc.fitted(length)
    assert fitted.length_min == pytest.approx(length)
    assert fitted.phase_at(0).name == arc.phase_at(0).name
    assert [phase.name for phase in fitted.phases] == [phase.name for phase in arc.phases]
    edges = [fitted.start_min, *(phase.end_min for phase in fitted.phases)]
    assert edges == [*(phase.start_min for phase in fitted.phases), fitted.end_min]
    assert edges == sorted(edges)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        (('title = "Short"\n', ""), "title", "must be text"),
        (('route = "iv"', 'route = "oral"'), "route", "must be one of iv, im, sublingual, intranasal"),
        (("version = 1", 'version = "1"'), "version", "must be a number"),
        (("order = 1", "ordre = 1"), "ordre", "is not a known field"),
        (('url = "https://example.org/"\n', ""), "sources[1].url", "must be text"),
        (('name = "peak"', 'name = "settle"'), "phases[2].name", "“settle” is used twice"),
        (("end = 20", "end = 0"), "phases[2].end", "must come after its start"),
        (("end = 0", "end = -1"), "phases[2].start", "must be -1, where “settle” ends"),
        (("to = 0.8", "to = 1.8"), "phases[2].to", "must lie between 0 and 1"),
        (("to = 0.8", "to = nan"), "phases[2].to", "must be a number"),
        (("to = 0.8", "too = 0.8"), "phases[2].too", "is not a known field"),
        (("elastic = true", "elastic = 1"), "phases[1].elastic", "must be true or false"),
        (('words = "none"', 'words = "some"'), "phases[1].words", "must be one of none, wordless, allowed"),
    ],
)
def test_a_broken_arc_names_its_field(
    write: Callable[..., Path], change: tuple[str, str], field: str, reason: str
) -> None:
    path = write(ARC.replace(*change, 1))
    with pytest.raises(ArcError) as caught:
        load(path)
    assert (caught.value.field, caught.value.reason) == (field, reason)
    assert str(caught.value) == f"{path}, {field}: {reason}"


def one_phase(**values: object) -> dict[str, object]:
    return {"label": "A", "start": 0, "end": 20, **values}


DRAWN = {
    "title": "Two hills",
    "route": "im",
    "phases": [
        {"label": "First hill", "start": 0, "end": 30, "words": "none", "pulse": "slow", "startles": 0},
        {"label": "Second hill", "start": 30, "end": 60, "loudness_range": 8.5, "elastic": True},
    ],
    "points": [[0, 0.1], [15, 0.5], [30, 0.2], [45, 0.6], [60, 0.1]],
}


def test_a_drawn_arc_follows_its_points() -> None:
    arc = arc_from(DRAWN, slug="two-hills")
    assert [round(arc.intensity_at(minute), 3) for minute in (-5, 0, 7.5, 15, 30, 40, 60, 99)] == [
        *(0.1, 0.1, 0.3, 0.5, 0.2, 0.467, 0.1, 0.1)
    ]
    assert arc.phases[0] == Phase(
        name="first-hill",
        label="First hill",
        start_min=0,
        end_min=30,
        start_intensity=0.1,
        end_intensity=0.2,
        character="",
        rules=PhaseRules(words="none", pulse="slow", loudness_range=None, startles=0),
        elastic=False,
    )
    assert arc.phases[0].rules.in_words() == ("no vocals", "a slow pulse at most", "no sudden rises")
    assert arc.phases[1].rules.in_words() == ("a loudness range up to 8.5 LU",)


def test_the_points_of_a_drawn_arc_move_with_its_phases() -> None:
    fitted = arc_from(DRAWN).fitted(90)
    assert fitted.points == (
        Point(0, 0.1),
        Point(15, 0.5),
        Point(30, 0.2),
        Point(60, 0.6),
        Point(90, 0.1),
    )


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"title": ""}, "title", "must be text"),
        ({"title": "a" * 121}, "title", "may have 120 characters at most"),
        ({"route": None}, "route", "must be text"),
        ({"style": "wild"}, "style", "must be one of gentle, standard, deep, steady"),
        ({"colour": "red"}, "colour", "is not a known field"),
        ({"phases": []}, "phases", "must be one or more tables"),
        ({"phases": "none"}, "phases", "must be one or more tables"),
        ({"points": [[0, 0.1], [0, 0.2]]}, "points[2].minute", "must come after 0, the point before"),
        ({"points": [[0, 0.1], [5, 1.2]]}, "points[2].intensity", "must lie between 0 and 1"),
        ({"points": [[0, True]]}, "points[1].intensity", "must be a number"),
        ({"points": [[0]]}, "points[1]", "must be a minute and an intensity"),
        ({"points": [[-1, 0.1]]}, "points[1].minute", "must lie inside the phases"),
        ({"points": [[n, 0.1] for n in range(41)]}, "points", "may have 40 entries at most"),
        ({"phases": [one_phase(end=9)]}, "phases", "must cover 10 to 240 minutes"),
        ({"phases": [one_phase(end=241)]}, "phases", "must cover 10 to 240 minutes"),
        ({"phases": [one_phase(end=1e99)]}, "phases[1].end", "must be a number"),
        ({"phases": [one_phase(end=2000)]}, "phases[1].end", "must lie within a day of minute 0"),
        (
            {"phases": [one_phase(startles=0.5)]},
            "phases[1].startles",
            "must be a whole number, 0 or more",
        ),
        ({"phases": [one_phase(loudness_range=0)]}, "phases[1].loudness_range", "must be above 0"),
        ({"phases": [{**one_phase(), "from": 0.1}]}, "phases[1].from", "is not a known field"),
    ],
)
def test_a_broken_drawing_names_its_field(change: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(ArcError) as caught:
        arc_from({**DRAWN, **change})
    assert str(caught.value) == f"{field}: {reason}"


@pytest.mark.parametrize("arc", [*arcs().values(), arc_from(DRAWN)], ids=lambda arc: arc.slug or "drawn")
def test_an_arc_is_the_same_after_it_was_kept(arc: Arc) -> None:
    kept = json.loads(json.dumps(arc.as_dict()))
    assert arc_from(kept, slug=arc.slug) == arc


@given(length=st.floats(0.5, 400))
def test_an_arc_fitted_to_a_playlist_is_the_same_after_it_was_kept(length: float) -> None:
    for arc in (arcs()["im"], arc_from(DRAWN)):
        fitted = arc.fitted(length)
        kept = json.loads(json.dumps(fitted.as_dict()))
        assert arc_from(kept, slug=arc.slug, as_built=True) == fitted


def test_an_arc_without_phases(write: Callable[..., Path]) -> None:
    with pytest.raises(ArcError, match="phases: must be one or more tables"):
        load(write(ARC[: ARC.index("[[phases]]")]))


def test_an_arc_that_begins_after_minute_zero(write: Callable[..., Path]) -> None:
    text = ARC.replace("start = -10\nend = 0", "start = 5\nend = 10").replace("start = 0\n", "start = 10\n")
    with pytest.raises(ArcError, match="phases: minute 0 must lie inside the arc"):
        load(write(text))


def test_a_file_that_is_not_toml(write: Callable[..., Path]) -> None:
    with pytest.raises(ArcError, match=r"short\.toml, file: .*line 2"):
        load(write('title = "A"\nroute iv\n'))


def test_a_file_name_that_is_no_slug(write: Callable[..., Path]) -> None:
    with pytest.raises(ArcError, match="file name: may hold small letters, digits and single hyphens"):
        load(write(ARC, "My Arc.toml"))


@pytest.mark.parametrize("values", [[], 3, "iv", None])
def test_what_is_no_table_is_no_arc(values: Any) -> None:
    with pytest.raises(ArcError, match="must be a table"):
        arc_from(values)


def test_a_phase_too_short_to_be_stretched_is_refused() -> None:
    phase = {"label": "All", "start": 0, "end": 1e-310, "from": 0.5, "to": 0.5}
    with pytest.raises(ArcError, match="must come after its start"):
        arc_from({"title": "Tiny", "route": "iv", "phases": [phase]}, as_built=True)
