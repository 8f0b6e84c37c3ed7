"""Listening to a finished mix once more: whatever made it, is this file fit to be played in a session?

The file is decoded as a player would and examined on its own; what was planned (length, declared silence,
joints) is only used to tell what is meant from what is not.

* A gap is more than 2 s below -60 dBFS that nobody asked for.
* A jump is a difference of more than 6 LU between the three seconds before a moment and those after it: the
  most that music for the ascent and the peak should rise in three seconds. Away from a joint, where it is in
  the music itself and was heard by whoever chose it, 10 LU. What lies 20 LU under the mix counts as that.
* A startle is as for a track (kap.audio.features): 9 dB or more within 100 ms.

The first fade-in, the last fade-out, the fades at a declared silence and a voice over the music move on
purpose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import Block, Source
from kap.audio.features import Listener
from kap.audio.levels import PER_SECOND, READINGS_BACK, levels
from kap.audio.loudness import HOP, Meter, whole_hops
from kap.audio.plan import CEILING_DBTP, FADE_IN_S, FADE_OUT_S, SILENCE_FADE_S, MixPlan

GAP_S = 2.0
GAP_DBFS = -60.0
JUMP_AT_JOINT_LU = 6.0
JUMP_IN_MUSIC_LU = 10.0
JUMP_BELOW_MIX_LU = 20.0
ENCODING_DB = 1.0
"""What a lossy encoder may add to a true peak: a mix planned for -2 dBTP stays under the usual -1."""

_JUMP_S = 3.0
_SENTENCES = 6
Span = tuple[float, float]


@dataclass(frozen=True)
class Marks:
    """What was planned: the length, and from which second to which there is what moves on purpose."""

    total_samples: int | None = None
    silences_s: Sequence[Span] = ()
    joints_s: Sequence[Span] = ()
    voices_s: Sequence[Span] = ()
    fade_in_s: float = FADE_IN_S
    fade_out_s: float = FADE_OUT_S


def marks_of(plan: MixPlan) -> Marks:
    return Marks(
        total_samples=plan.total_samples,
        silences_s=[(hush.start / RATE, hush.stop / RATE) for hush in plan.hushes],
        joints_s=[
            (after.start / RATE, max(before.stop, after.start) / RATE)
            for before, after in pairwise(plan.segments)
        ],
        voices_s=[(voice.duck_start / RATE, voice.duck_stop / RATE) for voice in plan.voices],
        fade_in_s=plan.fade_in / RATE,
        fade_out_s=plan.fade_out / RATE,
    )


@dataclass(frozen=True)
class Jump:
    """At `at_s` the level changes by `by_lu`: more than nothing is a rise."""

    at_s: float
    by_lu: float
    at_joint: bool


@dataclass(frozen=True)
class Scan:
    samples: int
    expected_samples: int | None
    loudness_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    gaps_s: tuple[Span, ...]
    jumps: tuple[Jump, ...]
    startles_s: tuple[float, ...]
    levels: bytes

    @property
    def length_s(self) -> float:
        return self.samples / RATE

    @property
    def as_long_as_planned(self) -> bool:
        return self.expected_samples in (None, self.samples)

    @property
    def too_high(self) -> bool:
        return self.true_peak_dbtp > CEILING_DBTP + ENCODING_DB

    @property
    def is_clean(self) -> bool:
        return self.as_long_as_planned and not (self.gaps_s or self.jumps or self.startles_s or self.too_high)

    @property
    def findings(self) -> list[str]:
        """Sentences for a page: one when all is well, else what to listen to first."""
        level = f"{_number(self.loudness_lufs)} LUFS, peaks at {_number(self.true_peak_dbtp)} dBTP"
        if self.is_clean:
            return [f"No gap, no jump, nothing sudden; {level}."]
        told = [*self._about_the_whole(), *self._about_moments()]
        return [*told[:_SENTENCES], *_and_more(len(told) - _SENTENCES), f"Over all {level}."]

    def _about_the_whole(self) -> list[str]:
        told = []
        if not self.as_long_as_planned and self.expected_samples is not None:
            told.append(f"The file is {_difference(self.samples - self.expected_samples)} than planned.")
        if self.too_high:
            told.append(f"Its peaks reach {_number(self.true_peak_dbtp)} dBTP, which some players cut off.")
        return told

    def _about_moments(self) -> list[str]:
        moments = [
            (at, f"At {clock(at)} there is nothing to hear for {to - at:.0f} s.") for at, to in self.gaps_s
        ]
        moments += [(jump.at_s, _about_jump(jump)) for jump in self.jumps]
        moments += [(at, f"At {clock(at)} something sets in suddenly.") for at in self.startles_s]
        return [sentence for _, sentence in sorted(moments)]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a row or a file, without the levels."""
        return {
            "samples": self.samples,
            "expected_samples": self.expected_samples,
            "length_s": round(self.length_s, 6),
            "loudness_lufs": round(self.loudness_lufs, 2),
            "loudness_range_lu": round(self.loudness_range_lu, 2),
            "true_peak_dbtp": round(self.true_peak_dbtp, 2),
            "gaps_s": [list(span) for span in self.gaps_s],
            "jumps": [
                {"at_s": jump.at_s, "by_lu": jump.by_lu, "at_joint": jump.at_joint} for jump in self.jumps
            ],
            "startles_s": list(self.startles_s),
            "is_clean": self.is_clean,
            "findings": self.findings,
        }


