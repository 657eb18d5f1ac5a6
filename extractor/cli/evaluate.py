"""`extractor evaluate`: how good annotations are, against gold."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import progress_bar, readers_console
from extractor.errors import MendableError

if TYPE_CHECKING:
    from extractor.bootstrap import Difference
    from extractor.evaluation import Scores
    from extractor.gold import GoldArticle
    from extractor.quotation import Quotation

EXAMPLE = "Example: [bold]extractor evaluate seeds/gold.jsonl --checkpoint seeds/checkpoint --picture scores.png[/bold]"

_RULES = "rules"


def evaluate(
    gold: Annotated[Path, typer.Argument(help="Annotated articles (JSON Lines).", exists=True, dir_okay=False)],
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="A checkpoint to run on the gold's texts; may be given again.")
    ] = None,
    predicted: Annotated[
        list[Path] | None,
        typer.Option(
            help="What `extractor run --format jsonl` wrote; may be given again.", exists=True, dir_okay=False
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Also spans, types, subjects, kinds, outlets and false alarms.")
    ] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw it too: a .png or .svg file.", dir_okay=False)] = None,
    record: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write the scores of --checkpoint into its card, as those on NAME."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON instead of tables.")] = False,
) -> None:
    """Measure quotations against gold, with the rule baseline beside them.

    Content, cue, source, speakers, by type, kind and outlet, with 95% intervals. The others are compared with the
    first checkpoint, or where none is given with the first file, by paired bootstrap.
    """
    from extractor.evaluation import differences
    from extractor.evaluation import evaluate as measure

    if picture:
        _check_picture(picture)
    if record and not (checkpoint and len(checkpoint) == 1):
        raise typer.BadParameter("needs one --checkpoint, a folder", param_hint="--record")
    articles = _gold(gold)
    systems = _systems(articles, checkpoint or [], predicted or [])
    scores = {name: measure(articles, quotations) for name, quotations in systems.items()}
    reference = next(name for name in systems if name != _RULES)
    compared = differences(articles, systems, reference)
    if picture:
        _draw(picture, gold.name, scores)
    if record and checkpoint:
        _record(Path(checkpoint[0]), record, scores[reference])
    if as_json:
        typer.echo(_as_json(scores, reference, compared))
    else:
        _print_tables(scores, reference, compared, details)


def _record(folder: Path, name: str, scores: Scores) -> None:
    from dataclasses import replace

    from extractor.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(folder)
    measured = {"found": scores.found, "exact": scores.exact, "who": scores.who}
    row = {key: [round(value, 4) for value in (m.f1, m.low, m.high)] for key, m in measured.items()}
    row["omitted"] = [round(scores.speaker_omitted, 4)]
    facts = {**checkpoint.facts, "scores": {**checkpoint.facts.get("scores", {}), name: row}}
    replace(checkpoint, facts=facts).save_settings(folder)


def _gold(path: Path) -> list[GoldArticle]:
    from extractor.gold import read_gold

    try:
        articles = list(read_gold(path))
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files of annotated articles") from error
    if not articles:
        raise MendableError(f"{path} holds no articles: give a file of annotated articles")
    return articles


def _systems(
    articles: Sequence[GoldArticle], checkpoints: Sequence[str], files: Sequence[Path]
) -> dict[str, dict[str, list[Quotation]]]:
    """What each system says, by name and article: the rules, the checkpoints, the files."""
    from extractor import rules
    from extractor.evaluation import read_predictions

    try:
        read = [(path.stem, str(path), read_predictions(path)) for path in files]
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files that `extractor run` wrote") from error
    default: list[str | None] = [] if files else [None]
    ran = [_read_with(where, articles) for where in checkpoints or default]
    systems = {_RULES: {a.document.id: rules.quotations(a.document.raw) for a in articles}}
    named = [*ran, *read]
    short_names = [short for short, _, _ in named]
    for short, long, quotations in named:
        wanted = short if short_names.count(short) == 1 and short not in systems else long
        systems[_unlike(wanted, systems)] = quotations
    return systems


def _read_with(where: str | None, articles: Sequence[GoldArticle]) -> tuple[str, str, dict[str, list[Quotation]]]:
    """With the name that the checkpoint goes by, twice."""
    from extractor.pipeline import Extractor

    extractor = Extractor.load(where)
    name = where or extractor.checkpoint
    with progress_bar() as bar:
        task = bar.add_task(name, total=len(articles))
        quotations = {}
        for annotation in extractor.annotate(article.document for article in articles):
            quotations[annotation.document.id] = list(annotation.quotations)
            bar.advance(task)
    return name, name, quotations


def _unlike(name: str, taken: Collection[str]) -> str:
    """The name, numbered where it is taken."""
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _as_json(scores: dict[str, Scores], reference: str, compared: dict[str, list[Difference]]) -> str:
    record = {
        "systems": {name: own.as_dict() for name, own in scores.items()},
        "differences": [
            {"system": name, "reference": reference, **asdict(found)} for name, own in compared.items() for found in own
        ],
    }
    return json.dumps(record, ensure_ascii=False)


def _print_tables(
    scores: dict[str, Scores], reference: str, compared: dict[str, list[Difference]], details: bool
) -> None:
    from extractor import evaluation_tables as tables

    console = readers_console(whole=True)
    shown = [*tables.summary(scores), tables.differences_table(reference, compared)]
    if details:
        shown += tables.details(scores)
    for table in shown:
        console.print(table, soft_wrap=False)


def _check_picture(path: Path) -> None:
    """Before minutes go into what could not be drawn."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise MendableError(f"{path} is neither .png nor .svg: give --picture a name that ends so")
    if not path.parent.is_dir():
        raise MendableError(f"{path.parent} is not a folder: make it, or give another --picture")


def _draw(path: Path, title: str, scores: dict[str, Scores]) -> None:
    from extractor.evaluation_picture import draw_scores

    try:
        draw_scores(scores, title, path)
    except OSError as error:
        raise MendableError(f"{path} cannot be written ({error.strerror}): give another --picture") from error
