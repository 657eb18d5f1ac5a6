"""What reviewers did is counted as calculated by hand, drift is told from chance, and the page shows both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drift import World, alarms, simulated
from extractor.annotation import Annotation
from extractor.quotation import Role
from models.quality import Corrections, Period, Regions, by_period, load_corrections
from models.tables import Purpose, Verdict
from review.drift import LEVEL, Rate, design_effect, drift, share
from review.quality_page import page
from review.quality_report import as_dict, report_on, summary, warnings
from tests.correcting import Desk, accepted, article, corrected, shortened, with_one_more, without_last
from tests.page import CHROMIUM
from tests.program import extractor

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
HODA, RIM = "hoda@example.org", "rim@example.org"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "extractor.db")


def made(
    day: datetime,
    regions: Regions,
    number: int = 0,
    outlet: str = "الشمال",
    checkpoint: str = "starter",
    reason: str = "",
) -> Corrections:
    return Corrections(
        checkpoint, outlet, number, reason, HODA, Verdict.CORRECTED, day, regions={Role.CONTENT: regions}
    )


# Counts


def test_counts_are_those_calculated_by_hand(desk: Desk) -> None:
    north = [article(number) for number in range(4)]
    port = [article(9, "الميناء"), article(10, "")]
    desk.send([*north, *port])
    desk.answer(north[0], accepted(north[0]), MONDAY, lead_time=10)
    desk.answer(north[1], shortened(north[1]), MONDAY + 6 * DAY, lead_time=40)
    desk.answer(north[2], with_one_more(north[2]), MONDAY + DAY, lead_time=None)
    desk.answer(north[3], without_last(north[3]), MONDAY + WEEK)
    desk.answer(port[0], Verdict.SKIPPED, MONDAY)
    desk.answer(port[1], [], MONDAY)  # everything deleted

    rows = by_period(load_corrections(desk.engine), Period.WEEK)
    assert [(row.period, row.outlet, row.articles) for row in rows] == [
        (date(2026, 1, 12), "الشمال", 1),
        (date(2026, 1, 5), "", 1),
        (date(2026, 1, 5), "الشمال", 3),
        (date(2026, 1, 5), "الميناء", 1),
    ]
    later, nowhere, first, skipped = rows
    assert {row.checkpoint for row in rows} == {"starter"}
    assert first.regions == {
        Role.CONTENT: Regions(untouched=11, changed=1, added=1),
        Role.CUE: Regions(untouched=6),
        Role.SOURCE: Regions(untouched=3),
    }
    assert first.verdicts == {Verdict.ACCEPTED: 1, Verdict.CORRECTED: 2}
    assert first.lead_time == 25
    assert first.total == Regions(untouched=20, changed=1, added=1)
    assert later.total == Regions(untouched=6, deleted=1)
    assert (nowhere.total, nowhere.verdicts) == (Regions(deleted=7), {Verdict.NO_QUOTATIONS: 1})
    assert (skipped.total, skipped.verdicts) == (Regions(), {Verdict.SKIPPED: 1})


def test_the_last_word_of_each_reviewer_counts(desk: Desk) -> None:
    one, other = article(1), article(2)
    desk.send([one, other])
    revised = desk.answer(one, shortened(one), MONDAY)
    desk.answer(one, accepted(one), MONDAY + DAY, again=revised)
    desk.answer(one, without_last(one), MONDAY + 2 * DAY)  # a second annotation of the same task
    desk.answer(one, with_one_more(one), MONDAY, RIM)
    taken_back = desk.answer(other, [], MONDAY)
    desk.answer(other, Verdict.DELETED, MONDAY + DAY, again=taken_back)
    (row,) = by_period(load_corrections(desk.engine), Period.WEEK)
    assert row.articles == 1
    assert row.total == Regions(untouched=6, deleted=1) + Regions(untouched=7, added=1)


def test_blind_answers_correct_nothing(tmp_path: Path) -> None:
    blind = Desk(tmp_path / "extractor.db", Purpose.BLIND)
    blind.send([article(1)])
    blind.answer(article(1), accepted(article(1)), MONDAY)
    assert load_corrections(blind.engine) == []


def test_checkpoints_are_told_apart_and_time_is_bounded(desk: Desk) -> None:
    old, new = article(1, checkpoint="old"), article(2, checkpoint="new")
    desk.send([old, new], reason="uncertain")
    desk.answer(old, accepted(old), MONDAY)
    desk.answer(new, accepted(new), MONDAY + DAY)
    found = load_corrections(desk.engine)
    assert [(one.checkpoint, one.reason) for one in found] == [("old", "uncertain"), ("new", "uncertain")]
    assert [one.checkpoint for one in load_corrections(desk.engine, MONDAY + DAY)] == ["new"]
    with sqlite3.connect(desk.engine.url.database or "") as connection:
        connection.execute("UPDATE checkpoints SET name = 'same'")
    assert [one.checkpoint for one in load_corrections(desk.engine)] == ["same old00000", "same new00000"]


def test_periods() -> None:
    new_year = datetime(2027, 1, 1, 1, tzinfo=UTC)
    assert [p.label(p.start(new_year)) for p in Period] == ["2027-01-01", "2026-W53", "2027-01"]
    before_midnight_in_utc = datetime.fromisoformat("2026-01-05T01:00+03:00")
    assert Period.WEEK.start(before_midnight_in_utc) == date(2025, 12, 29)


numbers = st.integers(0, 10_000)
several = st.builds(Regions, numbers, numbers, numbers, numbers)


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["a", "b"]), several), max_size=20))
def test_totals_add_up(items: list[tuple[int, str, Regions]]) -> None:
    found = [made(MONDAY + days * DAY, regions, outlet=outlet) for days, outlet, regions in items]
    for period in Period:
        rows = by_period(found, period)
        total = sum((row.total for row in rows), Regions())
        assert total == sum((regions for _, _, regions in items), Regions())
        assert sum(row.verdicts[Verdict.CORRECTED] for row in rows) == len(items)


# Rates


@given(several, st.floats(1, 50))
def test_intervals_lie_within_0_and_1_and_hold_the_rate(regions: Regions, effect: float) -> None:
    found = {rate: share(rate.hits(regions), rate.of(regions), effect) for rate in Rate}
    for one in found.values():
        assert 0 <= one.low <= one.value <= one.high <= 1
    if regions.proposed:
        assert sum(found[rate].value for rate in (Rate.ACCEPTED, Rate.CHANGED, Rate.DELETED)) == pytest.approx(1)


def test_an_interval_that_is_known() -> None:
    found = share(8, 10)  # as Newcombe (1998) and statsmodels have it
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share(16, 20, 2) == found


def test_regions_that_fall_together_count_for_less() -> None:
    whole = [Regions(untouched=10), Regions(deleted=10)] * 10
    even = [Regions(untouched=5, deleted=5)] * 20
    assert design_effect(whole, Rate.ACCEPTED) == pytest.approx(10 * 20 / 19)
    assert design_effect(even, Rate.ACCEPTED) == 1
    assert design_effect([], Rate.ACCEPTED) == design_effect([Regions()] * 3, Rate.ADDED) == 1


# Drift


def test_p_is_that_of_all_permutations() -> None:
    """Six articles against six; deleted is what is not accepted, and nothing else varies: one comparison."""
    right = [9, 8, 10, 7, 9, 10, 6, 9, 4, 5, 7, 3]
    found = [made(MONDAY + (n // 6) * WEEK, Regions(untouched=r, deleted=10 - r), n) for n, r in enumerate(right)]
    mean = sum(right) / 12
    sizes = [abs(sum(right[n] - mean for n in chosen)) for chosen in combinations(range(12), 6)]
    exact = sum(size >= abs(sum(right[6:]) - 6 * mean) - 1e-9 for size in sizes) / len(sizes)
    accepted_move, _, deleted_move, _ = drift(found, Period.WEEK).comparisons
    assert accepted_move.p == deleted_move.p == pytest.approx(exact, abs=0.01)
    assert (accepted_move.expected, accepted_move.now) == pytest.approx((53 / 60, 34 / 60))
    assert accepted_move.is_worse
    assert (accepted_move.articles_before, accepted_move.articles_now) == (6, 6)


def test_nothing_to_compare() -> None:
    assert drift([], Period.WEEK).latest is None
    rejected = replace(made(MONDAY, Regions()), verdict=Verdict.REJECTED)
    assert drift([rejected], Period.WEEK).latest is None
    few = [made(MONDAY + n * WEEK, Regions(n), n) for n in range(9)]
    assert drift(few, Period.WEEK).comparisons == ()


def test_other_outlets_are_no_drift() -> None:
    """One outlet is read well and one badly; in the last week there are more of the bad."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(240):
        last = number >= 200
        good = rng.random() < (0.2 if last else 0.8)
        right = int(rng.binomial(10, 0.95 if good else 0.5))
        day = MONDAY + (5 * WEEK if last else (number // 40) * WEEK)
        found.append(made(day, Regions(right, 10 - right), number, "good" if good else "bad"))
    drifted = drift(found, Period.WEEK)
    assert len(drifted.comparisons) == 12
    assert drifted.warnings == ()


def test_false_alarms_are_rare_and_a_fall_is_seen() -> None:
    """A small version of `python -m benchmarks.drift`."""
    ours, naive = alarms(World(weeks=5), 40)
    assert ours <= 2 * LEVEL < 0.5 < naive
    assert alarms(World(weeks=5, fall=0.15), 20)[0] >= 0.75


def test_the_same_reviews_give_the_same_report() -> None:
    found = simulated(World(weeks=3), np.random.default_rng(3))
    assert drift(found, Period.WEEK, permutations=99) == drift(found, Period.WEEK, permutations=99)


# The report


def fallen() -> list[Corrections]:
    """Three weeks; in the last one nothing of one outlet is right."""
    return [
        made(
            MONDAY + (number // 16) * WEEK,
            Regions(deleted=7) if number >= 32 and number % 2 else Regions(untouched=6, changed=1, added=1),
            number,
            ("الشمال", "<b>الميناء</b>")[number % 2],
            "<script>alert(1)</script>",
        )
        for number in range(48)
    ]


def test_report_in_words() -> None:
    report = report_on(fallen(), Period.WEEK)
    found = [str(warning) for warning in warnings(report)]
    assert len(found) == 2
    assert "all outlets, 2026-W04: accepted fell to 43% (86% expected)" in found[0]
    assert "<b>الميناء</b>, 2026-W04: accepted fell to 0% (86% expected)" in found[1]
    assert "8 articles against 16 before" in found[1]
    said = summary(report)
    assert "48 articles by 1 reviewer, 2026-01-05 to 2026-01-19" in said
    assert "Of the 336 regions that it proposed, reviewers left 71% as they were" in said
    record = json.loads(json.dumps(as_dict(report), ensure_ascii=False))
    assert record["warnings"] == found
    assert record["rows"][0]["regions"]["content"] == {"untouched": 0, "changed": 0, "deleted": 56, "added": 0}
    assert len(record["comparisons"]) == 12


def test_the_page_is_escaped_and_whole() -> None:
    html = page(report_on(fallen(), Period.WEEK), "Quality & <more>", MONDAY)
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;الميناء&lt;/b&gt;" in html
    assert "Quality &amp; &lt;more&gt;" in html
    for word in ("http://", "https://", "src=", "@import", "url("):
        assert word not in html


def test_a_page_without_readings() -> None:
    skipped = replace(made(MONDAY, Regions()), verdict=Verdict.SKIPPED, regions={})
    html = page(report_on([skipped], Period.MONTH), "Quality", MONDAY)
    assert "Nothing to compare yet" in html
    assert "1 article had no usable reading" in html


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "quality.html"
    file.write_text(page(report_on(fallen(), Period.WEEK), "Quality", MONDAY), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 420, "height": 900})
        said: list[str] = []
        asked: list[str] = []
        view.on("console", lambda message: said.append(message.text))
        view.on("request", lambda request: asked.append(request.url))
        view.goto(file.as_uri())
        assert (said, asked) == ([], [file.as_uri()])
        assert view.locator("[role=alert] li").count() == 2
        assert view.locator("figure svg").count() == len(Rate)
        assert view.locator("figure circle.moved-ring").count() > 0
        assert view.locator("td", has_text="<b>الميناء</b>").count() > 0
        assert view.evaluate("document.documentElement.scrollWidth") <= 420  # wide tables scroll within themselves
        papers = []
        for scheme in ("light", "dark"):
            view.emulate_media(color_scheme=scheme)
            papers.append(view.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(set(papers)) == 2
        browser.close()


# The command


def filled(desk: Desk, articles: Sequence[Annotation], wrong: float, when: datetime, reason: str = "random") -> None:
    desk.send(articles, reason)
    tasks = desk.pushed(articles)
    rng = np.random.default_rng(5)
    for one in articles:
        desk.answer(one, corrected(one, rng, wrong), when, task=tasks[one.document.sha256])


def test_the_command(desk: Desk, tmp_path: Path) -> None:
    filled(desk, [article(number) for number in range(30)], 0.1, MONDAY)
    filled(desk, [article(number) for number in range(30, 42)], 0.9, MONDAY + WEEK)
    filled(desk, [article(99)], 0.0, MONDAY, "uncertain")
    done = extractor("report", "quality", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "warning: starter, all outlets, 2026-W03: accepted fell to" in " ".join(done.stderr.split())
    assert done.stderr.strip().endswith("wrote quality.html")
    assert (tmp_path / "quality.html").read_text("utf-8").startswith("<!doctype html>")

    (tmp_path / "quality.html").unlink()
    done = extractor("report", "quality", "--db", "extractor.db", "--since", "2026-01-12", "--json", folder=tmp_path)
    record = json.loads(done.stdout)
    assert (record["period"], [row["articles"] for row in record["rows"]], record["warnings"]) == ("week", [12], [])
    assert not (tmp_path / "quality.html").exists()

    drawn = extractor("report", "quality", "--json", "--random-only", folder=tmp_path)
    assert sum(row["articles"] for row in json.loads(drawn.stdout)["rows"]) == 42

    done = extractor("report", "quality", "--output", "missing/quality.html", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().split("\n")[-1].startswith("error: missing/quality.html: No such file or directory")
    assert extractor("report", "quality", "--period", "year", folder=tmp_path).returncode == 2


def test_an_empty_database_is_one_line(tmp_path: Path) -> None:
    done = extractor("report", "quality", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no reviews in extractor.db: nothing to report\n")
    assert not (tmp_path / "quality.html").exists()
