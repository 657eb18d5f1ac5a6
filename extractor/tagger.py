"""The tagger: an encoder, a head that finds cues, and a layer that gives every word its role for each cue.

The cue is a predicate, content and source are its arguments: after one encoder pass over a passage, a bidirectional GRU
reads the passage once for each cue, over (word gated by the cue, cue, distance), and a conditional random field
decodes roles. The recurrent layer learns boundaries from little data where scoring each position alone does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from extractor.crf import LinearChain
from extractor.labels import KINDS, TAGS, Tag, may_follow
from extractor.pieces import Batch

MAX_WINDOW_PIECES = 510
_FARTHEST = 40  # buckets of distance to each side: every word up to 16, then ever coarser


@dataclass(frozen=True, slots=True)
class HeadSizes:
    """Widths of the heads, in units."""

    word: int = 256
    distance: int = 32
    roles: int = 192
    dropout: float = 0.2


@dataclass(frozen=True, slots=True)
class Anchors:
    """Which words to read the passages for: anchor i is word ``word[i]`` of passage ``passage[i]``; both [anchors]."""

    passage: Tensor
    word: Tensor


class Tagger(nn.Module):
    """The network on any encoder that AutoModel loads; knows no tokenizer and no files."""

    def __init__(self, encoder: PreTrainedModel, sizes: HeadSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or HeadSizes()
        self.encoder = encoder
        width, word = int(encoder.config.hidden_size), self.sizes.word
        self.dropout = nn.Dropout(self.sizes.dropout)
        self.cue = nn.Sequential(nn.Linear(width, word), nn.GELU(), nn.Dropout(self.sizes.dropout), nn.Linear(word, 1))
        self.project = nn.Linear(width, word)
        self.gate = nn.Linear(width, word)
        self.distance = nn.Embedding(2 * _FARTHEST + 1, self.sizes.distance)
        self.forwards = nn.GRU(2 * word + self.sizes.distance, self.sizes.roles, batch_first=True)
        self.backwards = nn.GRU(2 * word + self.sizes.distance, self.sizes.roles, batch_first=True)
        self.emit = nn.Linear(2 * self.sizes.roles, len(TAGS))
        self.describe = nn.Linear(2 * self.sizes.roles, len(KINDS) + 1)
        self.chain = LinearChain(len(TAGS), _legal)

    @property
    def window_pieces(self) -> int:
        """How many pieces of words fit one pass, start and end pieces not counted."""
        positions = int(getattr(self.encoder.config, "max_position_embeddings", MAX_WINDOW_PIECES + 2))
        table = getattr(getattr(self.encoder, "embeddings", None), "position_embeddings", None)
        padding = getattr(table, "padding_idx", None)
        if padding is not None:  # RoBERTa counts positions from padding_idx + 1
            positions -= padding + 1
        return min(positions - 2, MAX_WINDOW_PIECES)

    def words(self, batch: Batch) -> Tensor:
        """One vector a word, [passages, words, width], float32: the mean of its first and last piece."""
        read = self.encoder(input_ids=batch.pieces, attention_mask=batch.piece_mask.long())
        hidden: Tensor = read.last_hidden_state.float()
        width = hidden.shape[-1]
        first = hidden.gather(1, batch.first_piece.unsqueeze(-1).expand(-1, -1, width))
        last = hidden.gather(1, batch.last_piece.unsqueeze(-1).expand(-1, -1, width))
        averaged: Tensor = self.dropout((first + last) / 2)
        return averaged

    def cue_logits(self, words: Tensor) -> Tensor:
        """[passages, words]"""
        logits: Tensor = self.cue(words)
        return logits.squeeze(-1)

    def role_states(self, words: Tensor, word_mask: Tensor, anchors: Anchors) -> Tensor:
        """What the role layer knows of each word for each anchor, [anchors, words, 2 * roles]."""
        cue_words = words[anchors.passage, anchors.word]
        # Projected once a passage and gathered once an anchor: an article has many cues.
        projected = self.project(words)[anchors.passage]
        gate = torch.tanh(self.gate(cue_words)).unsqueeze(1)
        positions = torch.arange(words.shape[1], device=words.device)
        distance = self.distance(_bucket(positions.unsqueeze(0) - anchors.word.unsqueeze(1)))
        read = torch.cat([projected, projected * gate, distance], dim=-1)
        # Each passage is turned around within its own length, so that padding is read last both ways and changes
        # nothing. PyTorch's packed sequences say the same 36 times more slowly on a CPU.
        lengths = word_mask.sum(1)[anchors.passage].unsqueeze(1)
        turned = torch.where(positions < lengths, lengths - 1 - positions, positions)
        ahead, _ = self.forwards(read)
        back, _ = self.backwards(_reordered(read, turned))
        states: Tensor = self.dropout(torch.cat([ahead, _reordered(back, turned)], dim=-1))
        return states


def _reordered(sequences: Tensor, order: Tensor) -> Tensor:
    """[anchors, words, width] with each one's words in the order given, [anchors, words]."""
    return sequences.gather(1, order.unsqueeze(-1).expand(-1, -1, sequences.shape[-1]))


def _bucket(distance: Tensor) -> Tensor:
    """Signed distances in words as embedding rows: exact up to 16, logarithmic beyond, clipped."""
    size = distance.abs()
    far = 16 + (torch.log2(size.clamp(min=16) / 16) * 6).long()
    return torch.sign(distance) * torch.where(size <= 16, size, far).clamp(max=_FARTHEST) + _FARTHEST


def _legal(before: int | None, tag: int) -> bool:
    return may_follow(None if before is None else Tag(before), Tag(tag))
