"""The loop, played from gold: how fast the tagger learns from articles that the queue chooses, and from random ones.

python -m benchmarks.learning_curve TRAIN.jsonl DEV.jsonl --base ENCODER --output FOLDER [--layers 3] [--seeds 1 2 3]

A tagger trained on `seeds/examples.jsonl` alone reads a pool of annotated articles whose annotations it has not seen.
A policy chooses articles, the reviewer corrects them (which gives their annotations), and the next tagger is trained
from the first one on everything corrected and the examples; and so on. `--layers` keeps the encoder's first ones only:
many runs would take days with all. Every point is a line of FOLDER/points.jsonl; run again, what is there is not
trained again.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from extractor.annotation import Annotation
from extractor.bootstrap import Measure
from extractor.checkpoint import Checkpoint, load_checkpoint, load_encoder
from extractor.drawing import COLOURS, MARKS, bare, draw
from extractor.evaluation import evaluate
from extractor.gold import GoldArticle, read_gold
from extractor.matching import Pair, match
from extractor.pipeline import Extractor
from extractor.tagger import HeadSizes
from extractor.training import Recipe, examples, train
from review.selection import Candidate, Shares, select

EXAMPLES = Path(__file__).parent.parent / "seeds" / "examples.jsonl"
SIZES = HeadSizes(word=128, roles=96)
POLICIES = {"queue": Shares(), "random": Shares(uncertain=0, diverse=0, random=1, disagreement=0)}
ERRORS = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Point:
    """After so many corrected articles; ``corrections``: an article's, mean of those that were corrected last."""

    policy: str
    seed: int
    articles: int
    quotations: int
    who: float
    low: float
    high: float
    corrections: float


class Simulation:
    """One seed: its pool, its first tagger, and the points of each policy."""

    def __init__(self, options: argparse.Namespace, seed: int) -> None:
        self.options, self.seed = options, seed
        self.folder: Path = options.output / f"seed-{seed}"
        self.held_out = list(read_gold(options.dev))
        annotated = list(read_gold(options.train))
        random.Random(seed).shuffle(annotated)
        self.pool = {article.document.sha256: article for article in annotated[: options.pool]}
        self.replay = list(read_gold(EXAMPLES))

    def points(self, policy: str, done: Sequence[Point]) -> list[Point]:
        """Those that are not among ``done``, each written as it is made."""
        first = self._trained(self.options.encoder, [], "first", self.options.first_epochs)
        corrected: list[GoldArticle] = []
        tagger, made = first, []
        for number in (0, *self.options.points):
            chosen = self._chosen(policy, tagger, corrected, number - len(corrected))
            corrections = mean([_corrections(article, found) for article, found in chosen]) if chosen else 0.0
            corrected += [article for article, _ in chosen]
            name = f"{policy}-{number}"
            if number:
                tagger = self._trained(self.folder / "first", corrected, name, self.options.epochs)
            known = [p for p in done if (p.policy, p.seed, p.articles) == (policy, self.seed, number)]
            if not known:
                who = self._who(tagger)
                quotations = sum(len(article.quotations) for article in corrected)
                scores = [round(value, 4) for value in (who.f1, who.low, who.high, corrections)]
                made.append(Point(policy, self.seed, number, quotations, *scores))
                _append(self.options.output, made[-1])
                ERRORS.print(f"seed {self.seed} {policy} {number}: who {who.f1:.3f}, {corrections:.1f} corrections")
        return made

    def _trained(self, base: Path, corrected: Sequence[GoldArticle], name: str, epochs: int) -> Checkpoint:
        """Made once: a folder that is whole is read."""
        output = self.folder / name
        if not (output / "model.safetensors").exists():
            recipe = Recipe(epochs=epochs, seed=self.seed, sizes=SIZES, encoder_rate=self.options.encoder_rate)
            train(examples([*corrected, *self.replay]), base, output, recipe, name=name)
            (output / "state" / "state.safetensors").unlink(missing_ok=True)
        return load_checkpoint(output)

    def _chosen(
        self, policy: str, tagger: Checkpoint, corrected: Sequence[GoldArticle], count: int
    ) -> list[tuple[GoldArticle, Annotation]]:
        """The next articles, with what the tagger finds in them: what a reviewer would be shown."""
        if not count:
            return []
        taken = {article.document.sha256 for article in corrected}
        open_ = [article.document for key, article in self.pool.items() if key not in taken]
        found = {annotation.document.sha256: annotation for annotation in Extractor(tagger).annotate(open_)}
        candidates = [self._candidate(annotation) for annotation in found.values()]
        seen = [Candidate(article.document, (), 0.0, article.outlet) for article in corrected]
        choices = select(candidates, count, POLICIES[policy], self.seed + len(corrected), seen)
        keys = [choice.candidate.document.sha256 for choice in choices]
        return [(self.pool[key], found[key]) for key in keys]

    def _candidate(self, annotation: Annotation) -> Candidate:
        quotations = annotation.quotations
        doubt = 1 - min((quotation.confidence for quotation in quotations), default=1.0)
        outlet = self.pool[annotation.document.sha256].outlet
        return Candidate(annotation.document, tuple(quotation.type for quotation in quotations), doubt, outlet)

    def _who(self, tagger: Checkpoint) -> Measure:
        annotations = Extractor(tagger).annotate(article.document for article in self.held_out)
        return evaluate(self.held_out, {a.document.id: list(a.quotations) for a in annotations}).who


