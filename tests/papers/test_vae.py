from typing import Any

import pytest
import torch

from condgen import losses
from condgen.noise import reseed
from condgen.systems import preset
from condgen.testing.trainings import streaming
from conftest import toy_data


@pytest.mark.parametrize("name", ["vae", "cvae"])
def test_the_noise_is_scaled_by_the_standard_deviation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """z = mu + exp(logvar / 2) eps, not exp(logvar) eps as the book's text has it: logvar = ln 4 doubles eps."""
    data = toy_data("digits")
    system: Any = preset(name).build(data.spec)
    seen: list[torch.Tensor] = []
    decode = system.decoder.logits

    def logits(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen.append(z)
        return torch.as_tensor(decode(z, y))

    monkeypatch.setattr(system.decoder, "logits", logits)
    for layer, bias in ((system.encoder.mu, 3.0), (system.encoder.logvar, torch.tensor(4.0).log())):
        layer.weight.data.zero_()
        layer.bias.data.fill_(bias)
    reseed(0, "step", 0)
    eps = torch.randn(8, 20)
    reseed(0, "step", 0)
    system.step(streaming(data), 0)
    assert torch.allclose(seen[0], 3 + 2 * eps, atol=1e-5)


def test_the_loss_is_the_negative_evidence_bound() -> None:
    data = toy_data("digits")
    system: Any = preset("cvae").build(data.spec)
    x, y = next(streaming(data))
    mu, logvar = system.posterior(x, y)
    assert torch.equal(system.encode(x, y), mu)
    reseed(0, "step", 0)
    z = mu + (logvar / 2).exp() * torch.randn_like(mu)
    expected = losses.binary_cross_entropy(system.decoder.logits(z, y), (x + 1) / 2) + losses.kl_to_standard_normal(
        mu, logvar
    )
    reseed(0, "step", 0)
    logs = system.step(streaming(data), 0)
    assert torch.allclose(logs["loss/vae"], expected, rtol=1e-5)
    assert torch.allclose(logs["loss/vae"], logs["loss/reconstruction"] + logs["loss/kl"])


def test_images_are_the_means_of_the_pixels() -> None:
    data = toy_data("digits")
    system: Any = preset("cvae").build(data.spec)
    z, y = torch.randn(3, 20), torch.eye(10)[:3]
    assert torch.allclose((system.generator(z, y) + 1) / 2, system.decoder.logits(z, y).sigmoid(), atol=1e-6)


def test_the_label_reaches_both_halves_only_if_conditional() -> None:
    data = toy_data("digits")
    x, y = next(streaming(data))
    for name, reaches in (("vae", False), ("cvae", True)):
        system: Any = preset(name).build(data.spec)
        assert torch.equal(system.encode(x, y)[0], system.encode(x, y.flip(1))[0]) != reaches
