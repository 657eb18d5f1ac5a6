"""What a long optimisation needs to go on where it was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from extractor.checkpoint_folder import CheckpointError

_FILE = "state.safetensors"
_OPTIMIZER = "optimizer"


@dataclass(frozen=True, slots=True)
class RunState:
    """The number of steps done, and tensors by group (``weights``, ``average``) and name."""

    step: int
    groups: Mapping[str, Mapping[str, Tensor]]

    def save(self, folder: Path, optimizer: torch.optim.Optimizer, identity: str) -> None:
        """Replaces the last state in one move: a kill leaves the old one or the new one."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{group}.{name}": tensor for group, named in self.groups.items() for name, tensor in named.items()}
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{_OPTIMIZER}.{number}.{slot}": value for slot, value in slots.items()}
        fresh = folder / f"{_FILE}.part"
        save_file(
            {name: tensor.contiguous().clone() for name, tensor in tensors.items()},
            fresh,
            metadata={"step": str(self.step), "run": identity},
        )
        fresh.replace(folder / _FILE)


def restore(folder: Path, optimizer: torch.optim.Optimizer, identity: str) -> RunState | None:
    """The saved state, its optimizer's part put back; None where nothing was saved.

    Raises CheckpointError where the state is another run's.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    if metadata.get("run") != identity:
        raise CheckpointError(
            f"{folder} belongs to a run with another base, recipe or data: give another --output, or remove it"
        )
    groups: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_file(path).items():
        group, name = key.split(".", 1)
        groups.setdefault(group, {})[name] = tensor
    slots: dict[int, dict[str, Tensor]] = {}
    for key, tensor in groups.pop(_OPTIMIZER, {}).items():
        number, slot = key.split(".")
        slots.setdefault(int(number), {})[slot] = tensor
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
    return RunState(int(metadata["step"]), groups)


def up_then_down(
    optimizer: torch.optim.Optimizer, total: int, warmup: float, done: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate rises over the share ``warmup`` of all steps, then falls in a straight line."""
    warm = max(1, int(total * warmup))
    for group in optimizer.param_groups:  # a schedule that does not begin at 0 asks for it
        group.setdefault("initial_lr", group["lr"])
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm, max(0.02, (total - step) / max(1, total - warm))),
        last_epoch=done - 1,
    )
