"""Loss functions: logits in, scalar out, one equation each.

A logit is the score before the sigmoid: D = sigmoid(logit). All losses are means over the batch.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from condgen.label_text import Kind
from condgen.nets.twice import TwiceDifferentiable
from condgen.noise import batch_noise


def says_real(logits: Tensor) -> Tensor:
    """-E log D: binary cross-entropy with the target 'real'. The discriminator's loss on real images, and the
    generator's non-saturating loss (Goodfellow et al. 2014, arXiv 1406.2661, section 3)."""
    return F.softplus(-logits).mean()


def says_fake(logits: Tensor) -> Tensor:
    """-E log(1 - D): binary cross-entropy with the target 'fake' (Goodfellow et al. 2014, Eq. 1)."""
    return F.softplus(logits).mean()


def hinge_real(scores: Tensor) -> Tensor:
    """E max(0, 1 - D): the hinge loss of the discriminator on real images (Miyato et al. 2018, arXiv 1802.05957,
    Eq. 16). The generator's loss is -E D."""
    return F.relu(1 - scores).mean()


def hinge_fake(scores: Tensor) -> Tensor:
    """E max(0, 1 + D): the hinge loss of the discriminator on generated images."""
    return F.relu(1 + scores).mean()


def says_label(logits: Tensor, y: Tensor, kind: Kind) -> Tensor:
    """-E log P(y | x) of an auxiliary classifier (Odena et al. 2017, arXiv 1610.09585, Eq. 3).

    logits, y: (b, K). Classes exclude one another: a softmax over all. Attributes do not: the sum over K sigmoids.
    """
    if kind == "classes":
        return F.cross_entropy(logits, y)
    return F.binary_cross_entropy_with_logits(logits, y, reduction="none").sum(1).mean()


def binary_cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    """-E log p(x) for independent Bernoulli pixels, in nats per image: sum over pixels, mean over the batch.

    logits, x: (b, ...), of equal shape. x is in [0, 1]; grey values are treated as probabilities.
    """
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1).mean()


def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """E KL(N(mu, exp(logvar)) || N(0, I)), in nats per image (Kingma & Welling 2013, arXiv 1312.6114, appendix B).

    mu, logvar: (b, dim).
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1).mean()


def r1(scores: Tensor, x: Tensor) -> Tensor:
    """E ||grad D(x)||^2 at real images (Mescheder et al. 2018, arXiv 1801.04406, Eq. 9).

    scores: D(x), one per image. x: the images, which required gradients before D was evaluated.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def orthogonality(weights: Iterable[Tensor]) -> Tensor:
    """Sum over layers of ||W W^T * (1 - I)||_F^2, where the rows of W are the filters: 0 if they are orthogonal, of
    whatever length (Brock et al. 2019, arXiv 1809.11096, Eq. 3).

    W W^T and W^T W have the same Frobenius norm, so the smaller one is computed.
    """
    sums = []
    for weight in weights:
        rows = weight.flatten(1)
        with torch.autocast(rows.device.type, enabled=False):
            gram = rows.T @ rows if len(rows) > rows.shape[1] else rows @ rows.T
            sums.append(gram.square().sum() - rows.square().sum(1).square().sum())
    return torch.stack(sums).sum()


def gradient_penalty(critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor, y: Tensor) -> Tensor:
    """E (||grad D(x|y)|| - 1)^2 at random interpolations x of real and fake images of label y.

    The interpolation weight is uniform on [0, 1), one per image; the norm is over the whole image (Gulrajani et al.
    2017, arXiv 1704.00028, Eq. 3).
    """
    share = batch_noise(torch.rand, len(real), *[1] * (real.dim() - 1), device=real.device)
    between = (share * real + (1 - share) * fake).requires_grad_()
    with TwiceDifferentiable():
        scores = critic(between, y)
    (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    slope: Tensor = gradient.flatten(1).norm(dim=1)
    return (slope - 1).square().mean()
