"""`extractor lineage`: from a quotation to the labels that its checkpoint learned from, and the other way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import readers_console

if TYPE_CHECKING:
    from rich.tree import Tree

    from models.lineage import Trace

EXAMPLE = (
    "Example: [bold]extractor lineage 93af0c[/bold], the id of a quotation, dataset or article, or a checkpoint's name"
)

_MOST = 10  # of one kind, in a table for people; --json has all
_SHOWN = (
    "content",
    "type",
    "verdict",
    "reviewer",
    "reviewed_at",
    "checkpoint",
    "article",
    "labels",
    "seed",
    "reason",
    "at",
)


def lineage(
    id: Annotated[  # noqa: A002 - the argument's name
        str, typer.Argument(metavar="ID", help="Of a quotation, dataset or article (its hash), or a checkpoint's name.")
    ],
    database: Annotated[
        str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")
    ] = "extractor.db",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Where something came from, and what came of it."""
    from models.engine import open_database
    from models.lineage import trace

    found = trace(open_database(database), id)
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=False))
        return
    console = readers_console(whole=True)
    for one in found:
        console.print(_tree(one))


def _tree(found: Trace) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(_line(found)))
    for heading, attribute in (("came from", "origins"), ("led to", "results")):
        if getattr(found, attribute):
            _grow(root.add(heading), getattr(found, attribute), attribute)
    return root


def _grow(branch: Tree, traces: tuple[Trace, ...], attribute: str) -> None:
    from rich.text import Text

    for one in traces[:_MOST]:
        _grow(branch.add(Text(_line(one))), getattr(one, attribute), attribute)
    if len(traces) > _MOST:
        branch.add(f"and {len(traces) - _MOST} more: see --json")


def _line(found: Trace) -> str:
    long = found.kind in ("dataset", "article")
    facts = (f"{name} {_short(name, found.facts[name])}" for name in _SHOWN if found.facts.get(name) is not None)
    return f"{found.kind} {found.id[:12] if long else found.id}: {', '.join(facts)}".removesuffix(": ")


def _short(name: str, value: object) -> str:
    if name == "article":
        return str(value)[:12]
    return " … ".join(value) if isinstance(value, list) else str(value)
