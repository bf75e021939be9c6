"""Sampling options: declared once, checked everywhere, written beside what they made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from condgen import api, cli
from condgen.errors import CondgenError
from condgen.options import PRECISION, TRUNCATION, Option, checked, filled
from condgen.sampling import files
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior
from condgen.testing.toys import toy_card
from conftest import toy_data

WARMTH = Option(name="warmth", help="How bright images are.", default=0.0, minimum=0.0, maximum=1.0)
STEPS = Option(name="steps", help="Number of steps.", default=4, minimum=1, maximum=8)
SOLVER = Option(name="solver", help="The integrator.", default="heun", choices=("heun", "euler"))


@pytest.mark.parametrize(
    ("option", "value"),
    [(WARMTH, 0), (WARMTH, 0.5), (WARMTH, 1), (STEPS, 1), (STEPS, 8), (SOLVER, "euler"), (TRUNCATION, 0.7)],
)
def test_a_value_in_range_is_taken_in_the_type_of_its_option(option: Option, value: Any) -> None:
    assert option.check(value) == value
    assert type(option.check(value)) is option.type


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((WARMTH, value) for value in (-0.1, 1.1, float("nan"), float("inf"), True, "0.5", None)),
        *((STEPS, value) for value in (0, 9, 2.5, True, "2")),
        *((SOLVER, value) for value in ("rk4", 0, None, "")),
    ],
)
def test_any_other_value_is_one_line_that_names_the_option(option: Option, value: Any) -> None:
    with pytest.raises(CondgenError, match=rf"^{option.name} should be .*, found .*\.$"):
        option.check(value)


def test_only_what_differs_from_the_default_is_a_choice() -> None:
    known = (WARMTH, STEPS, SOLVER)
    assert checked(known, {"warmth": 0, "steps": 5, "solver": "heun"}) == {"steps": 5}
    assert filled(known, {"steps": 5}) == {"warmth": 0.0, "steps": 5, "solver": "heun"}
    with pytest.raises(CondgenError, match="unknown sampling option 'warmht'; did you mean 'warmth'"):
        checked(known, {"warmht": 1})
    with pytest.raises(CondgenError, match="has no sampling options, found 'truncation'"):
        checked(Prior(3, "uniform").options, {"truncation": 0.5})


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "seed", "default": 1.0, "minimum": 0, "maximum": 1},
        {"name": "Warmth", "default": 1.0, "minimum": 0, "maximum": 1},
        {"name": "warmth", "default": 2.0, "minimum": 0, "maximum": 1},
        {"name": "warmth", "default": 1.0},
        {"name": "warmth", "default": True},
        {"name": "warmth", "default": "a"},
        {"name": "warmth", "default": "a", "choices": ("b", "c")},
    ],
)
def test_a_declaration_that_cannot_hold_is_refused_where_it_is_made(fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, CondgenError)):
        Option(help="Something.", **fields)


class Warm(nn.Module):
    """A network with an option of its own: a grey that follows z, y and warmth."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, z: Tensor, y: Tensor, warmth: Any) -> Tensor:
        grey = 0.3 * torch.tanh(z.mean(1) + y.argmax(1) / 10) + 0.5 * warmth
        images: Tensor = grey[:, None, None, None].expand(-1, *self.shape)
        return images


@pytest.fixture
def warm() -> Sampler:
    spec, prior = toy_data("digits").spec, Prior(4)
    return Sampler(Warm(spec.shape), spec, prior, options=(*prior.options, WARMTH), card=toy_card(spec, prior, "warm"))


def test_options_reach_prior_and_network_and_the_card_holds_the_choice(warm: Sampler) -> None:
    usual = warm.sample("8", count=3)
    assert (warm.sample("8", count=3, truncation=1.0, warmth=0) == usual).all()
    assert (warm.sample("8", count=3, warmth=0.5).astype(int) - usual >= 30).all()
    assert len(np.unique(warm.sample("8", count=3, truncation=0.0))) == 1, "all of z is its mean"
    other = warm.with_options(warmth=0.5)
    assert (other.card.sampling, warm.card.sampling) == ({"warmth": 0.5}, None)
    assert (other.sample("8", count=3, warmth=0) == usual).all()
    assert "sampling" not in other.with_options(warmth=0).card.to_json()


def test_images_under_options_are_the_same_alone_and_in_company(warm: Sampler) -> None:
    some = warm.sample("all", count=40, truncation=0.6)
    for label in (0, 7):
        assert (warm.sample(label, count=2, truncation=0.6) == some[40 * label : 40 * label + 2]).all()


def test_an_image_tells_the_options_it_was_made_under(warm: Sampler, tmp_path: Path) -> None:
    from PIL import Image

    out = tmp_path / "one.png"
    files.write(warm.with_options(warmth=0.5), SampleRequest.of([8], 1, 3), out=out, grid=False)
    with Image.open(out) as image:
        told = json.loads(next(text for text in image.text.values() if "sampling" in text))  # type: ignore[attr-defined]
    assert told["sampling"] == {"warmth": 0.5}


def test_a_free_option_is_an_input_of_an_onnx_file(warm: Sampler, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from condgen.noise import draw_at
    from condgen.sharing import onnx

    path = tmp_path / "model.onnx"
    onnx.export(warm.with_options(truncation=0.5), path)
    session = onnxruntime.InferenceSession(path)
    assert {entry.name for entry in session.get_overridable_initializers()} == {"truncation", "warmth"}
    z, y = draw_at(warm.prior, 0, range(5)), torch.eye(10)[:5]
    for given in ({}, {"truncation": 0.3}, {"warmth": 0.25}, {"truncation": 1.0, "warmth": 1.0}):
        scalars = {name: np.array(value, np.float32) for name, value in given.items()}
        (generated,) = session.run(None, {"z": z.numpy(), "y": y.numpy(), **scalars})
        ours = warm.with_options(**{"truncation": 0.5} | given).decode(z, y)
        assert np.abs(generated.astype(int) - ours).max() <= 1


def test_command_line_and_card_know_the_options_of_a_run(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [option.name for option in api.card(tiny_run).sampling_options] == ["truncation", "precision"]
    cli.main(["sample", str(tiny_run), "--help"])
    assert "--truncation" in capsys.readouterr().out
    out = tiny_run.parent / "truncated.npz"
    cli.main(["sample", str(tiny_run), "--truncation", "0.7", "--count", "2", "--out", str(out)])
    with np.load(out) as arrays:
        assert (arrays["images"] == api.load(tiny_run).sample("all", count=2, truncation=0.7)).all()
        assert (arrays["images"] != api.load(tiny_run).sample("all", count=2)).any()
    with pytest.raises(SystemExit):
        cli.main(["sample", str(tiny_run), "--truncation", "1.5"])
    assert "truncation should be a number from 0.0 to 1.0, found 1.5" in capsys.readouterr().err


def test_a_card_that_lists_the_precision_has_it_once() -> None:
    spec, prior = toy_data("colour").spec, Prior(3)
    listed = [TRUNCATION, PRECISION.model_copy(update={"help": "As another version words it."})]
    card = toy_card(spec, prior).model_copy(update={"options": listed})
    assert [option.name for option in card.sampling_options] == ["truncation", "precision"]
