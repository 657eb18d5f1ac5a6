"""Confidence after calibration is the share that comes true."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.calibration import calibrate
from extractor.confidence import Confidence, features, fit
from extractor.quotation import Quotation, QuotationType, Span

PLAIN = Quotation(QuotationType.INDIRECT, (Span(10, 60),), Span(0, 4), Span(5, 9), None, None, confidence=0.5)


def guesses(count: int, seed: int) -> tuple[list[Quotation], list[bool]]:
    """A tagger that is far too modest: its odds are a tenth of what comes true."""
    rng = random.Random(seed)
    quotations, right = [], []
    for _ in range(count):
        raw = rng.random() * 0.6
        quotations.append(replace(PLAIN, confidence=raw, content=(Span(0, rng.randint(5, 400)),)))
        right.append(rng.random() < 10 * raw / (1 + 9 * raw))
    return quotations, right


def test_what_was_learned_on_some_holds_for_others() -> None:
    confidence = fit(*guesses(600, seed=1))
    others, right = guesses(2000, seed=2)
    assert calibrate([quotation.confidence for quotation in others], right).error > 0.3
    assert calibrate([confidence.of(quotation) for quotation in others], right).error < 0.05


@given(raw=st.floats(0, 1), more=st.floats(0, 1))
def test_a_surer_tagger_is_never_trusted_less(raw: float, more: float) -> None:
    confidence = fit(*guesses(300, seed=3))
    low, high = sorted((raw, more))
    assert 0 <= confidence.of(replace(PLAIN, confidence=low)) <= confidence.of(replace(PLAIN, confidence=high)) <= 1


@pytest.mark.parametrize("right", [[], [True, True], [False]])
def test_one_kind_of_answer_teaches_nothing(right: list[bool]) -> None:
    with pytest.raises(ValueError, match="needs both kinds"):
        fit([PLAIN] * len(right), right)


def test_weights_that_are_not_as_many_as_the_features_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Confidence((1.0,) * (len(features(PLAIN)) + 1)).of(PLAIN)
