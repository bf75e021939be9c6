"""A run of `flow` under sampling options, by every way that images are requested."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import condgen
from condgen import api, cli
from condgen.errors import CondgenError
from condgen.noise import draw_at
from serving.stand import Stand, with_stand

CHOSEN: dict[str, Any] = {"guidance": 2.0, "guidance_interval": 0.6, "steps": 3, "solver": "euler"}
IN_FP64 = {**CHOSEN, "precision": "fp64"}


@pytest.fixture(scope="module")
def run(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "flow"
    settings: dict[str, Any] = {"width": 8, "blocks": 1, "condition": 8, "images": 64, "batch": 32}
    return condgen.train("flow", data=pets, out=out, evaluate_every=0, quiet=True, **settings).folder


def words(options: dict[str, Any]) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.parametrize("chosen", [CHOSEN, IN_FP64])
def test_the_same_request_gives_the_same_bytes_by_every_way(chosen: dict[str, Any], run: Path, tmp_path: Path) -> None:
    ours = condgen.load(run).sample("all", count=3, seed=5, **chosen)
    assert (ours != condgen.load(run).sample("all", count=3, seed=5)).any()
    assert (ours == condgen.load(run, **chosen).sample("all", count=3, seed=5)).all()

    cli.main(["sample", str(run), "--count", "3", "--seed", "5", "--out", str(tmp_path / "all.npz"), *words(chosen)])
    with np.load(tmp_path / "all.npz") as arrays:
        assert (arrays["images"] == ours).all()

    async def ask(stand: Stand) -> None:
        replies = await asyncio.gather(
            *(stand.sample(count=3, seed=5, format="npy", **options) for options in ({}, chosen))
        )
        assert (np.load(io.BytesIO(replies[1].body)) == ours).all()
        assert (np.load(io.BytesIO(replies[0].body)) != ours).any()

    with_stand(ask, kind=condgen.load(run))


@pytest.mark.slow
def test_an_export_in_fp64_gives_the_same_bytes_too(run: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    cli.main(["export", str(run), "--format", "onnx", "--out", str(tmp_path / "export"), *words(IN_FP64)])
    assert api.card(tmp_path / "export").sampling == IN_FP64
    session = onnxruntime.InferenceSession(tmp_path / "export/model.onnx")
    for guidance in (1.0, 1.5):
        ours = condgen.load(run, **IN_FP64 | {"guidance": guidance}).sample("all", count=10, seed=5)
        z, y = draw_at(condgen.load(run).prior, 5, range(10)), torch.eye(2).repeat_interleave(10, 0)
        inputs = {"z": torch.cat([z, z]).numpy(), "y": y.numpy(), "guidance": np.array(guidance, np.float32)}
        assert (session.run(None, inputs)[0][..., 0] == ours).all()
    loaded = condgen.load(tmp_path / "export").sample("all", count=3, seed=5)
    assert (loaded == condgen.load(run).sample("all", count=3, seed=5, **IN_FP64)).all()


def test_an_export_has_real_numbers_as_inputs_and_names_what_is_fixed(run: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    folder = condgen.export(str(run), format="onnx", out=tmp_path / "export", **CHOSEN).folder
    assert api.card(folder).sampling == CHOSEN
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    fixed = json.loads(session.get_modelmeta().custom_metadata_map["sampling"])
    assert fixed == {"truncation": 1.0, **CHOSEN, "precision": "fp32"}
    sampler = condgen.load(folder)
    z, y = draw_at(sampler.prior, 5, range(4)), torch.eye(2)[[0, 1, 0, 1]]
    for guidance in (1.0, 2.0, 4.5):
        inputs = {"z": z.numpy(), "y": y.numpy(), "guidance": np.array(guidance, np.float32)}
        (images,) = session.run(None, inputs)
        assert np.abs(images.astype(int) - sampler.with_options(guidance=guidance).decode(z, y)).max() <= 1
    with pytest.raises(CondgenError, match="--precision int8 cannot quantize the steps of a solver"):
        condgen.export(str(run), format="onnx", precision="int8", out=tmp_path / "small")


def test_other_systems_refuse_its_options_in_one_line(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CondgenError, match=r"^unknown sampling option 'guidance'[^\n]*$"):
        condgen.load(tiny_run, guidance=2)
    with pytest.raises(SystemExit):
        cli.main(["sample", str(tiny_run), "--guidance", "2"])
    assert "--guidance" in capsys.readouterr().err


def test_a_long_latent_vector_is_requested_by_its_numbers() -> None:
    """12,288 numbers, as `flow` has them for colour images of 64x64, fit into a request."""
    from condgen.sampling.sampler import Sampler
    from condgen.spec import Prior, Spec
    from condgen.testing.toys import toy_card, toy_data

    class Same(torch.nn.Module):
        def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return z.view(-1, 3, 64, 64).tanh() + 0 * y.sum()

    spec, prior = Spec((3, 64, 64), toy_data("colour").labels), Prior(12_288)
    ours = Sampler(Same(), spec, prior, card=toy_card(spec, prior))
    z, y = draw_at(prior, 0, [3]), torch.eye(3)[:1]

    async def ask(stand: Stand) -> None:
        points = {"points": [{"y": y[0].tolist(), "z": {"at": z[0].tolist()}}]}
        literal = await stand.ask("POST", "/points", points)
        sampled = await stand.ask("POST", "/points", {"points": [{"y": y[0].tolist(), "z": {"seed": 0, "index": 3}}]})
        assert (literal.status, literal.body) == (200, sampled.body)

    with_stand(ask, kind=ours)
