"""The tracks that ship: one collection of tones (D, E, F sharp, A, B), so that any may follow any."""

from typing import Final

from kap.audio.synth.recipe import Recipe

_D: Final = 220.0 / 3.0  # 73.3 Hz, a pure fifth under A
_A: Final = 110.0
_B: Final = _D * 5.0 / 6.0  # 61.1 Hz, D's relative minor

RECIPES: Final = (
    Recipe("still-water", "Still Water", "surf", 11, 300, 0.10, _D, "open", 0.45, 0.2,
           "Small waves on a quiet shore over a low open fifth."),
    Recipe("first-snow", "First Snow", "bowls", 12, 270, 0.12, _A, "pentatonic", 0.6, 0.2,
           "Single bowls, far apart, each left to ring out."),
    Recipe("soft-rain", "Soft Rain", "rain", 30, 300, 0.14, _D, "add9", 0.5, 0.4,
           "Rain on leaves, with single drops near by."),
    Recipe("evening-window", "Evening Window", "keys", 13, 300, 0.15, _D, "pentatonic", 0.55, 0.3,
           "Soft felted keys with room between the notes."),
    Recipe("moss", "Moss", "pads", 14, 300, 0.15, _A, "add9", 0.4, 0.2,
           "A warm held chord that hardly moves."),
    Recipe("lamplight", "Lamplight", "loops", 15, 330, 0.20, _D, "add9", 0.5, 0.3,
           "Slow bowed tones, each returning in its own time."),
    Recipe("shoreline", "Shoreline", "surf", 16, 300, 0.20, _A, "pentatonic", 0.6, 0.4,
           "Brighter waves with a soft chord behind them."),
    Recipe("long-grass", "Long Grass", "loops", 37, 300, 0.28, _A, "pentatonic", 0.55, 0.5,
           "Overlapping tones that drift like grass in a light wind."),
    Recipe("warm-wind", "Warm Wind", "breath", 31, 300, 0.30, _D, "suspended", 0.5, 0.4,
           "Blown tones, one at a time, in moving air."),
    Recipe("open-door", "Open Door", "pads", 18, 300, 0.32, _D, "pentatonic", 0.55, 0.5,
           "A bright, slowly turning chord."),
    Recipe("slow-garden", "Slow Garden", "harp", 32, 300, 0.35, _D, "add9", 0.5, 0.4,
           "Plucked strings that wander up and down."),
    Recipe("copper", "Copper", "bowls", 19, 300, 0.38, _D * 2.0, "open", 0.5, 0.6,
           "Deep bowls answering one another over a drone."),
    Recipe("low-cloud", "Low Cloud", "choir", 20, 300, 0.42, _D, "add9", 0.4, 0.4,
           "A distant choir without words, close and unhurried."),
    Recipe("river-stones", "River Stones", "pulse", 41, 330, 0.48, _D, "pentatonic", 0.5, 0.4,
           "A soft steady beat on low keys, with more hands joining."),
    Recipe("rising-ground", "Rising Ground", "loops", 22, 300, 0.52, _D, "suspended", 0.45, 0.8,
           "Close overlapping tones, like one long breath."),
    Recipe("far-ridge", "Far Ridge", "pads", 23, 330, 0.58, _B, "minor", 0.45, 0.7,
           "A wide minor chord, tender and dark."),
    Recipe("long-bows", "Long Bows", "strings", 33, 330, 0.60, _D, "pentatonic", 0.45, 0.7,
           "Many strings, each with its own long breath."),
    Recipe("deep-current", "Deep Current", "pulse", 24, 360, 0.62, _D, "open", 0.4, 0.6,
           "A low regular pulse under a slowly building chord."),
    Recipe("wide-sky", "Wide Sky", "choir", 25, 330, 0.65, _D, "pentatonic", 0.45, 0.8,
           "Many far voices, opening and closing together."),
    Recipe("ground-tone", "Ground Tone", "overtones", 34, 360, 0.68, _D, "open", 0.45, 0.5,
           "A deep drone and the overtones that climb in it."),
    Recipe("tall-trees", "Tall Trees", "pads", 26, 360, 0.70, _A, "open", 0.4, 0.9,
           "Stacked fifths, dark and steady, that grow from beginning to end."),
    Recipe("slow-sun", "Slow Sun", "pulse", 27, 360, 0.72, _A, "pentatonic", 0.45, 0.9,
           "A full, regular pattern on one slow beat."),
    Recipe("great-hall", "Great Hall", "choir", 28, 360, 0.75, _D, "suspended", 0.4, 1.0,
           "The fullest sound here: voices over a deep drone, building throughout."),
)  # fmt: skip
"""Twenty-three tracks, two hours together, from quiet to full."""
