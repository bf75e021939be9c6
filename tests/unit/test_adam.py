"""Our Adam is torch's own, number by number, and the paper's."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen.adam import Adam
from condgen.nets.skip_init import RANDOM
from condgen.systems import SYSTEMS, preset


def net() -> nn.Sequential:
    torch.manual_seed(3)
    made = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(64, 5))
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def played(made: nn.Module, optimizer: Adam | torch.optim.Adam, left_out: set[int]) -> list[Tensor]:
    torch.manual_seed(4)
    for number in range(12):
        optimizer.zero_grad(set_to_none=True)
        made(torch.randn(3, 2, 6, 6)).square().sum().backward()
        optimizer.param_groups[0]["lr"] = 1e-2 / (1 + number)
        skip_if = torch.tensor(float(number in left_out))
        if isinstance(optimizer, Adam):
            optimizer.step(skip_if)
        else:
            optimizer.found_inf = skip_if  # type: ignore[attr-defined]
            optimizer.step()
    return [p.detach() for p in made.parameters()]


@pytest.mark.parametrize("left_out", [set(), {0, 5}], ids=["all moves", "two left out"])
def test_it_is_torchs_own_bit_for_bit(left_out: set[int]) -> None:
    ours, theirs = net(), net()
    settings: dict[str, Any] = {"lr": 1e-2, "betas": (0.5, 0.9), "eps": 1e-7}
    mine, other = Adam(ours.parameters(), **settings), torch.optim.Adam(theirs.parameters(), **settings, fused=True)
    pairs = zip(played(ours, mine, left_out), played(theirs, other, left_out), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    for i, memory in other.state_dict()["state"].items():
        assert memory.keys() == mine.state[i].keys()
        assert all(torch.equal(memory[name], mine.state[i][name]) for name in memory)


def test_the_papers_formula() -> None:
    """Two steps by hand: m and v are moving means, divided by what is missing from them (algorithm 1)."""
    a, b, lr, eps, gradients = 0.9, 0.99, 0.1, 1e-8, (2.0, -1.0)
    parameter = nn.Parameter(torch.ones(1))
    optimizer = Adam([parameter], lr, (a, b), eps)
    value, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        parameter.grad = torch.tensor([g])
        optimizer.step()
        m, v = a * m + (1 - a) * g, b * v + (1 - b) * g * g
        value -= lr * (m / (1 - a**t)) / ((v / (1 - b**t)) ** 0.5 + eps)
        assert parameter.item() == pytest.approx(value, rel=1e-6)


def test_who_has_no_gradient_stays() -> None:
    moving, resting = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = Adam([moving, resting], 0.1)
    optimizer.step()
    assert not optimizer.state
    moving.grad = torch.ones(2)
    optimizer.step()
    assert moving[0] < 1
    assert torch.equal(resting, torch.ones(2))
    assert optimizer.state.keys() == {0}


@pytest.mark.parametrize("name", SYSTEMS)
def test_hollow_networks_have_the_shapes_of_full_ones(name: str) -> None:
    full, empty = preset(name).build(preset(name).source_spec).state_dict(), preset(name).build_on_meta().state_dict()
    assert {key: value.shape for key, value in full.items()} == {key: value.shape for key, value in empty.items()}
    assert all(value.device.type == "meta" for value in empty.values())


@pytest.mark.parametrize("filling", RANDOM)
def test_outside_of_hollow_networks_weights_are_filled(filling: str) -> None:
    preset("gan").build_on_meta()
    weights = torch.zeros(4, 4)
    getattr(nn.init, filling)(weights)
    assert weights.any()