def scan(
    path: Path,
    marks: Marks | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> Scan:
    """Decode a finished mix once and examine it; `progress` is called with 0..1.

    Memory grows by about 2 MB for an hour. Raises AudioError when the file cannot be read to its end.
    """
    planned = marks or Marks()
    meter, listener, quiet, samples = Meter(), Listener(), _Quiet(), 0
    with Source(path) as source:
        for block in source.blocks():
            samples += len(block)
            meter.push(block)
            listener.push(block)
            quiet.push(block)
            if progress and source.declared_s:
                progress(min(1.0, samples / RATE / source.declared_s))
    if progress:
        progress(1.0)
    meant = _meant(planned, samples / RATE)
    return Scan(
        samples=samples,
        expected_samples=planned.total_samples,
        loudness_lufs=meter.loudness_lufs,
        loudness_range_lu=meter.loudness_range_lu,
        true_peak_dbtp=meter.true_peak_dbtp,
        gaps_s=tuple(_gaps(quiet.hops(), planned.silences_s)),
        jumps=tuple(_jumps(meter, meant, planned.joints_s)),
        startles_s=tuple(at for at in listener.features().startles_s if not _inside(at, meant)),
        levels=levels(meter.momentary_lufs),
    )


def clock(seconds: float) -> str:
    """1:02:03 or 12:30."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class _Quiet:
    """Which hops of 10 ms have nothing in them."""

    def __init__(self) -> None:
        self._quiet: list[NDArray[np.bool_]] = []

    def push(self, block: Block) -> None:
        largest = np.abs(whole_hops(block)).reshape(-1, 2 * HOP).max(axis=1)
        self._quiet.append(largest < 10 ** (GAP_DBFS / 20))

    def hops(self) -> NDArray[np.bool_]:
        return np.concatenate(self._quiet)


def _gaps(quiet: NDArray[np.bool_], silences_s: Sequence[Span]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]])))
    runs = [(begin * HOP / RATE, end * HOP / RATE) for begin, end in edges.reshape(-1, 2).tolist()]
    return [span for run in runs for span in _without(run, silences_s) if span[1] - span[0] > GAP_S]


def _without(run: Span, silences_s: Sequence[Span]) -> list[Span]:
    """What is left of a span when others are taken out of it."""
    left = [run]
    for begin, end in silences_s:
        left = [
            part
            for start, stop in left
            for part in ((start, min(stop, begin)), (max(start, end), stop))
            if part[0] < part[1]
        ]
    return left


def _meant(marks: Marks, length_s: float) -> list[Span]:
    """Where the level moves on purpose."""
    return [
        (0.0, marks.fade_in_s),
        (length_s - marks.fade_out_s, length_s),
        *((begin - SILENCE_FADE_S, end + SILENCE_FADE_S) for begin, end in marks.silences_s),
        *marks.voices_s,
    ]


def _jumps(meter: Meter, meant: Sequence[Span], joints_s: Sequence[Span]) -> list[Jump]:
    """The largest change of each place where the level changes too much."""
    width = round(_JUMP_S * PER_SECOND)
    momentary = meter.momentary_lufs
    if len(momentary) < 2 * width:
        return []
    least = 10 ** ((meter.loudness_lufs - JUMP_BELOW_MIX_LU) / 10)
    sums = np.concatenate([[0.0], np.cumsum(10 ** (momentary / 10))])
    means = 10 * np.log10(np.maximum((sums[width:] - sums[:-width]) / width, least))
    changes = means[width:] - means[:-width]
    found: list[Jump] = []
    for at in np.argsort(-np.abs(changes)).tolist():
        change = float(changes[at])
        if abs(change) <= JUMP_AT_JOINT_LU:
            break
        at_s = (at + width - READINGS_BACK) / PER_SECOND
        at_joint = _inside(at_s, joints_s)
        expected = _inside(at_s, meant, reach_s=_JUMP_S / 2) or any(
            abs(at_s - jump.at_s) < 2 * _JUMP_S for jump in found
        )
        if not expected and (at_joint or abs(change) > JUMP_IN_MUSIC_LU):
            found.append(Jump(round(at_s, 1), round(change, 1), at_joint))
    return sorted(found, key=lambda jump: jump.at_s)


def _inside(at_s: float, spans: Sequence[Span], *, reach_s: float = 0.0) -> bool:
    return any(begin - reach_s <= at_s <= end + reach_s for begin, end in spans)


def _about_jump(jump: Jump) -> str:
    where = ", where two pieces meet" if jump.at_joint else ""
    verb = "rises" if jump.by_lu > 0 else "falls"
    return f"At {clock(jump.at_s)}{where} the level {verb} by {abs(jump.by_lu):.0f} dB within a few seconds."


def _difference(samples: int) -> str:
    count = abs(samples)
    exact = "1 sample" if count == 1 else f"{count} samples"
    amount = exact if count < RATE / 10 else f"{count / RATE:.1f} s"
    return f"{amount} {'longer' if samples > 0 else 'shorter'}"


def _and_more(count: int) -> list[str]:
    if count <= 0:
        return []
    return ["There is one more such place." if count == 1 else f"There are {count} more such places."]


def _number(value: float) -> str:
    """With a real minus sign."""
    return f"{value:.1f}".replace("-", "−")
