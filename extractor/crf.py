"""A linear-chain conditional random field (Lafferty et al. 2001) in which only legal sequences have probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

_IMPOSSIBLE = -1e4


class LinearChain(nn.Module):
    """Scores of sequences over ``tags`` labels; ``may_follow(before, tag)`` says which transitions are legal.

    Emissions have shape [sequences, steps, tags], masks [sequences, steps] (True where there is a step, the first step
    always). What all tags of a step have in common changes no probability, so no gradient holds it down: in float32 it
    grows until the sums over a passage lose the digits that matter. Steps are therefore normalised, sums in float64.
    """

    impossible: Tensor
    impossible_first: Tensor

    def __init__(self, tags: int, may_follow: Callable[[int | None, int], bool]) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.first = nn.Parameter(torch.zeros(tags))
        illegal = [[0.0 if may_follow(a, b) else _IMPOSSIBLE for b in range(tags)] for a in range(tags)]
        illegal_first = [0.0 if may_follow(None, b) else _IMPOSSIBLE for b in range(tags)]
        self.register_buffer("impossible", torch.tensor(illegal), persistent=False)
        self.register_buffer("impossible_first", torch.tensor(illegal_first), persistent=False)

    def mean_with(self, others: Sequence[LinearChain]) -> LinearChain:
        """The field whose scores are the mean of this one's and the others', which have the same labels."""
        mean = deepcopy(self)
        chains = [self, *others]
        mean.transitions.data = torch.stack([chain.transitions.data for chain in chains]).mean(0)
        mean.first.data = torch.stack([chain.first.data for chain in chains]).mean(0)
        return mean

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Log-probability of each tag sequence, [sequences]."""
        normal = _normalised(emissions)
        return (self._score(normal, tags, mask) - self._log_partition(normal, mask)).to(emissions.dtype)

    def best(self, emissions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The most probable tags [sequences, steps] (0 beyond the mask) and their log-probability [sequences]."""
        given, emissions = emissions, _normalised(emissions)
        transitions = self.transitions + self.impossible
        score = self.first + self.impossible_first + emissions[:, 0]
        sequences, steps, tags = emissions.shape
        back = torch.zeros(sequences, steps, tags, dtype=torch.long, device=emissions.device)
        stay = torch.arange(tags, device=emissions.device)
        for step in range(1, steps):
            reached, origin = (score.unsqueeze(2) + transitions).max(dim=1)
            here = mask[:, step].unsqueeze(1)
            score = torch.where(here, reached + emissions[:, step], score)
            back[:, step] = torch.where(here, origin, stay)
        path = torch.zeros(sequences, steps, dtype=torch.long, device=emissions.device)
        total, last = score.max(dim=1)
        for step in range(steps - 1, -1, -1):
            path[:, step] = last
            last = back[:, step].gather(1, last.unsqueeze(1)).squeeze(1)
        return path * mask, (total - self._log_partition(emissions, mask)).to(given.dtype)

    def _score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        emitted = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        moved = (self.transitions + self.impossible)[tags[:, :-1], tags[:, 1:]]
        begun = (self.first + self.impossible_first)[tags[:, 0]]
        return begun + (emitted * mask).sum(1) + (moved * mask[:, 1:]).sum(1)

    def _log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        transitions = self.transitions + self.impossible
        score = self.first + self.impossible_first + emissions[:, 0]
        for step in range(1, emissions.shape[1]):
            reached = torch.logsumexp(score.unsqueeze(2) + transitions, dim=1) + emissions[:, step]
            score = torch.where(mask[:, step].unsqueeze(1), reached, score)
        return torch.logsumexp(score, dim=1)


def _normalised(emissions: Tensor) -> Tensor:
    return torch.log_softmax(emissions.double(), dim=-1)
