"""Draws docs/quality.png: the quality report on invented reviews. ``python -m docs.quality_picture``"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from models.quality import Period, load_corrections
from review.quality_page import page
from review.quality_report import report_on
from tests.correcting import Desk, article, corrected
from tests.page import CHROMIUM

OUTLETS = ("وكالة الشمال", "صحيفة الميناء", "المدينة نت", "Harbour Daily")
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


def invented(database: Path) -> Desk:
    """Nine weeks of 40 articles; the second checkpoint is better; in the last week one outlet writes otherwise."""
    desk, rng = Desk(database), np.random.default_rng(1)
    for week in range(9):
        checkpoint, wrong = ("starter-1", 0.30) if week < 5 else ("starter-2", 0.16)
        articles = [article(week * 40 + n, OUTLETS[n % 4 if n % 9 else 0], checkpoint) for n in range(40)]
        desk.send(articles)
        tasks = desk.pushed(articles)
        for number, one in enumerate(articles):
            moved = 0.8 if week == 8 and "الميناء" in (one.document.path or "") else 0.0
            desk.answer(
                one,
                corrected(one, rng, wrong + moved),
                MONDAY + timedelta(weeks=week, minutes=number),
                ("hoda@example.org", "rim@example.org")[number % 2],
                lead_time=float(rng.gamma(3, 12)),
                task=tasks[one.document.sha256],
            )
    return desk


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        corrections = load_corrections(invented(Path(folder) / "extractor.db").engine)
        html = page(
            report_on(corrections, Period.WEEK), "Quality of predictions, as reviewed", MONDAY + timedelta(weeks=9)
        )
    picture = Path(__file__).with_name("quality.png")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1040, "height": 1310})
        view.set_content(html)
        view.screenshot(path=str(picture))
        browser.close()
    Image.open(picture).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(picture, optimize=True)


if __name__ == "__main__":
    main()
