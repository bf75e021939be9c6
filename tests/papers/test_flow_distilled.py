"""The distillation against its equations: the teacher, the goal of a section, and the two parts of a training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condgen.nets.field import signed
from condgen.nets.solver import solve, stages
from condgen.noise import reseed
from condgen.systems import SYSTEMS, preset
from condgen.systems.flow_distilled import Config
from condgen.testing import training_laws as laws
from condgen.testing.trainings import Case, streaming
from conftest import toy_data

SMALL: dict[str, Any] = {"width": 16, "blocks": 2, "condition": 16, "images": 640, "batch": 64}


def distilled(**settings: Any) -> Any:
    reseed(0, "init", 0)
    return preset("flow-distilled").build(toy_data("digits").spec, Config().with_overrides(SMALL | settings))


def test_one_step_to_the_goal_ends_where_the_guided_teacher_ends() -> None:
    """Without clamping; in the last section, that is the teacher's last prediction."""
    data, system = toy_data("digits"), distilled(guidance=2.0, guidance_interval=0.6)
    x, y = next(streaming(data))
    label, teacher = signed(y, data.spec), system.teacher

    def velocity(point: torch.Tensor, t: Any) -> torch.Tensor:
        known, unknown = (teacher.net(point, torch.tensor([t]), each) for each in (label, torch.zeros_like(label)))
        known, unknown = known.sigmoid() * 2 - 1, unknown.sigmoid() * 2 - 1
        guided = unknown + 2 * (known - unknown) if t < 0.6 else known
        return torch.as_tensor((guided - point) / (1 - t))

    with torch.no_grad():
        start = torch.randn_like(x) / 2
        for section in range(4):
            t = section / 4
            ends = solve(velocity, start, stages("heun", 2, t, t + 0.25))
            goal = system.goal(start, section, label)
            inside = goal.abs() < 1
            assert inside.double().mean() > 0.5
            assert torch.allclose((start + (goal - start) * 0.25 / (1 - t))[inside], ends[inside], atol=1e-5)


def test_the_second_part_learns_the_path_of_the_network_at_its_beginning() -> None:
    """The teacher is the network after the first part and stays; the rates of both parts end at 0."""
    data, system = toy_data("digits"), distilled(passes=2, warmup=0, distilled=0.5)
    stream, cfg = streaming(data), system.cfg
    assert cfg.before == 320
    assert cfg.lr_at(320 - 64) < 0.5 * cfg.lr
    assert (cfg.lr_at(320), cfg.lr_at(640)) == (cfg.distillation_lr, 0)
    system.step(stream, 0)
    trained = {name: value.clone() for name, value in system.G.state_dict().items()}
    for images in range(320, 640, 64):
        reseed(0, "step", images)
        logs = system.step(stream, images)
        assert logs["loss/flow"] == logs["loss/image"]
        assert logs["loss/flow"].data_ptr() != logs["loss/image"].data_ptr(), "a checkpoint has no shared memory"
        assert all(torch.equal(value, trained[name]) for name, value in system.teacher.state_dict().items())
    assert not any(torch.equal(value, trained[name]) for name, value in system.G.named_parameters())
    assert not list(system.teacher.parameters())


def test_the_law_of_resuming_holds_in_the_second_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins after 48 of 160 images here; the teacher is part of checkpoints."""
    settings = SMALL | {"images": 10_000, "distilled": 0.9952}
    monkeypatch.setitem(SYSTEMS, "flow-distilled", replace(SYSTEMS["flow-distilled"], settings=settings))
    laws.resume_is_bit_exact(Case("flow-distilled", toy_data("digits"), tmp_path))


def test_the_generator_takes_as_many_passes_as_there_are_sections() -> None:
    data = toy_data("digits")
    _, y = next(streaming(data))
    for passes in (1, 3):
        system, calls = distilled(passes=passes), list[int]()
        system.G.net.register_forward_hook(lambda *given: calls.append(1))  # noqa: B023
        with torch.no_grad():
            images = system.generator(torch.randn(len(y), data.spec.pixels), y)
        assert (len(calls), images.abs().max() <= 1) == (passes, True)
