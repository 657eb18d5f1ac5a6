"""How this project's figures look: ink, colours that the colour-blind tell apart, and the way to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#222222"
FAINT = "#c4c8cc"
GREY = "#7a7f85"
# Okabe and Ito's, without yellow, which is too light for lines; marks tell them apart without colour.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = ("o", "s", "^", "D", "v", "P")

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.hspace": 0.04,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.wspace": 0.04,
    "font.family": "DejaVu Sans",  # matplotlib's own, which has Arabic letters: no picture depends on the machine's
    "font.size": 9,
    "grid.color": "#e9ebed",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "svg.hashsalt": "extractor",
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is one
    "xtick.color": FAINT,
    "xtick.labelcolor": GREY,
    "ytick.color": FAINT,
    "ytick.labelcolor": GREY,
}


def draw(path: Path, size: tuple[float, float], fill: Callable[[Figure], None]) -> None:
    """Makes a figure of ``size`` inches, has it filled, and writes it as the file's suffix says, .png or .svg.

    The same figure gives the same bytes. Raises OSError where the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size)
        fill(figure)
        figure.savefig(path, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)


def bare(axes: Axes, *, grid: str) -> None:
    """Without ticks, and with the grid of one axis only: ``x`` or ``y``."""
    axes.tick_params(length=0)
    axes.grid(visible=False, axis="y" if grid == "x" else "x")
