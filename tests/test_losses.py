"""Examples as windows, and what a tagger loses on them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from extractor.augmentation import Example
from extractor.checkpoint import Checkpoint, load_checkpoint
from extractor.labels import Frame
from extractor.losses import Passage, losses, passages
from extractor.training import examples
from tests.stories import ADDED, LONG, PLAIN, RECALLED, SPOKE, article, articles


@pytest.fixture(scope="module")
def untrained(small_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(small_checkpoint)


@pytest.fixture(scope="module")
def long_example() -> Example:
    (made,) = examples([article("long", [SPOKE, ADDED, *PLAIN, RECALLED, *PLAIN, SPOKE, ADDED] * 3)])
    return made


def words_at(texts: tuple[str, ...], parts: tuple[tuple[int, int], ...]) -> list[tuple[str, ...]]:
    return [texts[first:end] for first, end in parts]


def test_a_short_example_is_one_passage(untrained: Checkpoint) -> None:
    (example,) = examples([article("short", [SPOKE, ADDED])])
    (passage,) = passages(example, untrained.pieces, 128)
    assert passage.texts == example.texts
    assert passage.frames == example.frames
    assert passage.anchors == tuple(frame.anchor for frame in example.frames)


def test_every_anchor_is_in_a_window_and_frames_keep_their_words(untrained: Checkpoint, long_example: Example) -> None:
    wanted = {frame.anchor: frame for frame in long_example.frames}
    found = passages(long_example, untrained.pieces, 128)
    assert len(found) > 4
    first, seen = 0, set()
    for passage in found:
        first = next(i for i in range(first, len(long_example.texts)) if starts_at(long_example, passage, i))
        assert passage.size <= 130
        assert {long_example.texts[first + i] for i in passage.anchors} <= {"وقال", "وأضاف", "وروى"}
        seen |= {first + i for i in passage.anchors}
        for frame in passage.frames:
            whole = wanted[first + frame.anchor]
            assert words_at(passage.texts, frame.content) == words_at(long_example.texts, whole.content)
            if frame.source and whole.source:
                assert words_at(passage.texts, (frame.source,)) == words_at(long_example.texts, (whole.source,))
            assert all(0 <= i < len(passage.texts) for i in frame.name)
    assert seen == set(wanted)


def starts_at(example: Example, passage: Passage, i: int) -> bool:
    return example.texts[i : i + len(passage.texts)] == passage.texts


def test_a_frame_whose_content_is_cut_teaches_only_its_cue(untrained: Checkpoint) -> None:
    (example,) = examples([article("cut", [PLAIN[0], RECALLED])])
    size = sum(map(len, untrained.pieces.of(tuple(LONG.split()))))
    found = passages(example, untrained.pieces, size - 10)
    assert sum(len(passage.anchors) for passage in found) >= 1
    assert not any(passage.frames for passage in found)


def test_a_source_outside_the_window_is_left_out(untrained: Checkpoint) -> None:
    texts = ("سامر", *("كلمة",) * 60, "وأضاف", "أن", "العمل", "مستمر", *("كلمة",) * 60)
    frame = Frame(61, ((63, 65),), antecedent=(0, 1), name=(0,))
    found = passages(Example(texts, (frame,)), untrained.pieces, 64)
    holding = [placed for passage in found if passage.texts[0] != "سامر" for placed in passage.frames]
    assert holding
    assert all(placed.antecedent is None and placed.name == () for placed in holding)


def test_losses_are_finite_and_teach_every_part(untrained: Checkpoint) -> None:
    data = [p for example in examples(articles(3)) for p in passages(example, untrained.pieces, 128)]
    tagger = load_checkpoint_for_training(untrained)
    for parameter in tagger.tagger.parameters():
        parameter.grad = None
    cue, role, described = losses(tagger.tagger, data, untrained.pieces)
    assert all(torch.isfinite(loss) and loss > 0 for loss in (cue, role, described))
    (cue + role + described).backward()  # type: ignore[no-untyped-call]
    without = {name for name, parameter in tagger.tagger.named_parameters() if parameter.grad is None}
    assert without == set()


def load_checkpoint_for_training(checkpoint: Checkpoint) -> Checkpoint:
    checkpoint.tagger.train()
    return checkpoint


def test_passages_without_quotations_teach_that_there_is_no_cue(untrained: Checkpoint) -> None:
    (example,) = examples([article("plain", PLAIN)])
    (passage,) = passages(example, untrained.pieces, 128)
    cue, role, described = losses(untrained.tagger, [passage], untrained.pieces)
    assert cue > 0
    assert torch.isfinite(role)
    assert float(described.detach()) == 0


def test_who_knows_the_quotations_loses_less(untrained: Checkpoint, trained_checkpoint: Path) -> None:
    knows = load_checkpoint(trained_checkpoint)
    data = [p for example in examples(articles(3)) for p in passages(example, knows.pieces, 128)]
    with torch.no_grad():
        ignorant = losses(untrained.tagger.eval(), data, untrained.pieces)
        knowing = losses(knows.tagger, data, knows.pieces)
    assert all(float(better) < 0.2 * float(worse) for better, worse in zip(knowing, ignorant, strict=True))


def test_the_loss_of_a_batch_is_that_of_its_passages(trained_checkpoint: Path) -> None:
    """A mean over quotations: two copies of a passage lose what one does."""
    knows = load_checkpoint(trained_checkpoint)
    (example,) = examples([article("one", [SPOKE, ADDED])])
    (passage,) = passages(example, knows.pieces, 128)
    with torch.no_grad():
        once = losses(knows.tagger, [passage], knows.pieces)
        twice = losses(knows.tagger, [passage] * 2, knows.pieces)
    for one, two in zip(once, twice, strict=True):
        assert float(two) == pytest.approx(float(one), rel=0.05, abs=1e-4)
