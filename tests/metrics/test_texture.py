"""Texture: closed forms of noise, a second implementation of the Laplacian, errors as large as the spread of draws."""

from collections.abc import Callable
from statistics import mean, stdev

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from condgen.metrics.estimate import Estimate
from condgen.metrics.pixels import Images
from condgen.metrics.texture import BANDS, Texture, borders, colour, fine_detail, spectrum, textures


def noise(n: int, seed: int, deviation: float = 20, patch: int = 1, channels: int = 3) -> Images:
    """Grey images of 32x32 with white noise, constant within patches."""
    random, side = np.random.default_rng(seed), 32 // patch
    values = random.normal(0, deviation, (n, side, side, channels)).repeat(patch, 1).repeat(patch, 2)
    return (values + 128).round().clip(0, 255).astype(np.uint8)


def added(*images: Images) -> Images:
    """The sum of several images around 128."""
    total = sum((image.astype(int) - 128 for image in images), np.zeros((), int))
    return (total + 128).clip(0, 255).astype(np.uint8)


def scaled(images: Images, factor: float) -> Images:
    return (128 + factor * (images.astype(float) - 128)).round().astype(np.uint8)


def near(found: Estimate, expected: float) -> bool:
    """Whether the value is within 2 errors, with a little room for rounding to grey levels."""
    assert found.value is not None
    assert found.error is not None
    return abs(found.value - expected) < 2 * found.error + 0.01


def test_the_laplacian_is_that_of_torch_and_of_white_noise() -> None:
    images = noise(200, 0)
    kernel = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=torch.float64)[None, None]
    flat = torch.from_numpy(images).double().permute(0, 3, 1, 2).reshape(-1, 1, 32, 32)
    theirs = F.conv2d(flat, kernel).square().reshape(200, -1).mean(1)
    detail = Texture.of(images).detail
    assert detail == pytest.approx(theirs.numpy())
    assert detail.mean() == pytest.approx((16 + 4) * 20**2, rel=0.02)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_contrast_scales_detail_and_colour_and_shifts_the_spectrum(factor: float) -> None:
    real, ours = (Texture.of(images) for images in (noise(100, 0), scaled(noise(100, 1), factor)))
    assert near(fine_detail(ours, real), factor)
    assert near(colour(ours, real), factor)
    assert near(spectrum(ours, real), abs(2 * np.log(factor)))
    assert near(borders(ours, real), 1) or (borders(ours, real).value or 0) < 1.02


def test_white_noise_has_equal_power_in_every_band() -> None:
    bands = Texture.of(noise(200, 0, channels=1)).bands
    assert bands.shape == (200, BANDS)
    assert bands.mean(0) == pytest.approx(np.full(BANDS, 20**2 * 32**2), rel=0.05)


@pytest.mark.parametrize(("side", "bands"), [(8, 4), (9, 4), (11, 5), (12, 6), (15, 7), (16, 8), (28, 8)])
def test_small_images_have_fewer_bands_but_no_empty_one(side: int, bands: int) -> None:
    found = Texture.of(np.ascontiguousarray(noise(20, 0)[:, :side, :side])).bands
    assert found.shape == (20, bands)
    assert (found > 0).all()


@pytest.mark.parametrize("patch", [2, 4, 8])
def test_steps_at_patch_borders_are_measured_whatever_the_patch(patch: int) -> None:
    """|difference| of neighbours has the mean 2σ/√π; across a border, σ² is that of the noise and of the steps."""
    real, ours = noise(300, 0), added(noise(300, 1), noise(300, 2, deviation=15, patch=patch))
    assert near(borders(Texture.of(ours), Texture.of(real)), (1 + (15 / 20) ** 2) ** 0.5)


def contrasts(seed: int) -> Texture:
    """100 images of different contrast."""
    random = np.random.default_rng(seed)
    return Texture.of(np.concatenate([noise(1, seed * 1000 + i, random.uniform(5, 35)) for i in range(100)]))


@pytest.mark.parametrize("metric", [fine_detail, colour, borders, spectrum])
def test_the_error_is_the_spread_of_draws(metric: Callable[[Texture, Texture], Estimate]) -> None:
    found = [metric(contrasts(2 * seed), contrasts(2 * seed + 1)) for seed in range(12)]
    claimed = mean(number.error or 0 for number in found)
    spread = 1.96 * stdev(number.value or 0 for number in found)
    assert 0.35 * claimed < spread < 2 * claimed  # the largest of four borders varies less


def test_grey_images_have_no_colour_and_flat_ones_no_detail() -> None:
    grey, flat = Texture.of(noise(10, 0, channels=1)), Texture.of(np.full((10, 32, 32, 1), 9, np.uint8))
    assert "colour" not in dict(textures(grey, grey))
    found = dict(textures(grey, flat))
    assert found["fine_detail"].refused
    assert found["spectrum"].refused
    assert dict(textures(flat, grey))["fine_detail"].value == 0
    assert dict(textures(flat, flat))["borders"].refused
    assert borders(Texture.of(noise(1, 0)), grey).refused
