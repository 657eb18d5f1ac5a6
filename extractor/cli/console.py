"""Words for people go to standard error; progress shows on a terminal and is silent elsewhere."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

ERRORS = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def note(message: str) -> None:
    ERRORS.print(message, markup=False)


_NO_PAPER = 1000  # columns for a file or a pipe


class _TableConsole(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich itself would end the program, with status 1


def readers_console(*, whole: bool = False) -> Console:
    """Where a table goes. A terminal that shows the progress too takes both from one console, or they overlap.

    ``whole``: elsewhere than on a terminal nothing is wrapped or cut.
    """
    if sys.stdout.isatty() and ERRORS.is_terminal:
        return ERRORS
    width = _NO_PAPER if whole and not sys.stdout.isatty() else None
    return _TableConsole(highlight=False, emoji=False, width=width)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Until the block has ended, for code that runs callbacks of weak references, as matplotlib does: Python drops an
    interrupt that arrives in one. For the main thread only."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def abandon_output() -> None:
    """Nobody takes what is left in standard output's buffer; Python would complain of that as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Pace(ProgressColumn):
    """Rate and time left, as of the last minute. Articles are done in bursts, which rich takes for their rate."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = deque([(monotonic(), 0.0)])

    def render(self, task: Task) -> Text:
        now = monotonic()
        if task.completed != self._seen[-1][1]:
            self._seen.append((now, task.completed))
        while len(self._seen) > 2 and self._seen[1][0] < now - 60:
            self._seen.popleft()
        (began, before), (last, done) = self._seen[0], self._seen[-1]
        if done <= before:
            return Text()
        rate = (done - before) / (last - began)
        left = "" if task.remaining is None else f" {timedelta(seconds=round(task.remaining / rate))} left"
        return Text(f"{rate:.1f}/s{left}", style="progress.data.speed")


def progress_bar(*, shown: bool = True) -> Progress:
    """Count, rate and time left, on a terminal only; the bar is gone when it ends."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),  # what the others leave
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _Pace(),
        console=ERRORS,
        disable=not (shown and ERRORS.is_terminal),
        transient=True,
    )
