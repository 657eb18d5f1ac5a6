"""`extractor review`: people correct what was found, in Label Studio, and their corrections come back."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import note, progress_bar, readers_console
from extractor.errors import MendableError

if TYPE_CHECKING:
    from models.outbox import Outbox, Plan, Project
    from models.tables import Purpose
    from review.label_studio import Server
    from review.pull import PullCounts
    from review.push import PushCounts

app = typer.Typer(no_args_is_help=True, help="Correct what was found in Label Studio, and bring the corrections back.")

Database = Annotated[str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")]
Url = Annotated[str, typer.Option(envvar="LABEL_STUDIO_URL", help="The server's address.")]
Blind = Annotated[bool, typer.Option("--blind", help="The project without predictions, whose labels are gold.")]
_DATABASE, _URL = "extractor.db", "http://127.0.0.1:8080"


@app.command()
def setup(
    database: Database = _DATABASE,
    url: Url = _URL,
    blind: Blind = False,
    title: Annotated[
        str | None, typer.Option(help="The project's title on the server, where several databases share one.")
    ] = None,
    reinstall: Annotated[
        bool, typer.Option("--reinstall", help="Put our labelling interface back where somebody changed it.")
    ] = False,
) -> None:
    """Make the project on the server, or find it again, with our labelling interface.

    The key to the server is read from LABEL_STUDIO_API_KEY, here and below.
    """
    from review.interface import set_up

    outbox = _outbox(database)
    server = _server(url)
    with _shown_difference():
        facts = set_up(server, outbox, _purpose(blind), title=title, reinstall=reinstall)
    note(f"project {facts.id} ({facts.title}), {facts.tasks} tasks: {server.url}/projects/{facts.id}/data")


@app.command()
def push(
    database: Database = _DATABASE,
    url: Url = _URL,
    count: Annotated[int, typer.Option(min=0, help="How many articles; 0: only what an earlier push left.")] = 200,
    uncertain: Annotated[float, typer.Option(min=0, help="Weight of what the tagger is least sure of.")] = 0.6,
    diverse: Annotated[float, typer.Option(min=0, help="Weight of what is unlike the rest.")] = 0.2,
    random: Annotated[float, typer.Option(min=0, help="Weight of what is drawn at random.")] = 0.2,
    disagreement: Annotated[float, typer.Option(min=0, help="Weight of what two checkpoints differ about.")] = 0.2,
    seed: Annotated[int, typer.Option()] = 0,
    blind: Blind = False,
) -> None:
    """Send articles of the queue to be reviewed, each once; an interrupted push is finished first."""
    from review.choosing import choose
    from review.selection import Shares

    try:
        shares = Shares(uncertain, diverse, random, disagreement)
    except ValueError as error:
        raise MendableError(f"{error}: give at least one weight above 0") from error
    outbox = _outbox(database)
    server = _server(url)
    project = _project(outbox, server, blind)
    if blind:
        shares = Shares(0, 0, 1, 0)  # gold is a fair sample
    plans = choose(outbox.engine, count, shares, seed) if count else []
    if not blind:
        plans = _read_again(outbox, plans)
    counts = _push(server, outbox, project, plans)
    note(_pushed(counts, outbox.waiting(project)))


@app.command()
def pull(database: Database = _DATABASE, url: Url = _URL) -> None:
    """Bring the corrections back: of both projects, whatever changed since the last time."""
    outbox = _outbox(database)
    server = _server(url)
    for project in _projects(outbox, server):
        note(f"project {project.label_studio_id}: {_pulled(_pull(server, outbox, project))}")


@app.command()
def watch(
    database: Database = _DATABASE,
    url: Url = _URL,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two pulls.")] = 60,
    low: Annotated[int, typer.Option(min=0, help="Push more when fewer tasks than this wait for a reviewer.")] = 50,
    count: Annotated[int, typer.Option(min=1, help="How many to push then.")] = 200,
    webhook: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Listen on this port for a webhook, which only nudges.")
    ] = None,
) -> None:
    """Keep pulling, and push more when the project runs low, until a signal. The same as a cron line:

    */5 * * * *  extractor review pull && extractor review push
    """
    from review.choosing import choose
    from review.selection import Shares
    from review.watch import Watch

    outbox = _outbox(database)
    server = _server(url)
    _projects(outbox, server)

    def round_trip() -> None:
        for project in _projects(outbox, server):
            counts = _pull(server, outbox, project)
            if counts.verdicts or counts.gone:
                note(f"project {project.label_studio_id}: {_pulled(counts)}")
        project = _projects(outbox, server)[0]
        if outbox.waiting(project) < low and (plans := choose(outbox.engine, count, Shares(), 0)):
            note(_pushed(_push(server, outbox, project, _read_again(outbox, plans)), outbox.waiting(project)))

    Watch(round_trip, every, note).run(webhook)
    note("stopped")


@app.command()
def problems(
    database: Database = _DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of a table.")] = False,
) -> None:
    """What did not fit in the reviews: quarantined regions with their reasons, and boundaries in doubt."""
    from rich.table import Table

    from models.reviews import Reviews

    found = Reviews(_outbox(database).engine).troubles()
    if as_json:
        for item in found:
            record = {
                "id": item.document_id,
                "task": item.task_id,
                "reviewer": item.reviewer,
                "region": item.trouble.region,
            }
            record |= {"problem": item.trouble.fault, "detail": item.trouble.detail}
            typer.echo(json.dumps({**record, "quarantined": item.trouble.quarantined}, ensure_ascii=False))
        return
    table = Table("task", "article", "reviewer", "problem", "what", "taken")
    for item in found:
        trouble = item.trouble
        table.add_row(
            str(item.task_id),
            item.document_id,
            item.reviewer,
            trouble.fault,
            trouble.detail,
            "no" if trouble.quarantined else "yes",
        )
    readers_console(whole=True).print(table if found else "no problems")


@app.command()
def export(
    database: Database = _DATABASE,
    output: Annotated[Path | None, typer.Option(help="Write to this file.", dir_okay=False)] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="Add each article's raw text.")] = False,
    adjudicator: Annotated[
        list[str] | None,
        typer.Option(
            envvar="EXTRACTOR_ADJUDICATORS",
            help="The address of a reviewer whose readings overrule others; may be given again.",
        ),
    ] = None,
    blind: Blind = False,
) -> None:
    """Write the readings that were accepted (JSON Lines), as `extractor run` does, with who reviewed them and when."""
    from models.reviews import Reviews
    from review.export import prevailing, reviewed_as_dict

    purpose = _purpose(blind)
    readings = [r for r in Reviews(_outbox(database).engine).readings() if r.purpose is purpose]
    lines = (
        json.dumps(reviewed_as_dict(r, with_text=with_text), ensure_ascii=False) + "\n"
        for r in prevailing(readings, adjudicator or ())
    )
    try:
        if output:
            with output.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
            return
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        sys.stdout.writelines(lines)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise MendableError(f"{output or 'standard output'} cannot be written ({error.strerror}): make room") from error


@app.command()
def status(database: Database = _DATABASE) -> None:
    """How many articles wait, are being reviewed, and were; and what became of each checkpoint's regions."""
    from review.status import tables

    for table in tables(_outbox(database).engine):
        readers_console(whole=True).print(table)


