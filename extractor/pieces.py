"""Words as the encoder's pieces, and passages as padded batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from extractor.passages import PARAGRAPH_END

T = TypeVar("T")

MAX_PIECES_A_WORD = 16


class Pieces:
    """Each word is cut by itself, once: news repeats its words, so the cache answers nearly always."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        if end is None or start is None or tokenizer.pad_token_id is None:
            raise ValueError("the tokenizer has no start, end or padding token: it is not that of a BERT-like encoder")
        if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
            raise ValueError("the tokenizer knows no words: its files are missing")
        self.start, self.end, self.padding = int(start), int(end), int(tokenizer.pad_token_id)
        self._unknown = int(tokenizer.unk_token_id if tokenizer.unk_token_id is not None else end)
        self.mask = int(tokenizer.mask_token_id if tokenizer.mask_token_id is not None else self._unknown)
        newline = tokenizer.get_vocab().get(PARAGRAPH_END, self.end)
        self._known: dict[str, tuple[int, ...]] = {PARAGRAPH_END: (int(newline),)}

    def of(self, words: Iterable[str]) -> list[tuple[int, ...]]:
        """The piece ids of every word: at least one, at most MAX_PIECES_A_WORD."""
        words = list(words)
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        if new:
            if len(self._known) > 100_000:  # an archive's misspellings must not fill the memory
                self._known = {PARAGRAPH_END: self._known[PARAGRAPH_END]}
                return self.of(words)
            encoded = self.tokenizer([[word] for word in new], is_split_into_words=True, add_special_tokens=False)
            for word, ids in zip(new, encoded["input_ids"], strict=True):
                self._known[word] = tuple(ids[:MAX_PIECES_A_WORD]) or (self._unknown,)
        return [self._known[word] for word in words]


@dataclass(frozen=True, slots=True)
class Batch:
    """Passages side by side, padded. P pieces and W words at most a passage, B passages."""

    pieces: Tensor  # [B, P] ids
    piece_mask: Tensor  # [B, P] True where there is a piece
    first_piece: Tensor  # [B, W] position of each word's first piece
    last_piece: Tensor  # [B, W] position of its last
    word_mask: Tensor  # [B, W] True where there is a word

    def to(self, device: torch.device) -> Batch:
        return Batch(
            *(
                tensor.to(device, non_blocking=True)
                for tensor in (
                    self.pieces,
                    self.piece_mask,
                    self.first_piece,
                    self.last_piece,
                    self.word_mask,
                )
            )
        )


def batch(passages: Sequence[Sequence[str]], pieces: Pieces) -> Batch:
    """Raises ValueError for a passage without words."""
    if any(len(passage) == 0 for passage in passages):
        raise ValueError("a passage without words cannot be tagged")
    ids = [pieces.of(passage) for passage in passages]
    lengths = [2 + sum(map(len, words)) for words in ids]
    shape = (len(passages), max(lengths))
    words_shape = (len(passages), max(map(len, ids)))
    out = Batch(
        pieces=torch.full(shape, pieces.padding),
        piece_mask=torch.zeros(shape, dtype=torch.bool),
        first_piece=torch.zeros(words_shape, dtype=torch.long),
        last_piece=torch.zeros(words_shape, dtype=torch.long),
        word_mask=torch.zeros(words_shape, dtype=torch.bool),
    )
    for row, words in enumerate(ids):
        flat = [pieces.start, *(piece for word in words for piece in word), pieces.end]
        sizes = torch.tensor([len(word) for word in words])
        ends = sizes.cumsum(0)
        out.pieces[row, : len(flat)] = torch.tensor(flat)
        out.piece_mask[row, : len(flat)] = True
        out.first_piece[row, : len(words)] = ends - sizes + 1
        out.last_piece[row, : len(words)] = ends
        out.word_mask[row, : len(words)] = True
    return out


def side_by_side(items: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Items that come in order of their size, in groups of at most ``most`` with their padding, or of one item."""
    group: list[T] = []
    for item in items:
        if group and size(item) * (len(group) + 1) > most:
            yield group
            group = []
        group.append(item)
    if group:
        yield group
