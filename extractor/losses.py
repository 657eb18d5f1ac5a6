"""What the tagger should have said of a passage, and how far off it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from extractor.augmentation import Example
from extractor.labels import KINDS, Frame, Range
from extractor.passages import windows
from extractor.pieces import Batch, Pieces, batch
from extractor.tagger import Anchors, Tagger

_DOUBTFUL_CUE = 0.1
_SURE_ROLES = 0.2  # of silver frames; gold ones have confidence 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of an example: its words, where its quotations are anchored, and those frames that it holds whole.

    ``unsure`` are words about which nothing is taught: they may or may not be cues.
    """

    texts: tuple[str, ...]
    anchors: tuple[int, ...]
    unsure: tuple[int, ...]
    frames: tuple[Frame, ...]
    size: int  # pieces, start and end included


def passages(example: Example, pieces: Pieces, limit: int) -> list[Passage]:
    counts = [len(ids) for ids in pieces.of(example.texts)]
    found = []
    for window in windows(counts, limit):
        inside = [frame for frame in example.frames if window.first <= frame.anchor < window.end]
        placed = [_placed(frame, window.first, window.end) for frame in inside]
        found.append(
            Passage(
                example.texts[window.first : window.end],
                tuple(frame.anchor - window.first for frame in inside),
                tuple(i - window.first for i in sorted(example.unsure) if window.first <= i < window.end),
                tuple(frame for frame in placed if frame),
                2 + sum(counts[window.first : window.end]),
            )
        )
    return found


def _placed(frame: Frame, first: int, end: int) -> Frame | None:
    """The frame in window positions; None where its content is cut or unsure. What else lies outside is left out."""

    def inside(words: Range | None) -> bool:
        return words is not None and first <= words[0] and words[1] <= end

    if frame.confidence < _SURE_ROLES or not all(map(inside, frame.content)):
        return None
    kept = replace(
        frame,
        source=frame.source if inside(frame.source) else None,
        antecedent=frame.antecedent if inside(frame.antecedent) else None,
        via=frame.via if inside(frame.via) else None,
    )
    return replace(kept, name=kept.name if kept.mention else ()).moved(-first)


def losses(tagger: Tagger, given: Sequence[Passage], pieces: Pieces) -> tuple[Tensor, Tensor, Tensor]:
    """Cue, role and description loss of a batch, each a mean over its quotations."""
    device = next(tagger.parameters()).device
    inputs = batch([passage.texts for passage in given], pieces).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        words = tagger.words(inputs)
        logits = tagger.cue_logits(words).float()
    cues = torch.zeros_like(logits)
    taught = inputs.word_mask.clone()
    for row, passage in enumerate(given):
        cues[row, list(passage.anchors)] = 1.0
        taught[row, list(passage.unsure)] = False
    count = max(1, int(cues.sum()))
    wrong = functional.binary_cross_entropy_with_logits(logits, cues, reduction="none")
    cue_loss = (wrong * taught).sum() / count

    placed = [(row, frame) for row, passage in enumerate(given) for frame in passage.frames]
    # The role layer also sees words that only look like cues, with nothing to find: it is the second opinion.
    doubtful = _doubtful(logits.detach(), cues, taught, len(placed) // 3 + 1)
    rows = [row for row, _ in placed] + [row for row, _ in doubtful]
    at = [frame.anchor for _, frame in placed] + [word for _, word in doubtful]
    if not rows:
        return cue_loss, cue_loss * 0, cue_loss * 0
    anchors = Anchors(torch.tensor(rows, device=device), torch.tensor(at, device=device))
    # Recurrent layers are faster in float32 on a CPU.
    states = tagger.role_states(words, inputs.word_mask, anchors)
    tags = _tags([frame for _, frame in placed], len(rows), inputs)
    likelihood = tagger.chain.log_likelihood(tagger.emit(states), tags, inputs.word_mask[anchors.passage])
    described = _description_loss(tagger.describe(states), [frame for _, frame in placed])
    return cue_loss, -likelihood.mean(), described


def _doubtful(logits: Tensor, cues: Tensor, mask: Tensor, most: int) -> list[tuple[int, int]]:
    """The (passage, word) most mistaken for cues."""
    probability = torch.sigmoid(logits) * mask * (1 - cues)
    values, places = probability.flatten().topk(min(most, probability.numel()))
    width = probability.shape[1]
    return [divmod(int(p), width) for v, p in zip(values, places, strict=True) if v > _DOUBTFUL_CUE]


def _tags(frames: Sequence[Frame], anchors: int, inputs: Batch) -> Tensor:
    width = inputs.word_mask.shape[1]
    tags = torch.zeros(anchors, width, dtype=torch.long)
    for i, frame in enumerate(frames):
        tags[i] = torch.tensor(frame.tags(width))
    return tags.to(inputs.word_mask.device)


def _description_loss(described: Tensor, frames: Sequence[Frame]) -> Tensor:
    """Of the speaker's kind (one decision a mention) and name (one a word)."""
    kinds, wanted, names, named = [], [], [], []
    for i, frame in enumerate(frames):
        if frame.mention and frame.kind:
            mention = described[i, frame.mention[0] : frame.mention[1]]
            kinds.append(mention[:, :-1].mean(0))
            wanted.append(KINDS.index(frame.kind))
            names.append(mention[:, -1])
            named += [float(word in frame.name) for word in range(*frame.mention)]
    if not kinds:
        return described.sum() * 0
    kind_loss = functional.cross_entropy(torch.stack(kinds), torch.tensor(wanted, device=described.device))
    name_loss = functional.binary_cross_entropy_with_logits(
        torch.cat(names), torch.tensor(named, device=described.device)
    )
    return kind_loss + name_loss
