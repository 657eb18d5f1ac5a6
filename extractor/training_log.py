"""The curve of a training run: losses while it runs, a line an epoch, and neither twice when it is resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVERY = 50  # steps

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """``losses``: ``step``, ``epoch`` and means over the ``steps`` before; ``epochs``: ``epoch``, ``step``, scores."""

    losses: list[dict[str, Any]]
    epochs: list[dict[str, Any]]


def read_curve(folder: Path) -> Curve:
    """What was logged in a training's output folder; empty where nothing was."""
    return Curve(_read(_losses(folder)), _read(_epochs(folder)))


class TrainingLog:
    """Writes ``losses.jsonl`` and ``training.jsonl`` in ``folder``, which it makes.

    A run that resumes does again what came after the ``step`` of its last saved state: lines of that are dropped.
    So that none is lost, write what is known of a step before its state is saved.
    """

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._waiting: list[Mapping[str, float]] = []
        for path in (_losses(folder), _epochs(folder)):
            if path.exists():
                _rewrite(path, [line for line in _read(path) if line["step"] <= step])

    def add_losses(self, step: int, epoch: int, losses: Mapping[str, float]) -> None:
        """Of one step; the means go to disk every EVERY steps."""
        self._waiting.append(losses)
        if step % EVERY == 0:
            self.write_losses(step, epoch)

    def write_losses(self, step: int, epoch: int) -> None:
        """The means of what waits, if anything does."""
        if not self._waiting:
            return
        steps = len(self._waiting)
        means = {name: sum(losses[name] for losses in self._waiting) / steps for name in self._waiting[0]}
        _append(_losses(self._folder), {"step": step, "epoch": epoch, "steps": steps, **means})
        self._waiting = []

    def add_epoch(self, line: Line) -> None:
        """Of an epoch that has ended; it has a ``step``."""
        _append(_epochs(self._folder), line)


def _losses(folder: Path) -> Path:
    return folder / "losses.jsonl"


def _epochs(folder: Path) -> Path:
    return folder / "training.jsonl"


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    *lines, _cut_off = path.read_text("utf-8").split("\n")  # a kill may leave the last line without its end
    return [json.loads(line) for line in lines if line]


def _append(path: Path, line: Line) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _rewrite(path: Path, lines: list[dict[str, Any]]) -> None:
    """In one move: a kill leaves the old file or the new one."""
    fresh = path.with_name(f"{path.name}.part")
    fresh.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    fresh.replace(path)
