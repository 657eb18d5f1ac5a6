"""From a quotation to the labels that its checkpoint learned from, and from a label to what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from extractor.annotation import Annotation, quotation_id
from extractor.checkpoint_folder import fingerprint
from models.checkpoints import Checkpoints
from models.lineage import Trace, UnknownIdError, trace
from models.retrainings import Retraining
from models.store import Store
from tests.program import extractor
from tests.retraining import LABELS, Scripted, accept, prepare, retrainer, stories


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """A database where a candidate was promoted, read an article, and was corrected there."""
    made = tmp_path_factory.mktemp("lineage")
    engine = prepare(made)
    ended = retrainer(made, Scripted(made, small_checkpoint)).run()
    assert isinstance(ended, Retraining)
    accept(engine, stories(1, 900), checkpoint=made / "checkpoints" / ended.name)
    store, (article,) = Store(engine), stories(1, 901)
    current = Checkpoints(engine).current()
    assert current
    store.save(store.begin_run(current.id, {}), [Annotation(article.document, current.name, article.quotations)])
    return made


@pytest.fixture
def engine(folder: Path) -> Engine:
    from models.engine import open_database

    return open_database(folder / "extractor.db")


def only(found: tuple[Trace, ...], kind: str) -> Trace:
    (one,) = (trace for trace in found if trace.kind == kind)
    return one


def test_from_a_quotation_to_the_labels_and_what_they_correct(engine: Engine) -> None:
    (article,) = stories(1, 901)
    (found,) = trace(engine, quotation_id(article.document, article.quotations[0]))
    assert found.kind == "quotation"
    assert found.facts["content"] == [span.of(article.document.raw) for span in article.quotations[0].content]
    prediction = only(found.origins, "prediction")
    checkpoint = only(prediction.origins, "checkpoint")
    assert checkpoint.facts["state"] == "promoted"
    assert checkpoint.facts["seed"] == 1
    assert {"extractor", "torch"} <= set(checkpoint.facts["made_with"])
    dataset = only(checkpoint.origins, "dataset")
    assert {label.facts["article"] for label in dataset.origins} == {a.document.sha256 for a in stories(LABELS)}
    assert {label.facts["reviewer"] for label in dataset.origins} == {"a@b.c"}
    assert {only(label.origins, "prediction").facts["checkpoint"] for label in dataset.origins} == {"old"}


def test_from_a_label_to_what_came_of_it(engine: Engine) -> None:
    (found,) = trace(engine, stories(1)[0].document.sha256[:12])
    assert only(found.results, "prediction").facts["checkpoint"] == "old"
    dataset = only(found.results, "dataset")
    learned = only(dataset.results, "checkpoint")
    (again,) = trace(engine, learned.id)
    assert {result.kind for result in again.results} == {"predictions", "label", "promotion"}
    assert only(again.results, "predictions").id == "2"
    assert only(again.results, "label").facts["article"] == stories(1, 900)[0].document.sha256
    (same,) = trace(engine, dataset.id[:8])
    assert only(same.results, "checkpoint").id == learned.id
    (by_weights,) = trace(engine, fingerprint(Path(learned.facts["path"]))[:10])
    assert by_weights.id == learned.id


def test_what_is_unknown_is_one_line(engine: Engine) -> None:
    for wrong in ("eeeeeeeeeeee", "a", ""):
        with pytest.raises(UnknownIdError, match=f"nothing has the id {wrong}"):
            trace(engine, wrong)


def test_as_a_tree_and_as_json(folder: Path) -> None:
    (article,) = stories(1, 901)
    wanted = quotation_id(article.document, article.quotations[0])[:8]
    shown = extractor("lineage", wanted, folder=folder)
    assert shown.returncode == 0, shown.stderr
    assert "came from" in shown.stdout
    assert "reviewer a@b.c" in shown.stdout
    assert f"and {LABELS - 10} more" in shown.stdout
    (record,) = json.loads(extractor("lineage", wanted, "--json", folder=folder).stdout)
    assert len(record["origins"][0]["origins"][0]["origins"][0]["origins"]) == LABELS
