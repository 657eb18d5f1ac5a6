"""Draws docs/run.png, what `extractor run` prints for two seed articles: python docs/picture.py (needs Chromium)."""

from __future__ import annotations

import html
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from extractor import Document, Extractor
from extractor.cli.table import print_table

SEEDS = Path("seeds/articles")
ARTICLES = ("000_975c051f50ff2ff7", "003_03a7d76461eb97d8")
_TEXT = re.compile(r'x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"([^>]*)>([^<]*[\u0600-\u06ff][^<]*)<')


def main(checkpoint: str | None) -> None:
    console = Console(record=True, width=118, file=io.StringIO())
    documents = [Document(id=name, raw=(SEEDS / f"{name}.txt").read_text("utf-8")) for name in ARTICLES]
    for annotation in Extractor.load(checkpoint).annotate(documents):
        print_table(console, annotation)
    # Stretched to a grid, Arabic letters come apart: its lines are set to the right end of their cells instead.
    svg = _TEXT.sub(_at_its_end, console.export_svg(title="extractor run seeds/articles"))
    width, height = (round(float(size)) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "run.html"
        page.write_text(f"<meta charset=utf-8><body style='margin:0'>{svg}</body>", "utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        picture = [f"--window-size={width},{height}", "--screenshot=docs/run.png", page.as_uri()]
        subprocess.run(["chromium", *flags, *picture], check=True, capture_output=True)  # noqa: S603, S607


def _at_its_end(match: re.Match[str]) -> str:
    x, y, length, rest, text = match.groups()
    shown = html.unescape(text)  # the given length counts invisible characters too
    end = float(x) + float(length) / len(shown) * cell_len(shown)
    return f'x="{end}" {y} text-anchor="end"{rest}>{text}<'


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
