"""`extractor report`: pages for people about what the database holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.console import note
from extractor.errors import MendableError

app = typer.Typer(no_args_is_help=True, help="Pages about what the database holds.")

EXAMPLE = "Example: [bold]extractor report quality --since 2026-01-01 --output quality.html[/bold]"


@app.callback()
def reports() -> None:
    """Pages about what the database holds."""


@app.command(epilog=EXAMPLE)
def quality(
    database: Annotated[
        str,
        typer.Option(
            "--database", "--db", envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL."
        ),
    ] = "extractor.db",
    output: Annotated[
        Path | None, typer.Option(help="The page; quality.html unless --json is given.", dir_okay=False)
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what was reviewed on this day (UTC) or later.")
    ] = None,
    period: Annotated[str, typer.Option(help="day, week (as ISO 8601 counts them) or month.")] = "week",
    random_only: Annotated[
        bool, typer.Option("--random-only", help="Only articles that were drawn at random: a fair sample.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """What reviewers did to predictions: accepted, changed, deleted and added, by checkpoint and outlet over time.

    Warns where the latest period differs from those before it beyond chance. Answers to blind tasks correct nothing:
    they are left out.
    """
    from models.engine import open_database, without_password
    from models.quality import Period, load_corrections
    from review.quality_page import page
    from review.quality_report import as_dict, report_on, warnings
    from review.selection import Reason

    if period not in list(Period):
        raise typer.BadParameter(f"{period!r} is not one of {', '.join(Period)}", param_hint="--period")
    corrections = load_corrections(open_database(database), since and since.replace(tzinfo=UTC))
    if random_only:
        corrections = [one for one in corrections if one.reason == Reason.RANDOM]
    if not corrections:
        which = f"{' of articles drawn at random' if random_only else ''}{f' since {since:%Y-%m-%d}' if since else ''}"
        note(f"no reviews{which} in {without_password(database)}: nothing to report")
        return
    report = report_on(corrections, Period(period))
    for warning in warnings(report):
        note(f"warning: {warning}")
    if as_json:
        typer.echo(json.dumps(as_dict(report), ensure_ascii=False))
    if output or not as_json:
        _write(output or Path("quality.html"), page(report, "Quality of predictions, as reviewed", datetime.now(UTC)))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MendableError(f"{path}: {error.strerror}: name a place that can be written with --output") from error
    note(f"wrote {path}")
