"""Fine-tuning: examples in, checkpoint out. Resumable, the same command on CPU and GPU."""

from __future__ import annotations

import hashlib
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from extractor.augmentation import Example, vary
from extractor.checkpoint import Checkpoint, new_tagger
from extractor.gold import GoldArticle
from extractor.labels import frames
from extractor.losses import Passage, losses, passages
from extractor.passages import lines, split_words
from extractor.pieces import Pieces, side_by_side
from extractor.run_state import RunState, restore, up_then_down
from extractor.tagger import HeadSizes, Tagger
from extractor.training_log import TrainingLog, read_curve


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides a training run, apart from its data and base.

    ``average`` is the decay of the weight average, ``silver`` the number of silver examples an annotated one and epoch,
    ``threshold`` the probability from which the checkpoint takes a word for a cue.
    """

    epochs: int = 4
    seed: int = 1
    batch_pieces: int = 2000
    encoder_rate: float = 1e-4
    head_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    average: float = 0.998
    describe_weight: float = 0.3
    augment: bool = True
    silver: float = 0.5
    threshold: float = 0.6
    sizes: HeadSizes = field(default_factory=HeadSizes)


@dataclass(frozen=True, slots=True)
class Progress:
    """After each step: losses are means since the last report."""

    step: int
    steps: int
    epoch: int
    cue_loss: float
    role_loss: float
    seconds: float


def examples(articles: Iterable[GoldArticle]) -> list[Example]:
    """One example an article, its repeated paragraphs included."""
    made = []
    for article in articles:
        words = split_words(article.document.raw, lines(article.document.raw))
        if len(words):
            made.append(Example(tuple(words.texts), tuple(frames(words, article.quotations))))
    return made


def data_facts(articles: Iterable[GoldArticle]) -> list[dict[str, Any]]:
    """What a checkpoint's card says of its data: articles and quotations for each licence."""
    found: dict[str, dict[str, Any]] = {}
    for article in articles:
        fact = found.setdefault(article.terms, {"terms": article.terms, "articles": 0, "quotations": 0})
        fact["articles"] += 1
        fact["quotations"] += len(article.quotations)
    return list(found.values())


