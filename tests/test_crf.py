"""The chain against brute force: on short sequences every labelling can be tried."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from extractor.crf import LinearChain
from extractor.labels import Tag, may_follow


def bio(before: int | None, tag: int) -> bool:
    """0 outside, 1 beginning, 2 inside."""
    return tag != 2 or before in (1, 2)


def frame_tags(before: int | None, tag: int) -> bool:
    return may_follow(None if before is None else Tag(before), Tag(tag))


def chain(tags: int = 3, *, seed: int = 0) -> LinearChain:
    torch.manual_seed(seed)
    made = LinearChain(tags, bio if tags == 3 else frame_tags)
    with torch.no_grad():
        made.transitions.normal_()
        made.first.normal_()
    return made


def legal_sequences(made: LinearChain, steps: int) -> Tensor:
    legal = bio if len(made.first) == 3 else frame_tags
    return torch.tensor(
        [
            sequence
            for sequence in product(range(len(made.first)), repeat=steps)
            if all(legal(before, tag) for before, tag in zip((None, *sequence), sequence, strict=False))
        ]
    )


def likelihoods(made: LinearChain, emissions: Tensor, sequences: Tensor) -> Tensor:
    same = emissions.expand(len(sequences), -1, -1)
    return made.log_likelihood(same, sequences, torch.ones(sequences.shape, dtype=torch.bool)).detach()


@pytest.mark.parametrize(("tags", "steps"), [(3, 1), (3, 2), (3, 6), (9, 1), (9, 4)])
def test_the_legal_sequences_share_all_probability(tags: int, steps: int) -> None:
    made = chain(tags)
    found = likelihoods(made, torch.randn(1, steps, tags), legal_sequences(made, steps))
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("tags", "steps"), [(3, 1), (3, 6), (9, 4)])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_is_the_best_of_all(tags: int, steps: int, seed: int) -> None:
    made = chain(tags, seed=seed)
    emissions = 2 * torch.randn(1, steps, tags)
    sequences = legal_sequences(made, steps)
    every = likelihoods(made, emissions, sequences)
    best, likelihood = made.best(emissions, torch.ones(1, steps, dtype=torch.bool))
    assert best[0].tolist() == sequences[every.argmax()].tolist()
    assert likelihood.item() == pytest.approx(every.max().item(), abs=1e-4)


def test_an_illegal_sequence_has_no_probability() -> None:
    made = chain()
    illegal = torch.tensor([[2, 0, 0], [0, 2, 0], [1, 0, 2]])
    assert (likelihoods(made, torch.randn(1, 3, 3), illegal).exp() == 0).all()


def test_strong_emissions_cannot_make_an_illegal_sequence() -> None:
    emissions = torch.zeros(1, 4, 3)
    emissions[:, :, 2] = 100
    best, _ = chain().best(emissions, torch.ones(1, 4, dtype=torch.bool))
    assert best[0].tolist() == [1, 2, 2, 2]


def test_padding_changes_nothing() -> None:
    made = chain(9)
    lengths = [7, 1, 4]
    emissions = torch.randn(3, 7, 9)
    mask = torch.arange(7) < torch.tensor(lengths).unsqueeze(1)
    best, likelihood = made.best(emissions, mask)
    given = made.log_likelihood(emissions, best, mask)
    for i, length in enumerate(lengths):
        whole = torch.ones(1, length, dtype=torch.bool)
        alone, alone_likelihood = made.best(emissions[i : i + 1, :length], whole)
        assert best[i].tolist() == alone[0].tolist() + [0] * (7 - length)
        assert likelihood[i].item() == pytest.approx(alone_likelihood.item(), abs=1e-4)
        assert given[i].item() == pytest.approx(likelihood[i].item(), abs=1e-4)


def test_it_learns_what_follows_what() -> None:
    """Emissions that say nothing: only the transitions can tell that a range has three words."""
    made = chain(seed=3)
    tags = torch.tensor([[0, 1, 2, 2, 0, 1, 2, 2, 0]])
    emissions, mask = torch.zeros(1, 9, 3), torch.ones(1, 9, dtype=torch.bool)
    before = made.log_likelihood(emissions, tags, mask).item()
    optimizer = torch.optim.Adam(made.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = -made.log_likelihood(emissions, tags, mask).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert made.log_likelihood(emissions, tags, mask).item() > before + 2


@pytest.mark.parametrize("common", [0.0, 100.0, 3000.0])
def test_what_all_tags_have_in_common_changes_nothing_and_is_not_learned(common: float) -> None:
    """Float32 sums of such emissions lose the digits that matter, and their gradient drives the offset further."""
    made = chain(9)
    emissions = torch.randn(4, 300, 9) + torch.tensor([9.0] + [0.0] * 8)
    tags, mask = torch.zeros(4, 300, dtype=torch.long), torch.ones(4, 300, dtype=torch.bool)
    plain = made.log_likelihood(emissions, tags, mask).detach()
    given = (emissions + common).requires_grad_()
    found = made.log_likelihood(given, tags, mask)
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert found.detach().tolist() == pytest.approx(plain.tolist(), abs=0.02 if common else 1e-6)
    assert given.grad.sum(-1).abs().max().item() < 1e-6  # float32 rounds each tag's own
    assert made.best(emissions + common, mask)[0].equal(made.best(emissions, mask)[0])
