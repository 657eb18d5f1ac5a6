"""Training learns, keeps its averaged weights, and continues where it was interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from extractor.augmentation import Example
from extractor.checkpoint import Checkpoint, load_checkpoint
from extractor.checkpoint_folder import CheckpointError
from extractor.document import Document
from extractor.gold import GoldArticle
from extractor.pipeline import Extractor
from extractor.tagger import HeadSizes
from extractor.training import Progress, Recipe, examples, train
from tests.stories import SPOKE, TOLD, article, articles

TINY = Recipe(
    epochs=3,
    batch_pieces=150,
    encoder_rate=1e-3,
    head_rate=5e-3,
    average=0.9,
    sizes=HeadSizes(word=12, distance=4, roles=8, dropout=0.2),
)


class Interrupted(Exception):
    """Stands for Ctrl-C and kill."""


def interrupt_at(step: int) -> object:
    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise Interrupted

    return stop


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def assert_same(one: Path, other: Path) -> None:
    expected, found = weights(one), weights(other)
    assert expected.keys() == found.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=1e-2, atol=2e-3)


@pytest.fixture(scope="module")
def data() -> list[Example]:
    return examples(articles(6))


def test_examples_are_articles_with_their_frames() -> None:
    made = examples([article("one", [SPOKE]), GoldArticle(Document("empty", " \n"), "", ())])
    (example,) = made
    assert "".join(example.texts[slice(*example.frames[0].content[0])]) == "الإنتاجسيرتفعهذاالعام"


def test_losses_fall_epoch_by_epoch(small_encoder: Path, data: list[Example], tmp_path: Path) -> None:
    steps: list[Progress] = []
    scored: list[int] = []

    def score(epoch: int, checkpoint: Checkpoint) -> dict[str, float]:
        scored.append(epoch)
        return {"found": 0.5}

    train(data, small_encoder, tmp_path / "new" / "folder", TINY, name="t", on_step=steps.append, on_epoch=score)
    log = [json.loads(line) for line in (tmp_path / "new" / "folder" / "training.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == scored == [1, 2, 3]
    assert log[0]["cue_loss"] > log[1]["cue_loss"] > log[2]["cue_loss"]
    assert log[0]["role_loss"] > log[1]["role_loss"] > log[2]["role_loss"]
    assert {line["found"] for line in log} == {0.5}
    assert [progress.step for progress in steps] == list(range(1, steps[-1].steps + 1))
    assert log[-1]["step"] == steps[-1].steps


@pytest.mark.parametrize("after_epoch", [1, 2])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    after_epoch: int, small_encoder: Path, data: list[Example], tmp_path: Path
) -> None:
    steps: list[Progress] = []
    train(data, small_encoder, tmp_path / "whole", TINY, name="t", on_step=steps.append)
    first_of_epoch = next(p.step for p in steps if p.epoch == after_epoch)

    with pytest.raises(Interrupted):
        train(
            data,
            small_encoder,
            tmp_path / "broken",
            TINY,
            name="t",
            on_step=interrupt_at(first_of_epoch + 1),  # type: ignore[arg-type]
        )
    assert not (tmp_path / "broken" / "model.safetensors").exists()
    again: list[Progress] = []
    train(data, small_encoder, tmp_path / "broken", TINY, name="t", on_step=again.append)
    assert again[0].step == first_of_epoch
    assert_same(tmp_path / "whole", tmp_path / "broken")
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "broken" / "training.jsonl").open()]
    assert epochs == [1, 2, 3]


def test_a_run_interrupted_within_an_epoch_continues_within_it(small_encoder: Path, tmp_path: Path) -> None:
    """Its state is written every 200 steps."""
    short = [example for example in examples(article(str(i), [TOLD[i % 5]]) for i in range(205))]
    recipe = replace(TINY, epochs=1, batch_pieces=64, augment=False)
    recipe = replace(recipe, batch_pieces=1)
    train(short, small_encoder, tmp_path / "whole", recipe, name="t")
    with pytest.raises(Interrupted):
        train(
            short,
            small_encoder,
            tmp_path / "broken",
            recipe,
            name="t",
            on_step=interrupt_at(203),  # type: ignore[arg-type]
        )
    again: list[Progress] = []
    train(short, small_encoder, tmp_path / "broken", recipe, name="t", on_step=again.append)
    assert [progress.step for progress in again] == [201, 202, 203, 204, 205]
    assert_same(tmp_path / "whole", tmp_path / "broken")


def test_a_finished_run_called_again_has_nothing_to_do(
    small_encoder: Path, data: list[Example], tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=1)
    train(data, small_encoder, tmp_path, recipe, name="t")
    before = weights(tmp_path)
    again: list[Progress] = []
    train(data, small_encoder, tmp_path, recipe, name="t", on_step=again.append)
    assert again == []
    assert all(torch.equal(tensor, before[key]) for key, tensor in weights(tmp_path).items())


def test_the_same_seed_gives_the_same_checkpoint_and_another_another(
    small_encoder: Path, data: list[Example], tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=1)
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(data, small_encoder, tmp_path / folder, replace(recipe, seed=seed), name="t")
    assert_same(tmp_path / "a", tmp_path / "b")
    assert not torch.equal(weights(tmp_path / "a")["emit.weight"], weights(tmp_path / "c")["emit.weight"])


def test_the_checkpoint_holds_averaged_weights(small_encoder: Path, data: list[Example], tmp_path: Path) -> None:
    """The average trails behind the weights in training, and lies nearer to where they began."""
    made = train(data, small_encoder, tmp_path, TINY, name="t")
    state = load_file(tmp_path / "state" / "state.safetensors")
    averaged, last = made.tagger.state_dict()["emit.weight"], state["weights.emit.weight"]
    torch.testing.assert_close(averaged, state["average.emit.weight"])
    assert not torch.allclose(averaged, last, atol=1e-3)
    assert (averaged - last).norm() < 0.5 * last.norm()


def test_the_checkpoint_tells_how_it_was_made(small_encoder: Path, data: list[Example], tmp_path: Path) -> None:
    train(data, small_encoder, tmp_path, replace(TINY, epochs=1), name="تجربة")
    loaded = load_checkpoint(tmp_path)
    assert loaded.name == "تجربة"
    assert loaded.facts["examples"] == 6
    assert loaded.facts["recipe"]["epochs"] == 1
    assert loaded.facts["steps"] > 0


def test_without_an_encoder_nothing_is_begun(tmp_path: Path, data: list[Example]) -> None:
    with pytest.raises(CheckpointError):
        train(data, tmp_path / "nowhere", tmp_path / "output", TINY, name="t")
    assert not (tmp_path / "output").exists()


def test_little_data_is_learned_by_heart(trained: Extractor) -> None:
    for known in articles(8):
        raw = known.document.raw
        told = {(q.content, q.cue) for q in known.quotations}
        # A paragraph that stands twice is told once.
        first = {(q.content, q.cue) for q in trained.quotations(raw)}
        assert first <= told
        assert {tuple(s.of(raw) for s in content) for content, _ in first} == {
            tuple(s.of(raw) for s in content) for content, _ in told
        }