def _corrections(article: GoldArticle, shown: Annotation) -> int:
    """Contents to add, delete, move or give another speaker, until the article says what its annotator says."""
    return sum(not _is_right(pair) for pair in match(article, shown.quotations))


def _is_right(pair: Pair) -> bool:
    return pair.exact and pair.right_speaker


def _cut(base: str, layers: int, folder: Path) -> Path:
    """The encoder without its upper layers, saved once."""
    if not (folder / "config.json").exists():
        encoder, pieces = load_encoder(base)
        encoder.encoder.layer = encoder.encoder.layer[:layers]  # type: ignore[union-attr, index]
        encoder.config.num_hidden_layers = layers
        encoder.save_pretrained(folder)
        pieces.tokenizer.save_pretrained(folder)
    return folder


def _append(folder: Path, point: Point) -> None:
    with (folder / "points.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(point)) + "\n")


def _points(folder: Path) -> list[Point]:
    path = folder / "points.jsonl"
    return [Point(**json.loads(line)) for line in path.read_text("utf-8").split("\n") if line] if path.exists() else []


def _by_articles(points: Sequence[Point], policy: str) -> dict[int, list[Point]]:
    found: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        if point.policy == policy:
            found[point.articles].append(point)
    return dict(sorted(found.items()))


def _table(points: Sequence[Point]) -> Table:
    view = Table("policy", "articles", "seeds", "who F1", "of seeds ±", "dev interval", "corrections an article")
    for policy in POLICIES:
        for articles, own in _by_articles(points, policy).items():
            spread = f"{stdev(p.who for p in own):.3f}" if len(own) > 1 else ""
            interval = f"{mean(p.low for p in own):.3f} to {mean(p.high for p in own):.3f}"
            corrections = f"{mean(p.corrections for p in own):.1f}" if articles else ""
            who = f"{mean(p.who for p in own):.3f}"
            view.add_row(policy, str(articles), str(len(own)), who, spread, interval, corrections)
    return view


def _draw(points: Sequence[Point], path: Path) -> None:
    def fill(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for policy, colour, mark in zip(POLICIES, COLOURS, MARKS, strict=False):
            by_articles = _by_articles(points, policy)
            numbers = list(by_articles)
            who = [[point.who for point in own] for own in by_articles.values()]
            left.fill_between(numbers, [min(w) for w in who], [max(w) for w in who], color=colour, alpha=0.15, lw=0)
            left.plot(numbers, [mean(w) for w in who], mark, linestyle="-", color=colour, label=policy)
            corrected = {number: own for number, own in by_articles.items() if number}
            left_over = [mean(point.corrections for point in own) for own in corrected.values()]
            right.plot(list(corrected), left_over, mark, linestyle="-", color=colour, label=policy)
        left.set_title("Who said what, F1 on held-out articles, by corrected articles")
        right.set_title("Corrections an article, of those chosen last")
        for axes in (left, right):
            axes.legend(labelcolor="linecolor")
            bare(axes, grid="y")
        right.set_ylim(bottom=0)

    draw(path, (11.0, 4.2), fill)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("--base", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--points", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--pool", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--first-epochs", type=int, default=20)
    parser.add_argument("--encoder-rate", type=float, default=1e-4)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    options.encoder = _cut(options.base, options.layers, options.output / "encoder")
    torch.manual_seed(0)
    for seed in options.seeds:
        simulation = Simulation(options, seed)
        for policy in POLICIES:
            simulation.points(policy, _points(options.output))
    points = _points(options.output)
    Console().print(_table(points))
    _draw(points, options.output / "learning-curve.png")


if __name__ == "__main__":
    main()
