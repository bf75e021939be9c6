"""Laws of devices other than the CPU, as far as a machine without one can tell.

torch's meta device stands in for it: its tensors have shapes and no values, so that whatever reads a value fails."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from condgen import stream as streams
from condgen.device import CPU
from condgen.stream import Stream
from condgen.system import System
from condgen.systems import SYSTEMS
from condgen.testing.toys import toy_data
from condgen.training import device_check
from condgen.training.job import TrainingJob
from condgen.training.request import TrainingRequest

DEVICE = torch.device("meta")


class Mixed(TorchDispatchMode):
    """The operations that make the CPU wait for a device: copies, values that are read, and tensors of both in one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = tree_leaves((args, kwargs or {}))
        places = {each.device.type for each in given if isinstance(each, Tensor) and each.dim()}
        found = func(*args, **kwargs or {})
        places |= {each.device.type for each in tree_leaves(found) if isinstance(each, Tensor) and each.dim()}
        if {"cpu", DEVICE.type} <= places or "_local_scalar_dense" in str(func):
            self.found.append(str(func))
        return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_stays_on_its_device_and_does_not_wait_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # the meta device has none
    data, preset = toy_data("colour", 64), SYSTEMS[name]
    system = preset.build_on_meta(data.spec, preset.config.with_overrides({"batch": 8})).to(DEVICE)
    stream = Stream(data.train, data.labels, 8, 0, DEVICE)
    next(stream)  # sends the order of the epoch, once
    with Mixed() as mixed:
        logged = system.step(stream, 0)
    assert {tensor.device for tensor in [*logged.values(), *system.state_dict().values()]} == {DEVICE}
    assert not mixed.found


def test_data_that_do_not_fit_stay_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Tensor] = []

    def send(_: Stream, tensor: Tensor) -> Tensor:
        sent.append(tensor)
        return tensor

    monkeypatch.setattr(streams, "fits", lambda *_: False)
    monkeypatch.setattr(Stream, "_sent", send)
    data = toy_data("colour", 16)
    x, _ = next(Stream(data.train, data.labels, 8, 0))
    assert [len(tensor) for tensor in sent] == [8, 8]
    monkeypatch.undo()
    assert torch.equal(x, next(Stream(data.train, data.labels, 8, 0))[0])


def job_of(name: str) -> TrainingJob:
    return TrainingJob.prepare(TrainingRequest(name, {"batch": 8}, toy_data("colour", 16), device="cpu"))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_is_compared_with_that_of_the_cpu(name: str) -> None:
    """The CPU agrees with itself, whatever a step does with random numbers, and a wrong gradient is found."""
    job, wrong = job_of(name), list[str]()

    def build(place: torch.device) -> tuple[System, Stream]:
        system = job.system()
        player = next(iter(system.players.values()))
        for parameter in player.parameters if wrong else ():
            parameter.register_hook(lambda gradient: 1.5 * gradient)
        return system, job.stream()

    def second(place: torch.device) -> tuple[System, Stream]:
        built = build(place)
        wrong.append(name)
        return built

    assert device_check.difference(build, CPU) is None
    found = device_check.difference(second, CPU)
    assert found
    assert found.endswith("differs from that of the CPU by 50%")


def test_a_device_that_is_wrong_is_not_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(job_of("cvae"), device=torch.device("cuda", 0))
    for wrong, device in ((None, job.device), ("the gradient of g's weight differs", CPU)):
        monkeypatch.setattr(device_check, "difference", lambda *_, wrong=wrong: wrong)
        assert job.on_sound_device().device == device
    assert capsys.readouterr().err.endswith(
        "cuda:0 is not used, since the gradient of g's weight differs; training on the CPU.\n"
    )
