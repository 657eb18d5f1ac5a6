"""`extractor review agreement` and `leakage`: whether reviews can be trusted, and gold too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import note, readers_console
from extractor.errors import MendableError

if TYPE_CHECKING:
    from extractor.document import Document
    from models.reviews import Reviewed
    from review.agreement import Disagreement

Database = Annotated[str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")]
_DATABASE = "extractor.db"


def agreement(
    database: Database = _DATABASE,
    adjudicator: Annotated[
        list[str] | None,
        typer.Option(
            envvar="EXTRACTOR_ADJUDICATORS",
            help="The address of a reviewer whose readings are final; may be given again.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures and disagreements as JSON.")] = False,
) -> None:
    """How far reviewers of the same articles agree, each two of them, and where they do not."""
    from rich.table import Table

    from review import agreement as readings_of
    from review.agreement import Reading

    final = set(adjudicator or [])
    readings = [
        Reading(
            reviewed.annotation.document,
            reviewed.reviewer,
            reviewed.annotation.quotations,
            reviewed.reviewer in final,
            reviewed.reviewed_at,
        )
        for reviewed in _reviewed(database)
    ]
    if as_json:
        typer.echo(json.dumps(readings_of.as_dict(readings), ensure_ascii=False))
        return
    by_pair = readings_of.by_reviewers(readings)
    if not by_pair:
        note("no article has been read by two reviewers")
        return
    settled = {reading.document.sha256 for reading in readings if reading.adjudicated}
    view = Table("article", "reviewers", "differ in", "content", "adjudicated", title="Disagreements")
    for found in readings_of.disagreements(readings):
        done = "yes" if found.document.sha256 in settled else "no"
        view.add_row(found.document.id, ", ".join(found.reviewers), ", ".join(found.differences), _content(found), done)
    console = readers_console(whole=True)
    console.print(readings_of.table(by_pair))
    console.print(view if view.row_count else "no disagreements")


def leakage(
    training: Annotated[
        list[Path] | None,
        typer.Argument(help="Further training data (JSON Lines of annotated articles).", exists=True, dir_okay=False),
    ] = None,
    database: Database = _DATABASE,
) -> None:
    """Whether articles of the blind gold, or near-duplicates of them, are among those that train.

    Exit status: 0 none, 1 some.
    """
    from extractor.gold import read_gold
    from models.tables import Purpose
    from review.leakage import leaks, table

    reviewed = _reviewed(database)
    gold = _documents([r for r in reviewed if r.purpose is Purpose.BLIND])
    trains = _documents([r for r in reviewed if r.purpose is Purpose.REVIEW])
    try:
        trains += [article.document for path in training or [] for article in read_gold(path)]
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files of annotated articles") from error
    found = leaks(gold, trains)
    if found:
        readers_console(whole=True).print(table(found))
    note(f"{len(gold)} gold articles against {len(trains)} that train: {len(found)} leaks")
    if found:
        raise typer.Exit(1)


def _reviewed(database: str) -> list[Reviewed]:
    from models.engine import open_database
    from models.reviews import Reviews

    return list(Reviews(open_database(database)).readings())


def _documents(reviewed: list[Reviewed]) -> list[Document]:
    """Each once, however many have read it."""
    return list({r.annotation.document.sha256: r.annotation.document for r in reviewed}.values())


def _content(found: Disagreement) -> str:
    """The first words of what it is about."""
    quotation = found.first or found.second
    words = quotation.content[0].of(found.document.raw) if quotation else ""
    return words if len(words) <= 60 else f"{words[:59]}…"
