"""A reading that was accepted, as the JSON that the program writes, with where it came from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from extractor.annotation import annotation_as_dict
from models.reviews import Reviewed


def reviewed_as_dict(reviewed: Reviewed, *, with_text: bool = False) -> dict[str, Any]:
    """The object of `extractor run` and ``status``, ``reviewer``, ``reviewed_at``, ``label_studio_task``;
    ``checkpoint`` is the one whose prediction was reviewed."""
    return annotation_as_dict(reviewed.annotation, with_text=with_text) | {
        "status": reviewed.verdict.value,
        "reviewer": reviewed.reviewer,
        "reviewed_at": reviewed.reviewed_at.isoformat(),
        "label_studio_task": reviewed.task_id,
        "interface": reviewed.interface_sha256,
    }


def prevailing(readings: Sequence[Reviewed], adjudicators: Collection[str]) -> list[Reviewed]:
    """Without the readings that an adjudicator's last one overrules; where none has read an article, all stay."""
    final = {r.annotation.document.sha256: r for r in readings if r.reviewer in adjudicators}
    return [r for r in readings if final.get(r.annotation.document.sha256, r) is r]
