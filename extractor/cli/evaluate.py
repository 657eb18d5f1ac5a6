"""`extractor evaluate`: how good annotations are, against gold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: [bold]extractor evaluate seeds/gold.jsonl --checkpoint seeds/checkpoint[/bold]"


def evaluate(
    gold: Annotated[Path, typer.Argument(help="Annotated articles (JSON Lines).", exists=True, dir_okay=False)],
    predicted: Annotated[
        list[Path] | None,
        typer.Option(
            help="What `extractor run --format jsonl` wrote; may be given again.", exists=True, dir_okay=False
        ),
    ] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="A checkpoint to run on the gold's texts; may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Measure quotations against gold, with the rule baseline beside them.

    Content, cue, source, speakers, by type, kind and outlet, with 95% intervals.
    """
    from rich.console import Console

    from extractor import rules
    from extractor.errors import MendableError
    from extractor.evaluation import evaluate as measure
    from extractor.evaluation import read_predictions, table
    from extractor.gold import read_gold

    try:
        articles = list(read_gold(gold))
        named = {path.stem: read_predictions(path) for path in predicted or []}
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files of annotated articles") from error
    systems = {"rules": {a.document.id: rules.quotations(a.document.raw) for a in articles}, **named}
    default: list[str | None] = [] if predicted else [None]
    for where in checkpoint or default:
        from extractor.pipeline import Extractor

        extractor = Extractor.load(where)
        documents = [article.document for article in articles]
        systems[str(where or extractor.checkpoint)] = {
            annotation.document.id: list(annotation.quotations) for annotation in extractor.annotate(documents)
        }
    scores = {name: measure(articles, quotations) for name, quotations in systems.items()}
    if as_json:
        typer.echo(json.dumps({name: score.as_dict() for name, score in scores.items()}, ensure_ascii=False))
    else:
        Console().print(table(scores))
