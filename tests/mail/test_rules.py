"""What a mail server's answers mean, over all steps and codes."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.mail.rules import (
    PAUSES,
    WORDS,
    Outcome,
    Reason,
    Step,
    Verdict,
    broken,
    judged,
    pause_after,
    sentence,
)

CODES = st.integers(min_value=-1, max_value=999)


@pytest.mark.parametrize("step", Step)
@given(code=CODES)
def test_only_a_refusal_for_good_of_this_letter_ends_it(step: Step, code: int) -> None:
    outcome = judged(step, code)
    is_final = 500 <= code < 600 and step is not Step.CONNECT
    assert outcome.verdict is (Verdict.FINAL if is_final else Verdict.AGAIN)
    assert outcome.address_is_bad == (is_final and step is Step.RECIPIENT)


@pytest.mark.parametrize(
    ("words", "reason", "is_bad"),
    [
        (b"No such person", Reason.ADDRESS_REFUSED, True),
        (b"5.1.1 <pia@example.org>: no such user", Reason.ADDRESS_REFUSED, True),
        (b"5.2.1 mailbox disabled", Reason.ADDRESS_REFUSED, True),
        (b"5.7.1 relaying denied", Reason.LETTER_REFUSED, False),
        (b"5.3.4 too big", Reason.LETTER_REFUSED, False),
        (b"5.4.4 no route", Reason.LETTER_REFUSED, False),
    ],
)
def test_a_refusal_speaks_of_the_mailbox_or_of_something_else(
    words: bytes, reason: Reason, is_bad: bool
) -> None:
    outcome = judged(Step.RECIPIENT, 550, words)
    assert (outcome.reason, outcome.address_is_bad) == (reason, is_bad)


@given(code=st.integers(400, 599), words=st.binary(max_size=60), step=st.sampled_from(Step))
def test_of_the_servers_words_only_a_status_is_kept(code: int, words: bytes, step: Step) -> None:
    """Words name addresses; a status is three numbers."""
    assert set(judged(step, code, words).code) <= set("0123456789. ")
    named = judged(step, code, b"5.1.1 <pia@example.org> " + words)
    assert named.code == f"{code} 5.1.1"


@pytest.mark.parametrize("timed_out", [True, False])
@pytest.mark.parametrize("step", Step)
def test_what_broke_off_is_tried_again_and_says_whether_it_may_have_arrived(
    step: Step, timed_out: bool
) -> None:
    outcome = broken(step, timed_out=timed_out)
    expected = {
        (Step.HANDED_OVER, True): Reason.MAY_HAVE_ARRIVED,
        (Step.HANDED_OVER, False): Reason.MAY_HAVE_ARRIVED,
        (Step.CONNECT, False): Reason.UNREACHABLE,
    }.get((step, timed_out), Reason.TOO_SLOW if timed_out else Reason.BROKE_OFF)
    assert outcome == Outcome(Verdict.AGAIN, expected)


def test_pauses_grow_and_end_after_about_two_days() -> None:
    assert all(earlier < later for earlier, later in pairwise(PAUSES))
    assert timedelta(days=1) < sum(PAUSES, timedelta()) < timedelta(days=3)
    assert [pause_after(each + 1) for each in range(len(PAUSES) + 2)] == [*PAUSES, None, None]


def test_every_reason_has_a_sentence() -> None:
    assert set(WORDS) == set(Reason)
    assert all(words.endswith(".") for words in WORDS.values())
    assert (sentence(None), sentence(Reason.LATER)) == ("", WORDS[Reason.LATER])
