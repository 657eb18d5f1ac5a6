"""Adapting an encoder to news before it learns the task: masked words of raw articles (Gururangan et al. 2020).

Whole words are masked, as the tagger decides on whole words. Windows are short: neighbouring words tell most of a
masked one, and attention over 512 pieces costs as much as everything else.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from extractor.checkpoint import load_encoder
from extractor.passages import lines, split_words
from extractor.pieces import Batch, Pieces, batch, side_by_side
from extractor.run_state import RunState, restore, up_then_down


@dataclass(frozen=True, slots=True)
class AdaptationRecipe:
    """One pass over the articles. ``masked`` is the share of words to guess; every tenth of them stays as it is."""

    seed: int = 1
    window_words: int = 150
    batch_pieces: int = 4000
    rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.06
    masked: float = 0.2


class MaskedWords(nn.Module):
    """An encoder and the head of BERT's pre-training: dense, GELU, norm, then the transposed word embeddings."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.embeddings = cast("nn.Embedding", encoder.get_input_embeddings())
        width = int(encoder.config.hidden_size)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(self.embeddings.num_embeddings))

    def loss(self, given: Batch, hidden_pieces: Tensor, shown: Tensor) -> Tensor:
        """Mean cross-entropy of the hidden pieces; ``hidden_pieces`` [B, P] is True where one is to be guessed."""
        states = self.encoder(input_ids=shown, attention_mask=given.piece_mask.long()).last_hidden_state
        guesses = self.transform(states[hidden_pieces])
        logits = functional.linear(guesses, self.embeddings.weight, self.bias)
        return functional.cross_entropy(logits.float(), given.pieces[hidden_pieces])


def adapt(
    articles: Iterable[str],
    base: str | Path,
    output: Path,
    recipe: AdaptationRecipe,
    *,
    device: str = "cpu",
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> None:
    """Writes an encoder that AutoModel loads to ``output``, with its tokenizer and the losses (adaptation.jsonl).

    ``articles`` are texts. Interrupted, it continues from ``output/state``; raises CheckpointError where that is
    another run's.
    """
    torch.manual_seed(recipe.seed)
    encoder, pieces = load_encoder(base)
    network = MaskedWords(encoder).to(device)
    batches = _batches(articles, pieces, recipe)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98), fused=True
    )
    identity = _identity(encoder, recipe, batches)
    saved = restore(output / "state", optimizer, identity)
    done = 0
    if saved:
        done = saved.step
        network.load_state_dict(saved.groups["weights"])
    schedule = up_then_down(optimizer, len(batches), recipe.warmup, done)
    output.mkdir(parents=True, exist_ok=True)
    losses: list[float] = []
    for step in range(done, len(batches)):
        given = batch(batches[step], pieces).to(torch.device(device))
        hidden, shown = _hide(given, pieces, recipe.masked, recipe.seed * 1_000_003 + step)
        with torch.autocast(device, torch.bfloat16):
            loss = network.loss(given, hidden, shown)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        on_step(step + 1, len(batches), losses[-1])
        if (step + 1) % 100 == 0:
            with (output / "adaptation.jsonl").open("a", encoding="utf-8") as log:
                log.write(
                    json.dumps({"step": step + 1, "steps": len(batches), "loss": sum(losses) / len(losses)}) + "\n"
                )
            losses = []
        if (step + 1) % 200 == 0:
            RunState(step + 1, {"weights": network.state_dict()}).save(output / "state", optimizer, identity)
    encoder.half().save_pretrained(output)  # type: ignore[no-untyped-call]
    pieces.tokenizer.save_pretrained(output)


def _batches(articles: Iterable[str], pieces: Pieces, recipe: AdaptationRecipe) -> list[list[list[str]]]:
    """Windows of words, in batches of similar length and random order."""
    rng = random.Random(recipe.seed)  # noqa: S311 - not for secrets
    windows: list[list[str]] = []
    for text in articles:
        words = list(split_words(text, lines(text)).texts)
        windows += [words[i : i + recipe.window_words] for i in range(0, len(words), recipe.window_words)]
    sizes = [2 + sum(map(len, pieces.of(window))) for window in windows]
    order = sorted(range(len(windows)), key=lambda i: sizes[i] + rng.random() * 20)
    batches = [[windows[i] for i in part] for part in side_by_side(order, sizes.__getitem__, recipe.batch_pieces)]
    rng.shuffle(batches)
    return batches


def _hide(given: Batch, pieces: Pieces, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Which pieces are to be guessed, and the ids that the encoder is shown instead; both [B, P]."""
    generator = torch.Generator().manual_seed(seed)
    chosen = (torch.rand(given.word_mask.shape, generator=generator) < share).to(given.word_mask.device)
    chosen &= given.word_mask
    chosen[0, 0] = True  # at least one
    kept = (torch.rand(given.word_mask.shape, generator=generator) < 0.1).to(given.word_mask.device)
    hidden, masked = torch.zeros_like(given.piece_mask), torch.zeros_like(given.piece_mask)
    for row, word in torch.nonzero(chosen).tolist():
        part = slice(int(given.first_piece[row, word]), int(given.last_piece[row, word]) + 1)
        hidden[row, part] = True
        masked[row, part] = not bool(kept[row, word])
    return hidden, given.pieces.masked_fill(masked, pieces.mask)


def _identity(encoder: PreTrainedModel, recipe: AdaptationRecipe, batches: Sequence[Sequence[Sequence[str]]]) -> str:
    digest = hashlib.sha256(json.dumps(asdict(recipe)).encode())
    digest.update(encoder.config.to_json_string().encode())
    for windows in batches:
        digest.update(repr(windows).encode())
    return digest.hexdigest()
