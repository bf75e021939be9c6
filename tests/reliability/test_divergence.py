"""A number that is not finite moves no weight, and a training that blows up goes back to where it was well."""

import json
import random
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen import system
from condgen.errors import CondgenError
from condgen.judging.monitor import Alarm, Snapshot
from condgen.progress import Progress
from condgen.system import Batches, Player, System, adam, descend
from condgen.systems import SYSTEMS
from condgen.systems.vae import VAE
from condgen.testing.trainings import begin, build, everything, streaming
from condgen.training import checkpoint
from condgen.training.request import Schedule
from condgen.training.state import Training, diverging_loss
from condgen.training.trainer import Plan, train
from conftest import toy_data
from reliability.crashes import Course, calls_of, finish, killed_at, outcome

NAN, INF = float("nan"), float("inf")
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def spoiling(value: float) -> Callable[[nn.Module, object, Tensor], None]:
    """A forward hook that puts one bad number into what will come back through a layer."""

    def spoil(gradient: Tensor) -> Tensor:
        spoilt = gradient.clone()
        spoilt[(0,) * spoilt.ndim] = value
        return spoilt

    def hook(layer: nn.Module, inputs: object, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(spoil)

    return hook


@pytest.mark.parametrize("values", [(NAN, INF), pytest.param((INF, NAN), marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_bad_gradient_anywhere_moves_nobody(
    name: str, values: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both values in turn, from one layer to the next."""
    data = toy_data("digits")
    game, stream = build(name, data.spec), streaming(data)
    monkeypatch.setattr(system.Player, "move", lambda self, skip_if: found.append(float(skip_if)))
    layers = [module for module in game.modules() if isinstance(module, LAYERS) and list(module.parameters())]
    assert layers
    for layer, value in zip(layers, cycle(values), strict=False):
        handle = layer.register_forward_hook(spoiling(value))
        found: list[float] = []
        game.step(stream, 0)
        handle.remove()
        assert 1.0 in found, layer
    found = []
    game.step(stream, 0)
    assert set(found) == {0.0}


@pytest.mark.parametrize("make", [adam(0.1), lambda parameters: torch.optim.SGD(parameters, 0.1)], ids=["adam", "sgd"])
def test_nobody_moves_if_one_cannot(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    players: list[Any] = [Player(nn.Linear(2, 1), make) for _ in range(2)]
    before = [player.net.weight.clone() for player in players]
    descend(
        *(
            (player, player.net(torch.ones(1, 2)).sum() * value)
            for player, value in zip(players, (1.0, float("nan")), strict=True)
        )
    )
    assert all(torch.equal(player.net.weight, old) for player, old in zip(players, before, strict=True))
    assert all(player.nonfinite for player in players)
    descend(*((player, player.net(torch.ones(1, 2)).sum()) for player in players))
    assert not any(torch.equal(player.net.weight, old) for player, old in zip(players, before, strict=True))
    assert all(player.nonfinite for player in players), "until somebody asks"


class Poison:
    """VAE steps that give NaN at image 24 until the step size is so small, as a bad batch and a high rate would."""

    def __init__(self, patch: pytest.MonkeyPatch, harmless: float) -> None:
        step = VAE.step

        def poisoned(game: VAE, batches: Batches, images: int) -> dict[str, Tensor]:
            if images == 24 and game.players["vae"].lr_scale > harmless:
                patch_loss = lambda mu, logvar: (mu * float("nan")).mean()  # noqa: E731
                with pytest.MonkeyPatch.context() as inner:
                    inner.setattr("condgen.losses.kl_to_standard_normal", patch_loss)
                    return step(game, batches, images)
            return step(game, batches, images)

        patch.setattr(VAE, "step", poisoned)


@pytest.fixture
def course(cheap: None, pets: Path) -> Course:
    return Course("cvae", pets)


def test_it_rolls_back_in_another_order_at_half_the_rate(
    course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Poison(monkeypatch, harmless=0.25)
    course.train(memory / "run")
    found = json.loads((memory / "run/rollbacks.json").read_text())
    assert [(entry["number"], entry["images"], entry["to"]) for entry in found] == [(1, 32, 24), (2, 32, 24)]
    assert found[0]["cause"] == "a loss or gradient of player vae is not finite"
    assert found[0]["rows"] != found[1]["rows"]
    assert len(found[0]["rows"]) == 8
    saved, _ = checkpoint.newest(memory / "run/checkpoints")
    assert saved
    assert (saved.images, saved.numbers["rollbacks"]) == (48, 2)
    log = [json.loads(line)["images"] for line in (memory / "run/log.jsonl").read_text().splitlines()]
    assert log == [24, 48]


def test_a_killed_training_that_rolled_back_ends_with_the_same_bytes(
    course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Poison(monkeypatch, harmless=0.25)
    calls = calls_of(course, memory / "whole")
    whole = outcome(memory / "whole")
    assert "rollbacks.json" in whole
    for number in random.Random(0).sample(range(len(calls) // 3, len(calls)), 25):
        assert killed_at(number, False, course, memory / str(number))
        assert finish(course, memory / str(number)) == whole, calls[number]


def test_after_three_it_stops_with_what_it_had(course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Poison(monkeypatch, harmless=0)
    with pytest.raises(CondgenError, match=r"at 32 images, after 3 roll-backs; the checkpoint at 24 images is kept"):
        course.train(memory / "run")
    assert len(json.loads((memory / "run/rollbacks.json").read_text())) == 4
    saved, sentences = checkpoint.newest(memory / "run/checkpoints")
    assert saved
    assert sentences == []
    assert all(value.isfinite().all() for value in saved.tensors.values())


class Watchful:
    """A monitor that finds the generator best at 16 images, and an alarm from 32 on until the step size is so small."""

    def __init__(self, game: System, harmless: float) -> None:
        self.game, self.harmless = game, harmless

    def evaluate(self, sampler: object, images: int, log: object) -> Snapshot:
        ill = images >= 32 and self.game.players["vae"].lr_scale > self.harmless
        alarms = [Alarm("collapse", "mode collapse: images are nearly all equal.")] if ill else []
        return Snapshot({"fd": 5.0 if images == 16 else 6.0}, alarms)


def watched(out: Path, harmless: float, images: int = 64, roll_back: bool = True) -> Training:
    training = begin("cvae", out, images=images)
    training.restore()
    plan = Plan.of(64, Schedule(8, 64, 16, roll_back=roll_back, save_seconds=0.0))
    monitor = Watchful(training.system, harmless)
    train(training, plan, Progress(quiet=True), lambda: training.images >= images, monitor)  # type: ignore[arg-type]
    return training


def test_an_alarm_sends_it_back_to_the_best_evaluation(tmp_path: Path) -> None:
    training = watched(tmp_path / "run", harmless=0.25)
    assert [(entry["images"], entry["to"], entry["cause"]) for entry in training.run.rollbacks] == [
        (32, 16, "mode collapse: images are nearly all equal.")
    ] * 2
    assert (training.images, training.lr_scale) == (64, 0.25)
    assert [line["images"] for line in training.run.log] == [8, 16, 24, 32, 40, 48, 56, 64]


def test_a_training_that_was_sent_back_resumes_exactly(tmp_path: Path) -> None:
    whole = watched(tmp_path / "whole", harmless=0.25)
    watched(tmp_path / "parts", harmless=0.25, images=40)
    parts = watched(tmp_path / "parts", harmless=0.25)
    assert all(torch.equal(value, everything(parts)[name]) for name, value in everything(whole).items())
    assert parts.run.log == whole.run.log


@pytest.mark.parametrize(("roll_back", "times"), [(True, 3), (False, 0)])
def test_an_alarm_that_stays_is_only_told(roll_back: bool, times: int, tmp_path: Path) -> None:
    training = watched(tmp_path / "run", harmless=0, roll_back=roll_back)
    assert (training.images, len(training.run.rollbacks)) == (64, times)


def test_a_rolled_back_training_is_another_one(tmp_path: Path) -> None:
    plain, rolled = (begin("cvae", tmp_path / name, images=200) for name in ("plain", "rolled"))
    rolled._set_rollbacks(1)
    rates = [training.system.players["vae"].optimizer.param_groups[0]["lr"] for training in (plain, rolled)]
    assert rates[1] == rates[0] / 2
    for training in (plain, rolled):
        training.step()
    ours, theirs = everything(plain), everything(rolled)
    assert not all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (
        rolled.system.players["vae"].optimizer.param_groups[0]["lr"]
        == 0.5 * plain.system.players["vae"].optimizer.param_groups[0]["lr"]
    )


@pytest.mark.parametrize("growth", [1.2, 2.0, 100.0])
def test_a_loss_that_runs_away_is_noticed_before_it_is_infinite(growth: float) -> None:
    log = [{"images": i, "loss/g": 1 + 0.1 * (-1) ** i} for i in range(60)]
    for line in range(200):
        value = growth**line
        if diverging_loss({"loss/g": value}, log):
            assert value < 1e6
            return
        log.append({"images": 60 + line, "loss/g": value})
    pytest.fail("never noticed")


def test_a_loss_near_zero_may_grow_to_the_size_of_another() -> None:
    """The losses of `cwgan-gp` on emoji: the generator's is the critic's mean score, which any constant can shift."""
    near_zero = [-0.02, -0.05, -0.08, -0.14, -0.19, -0.39, -0.65, -0.73, -0.32, 0.14, -0.04, -0.07, -0.11, 0.57, 1.51]
    generator = [*near_zero, 1.59, 2.57, 3.73, 4.23, 5.41, 9.0, 20.0]
    log = [{"loss/g": value, "loss/wasserstein": -min(35.0, 2.0 * i)} for i, value in enumerate(generator)]
    assert not any(diverging_loss(log[i], log[:i]) for i in range(len(log)))
    assert diverging_loss({"loss/g": 400.0, "loss/wasserstein": -35.0}, log) == "loss/g"


def test_losses_that_drift_or_cross_zero_are_left_alone() -> None:
    for path in (
        lambda i: i - 50.0,
        lambda i: 100.0 * 0.9**i,
        lambda i: (-1) ** i * (1 + i / 10),
        lambda i: float(i**2),
    ):
        values = [{"loss/c": path(i)} for i in range(200)]
        assert not any(diverging_loss(values[i], values[:i]) for i in range(200))
