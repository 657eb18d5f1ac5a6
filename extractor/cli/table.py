"""Who said what, as a table on a terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from extractor.annotation import Annotation
from extractor.quotation import Quotation

_ISOLATE, _END = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True)
class Arabic:
    """Wrapped and set to the right, each line an isolate of its own.

    A terminal that knows bidirectional text reorders line by line: without isolates it would mix the Arabic of
    neighbouring cells. One that does not shows nothing of them.
    """

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in Text(self.text, self.style).wrap(console, options.max_width, overflow="fold"):
            line.rstrip()
            padding = " " * (options.max_width - line.cell_len)
            yield Text.assemble(padding, _ISOLATE, line, _END)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Text(self.text).__rich_measure__(console, options)


def print_table(console: Console, annotation: Annotation) -> None:
    """One article: a line that names it, then a row a quotation."""
    document = annotation.document
    heading = document.title or next((line for line in document.raw.split("\n") if line.strip()), "")
    console.print()
    console.print(Text.assemble((_isolated(_shown(document.id)), "bold"), "  ", _isolated(_shown(heading)[:70])))
    if not annotation.quotations:
        console.print("no quotations", style="dim")
        return
    table = Table(show_lines=True, expand=True, border_style="dim", header_style="dim")
    table.add_column("how", width=13)
    table.add_column("who", ratio=3, justify="right")
    table.add_column("cue", justify="right", max_width=12)
    table.add_column("what was said", ratio=7, justify="right")
    for quotation in annotation.quotations:
        cue = _shown(quotation.cue.of(document.raw)) if quotation.cue else ""
        table.add_row(
            _how(quotation), Arabic(_who(quotation), "bold"), Arabic(cue), Arabic(_said(document.raw, quotation))
        )
    console.print(table, soft_wrap=False)  # whatever the console does with words


def _said(raw: str, quotation: Quotation) -> str:
    return " … ".join(_shown(span.of(raw)) for span in quotation.content)


def _who(quotation: Quotation) -> str:
    if quotation.speaker is None:
        return "؟"
    via = f" (عبر {_shown(quotation.via.name)})" if quotation.via else ""
    return _shown(quotation.speaker.name) + via


def _how(quotation: Quotation) -> str:
    kind = f"\n{quotation.speaker.kind}" if quotation.speaker else ""
    again = f"\nagain: {len(quotation.repeats)}" if quotation.repeats else ""
    return f"{quotation.type} {quotation.confidence:.2f}{kind}{again}"


def _isolated(text: str) -> str:
    return f"{_ISOLATE}{text}{_END}"


def _shown(text: str) -> str:
    """On one line, without characters that would steer the terminal; the invisible ones among them part no words."""
    kept = (char if (kind := unicodedata.category(char))[0] != "C" else " " * (kind != "Cf") for char in text)
    return " ".join("".join(kept).split())
