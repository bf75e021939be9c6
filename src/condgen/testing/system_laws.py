"""Laws of a system: of its generator, its players and its training step. Each raises AssertionError if it is broken."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from condgen import system as contract
from condgen.labels import ANY
from condgen.noise import draw, reseed
from condgen.system import Player, System
from condgen.testing.trainings import BATCH, Case, build, equal, images_of, labels_of, start

Descend = Callable[..., None]


def generates_images_in_range(case: Case) -> None:
    """The generator returns fp32 images of the data's shape in [-1, 1], also far from the mean of z."""
    system, spec = build(case.system, case.data.spec, device=case.device), case.data.spec
    z = draw(system.prior, 5, case.device)
    x = images_of(system, 3 * z, labels_of(case.data, 5).to(case.device))
    assert x.shape == (5, *spec.shape)
    assert x.dtype == torch.float32
    assert x.abs().max() <= 1
    assert x.std() > 0


def uses_the_label_or_declares_that_it_does_not(case: Case) -> None:
    """`takes_label` says whether the generator depends on y, and `generator_spec` agrees."""
    system = build(case.system, case.data.spec)
    z, y = draw(system.prior, 4), labels_of(case.data, 4)
    assert torch.equal(images_of(system, z, y), images_of(system, z, y.flip(1))) != system.takes_label
    assert (system.generator_spec.labels == ANY) != system.takes_label
    assert system.generator_spec.shape == case.data.spec.shape


def step_returns_finite_scalars(case: Case) -> None:
    """A step logs finite scalars that are detached from the graph, among them the loss of each player."""
    system, stream = start(case)
    for _ in range(2):
        logs = system.step(stream, stream.images)
    assert {f"loss/{player}" for player in system.players} <= logs.keys()
    for name, value in logs.items():
        assert value.shape == (), name
        assert value.isfinite(), name
        assert not value.requires_grad, name


def step_takes_batches_per_step(case: Case) -> None:
    """A step takes as many batches as `batches_per_step` says."""
    system, stream = start(case)
    system.step(stream, 0)
    assert stream.images == BATCH * system.batches_per_step


def equal_seeds_train_equally(case: Case) -> None:
    """Three steps from equal seeds give equal weights, and from another seed others."""

    def trained(seed: int) -> dict[str, Tensor]:
        system, stream = start(case, seed)
        for _ in range(3):
            reseed(seed, "step", stream.images)
            system.step(stream, stream.images)
        return system.state_dict()

    assert equal(trained(0), trained(0))
    assert not equal(trained(0), trained(1))


def players_own_every_parameter_once(case: Case) -> None:
    """Each parameter of the system belongs to exactly one player."""
    system = build(case.system, case.data.spec)
    owned = [id(p) for player in system.players.values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in system.parameters())


def update_changes_only_its_player(case: Case) -> None:
    """`descend` changes the players that it is given and no other, every player is updated in a step, and nothing but
    `descend` changes parameters."""
    system, stream = start(case)
    moved: set[str] = set()
    original = contract.descend
    newest = parameters_of(system)

    def watched(*moves: tuple[Player, Tensor]) -> None:
        nonlocal newest
        before = parameters_of(system)
        assert all(unchanged(newest[player], before[player]) for player in before), "changed outside of descend"
        for parameter in system.parameters():
            parameter.grad = None
        original(*moves)
        newest = parameters_of(system)
        for name, player in system.players.items():
            updated = any(mover is player for mover, _ in moves)
            assert updated != unchanged(before[name], newest[name]), name
            assert updated or all(parameter.grad is None for parameter in player.parameters), name
            moved.update([name] if updated else [])

    with in_place_of_descend(watched):
        system.step(stream, 0)
    after = parameters_of(system)
    assert all(unchanged(newest[player], after[player]) for player in after), "changed outside of descend"
    assert moved == set(system.players)


def every_parameter_changes(case: Case) -> set[str]:
    """Four steps change every parameter but those that the system names in `still_parameters`, which need not change.

    Returns the names of the parameters that have not changed.
    """
    system, stream = start(case)
    before = {key: value.clone() for key, value in system.named_parameters()}
    for _ in range(4):
        system.step(stream, stream.images)
    still = {key for key, value in system.named_parameters() if torch.equal(value, before[key])}
    assert still <= set(system.still_parameters)
    return still


def trains_under_bf16(case: Case) -> None:
    """A step under bf16 autocast logs finite values and leaves fp32 weights."""
    system, stream = start(case)
    with torch.autocast("cpu", torch.bfloat16):
        logs = system.step(stream, 0)
    assert all(value.isfinite() for value in logs.values())
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in system.parameters())


def parameters_of(system: System) -> dict[str, list[Tensor]]:
    """Copies of the parameters of each player."""
    return {name: [p.detach().clone() for p in player.parameters] for name, player in system.players.items()}


def unchanged(before: list[Tensor], after: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@contextmanager
def in_place_of_descend(watched: Descend) -> Iterator[None]:
    """Replace `descend` in every module that has imported it, under whatever name."""
    original = contract.descend
    modules = [vars(module) for module in list(sys.modules.values()) if module is not None]
    places = [(names, key) for names in modules for key, value in list(names.items()) if value is original]
    for names, key in places:
        names[key] = watched
    try:
        yield
    finally:
        for names, key in places:
            names[key] = original
