"""What a training logs: means of its losses, a line an epoch, and neither twice nor lost where it is interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractor.training_log import EVERY, TrainingLog, read_curve
from extractor.training_picture import draw_training


def run(folder: Path, *, done: int, until: int, saves: int = 200, epoch: int = 260) -> int:
    """Stands for a run that resumes after ``done`` steps and is killed after ``until``: the step that it saved last."""
    log = TrainingLog(folder, done)
    saved = done
    for step in range(done + 1, until + 1):
        number = (step - 1) // epoch + 1
        log.add_losses(step, number, {"cue_loss": 1 / step, "role_loss": float(step), "describe_loss": 0.5})
        ends = step % epoch == 0
        if ends or step % saves == 0:
            log.write_losses(step, number)
            if ends:
                log.add_epoch({"epoch": number, "step": step, "who": [0.5, 0.4, 0.6]})
            saved = step
    return saved


def test_losses_are_means_since_the_line_before(tmp_path: Path) -> None:
    run(tmp_path, done=0, until=600)
    curve = read_curve(tmp_path)
    assert sum(line["steps"] for line in curve.losses) == 600
    assert [line["step"] for line in curve.losses][:7] == [50, 100, 150, 200, 250, 260, 300]
    assert curve.losses[0]["role_loss"] == pytest.approx((1 + EVERY) / 2)
    assert curve.losses[5] == {
        "step": 260,
        "epoch": 1,
        "steps": 10,
        "role_loss": pytest.approx(255.5),
        "describe_loss": 0.5,
        "cue_loss": pytest.approx(sum(1 / step for step in range(251, 261)) / 10),
    }
    assert [line["epoch"] for line in curve.epochs] == [1, 2]


@pytest.mark.parametrize("stops", [[10], [199], [255, 261], [201, 410, 519, 521, 599], [520]])
def test_an_interrupted_run_logs_what_an_uninterrupted_one_does(stops: list[int], tmp_path: Path) -> None:
    run(tmp_path / "whole", done=0, until=780)
    done = 0
    for stop in [*stops, 780]:
        done = run(tmp_path / "broken", done=done, until=stop)
    assert read_curve(tmp_path / "broken") == read_curve(tmp_path / "whole")


def test_an_epoch_whose_state_was_not_saved_is_logged_once(tmp_path: Path) -> None:
    run(tmp_path, done=0, until=260)
    run(tmp_path, done=200, until=260)  # killed between the epoch's line and its state
    curve = read_curve(tmp_path)
    assert [line["step"] for line in curve.losses] == [50, 100, 150, 200, 250, 260]
    assert [line["step"] for line in curve.epochs] == [260]


def test_a_line_that_a_kill_cut_off_is_written_again(tmp_path: Path) -> None:
    run(tmp_path, done=0, until=400)
    whole = read_curve(tmp_path)
    with (tmp_path / "losses.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 450, "epo')
    assert read_curve(tmp_path) == whole
    run(tmp_path, done=400, until=450)
    assert [line["step"] for line in read_curve(tmp_path).losses[-2:]] == [400, 450]


def test_a_run_that_begins_anew_forgets_what_was_there(tmp_path: Path) -> None:
    run(tmp_path, done=0, until=600)
    TrainingLog(tmp_path, 0)
    assert not read_curve(tmp_path).losses
    assert not read_curve(tmp_path).epochs


def test_the_picture_needs_something_to_show(tmp_path: Path) -> None:
    draw_training(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scored", [True, False])
def test_the_picture_is_drawn_with_and_without_scores(scored: bool, tmp_path: Path) -> None:
    log = TrainingLog(tmp_path, 0)
    log.add_losses(50, 1, {"cue_loss": 1.0, "role_loss": 2.0, "describe_loss": 0.1})
    scores = {name: [0.5, 0.4, 0.6] for name in ("found", "exact", "who")} if scored else {}
    log.add_epoch({"epoch": 1, "step": 50, **scores})
    draw_training(tmp_path)
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
