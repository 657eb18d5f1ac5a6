"""A tagger on disk: one folder with its weights (safetensors only), label set, tokenizer and card.

config.json  tokenizer.json  tokenizer_config.json     as transformers writes them
tagger.json                                            name, label set, head sizes, cue threshold, recipe, scores
model.safetensors                                      every weight, half precision
README.md                                              the card
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from extractor.card import card
from extractor.checkpoint_folder import SETTINGS, WEIGHTS, CheckpointError, find_checkpoint
from extractor.labels import KINDS, TAGS
from extractor.pieces import Pieces
from extractor.tagger import HeadSizes, Tagger

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tagger with the tokenizer that it was trained on; ``facts`` is what tagger.json says of its making."""

    name: str
    tagger: Tagger
    pieces: Pieces
    threshold: float = 0.5
    facts: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Writes the folder's files; weights go through half precision."""
        folder.mkdir(parents=True, exist_ok=True)
        self.tagger.encoder.config.save_pretrained(folder)
        self.pieces.tokenizer.save_pretrained(folder)
        settings = {
            "format": FORMAT,
            "name": self.name,
            "tags": TAGS,
            "kinds": [kind.value for kind in KINDS],
            "sizes": asdict(self.tagger.sizes),
            "threshold": self.threshold,
            "facts": self.facts,
        }
        (folder / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", "utf-8")
        save_file(_halved(self.tagger), folder / WEIGHTS, metadata={"format": "pt"})
        (folder / "README.md").write_text(card(self.name, self.facts), "utf-8")


def _halved(tagger: Tagger) -> dict[str, Tensor]:
    return {
        name: tensor.detach().to("cpu", torch.float16 if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in tagger.state_dict().items()
    }


def load_checkpoint(where: str | Path | None = None) -> Checkpoint:
    """Loads what ``save`` wrote: a local folder, a hub repository of that name, or (None) the starter.

    Raises CheckpointError where there is none, or it is damaged or of another format.
    """
    folder = find_checkpoint(where)
    try:
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
        labels = tuple(settings["tags"]), tuple(settings["kinds"])
        if settings["format"] != FORMAT or labels != (TAGS, KINDS):
            raise CheckpointError(f"{folder} has another format or label set than this program: train it again")
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        empty: PreTrainedModel = AutoModel.from_config(config, attn_implementation="sdpa")  # type: ignore[no-untyped-call]
        encoder = _without_pooler(empty)
        tagger = Tagger(encoder, HeadSizes(**settings["sizes"]))
        weights = {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in load_file(folder / WEIGHTS).items()
        }
        tagger.load_state_dict(weights)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).split("\n")[0]
        raise CheckpointError(f"checkpoint {folder} cannot be loaded ({reason}): give another or restore it") from error
    return Checkpoint(
        settings["name"], tagger.eval(), Pieces(tokenizer), settings["threshold"], settings.get("facts", {})
    )


def new_tagger(base: str | Path, sizes: HeadSizes | None = None) -> tuple[Tagger, Pieces]:
    """A tagger to train: untrained heads on a pretrained encoder, or a checkpoint's, whose ``sizes`` stay.

    Raises CheckpointError as ``load_encoder`` and ``load_checkpoint`` do.
    """
    if (Path(base) / SETTINGS).is_file():
        begun = load_checkpoint(base)
        return begun.tagger, begun.pieces
    encoder, pieces = load_encoder(base)
    return Tagger(encoder, sizes), pieces


def load_encoder(base: str | Path) -> tuple[PreTrainedModel, Pieces]:
    """A pretrained encoder in float32, without dropout or pooler: a local folder, or a hub name that AutoModel knows.

    Raises CheckpointError where there is no such encoder, it has no safetensors weights,
    or its tokenizer is of no use.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False, add_prefix_space=True)
        encoder = AutoModel.from_pretrained(
            base,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa",
        )
        pieces = Pieces(tokenizer)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).split("\n")[0]
        raise CheckpointError(f"encoder {base} cannot be loaded: {reason}") from error
    # The random numbers of dropout cost three times the forward pass on a CPU; the heads are regularised instead.
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
        if getattr(encoder.config, name, None):
            setattr(encoder.config, name, 0.0)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return _without_pooler(encoder), pieces


def _without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment]  # our words are read before it
    return encoder
