"""`extractor label`: raw articles in, what checkpoints are sure of out, to train the next one on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import note, progress_bar
from extractor.errors import MendableError

if TYPE_CHECKING:
    from extractor.document import Document

EXAMPLE = "Example: [bold]extractor label archive/ --checkpoint A --checkpoint B --output silver.jsonl[/bold]"


def label(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Raw articles, as `extractor run` reads them.")
    ],
    output: Annotated[Path, typer.Option(help="The labelled articles (JSON Lines), for `extractor train --silver`.")],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="A teacher; several decide together. Default: the starter checkpoint."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Label at most this many articles, drawn by hash.")] = None,
) -> None:
    """Label raw articles for self-training: what the teachers doubt is marked as such and teaches nothing."""
    from extractor.cli.reading import raw_articles

    articles = raw_articles(inputs, limit)
    from extractor.checkpoint import load_checkpoint
    from extractor.silver import label as labelled
    from extractor.silver import write_silver

    teachers = [load_checkpoint(where) for where in checkpoint or ["starter"]]
    with progress_bar() as bar:
        task = bar.add_task("labelling", total=len(articles))

        def counted() -> Iterator[Document]:
            for article in articles:
                yield article
                bar.advance(task)

        try:
            written = write_silver(labelled(counted(), teachers), output)
        except OSError as error:
            raise MendableError(f"{output} cannot be written ({error.strerror}): give another --output") from error
    note(f"{written} articles labelled, {len(articles) - written} too long for one window or without words")
