"""ONNX files: every row and every kind of image, by onnxruntime, equal to a grey level."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from condgen.errors import CondgenError
from condgen.options import filled
from condgen.sampling.forward import generated as generated_by
from condgen.sampling.sampler import Sampler
from condgen.sharing import onnx as exporter
from condgen.sharing import parity
from condgen.spec import Prior
from condgen.systems import SYSTEMS
from condgen.testing.trainings import build
from conftest import KINDS, toy_data


def sampler_of(name: str, kind: str) -> Sampler:
    system = build(name, toy_data(kind).spec)
    return Sampler(system.generator.eval(), system.generator_spec, system.prior, options=system.sampling_options)


def slow_if(slow: bool, value: str) -> Any:
    return pytest.param(value, marks=pytest.mark.slow) if slow else value


@pytest.mark.parametrize("kind", [slow_if(kind != "colour", kind) for kind in KINDS])
@pytest.mark.parametrize("name", [slow_if(name == "flow", name) for name in SYSTEMS])  # fast in e2e/test_guidance.py
def test_every_row_exports_and_draws_the_same(
    name: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sampler = sampler_of(name, kind)
    spec, prior = sampler.spec, sampler.prior
    exporter.export(sampler, tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", ""), "an export that goes well says nothing"
    assert b"site-packages" not in (tmp_path / "model.onnx").read_bytes(), "no path of this machine"
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    inputs = {entry.name: (entry.type, entry.shape) for entry in session.get_inputs()}
    assert inputs == {
        "z": ("tensor(float)", ["batch", prior.dim]),
        "y": ("tensor(float)", ["batch", len(spec.labels)]),
    }
    options = [entry.name for entry in session.get_overridable_initializers()]
    assert options == [option.name for option in sampler.options if option.type is float]
    z, y = (3 * points for points in parity.points(spec, prior))  # other points than the check's own
    (generated,) = session.run(None, {"z": z.numpy(), "y": y.numpy()})
    channels, height, width = spec.shape
    assert (generated.dtype, generated.shape) == (np.uint8, (256, height, width, channels))
    with torch.no_grad():
        x = generated_by(sampler.net, z, y, filled(sampler.options, {}))
    ours = np.floor((x.double().numpy() + 1) * 127.5 + 0.5).clip(0, 255).transpose(0, 2, 3, 1)  # a second rounding
    assert np.abs(generated - ours).max() <= 1


@pytest.mark.parametrize("name", [slow_if(name != "cdcgan", name) for name in SYSTEMS])
def test_every_row_in_fp64_gives_the_same_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = sampler_of(name, "colour").with_options(precision="fp64")
    assert exporter.export(sampler, tmp_path / "model.onnx", "fp64") == parity.Difference(0, 0.0)

    monkeypatch.setattr(parity, "to_uint8", lambda x: x)  # what is rounded is equal in nearly all of its digits
    traced = parity.Traceable.of(sampler, free_options=False)
    exporter._write(traced, {}, tmp_path / "real.onnx", optional=False)
    z, y = (points[:32] for points in parity.points(sampler.spec, sampler.prior))
    theirs = onnxruntime.InferenceSession(tmp_path / "real.onnx").run(None, {"z": z.numpy(), "y": y.numpy()})[0]
    ours = traced.net(z, y).numpy()
    assert ours.dtype == theirs.dtype == np.float64
    assert np.abs(ours - theirs).max() < 1e-11
    fp32 = parity.Traceable.of(sampler.with_options(precision="fp32"), free_options=False).net(z, y).numpy()
    assert 0 < np.abs(ours - fp32).max() < 1e-3


def test_the_file_says_what_can_be_asked_of_it(tmp_path: Path) -> None:
    exporter.export(sampler_of("cgan-maxout", "attributes"), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["labels"] == {"names": ["Smiling", "Hat", "Blond_Hair", "Glasses"], "kind": "attributes"}
    assert (told["range"], told["prior"]) == ([0, 255], {"dim": 100, "kind": "uniform"})
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"], "weights are inside, not beside"


def test_an_export_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    sampler = sampler_of("swift", "colour")
    before = {key: value.clone() for key, value in sampler.net.state_dict().items()}
    exporter.export(sampler, tmp_path / "model.onnx")
    assert all(torch.equal(before[key], value) for key, value in sampler.net.state_dict().items())
    assert all(parameter.requires_grad for parameter in sampler.net.parameters())


def test_a_program_that_draws_something_else_is_refused() -> None:
    sampler = sampler_of("cvae", "colour")
    drawing = parity.Traceable.of(sampler, free_options=False).net

    def off_by(levels: int, at: int) -> parity.Program:
        def program(z: torch.Tensor, y: torch.Tensor, options: Mapping[str, float]) -> np.ndarray:
            generated: np.ndarray = drawing(z, y).numpy().copy()
            generated[:, 0, 0, 0] = np.where(
                generated[:, 0, 0, 0] > 127, generated[:, 0, 0, 0] - levels, generated[:, 0, 0, 0] + levels
            )
            return generated if len(generated) == at else drawing(z, y).numpy()

        return program

    with torch.no_grad():
        assert parity.check(sampler, off_by(1, at=7)).largest == 1
        for at in (1, 7, 32, 216):
            with pytest.raises(CondgenError, match=r"by up to 2 grey levels, .* more than the 1 and 1 allowed"):
                parity.check(sampler, off_by(2, at))
        with pytest.raises(CondgenError, match="generates uint8"):
            parity.check(sampler, lambda z, y, options: drawing(z, y).numpy()[:, :-1])


def test_the_check_covers_every_label() -> None:
    for kind in KINDS:
        spec = toy_data(kind).spec
        z, y = parity.points(spec, Prior(5))
        assert z.shape == (256, 5)
        assert z.unique(dim=0).shape == z.shape
        assert {tuple(row) for row in spec.labels.encode(spec.labels.each).tolist()} <= {tuple(r) for r in y.tolist()}
