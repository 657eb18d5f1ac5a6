"""Where the review stands, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from sqlalchemy import Engine

from extractor.quotation import Role
from models.reviews import Reviews
from models.tables import Origin
from review.queue import Queue


def tables(engine: Engine) -> Iterator[Table]:
    """Articles by the state of their task, reviews by verdict, regions by checkpoint and what became of them."""
    reviews = Reviews(engine)
    yield _counts("articles", {state.value: number for state, number in Queue(engine).counts().items()})
    yield _counts("reviews", {verdict.value: number for verdict, number in reviews.verdicts().items()})
    regions = Table("checkpoint", "regions", *(origin.value for origin in Origin), "right")
    for checkpoint, counts in reviews.origins().items():
        for role in Role:
            found = [counts.get((role, origin), 0) for origin in Origin]
            sent = sum(found) - counts.get((role, Origin.ADDED), 0)
            right = f"{counts.get((role, Origin.UNTOUCHED), 0) / sent:.0%}" if sent else ""
            regions.add_row(checkpoint, role.value, *map(str, found), right)
    if regions.row_count:
        yield regions


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title, "")
    for name, number in counts.items():
        table.add_row(name, str(number))
    return table
