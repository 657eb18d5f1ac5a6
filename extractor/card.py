"""The card of a checkpoint: what it is made of, how, how good it is, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def card(name: str, facts: Mapping[str, Any]) -> str:
    """Markdown, with the header that model hubs read; what ``facts`` does not say is left out."""
    return (
        "\n\n".join(
            part
            for part in (
                _head(name),
                _base(facts),
                _data(facts),
                _recipe(facts),
                _scores(facts),
                _confidence(facts),
                _LIMITS,
            )
            if part
        )
        + "\n"
    )


_LIMITS = """## Limits
Written news in Modern Standard Arabic, as the outlets of its data write it. Other registers (interviews, magazines,
dialect inside quotation marks, parliament) cost recall. Speakers are resolved within one article. A quotation found is
a claim about the text, not about the world: read it in its article before you publish it."""


def _confidence(facts: Mapping[str, Any]) -> str:
    fitted = facts.get("calibration")
    if not fitted:
        return "## Confidence\nIt orders quotations by how sure the tagger is; it is not calibrated."
    return (
        "## Confidence\nThe probability that a quotation is found with the right speaker, fitted to "
        f"{fitted['quotations']:,} quotations of {fitted['articles']:,} articles that did not train the tagger."
    )


def _head(name: str) -> str:
    return f"""---
language: ar
library_name: transformers
tags: [quotation-extraction, attribution]
---
# {name}

A tagger of `extractor`: finds quotations in Arabic news with cue, source, speaker and type. Load it with
`Extractor.load(FOLDER_OR_NAME)` or `extractor run --checkpoint FOLDER_OR_NAME`. Weights in half precision,
safetensors only."""


def _base(facts: Mapping[str, Any]) -> str:
    about = facts.get("about_base") or (f"`{facts['base']}`" if "base" in facts else "")
    return f"## Base\n{about}" if about else ""


def _data(facts: Mapping[str, Any]) -> str:
    if not facts.get("data"):
        return ""
    rows = [f"| {d['articles']:,} | {d['quotations']:,} | {d['terms'] or 'not stated'} |" for d in facts["data"]]
    return "\n".join(("## Data", "| articles | quotations | terms |", "| --- | --- | --- |", *rows))


def _recipe(facts: Mapping[str, Any]) -> str:
    if "recipe" not in facts:
        return ""
    settings = ", ".join(f"{key} {value}" for key, value in facts["recipe"].items() if key != "sizes")
    sizes = ", ".join(f"{key} {value}" for key, value in facts["recipe"].get("sizes", {}).items())
    versions = ", ".join(f"{key} {value}" for key, value in facts.get("versions", {}).items())
    silver = facts.get("silver_articles")
    raw = f" Beside the data, {silver:,} raw articles that checkpoints labelled." if silver else ""
    return f"## Recipe\n{settings}. Heads: {sizes}. {versions}.{raw}"


def _scores(facts: Mapping[str, Any]) -> str:
    tables = facts.get("scores") or {}
    last = facts.get("epochs", [{}])[-1:]
    if not tables and last and "who" in last[0]:
        tables = {f"dev, {facts.get('dev_articles', '?')} articles": last[0]}
    if not tables:
        return ""
    lines = [
        "## Scores",
        "F1 with 95% interval by bootstrap over articles.",
        "",
        "| | found | exact | who said what | speaker right where omitted |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, scores in tables.items():
        columns = [_interval(scores[key]) for key in ("found", "exact", "who")]
        columns.append(f"{scores['omitted'][0]:.3f}" if "omitted" in scores else "")
        lines.append(f"| {name} | {' | '.join(columns)} |")
    if "about_scores" in facts:
        lines += ["", facts["about_scores"]]
    return "\n".join(lines)


def _interval(score: list[float]) -> str:
    value, low, high = score
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
