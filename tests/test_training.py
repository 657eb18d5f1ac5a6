"""Training learns, keeps its averaged weights, and continues where it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from extractor.training import Progress, Recipe, data_facts, examples, train
from extractor.training_log import read_curve
from tests.stories import SPOKE, TOLD, article, articles

TINY = Recipe(
    epochs=3,
    batch_pieces=150,
    encoder_rate=1e-3,
    head_rate=5e-3,
    average=0.9,
    sizes=HeadSizes(word=12, distance=4, roles=8, dropout=0.2),
)


class Stopped(BaseException):
    """Stands for Ctrl-C and kill."""


def interrupt_at(step: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise Stopped

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


@dataclass(frozen=True)
class Run:
    folder: Path
    steps: list[Progress]

    @property
    def log(self) -> list[dict[str, float]]:
        return [json.loads(line) for line in (self.folder / "training.jsonl").read_text("utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def whole(small_encoder: Path, data: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of TINY that nothing interrupted, in a folder that it made."""
    run = Run(tmp_path_factory.mktemp("training") / "new" / "folder", [])
    train(
        data,
        small_encoder,
        run.folder,
        TINY,
        name="t",
        on_step=run.steps.append,
        on_epoch=lambda epoch, checkpoint: {"scored": epoch},
    )
    return run


def test_every_step_and_epoch_is_reported(whole: Run) -> None:
    assert [progress.step for progress in whole.steps] == list(range(1, whole.steps[-1].steps + 1))
    assert [line["epoch"] for line in whole.log] == [line["scored"] for line in whole.log] == [1, 2, 3]
    assert whole.log[-1]["step"] == whole.steps[-1].steps


def test_losses_fall(trained_checkpoint: Path) -> None:
    first, *_, last = Run(trained_checkpoint, []).log
    assert last["cue_loss"] < 0.1 * first["cue_loss"]
    assert last["role_loss"] < 0.1 * first["role_loss"]


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    small_encoder: Path, data: list[Example], tmp_path: Path, whole: Run
) -> None:
    first_of_third = next(progress.step for progress in whole.steps if progress.epoch == 2)
    stop = interrupt_at(first_of_third + 1)
    with pytest.raises(Stopped):
        train(data, small_encoder, tmp_path, TINY, name="t", on_step=stop)
    assert not (tmp_path / "model.safetensors").exists()
    again = Run(tmp_path, [])
    train(data, small_encoder, tmp_path, TINY, name="t", on_step=again.steps.append)
    assert again.steps[0].step == first_of_third
    assert_same(whole.folder, tmp_path)
    assert [line["epoch"] for line in again.log] == [1, 2, 3]


@pytest.mark.parametrize("other", ["recipe", "data"])
def test_another_run_does_not_go_on_with_this_one(
    other: str, small_encoder: Path, data: list[Example], whole: Run
) -> None:
    recipe = replace(TINY, seed=2) if other == "recipe" else TINY
    with pytest.raises(CheckpointError, match="another base, recipe or data"):
        train(data[1:] if other == "data" else data, small_encoder, whole.folder, recipe, name="t")


def test_a_run_interrupted_within_an_epoch_continues_within_it(small_encoder: Path, tmp_path: Path) -> None:
    """Its state is written every 200 steps."""
    short = examples(article(str(i), [TOLD[i % 5]]) for i in range(203))
    recipe = replace(TINY, epochs=1, batch_pieces=1, augment=False)
    train(short, small_encoder, tmp_path / "whole", recipe, name="t")
    with pytest.raises(Stopped):
        train(short, small_encoder, tmp_path / "broken", recipe, name="t", on_step=interrupt_at(202))
    again: list[Progress] = []
    train(short, small_encoder, tmp_path / "broken", recipe, name="t", on_step=again.append)
    assert [progress.step for progress in again] == [201, 202, 203]
    assert_same(tmp_path / "whole", tmp_path / "broken")
    logged = [(line["step"], line["steps"]) for line in read_curve(tmp_path / "broken").losses]
    assert logged == [(50, 50), (100, 50), (150, 50), (200, 50), (203, 3)]


def test_an_epoch_that_ends_where_states_are_saved_has_its_line(small_encoder: Path, tmp_path: Path) -> None:
    short = examples(article(str(i), [TOLD[i % 5]]) for i in range(200))
    recipe = replace(TINY, epochs=1, batch_pieces=1, augment=False)

    def stop(epoch: int, checkpoint: Checkpoint) -> dict[str, object]:
        raise Stopped

    with pytest.raises(Stopped):
        train(short, small_encoder, tmp_path, recipe, name="t", on_epoch=stop)
    train(short, small_encoder, tmp_path, recipe, name="t", on_epoch=lambda epoch, checkpoint: {"scored": epoch})
    assert [line["scored"] for line in read_curve(tmp_path).epochs] == [1]


def test_a_finished_run_called_again_has_nothing_to_do(small_encoder: Path, data: list[Example], whole: Run) -> None:
    before, steps = weights(whole.folder), len(whole.steps)
    train(data, small_encoder, whole.folder, TINY, name="t", on_step=whole.steps.append)
    assert len(whole.steps) == steps
    assert all(torch.equal(tensor, before[key]) for key, tensor in weights(whole.folder).items())


def test_the_same_seed_gives_the_same_checkpoint_and_another_another(
    small_encoder: Path, data: list[Example], tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=1)
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(data, small_encoder, tmp_path / folder, replace(recipe, seed=seed), name="t")
    assert_same(tmp_path / "a", tmp_path / "b")
    assert not torch.equal(weights(tmp_path / "a")["emit.weight"], weights(tmp_path / "c")["emit.weight"])


def test_the_checkpoint_holds_averaged_weights(whole: Run) -> None:
    """The average trails behind the weights in training."""
    averaged = weights(whole.folder)["emit.weight"].float()
    state = load_file(whole.folder / "state" / "state.safetensors")
    last = state["weights.emit.weight"]
    torch.testing.assert_close(averaged, state["average.emit.weight"], rtol=1e-3, atol=1e-3)
    assert 0.002 * last.norm() < (averaged - last).norm() < 0.5 * last.norm()


def test_the_checkpoint_tells_how_it_was_made(small_encoder: Path, data: list[Example], tmp_path: Path) -> None:
    quotations = sum(len(made.quotations) for made in articles(6))
    facts = {"data": data_facts(articles(6))}
    train(data, small_encoder, tmp_path, replace(TINY, epochs=1), name="تجربة", facts=facts)
    loaded = load_checkpoint(tmp_path)
    assert loaded.name == "تجربة"
    assert loaded.facts["recipe"]["epochs"] == 1
    assert loaded.facts["data"] == [{"terms": "", "articles": 6, "quotations": quotations}]
    assert [epoch["epoch"] for epoch in loaded.facts["epochs"]] == [1]
    assert "not stated" in (tmp_path / "README.md").read_text("utf-8")


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
