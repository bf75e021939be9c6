"""DiffAugment and ADA: what each change may do, that gradients pass, that p moves as the paper says and no further."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from condgen.config import Adversarial
from condgen.nets.diffaugment import HIGHEST, TRANSFORMS, Augment, safe
from condgen.noise import reseed
from condgen.spec import Spec
from condgen.systems import SYSTEMS, preset
from condgen.testing.trainings import begin, equal, everything, run_to, streaming
from conftest import KINDS, toy_data

COLOUR, GREY = Spec(*KINDS["colour"]), Spec(*KINDS["digits"])
ROWS = [name for name in SYSTEMS if isinstance(preset(name).config, Adversarial)]


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(64, 3, 16, 24) * 2 - 1


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_image_is_changed_by_itself_and_gradients_pass(x: Tensor, name: str) -> None:
    x.requires_grad_()
    changed = TRANSFORMS[name](x)
    assert changed.shape == x.shape
    assert len({tuple(image.flatten().tolist()) for image in changed - x}) > 1, "all images had the same change"
    (gradient,) = torch.autograd.grad(changed.sum(), x)
    assert gradient.flatten(1).abs().sum(1).min() > 0


@pytest.mark.parametrize(
    ("step", "rows", "columns"),
    [(1, {6, 7, 8, 9, 10}, {9, 10, 11, 12, 13, 14, 15}), (2, {6, 8, 10}, {10, 12, 14}), (4, {4, 8, 12}, {8, 12, 16})],
)
def test_a_translation_moves_by_at_most_an_eighth_or_a_step_and_brings_in_grey(
    step: int, rows: set[int], columns: set[int]
) -> None:
    point = torch.full((400, 1, 16, 24), -1.0)
    point[:, :, 8, 12] = 1
    T = Augment(Spec((1, 16, 24), GREY.labels), Adversarial(augmentation="diff", transforms="translation"))
    T.step = step
    moved = T(point)
    found = torch.nonzero(moved[:, 0] == 1)[:, 1:].T
    assert [set(axis.tolist()) for axis in found] == [rows, columns]
    assert set(moved.unique().tolist()) == {-1, 0, 1}


def test_a_cutout_is_a_grey_square_of_half_the_sides_or_what_is_left_of_it_at_the_border() -> None:
    holes = TRANSFORMS["cutout"](torch.ones(400, 1, 16, 16)) == 0
    areas = holes.sum((1, 2, 3))
    assert areas.max() in range(49, 65)
    assert areas.min() >= 4 * 4
    assert (holes.any(2).sum(2) * holes.any(3).sum(2)).flatten().tolist() == areas.tolist(), "a hole is a rectangle"


def test_colour_leaves_shapes_alone(x: Tensor) -> None:
    flat = x.mean((2, 3), keepdim=True).expand_as(x)
    changed = TRANSFORMS["color"](flat)
    assert torch.allclose(changed, changed[:, :, :1, :1].expand_as(x), atol=1e-6)


def test_a_mirror_turns_half_of_the_images(x: Tensor) -> None:
    changed = TRANSFORMS["mirror"](x)
    turned = (changed == x.flip(3)).flatten(1).all(1)
    assert ((changed == x).flatten(1).all(1) ^ turned).all()
    assert 16 <= turned.sum() <= 48


def test_what_is_safe_for_labels() -> None:
    assert safe(GREY) == ("translation", "cutout")
    assert "mirror" not in safe(COLOUR)


def test_none_changes_nothing_and_draws_no_noise(x: Tensor) -> None:
    state = torch.random.get_rng_state()
    assert Augment(COLOUR, Adversarial())(x) is x
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not Augment(COLOUR, Adversarial()).state_dict(), "checkpoints of before can be read"


def adaptive(**options: float) -> Augment:
    return Augment(COLOUR, Adversarial(augmentation="adaptive", **options))


def test_p_rises_while_d_is_sure_and_falls_when_it_is_not() -> None:
    T = adaptive(ada_images=1000)
    sure, unsure = torch.ones(10, 1), torch.tensor([1.0, -1.0] * 5)[:, None]
    T.adapt(sure)
    assert float(T.p) == pytest.approx(0.01), "10 images of 1000"
    for _ in range(200):
        T.adapt(sure)
    assert float(T.p) == pytest.approx(HIGHEST), "p has an upper end"
    for _ in range(200):
        T.adapt(unsure)
    assert float(T.p) == 0


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_p_is_the_share_of_changed_images(p: float) -> None:
    T = Augment(COLOUR, Adversarial(augmentation="adaptive", transforms="color"))
    T.p.fill_(p)
    x = torch.rand(1000, 3, 4, 4)
    share = (T(x) != x).flatten(1).any(1).float().mean()
    assert abs(float(share) - p) < 0.07


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("how", ["diff", "adaptive"])
def test_every_adversarial_row_plays_through_it(name: str, how: str) -> None:
    data = toy_data("digits")
    reseed(0, "init", 0)
    config = preset(name).config.with_overrides({"augmentation": how})
    system = preset(name).build(data.spec, config)
    stream = streaming(data)
    logs = [system.step(stream, stream.images) for _ in range(3)][-1]
    assert all(value.isfinite() for value in logs.values())
    assert ("augment/p" in logs) == (how == "adaptive")


def test_p_is_in_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that is stopped and goes on ends as one that was not, p included."""
    settings = {"augmentation": "adaptive", "ada_images": 100, "ada_target": 0.0, "warmup": 0}
    monkeypatch.setitem(SYSTEMS, "swift", type(preset("swift"))(preset("swift").path, "", settings))
    straight = run_to(begin("swift", tmp_path / "a"), 8)
    run_to(begin("swift", tmp_path / "b"), 8, stop_at=4)
    again = run_to(begin("swift", tmp_path / "b"), 8)
    assert any(entry["augment/p"] > 0 for entry in straight.run.log)
    assert equal(everything(straight), everything(again))
