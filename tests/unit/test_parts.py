"""Smaller parts: averaging, noise, lengths, devices, interrupts, progress."""

import signal
from functools import partial
from math import ceil
from typing import Any

import pytest
import torch
from torch import nn

from condgen.device import pick
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.noise import draw, draw_at, reseed
from condgen.progress import Progress
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior, Spec
from condgen.system import Player, adam, descend, logged, restore_state, state_of
from condgen.training import interrupt
from condgen.training.ema import EMA
from condgen.training.evaluated import EVALUATIONS, least_between
from condgen.training.length import Length
from condgen.training.rehearsal import AROUND, Pace
from condgen.training.request import Schedule
from condgen.training.trainer import Plan, passed


def net_of(value: float) -> Any:
    net: Any = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    net[0].weight.data.fill_(value)
    return net


def test_the_average_halves_its_distance_in_a_half_life() -> None:
    live = net_of(0.0)
    ema: Any = EMA(live, half_life=100, warmup=1.0)
    live[0].weight.data.fill_(8.0)
    for images in range(1000, 1300, 10):
        ema.update(images, images + 10)
    assert ema.net[0].weight.item() == pytest.approx(8 - 8 / 2**3, rel=1e-5)
    assert live[0].weight.item() == 8


def test_the_average_does_not_depend_on_how_often_it_is_taken() -> None:
    averages = []
    for stride in (10, 100):
        live = net_of(0.0)
        ema: Any = EMA(live, half_life=70, warmup=1.0)
        live[0].weight.data.fill_(1.0)
        for images in range(1000, 1200, stride):
            ema.update(images, images + stride)
        averages.append(ema.net[0].weight.item())
    assert averages[0] == pytest.approx(averages[1], rel=1e-5)


def test_without_a_half_life_the_average_is_the_live_network() -> None:
    live = net_of(0.0)
    ema: Any = EMA(live, half_life=0)
    live[0].weight.data.fill_(5.0)
    live[1].num_batches_tracked.fill_(9)
    ema.update(0, 8)
    assert ema.net[0].weight.item() == 5
    assert ema.net[1].num_batches_tracked == 9


def test_early_on_the_average_forgets_its_random_start() -> None:
    live = net_of(100.0)
    ema: Any = EMA(live, half_life=10_000)
    live[0].weight.data.fill_(0.0)
    for images in range(0, 10_000, 100):
        ema.update(images, images + 100)
    assert ema.net[0].weight.item() < 0.01


def test_batch_norms_are_averaged_and_its_counter_copied() -> None:
    live = net_of(1.0)
    ema: Any = EMA(live, half_life=100, warmup=1.0)
    live[1].running_mean.fill_(4.0)
    live[1].num_batches_tracked.fill_(3)
    ema.update(900, 1000)
    assert ema.net[1].running_mean.item() == pytest.approx(2.0)
    assert ema.net[1].num_batches_tracked == 3
    assert not ema.net.training
    assert live.training


def test_noise_of_a_image_depends_on_seed_and_index_alone() -> None:
    prior = Prior(7)
    many = draw_at(prior, 3, range(20))
    assert torch.equal(draw_at(prior, 3, [11, 4]), many[[11, 4]])
    assert not torch.equal(draw_at(prior, 4, [0]), many[:1])
    assert len({tuple(row) for row in many.tolist()}) == 20


def test_noise_has_the_distribution_it_names() -> None:
    normal, uniform = (draw_at(Prior(1000, kind), 0, range(50)) for kind in ("normal", "uniform"))
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((0, 1), abs=0.02)
    assert (uniform.mean().item(), uniform.std().item()) == pytest.approx((0.5, 12**-0.5), abs=0.01)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    reseed(0, "step", 8)
    one = draw(Prior(5, "uniform"), 3)
    reseed(0, "step", 8)
    assert torch.equal(one, draw(Prior(5, "uniform"), 3))
    reseed(0, "step", 16)
    assert not torch.equal(one, draw(Prior(5, "uniform"), 3))


def test_players_that_share_a_pass_move_from_the_same_point() -> None:
    """Two players, losses a*b and -a*b at a = b = 1: simultaneous steps of 0.1 give (0.9, 1.1), not (0.9, 1.09)."""
    a, b = nn.ParameterList([torch.ones(())]), nn.ParameterList([torch.ones(())])
    moved: list[str] = []
    one, two = (
        Player(net, partial(torch.optim.SGD, lr=0.1), partial(moved.append, name)) for net, name in ((a, "a"), (b, "b"))
    )
    product = a[0] * b[0]
    descend((one, product), (two, -product))
    assert (a[0].item(), b[0].item()) == pytest.approx((0.9, 1.1))
    assert moved == ["a", "b"]


def test_an_optimizers_memory_survives_being_named_tensors() -> None:
    def trained(steps: int, state: dict[str, torch.Tensor] | None = None) -> Any:
        reseed(0, "init", 0)
        net: Any = nn.Linear(3, 1)
        player = Player(net, adam(0.1))
        start = 0
        if state:
            net.load_state_dict({"weight": state.pop("weight"), "bias": state.pop("bias")})
            restore_state(player.optimizer, state)
            start = 3
        for step in range(start, steps):
            descend((player, net(torch.full((1, 3), float(step + 1))).square().sum()))
        net.memory = {**{k: v.clone() for k, v in state_of(player.optimizer).items()}, **net.state_dict()}
        return net

    resumed = trained(6, trained(3).memory)
    assert torch.equal(resumed.weight, trained(6).weight)
    assert {"0/step", "0/exp_avg", "1/exp_avg_sq"} <= resumed.memory.keys()


