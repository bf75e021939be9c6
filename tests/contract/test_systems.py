"""Laws of a system, over every row of the table and every kind of image."""

import importlib
import re
from dataclasses import replace

import pytest
import torch

from condgen.errors import CondgenError
from condgen.labels import ANY
from condgen.noise import draw, reseed
from condgen.system import Player, descend
from condgen.systems import SYSTEMS
from conftest import KINDS, toy_data
from contract.laws import BATCH, build, equal, labels_of, streaming

every_row = pytest.mark.parametrize("name", SYSTEMS)
every_kind = pytest.mark.parametrize("kind", KINDS)
device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])

MAPS = [(10 + 100) * 128 * 49, 128 * 64 * 16, 64 * 16]  # of cdcgan's generator at 28x28: 7x7, 14x14, 28x28
COUNTS = {  # design/systems.md: trainable parameters at the sizes of the source documents
    "gan": {"g": 1_489_936, "d": 533_505},
    "gan-plain": {"g": 283_920, "d": 267_009},
    "dcgan": {"g": 3_576_704, "d": 2_765_568},
    "cdcgan": {"g": sum(MAPS) + 2 * (128 + 64), "d": 11 * 64 * 16 + 64 * 128 * 16 + 2 * 128 + 128 * 49},
    "swift": {
        "g": 75 * 32 * 49 + 3 * (75 * 64 + 32 * (9 * 32 + 1)) + 16 * (9 * 32 + 1),
        "d": 32 * (9 * 16 + 1) + 32 * (9 * 32 + 1) + 64 * (9 * 32 + 1) + 128 * (1024 + 1) + 128 + 128 * 10,
    },
    "cwgan-gp": {"g": 728_963, "c": 662_977},
    "cgan-concat": {"g": 1_489_012, "d": 1_470_565},
    "cgan-multiply": {"g": 1_490_936, "d": 935_585},
    "cgan-maxout": {"g": 1_053_296, "d": 1_224_351},
    "vae": {"vae": 652_824},
    "vae-2d": {"vae": 652_824 - 18 * (2 * 401 + 400)},  # 18 fewer means, log-variances and inputs of the decoder
    "cvae": {"vae": 652_824 + 10 * 400 + 10 * 400},  # ten more inputs to each of two hidden layers of 400
}
STRIDED = {"dcgan", "cdcgan", "cwgan-gp"}
CANNOT_MOVE = {"cwgan-gp": ("D", -1)}
"""Network and place of a parameter that the algebra holds still: a critic's last bias cancels in E D(fake) - E D(real),
and the penalty sees only slopes."""


@every_row
def test_parameters_are_those_of_the_document(name: str) -> None:
    with torch.device("meta"):
        players = SYSTEMS[name].build(SYSTEMS[name].source_spec).players
    assert {player: players[player].size for player in players} == COUNTS[name]


@device
@every_kind
@every_row
def test_generator_draws_images_in_range(name: str, kind: str, device: str) -> None:
    data = toy_data(kind)
    system = build(name, data.spec, device=device)
    z = draw(system.prior, 5, device)
    x = system.generator.eval()(3 * z, labels_of(data, 5).to(device))
    assert x.shape == (5, *data.spec.shape)
    assert x.dtype == torch.float32
    assert x.abs().max() <= 1
    assert x.std() > 0


@device
@every_kind
@every_row
def test_a_step_returns_finite_scalars_cut_from_the_graph(name: str, kind: str, device: str) -> None:
    data = toy_data(kind)
    system, stream = build(name, data.spec, device=device), streaming(data, device=device)
    for _ in range(2):
        logs = system.step(stream, stream.images)
    assert {f"loss/{player}" for player in system.players} <= logs.keys()
    for name, value in logs.items():
        assert value.shape == (), name
        assert value.isfinite(), name
        assert not value.requires_grad, name


@every_row
def test_a_step_draws_as_many_batches_as_it_says(name: str) -> None:
    data = toy_data("colour")
    system, stream = build(name, data.spec), streaming(data)
    system.step(stream, 0)
    assert stream.images == BATCH * system.batches_per_step


@every_row
def test_equal_seeds_play_equal_games(name: str) -> None:
    def play(seed: int) -> dict[str, torch.Tensor]:
        data = toy_data("colour")
        system, stream = build(name, data.spec, seed), streaming(data, seed)
        for _ in range(3):
            reseed(seed, "step", stream.images)
            system.step(stream, stream.images)
        return system.state_dict()

    assert equal(play(0), play(0))
    assert not equal(play(0), play(1))


@every_row
def test_a_move_touches_only_its_own_player(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = toy_data("colour")
    system, stream = build(name, data.spec), streaming(data)
    moved: set[str] = set()

    def watched(*moves: tuple[Player, torch.Tensor]) -> None:
        before = {player: [p.clone() for p in system.players[player].parameters] for player in system.players}
        for parameter in system.parameters():
            parameter.grad = None
        descend(*moves)
        for player, old in before.items():
            parameters = system.players[player].parameters
            moves_now = any(mover is system.players[player] for mover, _ in moves)
            assert moves_now == any(not torch.equal(a, b) for a, b in zip(old, parameters, strict=True)), player
            assert moves_now or all(parameter.grad is None for parameter in parameters), player
            moved.update([player] if moves_now else [])

    monkeypatch.setattr(importlib.import_module(type(system).__module__), "descend", watched)
    system.step(stream, 0)
    assert moved == set(system.players)


@every_kind
@every_row
def test_every_parameter_moves(name: str, kind: str) -> None:
    data = toy_data(kind)
    system, stream = build(name, data.spec), streaming(data)
    before = {key: value.clone() for key, value in system.named_parameters()}
    for _ in range(4):
        system.step(stream, stream.images)
    still = [key for key, value in system.named_parameters() if torch.equal(value, before[key])]
    player, place = CANNOT_MOVE.get(name, ("", 0))
    assert still == ([[key for key in before if key.startswith(player)][place]] if player else [])


@every_row
def test_an_odd_size_is_taken_or_refused_with_sizes_that_would_do(name: str) -> None:
    data = toy_data("odd")
    if name in STRIDED:
        with pytest.raises(CondgenError, match="images of 5x7") as refused:
            build(name, data.spec)
        taken = int(re.findall(r"(\d+)x\1", str(refused.value))[0])
        build(name, replace(data.spec, shape=(1, taken, taken)))
        return
    system = build(name, data.spec)
    z, y = draw(system.prior, 2), labels_of(data, 2)
    assert system.generator.eval()(z, y).shape == (2, 1, 5, 7)


@every_row
def test_the_players_own_every_parameter_once(name: str) -> None:
    system = build(name, toy_data("colour").spec)
    owned = [id(p) for player in system.players.values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in system.parameters())


@every_row
def test_one_step_under_bf16_autocast(name: str) -> None:
    data = toy_data("colour")
    system, stream = build(name, data.spec), streaming(data)
    with torch.autocast("cpu", torch.bfloat16):
        logs = system.step(stream, 0)
    assert all(value.isfinite() for value in logs.values())
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in system.parameters())


@every_kind
@every_row
def test_the_label_reaches_the_image_or_the_row_says_that_it_does_not(name: str, kind: str) -> None:
    data = toy_data(kind)
    system = build(name, data.spec)
    z, y = draw(system.prior, 4), labels_of(data, 4)
    G = system.generator.eval()
    assert torch.equal(G(z, y), G(z, y.flip(1))) != system.takes_label
    assert (system.generator_spec.labels == ANY) != system.takes_label
    assert system.generator_spec.shape == data.spec.shape
