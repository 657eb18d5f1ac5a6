"""`extractor checkpoints`: which checkpoint people use, what else there is, and back in one command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.console import note, readers_console

if TYPE_CHECKING:
    from models.checkpoints import Checkpoints

app = typer.Typer(no_args_is_help=True, help="Which checkpoint is used, what else there is, and back in one command.")

Database = Annotated[str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_DATABASE = "extractor.db"


@app.command("list")
def list_(database: Database = _DATABASE, as_json: Json = False) -> None:
    """The checkpoints that the database knows; the one that is used has a star."""
    from rich.table import Table

    from models.retrainings import Retrainings

    known = _checkpoints(database)
    current = known.current()
    made = {retraining.name: retraining for retraining in Retrainings(known.engine).judged()}
    rows = [
        {
            "name": one.name,
            "fingerprint": one.fingerprint,
            "path": one.path,
            "annotations": one.annotations,
            "used": bool(current and current.id == one.id),
            "state": made[one.name].state.value if one.name in made else None,
            "verdict": made[one.name].verdict if one.name in made else None,
        }
        for one in known.all()
    ]
    if as_json:
        typer.echo(json.dumps({"used": current.name if current else None, "checkpoints": rows}, ensure_ascii=False))
        return
    table = Table("", "checkpoint", "fingerprint", "articles read", "verdict")
    for one, row in zip(known.all(), rows, strict=True):
        mark, verdict = "*" if row["used"] else "", str(row["verdict"] or "")
        table.add_row(mark, one.name, one.fingerprint[:12], str(one.annotations), verdict)
    readers_console(whole=True).print(table)
    if not current:
        note("none is promoted: the starter that comes with the program is used")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Its name, or the beginning of its fingerprint.")],
    database: Database = _DATABASE,
) -> None:
    """What one is made of, and how it was judged, as JSON. Verifies its files."""
    from models.retrainings import Retrainings

    known = _checkpoints(database)
    found = known.find(name)
    made = Retrainings(known.engine).of_candidate(found.name)
    record: dict[str, Any] = {
        "name": found.name,
        "fingerprint": found.fingerprint,
        "path": str(found.verified()),
        "retraining": made.as_dict() if made else None,
        "promotions": [
            {"at": p.created_at.isoformat(), "rollback": p.is_rollback, "reason": p.reason}
            for p in known.promotions()
            if p.name == found.name
        ],
    }
    typer.echo(json.dumps(record, ensure_ascii=False, indent=2))


@app.command()
def promote(
    name: Annotated[str, typer.Argument(help="Its name, the beginning of its fingerprint, or starter.")],
    database: Database = _DATABASE,
    reason: Annotated[str, typer.Option(help="Is remembered.")] = "by hand",
) -> None:
    """Use that one from now on, whatever the gate said."""
    note(f"{_checkpoints(database).promote(name, reason)} is used from now on")


@app.command()
def rollback(
    database: Database = _DATABASE, reason: Annotated[str, typer.Option(help="Is remembered.")] = "by hand"
) -> None:
    """Use the one that was used before the current one; again: the one before that."""
    note(f"{_checkpoints(database).rollback(reason)} is used again")


def _checkpoints(database: str) -> Checkpoints:
    from models.checkpoints import Checkpoints
    from models.engine import open_database

    return Checkpoints(open_database(database))
