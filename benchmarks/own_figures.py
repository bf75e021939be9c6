"""Pixel figures of `own_images.py`: generated images beside real ones, uint8 (n, h, w, c).

They see what features of a small classifier do not: speckle, lost detail, steps at the borders of patches. To be
replaced by those of `condgen.metrics` when it has them.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from condgen.data.transparency import premultiplied
from condgen.metrics import neighbours

PATCH = 4
"""Side, in pixels, of the patches that `swift` draws and looks at."""
MOST, KNOWN, CHECKED = 5000, 20_000, 2000
"""Images that pixel figures look at; training images that near copies are searched in, and images searched for."""
NEAR = 0.02
"""Share of training images that have another training image as near as a near copy."""
Images = NDArray[np.uint8]


def fine_detail(images: Images, real: Images) -> float:
    """Root mean square of the Laplacian, over that of real images: above 1 is speckled, below 1 is smooth."""
    return _laplacian(images) / _laplacian(real)


def patch_borders(images: Images, real: Images) -> float:
    """Energy of pixel differences across the borders of 4x4 patches over that elsewhere, relative to real images."""
    return _borders(images) / _borders(real)


def spectrum(images: Images, real: Images) -> float:
    """Mean distance between the logarithms of two radial power spectra, in decibels; 0 is right."""
    ours, theirs = (10 * np.log10(radial_power(some)) for some in (images, real))
    return float(np.abs(ours - theirs).mean())


FIGURES: dict[str, Callable[[Images, Images], float]] = {
    "fine_detail": fine_detail,
    "patch_borders": patch_borders,
    "spectrum": spectrum,
}


def figures(images: Images, real: Images) -> dict[str, dict[str, float]]:
    """Each figure beside its value for one half of the real images against the other half."""
    one, other = real[::2], real[1::2]
    found = {name: {"value": f(images, real), "real": f(one, other)} for name, f in FIGURES.items()}
    return {name: {key: round(value, 4) for key, value in pair.items()} for name, pair in found.items()}


def radial_power(images: Images) -> NDArray[np.float64]:
    """Mean power of the spatial frequencies 1, 2, ... cycles per image, up to half of the side, over all channels."""
    x = _levels(images)
    x = x - x.mean((1, 2), keepdims=True)
    window = np.outer(np.hanning(x.shape[1] + 2)[1:-1], np.hanning(x.shape[2] + 2)[1:-1])[..., None]
    power = (np.abs(np.fft.fft2(x * window, axes=(1, 2))) ** 2).mean((0, 3))
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) * n for n in power.shape), indexing="ij")).round().astype(int)
    sums, counts = np.bincount(radius.ravel(), power.ravel()), np.bincount(radius.ravel())
    kept = slice(1, min(power.shape) // 2 + 1)
    return np.asarray(sums[kept] / counts[kept] + 1e-9)


def memorised(images: Images, train: Images, test: Images) -> dict[str, float]:
    """Share of near copies among generated images and, as `real`, among test images.

    A near copy is as near to a training image, in pixels averaged by 2x2, as 2 % of the training images are to another
    one.
    """
    known = _thumbnails(evenly(train, KNOWN))
    rows = known[:: -(-len(known) // CHECKED)]
    apart = torch.cat([some.topk(2, largest=False).values[:, 1] for some in neighbours.distances(rows, known)])
    most = apart.quantile(NEAR)
    shares = [
        float((neighbours.nearest(_thumbnails(evenly(some, CHECKED)), known)[0] <= most).double().mean())
        for some in (images, test)
    ]
    return {"value": round(shares[0], 4), "real": round(shares[1], 4)}


def evenly(images: Images, most: int) -> Images:
    """At most `most` of the images, evenly spaced, since files are in the order of their classes."""
    return images[:: -(-len(images) // most)]


def _thumbnails(images: Images) -> torch.Tensor:
    """Pixels averaged by 2x2, float64 (n, h/2 * w/2 * c); float32 would round small distances."""
    x = torch.from_numpy(np.ascontiguousarray(premultiplied(images))).permute(0, 3, 1, 2).double()
    return torch.nn.functional.avg_pool2d(x, 2).flatten(1)


def _levels(images: Images) -> NDArray[np.float32]:
    return premultiplied(evenly(images, MOST)).astype(np.float32)


def _laplacian(images: Images) -> float:
    x = _levels(images)
    inner = 4 * x[:, 1:-1, 1:-1] - x[:, :-2, 1:-1] - x[:, 2:, 1:-1] - x[:, 1:-1, :-2] - x[:, 1:-1, 2:]
    return float(np.sqrt((inner.astype(np.float64) ** 2).mean()))


def _borders(images: Images) -> float:
    x, at, between = _levels(images), [], []
    for axis in (1, 2):
        energy = (np.diff(x, axis=axis).astype(np.float64) ** 2).mean((0, 3)).mean(2 - axis)  # one per line
        border = np.arange(1, len(energy) + 1) % PATCH == 0
        at.append(energy[border].mean())
        between.append(energy[~border].mean())
    return float(sum(at) / sum(between))
