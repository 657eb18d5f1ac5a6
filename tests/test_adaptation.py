"""Masked words: an encoder learns to guess them, goes on where it stopped, and is one that training takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from extractor.adaptation import AdaptationRecipe, adapt
from extractor.checkpoint import new_tagger
from extractor.checkpoint_folder import CheckpointError
from tests.stories import articles

TINY = AdaptationRecipe(window_words=40, batch_pieces=400, rate=5e-3)
# A state is saved after 200 steps.
MANY_STEPS = replace(TINY, batch_pieces=90, rate=1e-3)


class Stopped(BaseException):
    """Stands for Ctrl-C and kill."""


def interrupt_at(wanted: int) -> Callable[[int, int, float], None]:
    def stop(step: int, steps: int, loss: float) -> None:
        if step == wanted:
            raise Stopped

    return stop


@pytest.fixture(scope="module")
def news() -> list[str]:
    return [article.document.raw for article in articles(150)]


def test_it_learns_to_guess_and_is_an_encoder_for_training(
    small_encoder: Path, news: list[str], tmp_path: Path
) -> None:
    seen: list[float] = []
    adapt(news * 3, small_encoder, tmp_path, TINY, on_step=lambda step, steps, loss: seen.append(loss))
    assert sum(seen[-10:]) < 0.7 * sum(seen[:10])
    tagger, pieces = new_tagger(tmp_path)
    before, _ = new_tagger(small_encoder)
    old, new = before.encoder.state_dict(), tagger.encoder.state_dict()
    assert old.keys() == new.keys()
    assert not all(torch.equal(old[name], new[name]) for name in old)
    assert pieces.of(["قال"])


def test_interrupted_it_ends_with_the_same_weights(small_encoder: Path, news: list[str], tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    adapt(news * 8, small_encoder, once, MANY_STEPS)
    with pytest.raises(Stopped):
        adapt(news * 8, small_encoder, twice, MANY_STEPS, on_step=interrupt_at(230))
    adapt(news * 8, small_encoder, twice, MANY_STEPS)
    expected, found = load_file(once / "model.safetensors"), load_file(twice / "model.safetensors")
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-2, atol=2e-3)
    steps = [json.loads(line)["step"] for line in (twice / "adaptation.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_a_state_of_another_recipe_is_refused(small_encoder: Path, news: list[str], tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        adapt(news * 8, small_encoder, tmp_path, MANY_STEPS, on_step=interrupt_at(201))
    with pytest.raises(CheckpointError, match="another base, recipe or data"):
        adapt(news * 8, small_encoder, tmp_path, replace(MANY_STEPS, seed=2))
