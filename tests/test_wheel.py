"""The wheel: what is in it, and that it runs in an empty folder from an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_holds_what_runs_and_no_more(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "extractor/cli/run.py",
        "extractor/py.typed",
        "models/tables.py",
        "review/queue.py",
        "review/quality.html.j2",
        "migrations/env.py",
        "migrations/versions/0001_first_schema.py",
        "seeds/articles/000_975c051f50ff2ff7.txt",
        "seeds/gold.jsonl",
        "seeds/checkpoint/model.safetensors",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/")) or name.endswith(".db")]


@pytest.mark.slow
def test_the_wheel_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    # The dependencies of the environment that runs the tests, behind the wheel: gigabytes need no second copy.
    (site,) = (home / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "article.txt").write_text("بغداد\nقال وزير الدفاع ثابت العباسي إن القوات حققت تقدما كبيرا.\n", "utf-8")
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = call(str(python), "-c", "import extractor, models, seeds; print(extractor.__file__, seeds.__path__[0])")
    assert all(place.startswith(str(home)) for place in where.split())
    (record,) = (json.loads(line) for line in call(str(home / "bin" / "extractor"), "run", "article.txt").splitlines())
    assert record["quotations"][0]["speaker"]["name"] == "ثابت العباسي"
    assert (folder / "extractor.db").exists()
