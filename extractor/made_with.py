"""What a checkpoint was made with: this program and the libraries that decide the numbers."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")


def made_with() -> dict[str, str]:
    """Versions by name; ``commit`` where the program runs from its repository."""
    found = {"extractor": version("extractor"), "python": platform.python_version()}
    found |= {name: version(name) for name in _LIBRARIES}
    commit = _commit(Path(__file__).parents[1])
    return found | ({"commit": commit} if commit else {})


def _commit(root: Path) -> str:
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603 - no input
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