def _outbox(database: str) -> Outbox:
    from models.engine import open_database
    from models.outbox import Outbox

    return Outbox(open_database(database))


def _server(url: str) -> Server:
    key = os.environ.get("LABEL_STUDIO_API_KEY")
    if not key:
        raise MendableError(
            f"no key to {url}: set LABEL_STUDIO_API_KEY to a token of Label Studio (Account & Settings, Access Token)"
        )
    from review.label_studio import Server

    return Server(url, key)


def _purpose(blind: bool) -> Purpose:
    from models.tables import Purpose

    return Purpose.BLIND if blind else Purpose.REVIEW


def _project(outbox: Outbox, server: Server, blind: bool) -> Project:
    project = outbox.project(server.url, _purpose(blind))
    if project is None:
        option = " --blind" if blind else ""
        raise MendableError(f"no project on {server.url} is known: run extractor review setup{option} first")
    return project


def _projects(outbox: Outbox, server: Server) -> list[Project]:
    """The one with predictions first, then the blind one where there is one."""
    blind = outbox.project(server.url, _purpose(blind=True))
    return [_project(outbox, server, blind=False), *([blind] if blind else [])]


def _read_again(outbox: Outbox, plans: list[Plan]) -> list[Plan]:
    """By the promoted checkpoint: what reviewers see is what people use."""
    from extractor.cli.promoted import read_again

    return read_again(outbox.engine, plans)


def _push(server: Server, outbox: Outbox, project: Project, plans: list[Plan]) -> PushCounts:
    from review.push import Pusher

    with progress_bar() as bar, _shown_difference():
        task = bar.add_task("pushing", total=len(plans))
        return Pusher(server, outbox, project, on_progress=lambda c: bar.update(task, completed=c.done)).push(plans)


def _pull(server: Server, outbox: Outbox, project: Project) -> PullCounts:
    from models.reviews import Reviews
    from review.pull import Puller

    with progress_bar() as bar, _shown_difference():
        task = bar.add_task("pulling", total=None)
        reviews = Reviews(outbox.engine)
        return Puller(
            server, outbox, reviews, project, on_progress=lambda c: bar.update(task, completed=c.tasks)
        ).pull()


@contextmanager
def _shown_difference() -> Iterator[None]:
    """Between the installed interface and the server's, before the line that says what to do."""
    from review.interface import InterfaceChangedError

    try:
        yield
    except InterfaceChangedError as error:
        note(error.difference)
        raise


def _pushed(counts: PushCounts, waiting: int) -> str:
    found = f", {counts.found} were there already" if counts.found else ""
    surplus = f", {counts.surplus} second copies deleted" if counts.surplus else ""
    return f"{counts.imported} articles pushed{found}{surplus}; {waiting} tasks wait for a reviewer"


def _pulled(counts: PullCounts) -> str:
    said = ", ".join(f"{number} {verdict.value}" for verdict, number in sorted(counts.verdicts.items()))
    parts = [said or "nothing new"]
    if counts.problems:
        parts.append(f"{counts.problems} problems (see extractor review problems)")
    if counts.adopted:
        parts.append(f"{counts.adopted} tasks of the server taken in that the database did not know")
    if counts.gone:
        parts.append(f"{counts.gone} tasks were deleted on the server")
    if counts.unknown:
        parts.append(
            f"{counts.unknown} tasks are of articles that are not here: run extractor run on them, then pull again"
        )
    return "; ".join(parts)
