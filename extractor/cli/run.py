"""`extractor run`: articles in, quotations out, the queue filled."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from extractor.annotation import Annotation, annotation_as_dict
from extractor.cli.console import ERRORS, abandon_output, progress_bar, readers_console
from extractor.cli.device import Device, Precision
from extractor.cli.table import print_table
from extractor.errors import MendableError

EXAMPLE = "Example: [bold]extractor run news/ --output quotations.jsonl[/bold]"


class Format(StrEnum):
    jsonl = "jsonl"
    table = "table"


def run(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, folders (recursive), patterns, or - for standard input: .txt .html .jsonl .csv .parquet",
        ),
    ],
    format: Annotated[  # noqa: A002 - the option's name
        Format | None,
        typer.Option(help="What goes to standard output. Default: a table on a terminal, JSON Lines in a pipe."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write JSON Lines to this file.", dir_okay=False)] = None,
    database: Annotated[
        str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")
    ] = "extractor.db",
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="A folder, a hub name or a name of extractor checkpoints list. Default: the promoted one; while none "
            "is, or without a database, the starter that comes with the program."
        ),
    ] = None,
    no_queue: Annotated[bool, typer.Option("--no-queue", help="Use no database.")] = False,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Leave out quotations that are less sure.")] = 0.0,
    with_text: Annotated[bool, typer.Option("--with-text", help="Add each article's raw text to the JSON.")] = False,
    id_column: Annotated[str, typer.Option(help="Column or key that holds an article's id.")] = "id",
    text_column: Annotated[str, typer.Option(help="Column or key that holds its text.")] = "text",
    title_column: Annotated[str, typer.Option(help="Column or key that holds its title.")] = "title",
    device: Annotated[Device, typer.Option()] = Device.auto,
    precision: Annotated[Precision, typer.Option(help="auto: bf16 where the processor has it.")] = Precision.auto,
) -> None:
    """Read Arabic news and say who said what.

    Running again costs nothing for articles that the same checkpoint has read; an interrupted run continues.
    Exit status: 0 all went well, 3 some inputs could not be read (each is named and recorded), 1 nothing could be done.
    """
    from extractor.cli.reading import DatabaseReader, PlainReader, Settings
    from extractor.counting import expected
    from extractor.document import ReadOptions
    from extractor.readers import read_documents

    if output and output.resolve() in {Path(given).resolve() for given in inputs}:
        raise typer.BadParameter(f"{output} is an input: it would be overwritten", param_hint="--output")
    options = ReadOptions(text_column=text_column, id_column=id_column, title_column=title_column)
    settings = Settings(device, precision)
    arguments = {"inputs": inputs, "checkpoint": checkpoint, "database": database}
    with ExitStack() as stack:
        reader: DatabaseReader | PlainReader = (
            PlainReader(checkpoint, settings) if no_queue else DatabaseReader(checkpoint, settings, database, arguments)
        )
        writer = stack.enter_context(_Writer(format, output, with_text, min_confidence))
        bar = stack.enter_context(progress_bar(shown=not writer.fills_terminal))
        task = bar.add_task("reading", total=expected(inputs) if ERRORS.is_terminal else None)
        for annotation in reader.annotations(read_documents(inputs, options)):
            writer.write(annotation)
            bar.update(task, completed=reader.done)
    reader.finish()
    if reader.failed:
        raise typer.Exit(3)


class _Writer:
    """JSON Lines to a file or standard output, a table to standard output."""

    def __init__(self, format: Format | None, output: Path | None, with_text: bool, least: float) -> None:  # noqa: A002
        on_terminal = sys.stdout.isatty()
        self._table = format is Format.table or (format is None and on_terminal)
        self._lines = output is not None or not self._table
        self._output, self._with_text, self._least = output, with_text, least
        self.fills_terminal = on_terminal and self._lines and output is None

    def __enter__(self) -> _Writer:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale: what is written is Arabic
        self._console = readers_console()
        self._file: TextIO = sys.stdout
        if self._output:
            with self._explained():
                self._part, self._whole = _places(self._output)
                self._file = self._part.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._explained():
            if not self._output:
                self._file.flush()
                return
            self._file.close()
            if kind is None:  # what an interrupted run has written so far stays beside, under its own name
                self._part.replace(self._whole)

    def write(self, annotation: Annotation) -> None:
        sure = tuple(q for q in annotation.quotations if q.confidence >= self._least)
        annotation = replace(annotation, quotations=sure)
        with self._explained():
            if self._lines:
                record = annotation_as_dict(annotation, with_text=self._with_text)
                self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            if self._table:
                print_table(self._console, annotation)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            abandon_output()
            place = self._output or "standard output"
            raise MendableError(
                f"{place} cannot be written ({error.strerror}): give another --output or make room"
            ) from error


def _places(output: Path) -> tuple[Path, Path]:
    """The file to write, and its name once it is whole; a device or a pipe is written as it is, never replaced."""
    if output.exists() and not output.is_file():
        return output, output
    whole = output.resolve()  # where a link leads, so that the link stays
    return whole.with_name(whole.name + ".part"), whole
