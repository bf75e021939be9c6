"""Losses against closed forms and a second implementation."""

import math

import torch
from torch import distributions as d
from torch import nn

from condgen import losses


def test_adversarial_losses_are_cross_entropies_of_the_probability() -> None:
    logits = torch.linspace(-4, 4, 9)
    p = logits.sigmoid()
    assert torch.allclose(losses.says_real(logits), -p.log().mean())
    assert torch.allclose(losses.says_fake(logits), -(1 - p).log().mean())
    bce = nn.BCEWithLogitsLoss()
    assert torch.allclose(losses.says_real(logits), bce(logits, torch.ones(9)))
    assert torch.allclose(losses.says_fake(logits), bce(logits, torch.zeros(9)))


def test_a_discriminator_that_knows_nothing_costs_log_two() -> None:
    assert math.isclose(losses.says_real(torch.zeros(5)), math.log(2), rel_tol=1e-6)
    assert math.isclose(losses.says_fake(torch.zeros(5)), math.log(2), rel_tol=1e-6)


def test_the_non_saturating_loss_still_pulls_where_the_minimax_one_is_flat() -> None:
    """Goodfellow et al. 2014, section 3: d/dl of -log D is D - 1, of log(1 - D) is -D; at D ~ 0 only one is left."""
    logits = torch.tensor([-12.0], requires_grad=True)
    (pull,) = torch.autograd.grad(losses.says_real(logits), logits)
    (flat,) = torch.autograd.grad(-losses.says_fake(logits), logits)
    assert torch.allclose(pull, logits.sigmoid() - 1)
    assert torch.allclose(flat, -logits.sigmoid())
    assert pull.abs() > 0.99
    assert flat.abs() < 1e-5


def test_huge_logits_stay_finite() -> None:
    logits = torch.tensor([-1e4, 1e4])
    assert losses.says_real(logits).isfinite()
    assert losses.binary_cross_entropy(logits[None], torch.tensor([[0.0, 1.0]])) == 0


def test_cross_entropy_is_summed_over_pixels_and_averaged_over_the_batch() -> None:
    logits, x = torch.randn(3, 1, 4, 5), torch.rand(3, 1, 4, 5)
    p = logits.sigmoid()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).sum() / 3
    assert torch.allclose(losses.binary_cross_entropy(logits, x), expected)
    assert torch.allclose(losses.binary_cross_entropy(logits, x), -d.ContinuousBernoulli(p).log_prob(x).sum() / 3 + (
        d.ContinuousBernoulli(p)._cont_bern_log_norm().sum() / 3
    ), rtol=1e-4)  # fmt: skip


def test_kl_equals_the_closed_form_and_torchs_own() -> None:
    mu, logvar = torch.randn(6, 4), torch.randn(6, 4)
    posterior = d.Normal(mu, (logvar / 2).exp())
    expected = d.kl_divergence(posterior, d.Normal(0.0, 1.0)).sum(1).mean()
    assert torch.allclose(losses.kl_to_standard_normal(mu, logvar), expected, rtol=1e-5)
    assert losses.kl_to_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)) == 0
    one_off = losses.kl_to_standard_normal(torch.full((1, 1), 2.0), torch.full((1, 1), math.log(4)))
    assert math.isclose(one_off, 0.5 * (4 + 4 - 1 - math.log(4)), rel_tol=1e-6)
