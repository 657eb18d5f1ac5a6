"""Passages read by one tagger, or by several that decide together.

An ensemble averages what its members think of each word: the logits of being a cue, and the potentials of the random
field that labels roles. Its members may have other encoders and tokenizers; they share words and labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from extractor.crf import LinearChain
from extractor.labels import KINDS, Frame, frame_of
from extractor.pieces import Batch
from extractor.tagger import Anchors, Tagger


@dataclass(frozen=True, slots=True)
class Reading:
    """The frames of one passage in the order of the text, and each word's probability of being a cue, [words]."""

    frames: list[Frame]
    cues: list[float]


@torch.inference_mode()
def read(taggers: Sequence[Tagger], batches: Sequence[Batch], threshold: float, *, half: bool = False) -> list[Reading]:
    """One reading a passage; ``batches[i]`` holds the same passages in the pieces of ``taggers[i]``.

    Frames are those whose cue is at least as probable as ``threshold`` and that have content. ``half`` runs the
    encoders in bfloat16; the recurrent layers are faster without on a CPU.
    """
    words = [_words(tagger, given, half) for tagger, given in zip(taggers, batches, strict=True)]
    mask = batches[0].word_mask
    logits = _mean([tagger.cue_logits(states) for tagger, states in zip(taggers, words, strict=True)])
    probability = torch.sigmoid(logits) * mask
    readings = [Reading([], row[: int(size)].tolist()) for row, size in zip(probability, mask.sum(1), strict=True)]
    passage, word = torch.nonzero((probability >= threshold) & mask, as_tuple=True)
    if not len(passage):
        return readings
    anchors = Anchors(passage, word)
    roles = [tagger.role_states(states, mask, anchors) for tagger, states in zip(taggers, words, strict=True)]
    emissions = _mean([tagger.emit(states) for tagger, states in zip(taggers, roles, strict=True)])
    described = _mean([tagger.describe(states) for tagger, states in zip(taggers, roles, strict=True)])
    tags, likelihood = _chain(taggers).best(emissions, mask[passage])
    confidence = probability[passage, word] * likelihood.exp()
    for i, (row, anchor) in enumerate(zip(passage.tolist(), word.tolist(), strict=True)):
        frame = frame_of(anchor, tags[i].tolist())
        if frame is not None:
            readings[row].frames.append(_described(frame, described[i], float(confidence[i])))
    return readings


def _words(tagger: Tagger, given: Batch, half: bool) -> Tensor:
    with torch.autocast(given.pieces.device.type, torch.bfloat16, enabled=half):
        return tagger.words(given).float()


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).mean(0) if len(tensors) > 1 else tensors[0]


def _chain(taggers: Sequence[Tagger]) -> LinearChain:
    """The taggers' mean random field: log-linear, so averaging potentials averages its log-scores."""
    if len(taggers) == 1:
        return taggers[0].chain
    return taggers[0].chain.mean_with([tagger.chain for tagger in taggers[1:]])


def _described(frame: Frame, described: Tensor, confidence: float) -> Frame:
    """The frame with its speaker's kind and name, read off the words of the mention."""
    kind, name = None, ()
    if frame.mention:
        first, end = frame.mention
        mention = described[first:end]
        kind = KINDS[int(mention[:, :-1].mean(0).argmax())]
        name = tuple((torch.nonzero(mention[:, -1] > 0).flatten() + first).tolist())
    return replace(frame, kind=kind, name=name, confidence=confidence)