def test_logged_names() -> None:
    assert list(logged(loss_g=torch.ones((), requires_grad=True), accuracy_d=torch.ones(()))) == [
        "loss/g",
        "accuracy/d",
    ]


@pytest.mark.parametrize(
    ("asked", "begun", "images"),
    [
        ({"images": 7}, 50, 7),
        ({"epochs": 2.5}, 50, 25),
        ({"minutes": 2}, 50, 50),
        ({}, 50, 50),
        ({"minutes": 2}, None, 1200),
        ({}, None, 99),
    ],
)
def test_lengths_are_meant_in_images(asked: dict[str, Any], begun: int | None, images: int) -> None:
    tenfold = lambda seconds: int(10 * seconds)  # noqa: E731
    assert Length(**asked).in_images(begun=begun, default=99, per_epoch=10, fitting=tenfold) == images


def test_a_length_in_minutes_leaves_time_for_all_that_is_no_step() -> None:
    assert Pace(speed=1000).images_in(60) == 1000 * (60 - AROUND)
    assert Pace(speed=2000, evaluation=1).images_in(60) == 2000 * (60 - AROUND - EVALUATIONS)
    assert Pace(speed=1000, evaluation=9).images_in(60) == 1000 * 30  # half of it is training, whatever else costs


@pytest.mark.parametrize("minutes", [1, 3, 20])
def test_evaluations_of_a_slow_generator_take_a_tenth_of_a_training(minutes: int) -> None:
    """A generator of 14 passes, at 2,000 training images a second, and a second for everything else."""
    pace = Pace(2000, evaluation=1 + 2000 * 14 / 3 / 2000, between=least_between(14))
    images = round(pace.images_in(60 * minutes))
    times = ceil(images / Plan.of(images, Schedule(), passes=14).evaluate_every)
    assert images / pace.speed + times * pace.evaluation < 60 * minutes
    assert times * pace.evaluation < 0.1 * 60 * minutes


@pytest.mark.parametrize(
    "asked", [{"images": 1, "epochs": 1}, {"minutes": 0}, {"epochs": -1}, {"minutes": float("nan")}]
)
def test_lengths_that_cannot_be_meant(asked: dict[str, Any]) -> None:
    with pytest.raises(CondgenError, match="--"):
        Length(**asked)


def test_multiples_are_passed_once() -> None:
    hits = [now for now in range(8, 200, 8) if passed(24, now - 8, now)]
    assert hits == list(range(24, 200, 24))
    assert [now for now in range(10, 61, 10) if passed(25, now - 10, now)] == [30, 50]
    assert Plan.of(2_000, Schedule()) == Plan(2_000, 10, 100, 5_000, 30.0, "fd", 200)
    assert Plan.of(90_000, Schedule(log_every=7, evaluate_every=0)) == Plan(90_000, 7, 4_500, 0, 30.0, "fd", 9_000)
    assert Plan.of(10, Schedule()).log_every == 1
    assert Plan.of(10**6, Schedule()).evaluate_every == Plan.of(10**6, Schedule(), passes=14).evaluate_every == 10**5


def test_devices() -> None:
    assert pick("cpu") == torch.device("cpu")
    assert pick("auto").type in ("cpu", "cuda")
    with pytest.raises(CondgenError, match="unknown device 'gpu'"):
        pick("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(CondgenError, match="'cuda:1' is not available on this machine"):
            pick("cuda:1")


@pytest.mark.parametrize(("there", "auto"), [("mps", "cpu"), ("xpu", "xpu"), ("cuda", "cuda"), (None, "cpu")])
def test_accelerators_are_found_and_a_mac_uses_its_cpu(
    there: str | None, auto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condgen.device.accelerator", lambda: torch.device(there) if there else None)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert pick("auto") == torch.device(auto)
    if there:
        assert pick(f"{there}:1") == torch.device(there, 1)
        with pytest.raises(CondgenError, match=f"'{there}:2' is not available; this machine has 2"):
            pick(f"{there}:2")
        monkeypatch.setenv("LOCAL_RANK", "1")
        assert pick(there) == torch.device(there, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_first_signal_asks_and_a_second_insists(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    with interrupt.handle_signals() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert stop.exit_code == code
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_a_pipe_gets_plain_lines_and_quiet_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        progress = Progress(quiet)
        with progress.training(0, 100):
            progress.show(50, {"loss/g": 1.0})  # too soon after the start for a line
            progress.show(100, {"loss/g": 0.25})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("100 of 100 images")
    assert "loss/g 0.250" in lines[0]


@pytest.mark.parametrize("asked", [1, 15, 16, 17, 40])
def test_every_forward_pass_has_the_same_shape(asked: int) -> None:
    """Kernels are chosen by shape, and other kernels round differently: the sampling law rests on this."""
    spec, shapes = Spec((1, 2, 2), Labels(("a", "b"))), []

    class Net(nn.Module):
        def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            shapes.append((tuple(z.shape), tuple(y.shape)))
            return z[:, :4].reshape(-1, 1, 2, 2).tanh()

    generated = Sampler(Net(), spec, Prior(5), micro_batch=16).sample(["a", "b"], count=asked)
    assert generated.shape == (2 * asked, 2, 2)
    assert set(shapes) == {((16, 5), (16, 2))}
    assert len(shapes) == -(-2 * asked // 16)
