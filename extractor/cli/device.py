"""Which processor to use, and how precisely, as options."""

from __future__ import annotations

from enum import StrEnum

from extractor.errors import MendableError


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    auto = "auto"
    bf16 = "bf16"
    float32 = "float32"


def processor(wanted: Device) -> str:
    """As torch names it. Raises MendableError where this machine has none."""
    from extractor.pipeline import best_device

    best = best_device()
    if wanted is Device.cuda and best != "cuda":
        raise MendableError("--device cuda: torch finds no GPU here: use --device cpu, or install torch with CUDA")
    return best if wanted is Device.auto else wanted.value
