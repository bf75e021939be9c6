"""Laws of a system, over every row of the table and every kind of image."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from condgen.errors import CondgenError
from condgen.noise import draw
from condgen.sharing import weights
from condgen.systems import SYSTEMS
from condgen.testing import system_laws as laws
from condgen.testing.toys import KINDS, toy_data
from condgen.testing.trainings import Case, build, images_of, labels_of
from conftest import one_kind

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
    "flow": {  # time, label, map of the label; convolutions; scales and shifts
        "flow": (33 + 129) * 128
        + 10 * 128
        + 11 * 32 * 49
        + 32 * (9 * 16 + 1)
        + 6 * 32 * (9 * 32 + 1)
        + 16 * (9 * 32 + 1)
        + 7 * 129 * 64,
    },
    "flow-distilled": {"flow": 161_808},
    "cwgan-gp": {"g": 728_963, "c": 662_977},
    "cwgan-gp-fast": {"g": 728_963, "c": 662_977},
    "cgan-concat": {"g": 1_489_012, "d": 1_470_565},
    "cgan-multiply": {"g": 1_490_936, "d": 935_585},
    "cgan-maxout": {"g": 1_053_296, "d": 1_224_351},
    "acgan": {"g": 2_994_051, "d": 1_664_875},  # these five at 32x32; their papers' sizes are in tests/papers
    "sngan": {"g": 375_683, "d": 67_169},
    "biggan": {"g": 220_324, "d": 306_290},
    "stylegan2": {"g": 437_244, "d": 568_721},
    "r3gan": {"g": 41_416, "d": 38_520},
    "vae": {"vae": 652_824},
    "vae-2d": {"vae": 652_824 - 18 * (2 * 401 + 400)},  # 18 fewer means, log-variances and inputs of the decoder
    "cvae": {"vae": 652_824 + 10 * 400 + 10 * 400},  # ten more inputs to each of two hidden layers of 400
}
STRIDED = {"dcgan", "cdcgan", "cwgan-gp", "cwgan-gp-fast", "acgan", "sngan", "biggan", "stylegan2", "r3gan"}
STILL = {"cwgan-gp": "D", "cwgan-gp-fast": "D"}
"""Network whose last parameter the algebra holds still."""


@every_row
def test_parameters_are_those_of_the_document(name: str) -> None:
    with torch.device("meta"):
        players = SYSTEMS[name].build(SYSTEMS[name].source_spec).players
    assert {player: players[player].size for player in players} == COUNTS[name]


@device
@every_kind
@every_row
def test_generator_draws_images_in_range(name: str, kind: str, device: str, tmp_path: Path) -> None:
    laws.generates_images_in_range(Case(name, toy_data(kind), tmp_path, device))


@device
@every_kind
@every_row
def test_a_step_returns_finite_scalars_cut_from_the_graph(name: str, kind: str, device: str, tmp_path: Path) -> None:
    laws.step_returns_finite_scalars(Case(name, toy_data(kind), tmp_path, device))


@every_row
def test_a_step_draws_as_many_batches_as_it_says(name: str, tmp_path: Path) -> None:
    laws.step_takes_batches_per_step(Case(name, toy_data(one_kind(name)), tmp_path))


@every_row
def test_equal_seeds_play_equal_games(name: str, tmp_path: Path) -> None:
    laws.equal_seeds_train_equally(Case(name, toy_data(one_kind(name)), tmp_path))


@every_row
def test_a_move_touches_only_its_own_player(name: str, tmp_path: Path) -> None:
    laws.update_changes_only_its_player(Case(name, toy_data(one_kind(name)), tmp_path))


@every_kind
@every_row
def test_every_parameter_moves(name: str, kind: str, tmp_path: Path) -> None:
    still = laws.every_parameter_changes(Case(name, toy_data(kind), tmp_path))
    if net := STILL.get(name):
        names = [key for key, _ in build(name, toy_data(kind).spec).named_parameters()]
        assert still == {[key for key in names if key.startswith(net)][-1]}


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
    assert images_of(system, z, y).shape == (2, 1, 5, 7)


@every_row
def test_the_players_own_every_parameter_once(name: str, tmp_path: Path) -> None:
    laws.players_own_every_parameter_once(Case(name, toy_data(one_kind(name)), tmp_path))


@every_row
def test_a_system_that_is_filled_is_whole(name: str) -> None:
    """`api.reopen` fills a system on the meta device with the tensors of a checkpoint."""
    spec = toy_data("colour").spec
    built, filled = build(name, spec), SYSTEMS[name].build_on_meta(spec)
    weights.fill(filled, built.state_dict())
    found = dict(filled.named_buffers()) | dict(filled.named_parameters())
    for tensor, value in [*built.named_buffers(), *built.named_parameters()]:
        assert torch.equal(found[tensor], value), tensor


@every_row
def test_one_step_under_bf16_autocast(name: str, tmp_path: Path) -> None:
    laws.trains_under_bf16(Case(name, toy_data(one_kind(name)), tmp_path))


@every_kind
@every_row
def test_the_label_reaches_the_image_or_the_row_says_that_it_does_not(name: str, kind: str, tmp_path: Path) -> None:
    laws.uses_the_label_or_declares_that_it_does_not(Case(name, toy_data(kind), tmp_path))
