"""The network: what stands beside a passage changes nothing, and any encoder will do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from extractor.checkpoint import Checkpoint, load_checkpoint, new_tagger
from extractor.labels import KINDS, Frame, may_follow
from extractor.pieces import batch
from extractor.reading import read
from extractor.tagger import Anchors, HeadSizes, Tagger
from tests.encoders import ARCHITECTURES, POSITIONS, bert

SIZES = HeadSizes(word=16, distance=4, roles=12)
PASSAGES = [
    "قال وزير الطاقة سامر الحلبي إن الإنتاج سيرتفع هذا العام . \n".split(" "),
    "وأضاف أن المصفاة الجديدة تعمل منذ شهرين .".split(" "),
    ["نعم"],
    "ارتفعت أسعار الخبز قليلا ، وفقا لوزارة التجارة . \n وكان الجو باردا .".split(" ") * 3,
]


@pytest.fixture(scope="module")
def checkpoint(small_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(small_checkpoint)


def frames_of(checkpoint: Checkpoint, passages: list[list[str]], threshold: float = 0.1) -> list[list[Frame]]:
    readings = read([checkpoint.tagger], [batch(passages, checkpoint.pieces)], threshold)
    return [reading.frames for reading in readings]


def but_confidence(frame: Frame) -> tuple[object, ...]:
    return (frame.anchor, frame.content, frame.source, frame.antecedent, frame.via, frame.kind, frame.name)


def test_the_talkative_checkpoint_gives_frames_to_look_at(checkpoint: Checkpoint) -> None:
    found = frames_of(checkpoint, PASSAGES)
    assert sum(map(len, found)) > 15
    assert any(frame.source for frames in found for frame in frames)
    assert any(frame.via for frames in found for frame in frames)
    assert any(len(frame.content) > 1 for frames in found for frame in frames)


def test_a_passage_reads_the_same_alone_and_in_a_batch(checkpoint: Checkpoint) -> None:
    together = frames_of(checkpoint, PASSAGES)
    alone = [frames_of(checkpoint, [passage])[0] for passage in PASSAGES]
    for beside, single in zip(together, alone, strict=True):
        assert list(map(but_confidence, beside)) == list(map(but_confidence, single))
        assert [f.confidence for f in beside] == pytest.approx([f.confidence for f in single], rel=1e-3, abs=1e-6)


def test_the_order_of_a_batch_does_not_matter(checkpoint: Checkpoint) -> None:
    backwards = frames_of(checkpoint, PASSAGES[::-1])[::-1]
    for beside, turned in zip(frames_of(checkpoint, PASSAGES), backwards, strict=True):
        assert list(map(but_confidence, beside)) == list(map(but_confidence, turned))


def test_states_of_words_do_not_depend_on_padding(checkpoint: Checkpoint) -> None:
    """Both layers, before anything is rounded to a decision."""
    tagger, together = checkpoint.tagger, batch(PASSAGES, checkpoint.pieces)
    with torch.inference_mode():
        words = tagger.words(together)
        anchors = Anchors(torch.arange(len(PASSAGES)), torch.zeros(len(PASSAGES), dtype=torch.long))
        states = tagger.role_states(words, together.word_mask, anchors)
        for row, passage in enumerate(PASSAGES):
            single = batch([passage], checkpoint.pieces)
            alone = tagger.words(single)
            first = Anchors(torch.tensor([0]), torch.tensor([0]))
            size = len(passage)
            torch.testing.assert_close(words[row, :size], alone[0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(
                states[row, :size],
                tagger.role_states(alone, single.word_mask, first)[0],
                rtol=1e-4,
                atol=1e-5,
            )


def test_frames_are_within_their_passage_and_in_order(checkpoint: Checkpoint) -> None:
    for passage, frames in zip(PASSAGES, frames_of(checkpoint, PASSAGES, threshold=0.0), strict=True):
        assert [frame.anchor for frame in frames] == sorted({frame.anchor for frame in frames})
        for frame in frames:
            assert 0 <= frame.anchor < len(passage)
            assert all(0 <= first < end <= len(passage) for first, end in frame.content)
            assert 0 <= frame.confidence <= 1
            tags = frame.tags(len(passage))
            assert all(may_follow(before, tag) for before, tag in zip([None, *tags], tags, strict=False))
            if frame.mention:
                assert frame.kind in KINDS
                assert all(frame.mention[0] <= i < frame.mention[1] for i in frame.name)
            else:
                assert frame.kind is None


def test_a_high_threshold_finds_nothing(checkpoint: Checkpoint) -> None:
    assert frames_of(checkpoint, PASSAGES, threshold=1.1) == [[], [], [], []]


def test_half_precision_says_about_the_same(checkpoint: Checkpoint) -> None:
    inputs = batch(PASSAGES, checkpoint.pieces)
    with torch.inference_mode():
        whole = torch.sigmoid(checkpoint.tagger.cue_logits(checkpoint.tagger.words(inputs)))
        with torch.autocast("cpu", torch.bfloat16):
            half = torch.sigmoid(checkpoint.tagger.cue_logits(checkpoint.tagger.words(inputs)).float())
    assert float((whole - half).abs()[inputs.word_mask].mean()) < 0.1
    assert len(read([checkpoint.tagger], [inputs], 0.5, half=True)) == len(PASSAGES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_encoder_fills_its_window(architecture: str, tmp_path: Path, texts: list[str]) -> None:
    """A passage of exactly ``window_pieces`` must fit, whatever way the encoder counts its positions."""
    tagger, pieces = new_tagger(ARCHITECTURES[architecture](tmp_path, texts), SIZES)
    tagger.eval()
    assert tagger.window_pieces == POSITIONS - 2
    mark = next(text for text in (".", "،", ":") if len(pieces.of([text])[0]) == 1)
    readings = read([tagger], [batch([[mark] * tagger.window_pieces, PASSAGES[0]], pieces)], 0.0)
    assert [len(reading.cues) for reading in readings] == [tagger.window_pieces, len(PASSAGES[0])]


def test_a_window_never_exceeds_512_positions(tmp_path: Path, texts: list[str]) -> None:
    tagger, _ = new_tagger(bert(tmp_path, texts, positions=2048), SIZES)
    assert tagger.window_pieces == 510


def test_dropout_is_for_training_only(small_encoder: Path) -> None:
    tagger, pieces = new_tagger(small_encoder, HeadSizes(word=16, distance=4, roles=12, dropout=0.5))
    inputs = batch(PASSAGES, pieces)

    def words() -> torch.Tensor:
        with torch.no_grad():
            return tagger.words(inputs)

    tagger.train()
    assert not torch.equal(words(), words())
    tagger.eval()
    assert torch.equal(words(), words())
    assert all(module.p == 0 for module in tagger.encoder.modules() if isinstance(module, torch.nn.Dropout))


def test_the_pooler_is_left_out(small_encoder: Path) -> None:
    tagger, _ = new_tagger(small_encoder, SIZES)
    assert isinstance(tagger, Tagger)
    assert not [name for name in tagger.state_dict() if "pooler" in name]


def test_a_tagger_with_itself_decides_as_it_does_alone(checkpoint: Checkpoint) -> None:
    inputs = batch(PASSAGES, checkpoint.pieces)
    alone = read([checkpoint.tagger], [inputs], 0.1)
    together = read([checkpoint.tagger, checkpoint.tagger], [inputs, inputs], 0.1)
    for one, two in zip(alone, together, strict=True):
        assert list(map(but_confidence, one.frames)) == list(map(but_confidence, two.frames))
        assert one.cues == pytest.approx(two.cues, abs=1e-5)


def test_taggers_with_other_encoders_and_tokenizers_decide_together(tmp_path: Path, texts: list[str]) -> None:
    """What the ensemble believes lies between what its members do."""
    taggers, batches = [], []
    for architecture in ("bert", "roberta"):
        folder = tmp_path / architecture
        folder.mkdir()
        tagger, pieces = new_tagger(ARCHITECTURES[architecture](folder, texts), SIZES)
        taggers.append(tagger.eval())
        batches.append(batch(PASSAGES, pieces))
    members = [read([tagger], [inputs], 0.0) for tagger, inputs in zip(taggers, batches, strict=True)]
    for i, reading in enumerate(read(taggers, batches, 0.0)):
        for position, cue in enumerate(reading.cues):
            beliefs = [member[i].cues[position] for member in members]
            assert min(beliefs) - 1e-5 <= cue <= max(beliefs) + 1e-5
