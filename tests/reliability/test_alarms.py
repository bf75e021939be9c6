"""Real trainings that go wrong half way are noticed by the next evaluation, and healthy ones never."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from condgen import api
from condgen.system import Batches
from condgen.systems.swift import Swift
from condgen.training import metric_log
from condgen.training.run import Run

pytestmark = pytest.mark.slow
WELL, ON, EVERY = 16_000, 24_000, 8_000
Injury = Callable[[Swift], None]


def train(system: str, out: Path, images: int, seed: int, every: int = EVERY) -> Run:
    return api.train(system, images=images, evaluate_every=every, seed=seed, out=out, quiet=True)


def kinds(run: Run) -> set[str]:
    told = {alarm["kind"] for line in metric_log.read(run.folder / "alarms.jsonl") for alarm in line["alarms"]}
    return told | ({"divergence"} if run.rollbacks else set())


@pytest.fixture(scope="module", params=range(3))
def well(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A healthy training of 16,000 images, for each of three seeds."""
    return train("swift", tmp_path_factory.mktemp("well") / "run", WELL, request.param)


def conditioned(game: Swift) -> Iterator[torch.Tensor]:
    """The weights (out, z_dim + labels) of every layer of the generator that reads the latent vector and the label."""
    width = game.G.first.in_features
    for layer in game.G.modules():
        if isinstance(layer, torch.nn.Linear) and layer.in_features == width:
            yield layer.weight


@torch.no_grad()
def noise_ignored(game: Swift) -> None:
    for weight in conditioned(game):
        weight[:, : game.cfg.z_dim] = 0


@torch.no_grad()
def labels_ignored(game: Swift) -> None:
    for weight in conditioned(game):
        weight[:, game.cfg.z_dim :] = 0


@torch.no_grad()
def mist(game: Swift) -> None:
    """Its last layer hardly leaves the middle of the range, whatever it has learnt."""
    last: Any = game.G.last
    last.weight.mul_(0.5)
    last.bias.zero_()


def dead_discriminator(game: Swift) -> None:
    """It says the same of everything except a random direction, and never learns."""
    game.players["d"].scale_lr(1e-9)
    with torch.no_grad():
        for parameter in game.D.parameters():
            parameter.normal_(0, 0.05)


def generator_left_behind(game: Swift) -> None:
    """It starts anew and does not learn, so that the discriminator wins."""
    game.players["g"].scale_lr(1e-9)
    with torch.no_grad():
        for parameter in game.G.parameters():
            parameter.normal_(0, 0.05, generator=torch.Generator().manual_seed(0))


def rate_times_1000(game: Swift) -> None:
    if game.players["g"].lr_scale == 1:  # what a roll-back leaves is as harmless as it was
        for player in game.players.values():
            player.scale_lr(1000.0)


FAILURES: dict[str, tuple[Injury, str]] = {
    "noise ignored": (noise_ignored, "collapse"),
    "labels ignored": (labels_ignored, "labels"),
    "mist": (mist, "quality"),
    "dead discriminator": (dead_discriminator, "discriminator"),
    "generator left behind": (generator_left_behind, "discriminator"),
    "rate x 1000": (rate_times_1000, "divergence"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_injected_failure_is_found_within_one_evaluation(
    failure: str, well: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    injure, kind = FAILURES[failure]
    step = Swift.step

    def injured(game: Swift, batches: Batches, images: int) -> dict[str, torch.Tensor]:
        injure(game)
        logs = step(game, batches, images)
        injure(game)  # the step has mended a part of it
        return logs

    assert kinds(well) == set()
    shutil.copytree(well.folder, tmp_path / "run")
    monkeypatch.setattr(Swift, "step", injured)
    run = train("swift", tmp_path / "run", ON, well.identity.seed)
    assert kind in kinds(run)


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_training_is_silent(seed: int, tmp_path: Path) -> None:
    assert kinds(train("swift", tmp_path / "run", ON, seed)) == set()


@pytest.mark.parametrize("seed", range(3))
def test_a_minute_of_training_is_silent(seed: int, tmp_path: Path) -> None:
    """Of the length of `make demo`, in which the learning rate decays until the losses hardly change."""
    run = train("swift", tmp_path / "run", 174_000, seed, every=17_400)
    assert kinds(run) == set()
