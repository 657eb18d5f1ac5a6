"""The curve of a training run as a picture: losses by step, and the scores on held-out articles by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from extractor.drawing import COLOURS, FAINT, MARKS, bare, draw
from extractor.training_log import read_curve

_LOSSES = {"cue_loss": "cues", "role_loss": "roles", "describe_loss": "type and kind"}
_SCORES = {"found": "content found", "exact": "content exact", "who": "who said what"}


def draw_training(folder: Path) -> None:
    """Draws ``training.png`` from what was logged in the folder; nothing where there is nothing yet."""
    curve = read_curve(folder)
    if not curve.losses:
        return
    scored = [line for line in curve.epochs if "who" in line]

    def fill(figure: Figure) -> None:
        axes = figure.subplots(1, 2 if scored else 1, squeeze=False)[0]
        _draw_losses(axes[0], curve.losses, [line["step"] for line in curve.epochs])
        if scored:
            _draw_scores(axes[1], scored)

    draw(folder / "training.png", (11.0 if scored else 6.0, 4.2), fill)


def _draw_losses(axes: Axes, losses: Sequence[dict[str, Any]], ends: Sequence[int]) -> None:
    for end in ends:
        axes.axvline(end, color=FAINT, linewidth=1)
    steps = [line["step"] for line in losses]
    for (loss, label), colour in zip(_LOSSES.items(), COLOURS, strict=False):
        values = [line[loss] for line in losses]
        axes.plot(steps, values, color=colour, linewidth=1.8, marker="." if len(steps) < 20 else "", label=label)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title("Losses, by step (epochs end at the lines)")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.legend(loc="best", labelcolor="linecolor")
    bare(axes, grid="y")


def _draw_scores(axes: Axes, epochs: Sequence[dict[str, Any]]) -> None:
    numbers = [line["epoch"] for line in epochs]
    for (measure, label), colour, mark in zip(_SCORES.items(), COLOURS, MARKS, strict=False):
        f1, low, high = zip(*(line[measure] for line in epochs), strict=True)
        axes.fill_between(numbers, low, high, color=colour, alpha=0.1, linewidth=0)
        axes.plot(numbers, f1, mark, linestyle="-", color=colour, linewidth=1.8, label=f"{label} {f1[-1]:.3f}")
    axes.set_title("F1 on held-out articles, by epoch (95% intervals)")
    axes.set_xlim(numbers[0] - 0.2, numbers[-1] + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right", labelcolor="linecolor")
    bare(axes, grid="y")