def train(
    data: Sequence[Example],
    base: str | Path,
    output: Path,
    recipe: Recipe,
    *,
    name: str,
    silver: Sequence[Example] = (),
    facts: Mapping[str, Any] | None = None,
    device: str = "cpu",
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[int, Checkpoint], Mapping[str, object]] = lambda epoch, checkpoint: {},
    on_logged: Callable[[], None] = lambda: None,
) -> Checkpoint:
    """Trains a tagger and saves its averaged weights; what ``on_epoch`` returns is logged in ``training.jsonl``.

    ``base`` is a pretrained encoder, or a checkpoint whose training goes on. Each epoch reads all of ``data`` and
    another share of ``silver``. ``losses.jsonl`` has the losses within epochs. ``on_logged`` is called when an epoch's
    line has been written. ``facts`` go into the checkpoint's card. An interrupted run continues from ``output/state``
    when called again with the same data, base and recipe; raises CheckpointError where these are others.
    """
    torch.manual_seed(recipe.seed)
    tagger, pieces = new_tagger(base, recipe.sizes)
    run = _Run(tagger.to(device), pieces, list(data), list(silver), recipe, output / "state")
    run.resume()
    log = TrainingLog(output, run.step)
    for epoch in range(run.epochs_done, recipe.epochs):
        means = run.train_epoch(epoch, on_step, log)
        scores = on_epoch(epoch + 1, run.checkpoint(name))
        log.add_epoch({"epoch": epoch + 1, "step": run.step, **means, **scores})
        run.save_state()
        on_logged()
    made_of = {
        "base": str(base),
        "recipe": {key: value for key, value in asdict(recipe).items() if silver or key != "silver"},
        "epochs": read_curve(output).epochs,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    checkpoint = replace(run.checkpoint(name), facts={**made_of, **(facts or {})})
    checkpoint.save(output)
    return checkpoint


class _Run:
    """The moving parts of one training run, and their way to disk and back."""

    def __init__(
        self,
        tagger: Tagger,
        pieces: Pieces,
        data: list[Example],
        silver: list[Example],
        recipe: Recipe,
        state: Path,
    ) -> None:
        self.tagger, self.pieces, self.recipe, self.state = tagger, pieces, recipe, state
        self.data, self.silver = data, silver
        self.step = 0
        self.average = {k: v.detach().clone() for k, v in tagger.state_dict().items()}
        # Variations differ in length from epoch to epoch, and with them the number of batches.
        self.epoch_steps = [len(self._batches(epoch)) for epoch in range(recipe.epochs)]
        encoder = list(tagger.encoder.parameters())
        inside = {id(parameter) for parameter in encoder}
        heads = [parameter for parameter in tagger.parameters() if id(parameter) not in inside]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": encoder, "lr": recipe.encoder_rate},
                {"params": heads, "lr": recipe.head_rate},
            ],
            weight_decay=recipe.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.schedule = self._schedule()

    @property
    def epochs_done(self) -> int:
        return bisect_right(list(accumulate(self.epoch_steps)), self.step)

    def train_epoch(self, epoch: int, on_step: Callable[[Progress], None], log: TrainingLog) -> dict[str, float]:
        self.tagger.train()
        batches = self._batches(epoch)
        start, sums, began = self.step - sum(self.epoch_steps[:epoch]), [0.0, 0.0], time.monotonic()
        for position in range(start, len(batches)):
            torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
            cue, role, described = losses(self.tagger, batches[position], self.pieces)
            loss = cue + role + self.recipe.describe_weight * described
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.tagger.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            self.step += 1
            self._update_average()
            sums = [sums[0] + float(cue.detach()), sums[1] + float(role.detach())]
            values = {"cue_loss": cue, "role_loss": role, "describe_loss": described}
            log.add_losses(self.step, epoch + 1, {name: float(value.detach()) for name, value in values.items()})
            done = position - start + 1
            on_step(
                Progress(
                    self.step,
                    sum(self.epoch_steps),
                    epoch,
                    sums[0] / done,
                    sums[1] / done,
                    time.monotonic() - began,
                )
            )
            # Not at the epoch's end: a state that is that far says that the epoch's scores are logged.
            if self.step % 200 == 0 and position + 1 < len(batches):
                log.write_losses(self.step, epoch + 1)
                self.save_state()
        log.write_losses(self.step, epoch + 1)
        done = max(1, len(batches) - start)
        return {"cue_loss": sums[0] / done, "role_loss": sums[1] / done, "seconds": time.monotonic() - began}

    def checkpoint(self, name: str) -> Checkpoint:
        """A tagger with the averaged weights, apart from the one in training."""
        averaged = deepcopy(self.tagger).to("cpu").eval()
        averaged.load_state_dict(self.average)
        return Checkpoint(name, averaged, self.pieces, self.recipe.threshold)

    def save_state(self) -> None:
        groups = {"weights": self.tagger.state_dict(), "average": self.average}
        RunState(self.step, groups).save(self.state, self.optimizer, self._identity)

    def resume(self) -> None:
        saved = restore(self.state, self.optimizer, self._identity)
        if saved is None:
            return
        self.step = saved.step
        self.tagger.load_state_dict(saved.groups["weights"])
        average = saved.groups["average"]
        self.average = {name: value.to(self.average[name].device) for name, value in average.items()}
        self.schedule = self._schedule()

    def _schedule(self) -> torch.optim.lr_scheduler.LambdaLR:
        return up_then_down(self.optimizer, sum(self.epoch_steps), self.recipe.warmup, self.step)

    @cached_property
    def _identity(self) -> str:
        """The same for the same data, recipe and kind of encoder."""
        digest = hashlib.sha256(repr(self.recipe).encode())
        digest.update(self.tagger.encoder.config.to_json_string().encode())
        for example in (*self.data, *self.silver):
            digest.update(repr(example).encode())
        return digest.hexdigest()

    def _update_average(self) -> None:
        decay = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        for key, value in self.tagger.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)

    def _batches(self, epoch: int) -> list[list[Passage]]:
        """The same for the same seed and epoch, however often a run was interrupted."""
        rng = random.Random(f"{self.recipe.seed}:{epoch}")  # noqa: S311 - not for secrets
        found = []
        for example in (*self.data, *self._silver_of(epoch)):
            varied = vary(example, self.data, rng) if self.recipe.augment else example
            found += passages(varied, self.pieces, self.tagger.window_pieces)
        found.sort(key=lambda passage: passage.size + rng.random() * 40)
        batches = list(side_by_side(found, lambda passage: passage.size, self.recipe.batch_pieces))
        rng.shuffle(batches)
        return batches

    def _silver_of(self, epoch: int) -> Iterator[Example]:
        """Another share for each epoch, from the start again when all have been read."""
        share = min(len(self.silver), round(len(self.data) * self.recipe.silver))
        first = epoch * share
        return (self.silver[i % len(self.silver)] for i in range(first, first + share))
