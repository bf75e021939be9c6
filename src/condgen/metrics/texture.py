"""Metrics of texture, from pixels alone: fine detail, power spectrum, patch borders, colour.

They need no feature classifier, so they work for any data and for a few dozen images. Each compares the mean of a
statistic of generated images with that of real ones. Errors follow from the spread of the statistic between images, by
the delta method: Var(log mean x) = Var(x) / (n mean(x)²).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, hypot, log, sqrt

import numpy as np
from numpy.typing import NDArray

from condgen.data.transparency import premultiplied
from condgen.metrics.estimate import Estimate, Z, refused
from condgen.metrics.pixels import Images, laplacian

Numbers = NDArray[np.float64]
MOST, CHUNK = 2000, 100
"""Maximum number of images that are measured, and number of images in memory as floating-point numbers."""
SMALLEST = 8
"""Smallest side of an image, in pixels, that has a texture."""
BANDS = 8
"""Frequency bands of the spectrum; fewer if half the side of an image is smaller."""
PERIODS = (2, 4, 8, 16)
"""Sizes of patches, in pixels, whose borders are looked for."""
COLOURLESS = 2.0
"""Images are grey if the root mean square of their chroma is below this number of grey levels."""
RESAMPLES = 100
"""Bootstrap samples for the error of the spectrum."""


@dataclass(frozen=True)
class Texture:
    """Statistics of each of n images."""

    detail: Numbers
    """(n,): mean squared Laplacian."""
    chroma: Numbers
    """(n,): mean squared distance of a pixel from the grey of its own brightness."""
    steps: Numbers
    """(n, periods, 2): mean absolute difference across lines at multiples of the period, and across all others."""
    bands: Numbers
    """(n, BANDS): power within rings of equal width, from the lowest frequency to half the sampling frequency."""

    @classmethod
    def of(cls, images: Images) -> "Texture":
        """The statistics of uint8 images (n, h, w, c); of at most MOST of them, evenly spaced."""
        some = images[:: -(-len(images) // MOST)]
        parts = [_measured(premultiplied(some[i : i + CHUNK]).astype(np.float64)) for i in range(0, len(some), CHUNK)]
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def __len__(self) -> int:
        return len(self.detail)


def textures(generated: Texture, real: Texture) -> Iterator[tuple[str, Estimate]]:
    """Every metric of texture by its name. Colour only if the real images have any."""
    yield "fine_detail", fine_detail(generated, real)
    yield "spectrum", spectrum(generated, real)
    yield "borders", borders(generated, real)
    if real.chroma.mean() > COLOURLESS**2:
        yield "colour", colour(generated, real)


def fine_detail(generated: Texture, real: Texture) -> Estimate:
    """Root mean square of the Laplacian over that of real images. 1 is right; blur is below, speckle above."""
    return _root_ratio(generated.detail, real.detail, "the real images have no edges.")


def colour(generated: Texture, real: Texture) -> Estimate:
    """Root mean square of the chroma over that of real images. 1 is right, 0 is grey."""
    return _root_ratio(generated.chroma, real.chroma, "the real images have no colours.")


def borders(generated: Texture, real: Texture) -> Estimate:
    """Strength of the steps across patch borders, over that across other lines, both relative to real images.

    1 is right. The patch size is the one of PERIODS whose value exceeds 1 by the most standard deviations.
    """
    if len(generated) < 2 or len(real) < 2:
        return refused("patch borders need two images on each side.", len(generated))
    pairs = [[_log_ratio(some.steps[:, place]) for some in (generated, real)] for place in range(len(PERIODS))]
    found = [(ours[0] - theirs[0], hypot(ours[1], theirs[1])) for ours, theirs in pairs if ours and theirs]
    if not found:
        return refused("there are no steps between pixels.", len(generated))
    ratio, deviation = max(found, key=lambda pair: pair[0] / max(pair[1], 1e-12))
    return Estimate(exp(ratio), Z * exp(ratio) * deviation, len(generated))


def spectrum(generated: Texture, real: Texture) -> Estimate:
    """Mean over the frequency bands of |ln(power / power of real images)|: 0 is right, 0.7 is a factor of 2.

    The error is Z bootstrap standard deviations.
    """
    if not (real.bands.mean(0) > 0).all():
        return refused("the real images lack some frequencies altogether.", len(generated))
    random = np.random.default_rng(0)
    resampled = [_apart(_resampled(generated.bands, random), _resampled(real.bands, random)) for _ in range(RESAMPLES)]
    return Estimate(_apart(generated.bands, real.bands), Z * float(np.std(resampled)), len(generated))


def _measured(x: Numbers) -> tuple[Numbers, ...]:
    """The statistics of images (n, h, w, c): see `Texture`."""
    colours = x[..., :3]
    chroma = np.square(colours - colours.mean(-1, keepdims=True)).mean((1, 2, 3))
    return np.square(laplacian(x)).mean((1, 2, 3)), chroma, _steps(x), _bands(x)


def _steps(x: Numbers) -> Numbers:
    """(n, periods, 2): mean absolute difference across border lines and across all others, in both directions."""
    across = [np.abs(np.diff(x, axis=1)).mean((2, 3)), np.abs(np.diff(x, axis=2)).mean((1, 3))]  # (n, h-1), (n, w-1)
    found = np.full((len(x), len(PERIODS), 2), np.nan)
    for place, period in enumerate(PERIODS):
        if min(x.shape[1:3]) >= 2 * period:
            for side in (0, 1):
                lines = [d[:, (np.arange(1, d.shape[1] + 1) % period == 0) == (side == 0)] for d in across]
                found[:, place, side] = np.concatenate(lines, 1).mean(1)
    return found


def _bands(x: Numbers) -> Numbers:
    """(n, bands): power spectrum, summed over channels and averaged over rings of frequencies."""
    power = np.square(np.abs(np.fft.rfft2(x, axes=(1, 2)))).sum(-1)  # (n, h, w // 2 + 1)
    radius = np.hypot(np.fft.fftfreq(x.shape[1])[:, None], np.fft.rfftfreq(x.shape[2])[None])
    bands = min(BANDS, min(x.shape[1:3]) // 2)  # so that no ring is empty
    ring = np.ceil(radius * 2 * bands - 1e-9).astype(int)  # 0: the mean; above `bands`: the corners
    return np.stack([power[:, ring == band].mean(1) for band in range(1, bands + 1)], 1)


def _root_ratio(ours: Numbers, theirs: Numbers, why: str) -> Estimate:
    """√(mean ours / mean theirs)."""
    if not theirs.mean():
        return refused(why, len(ours))
    value = sqrt(ours.mean() / theirs.mean())
    return Estimate(value, Z * value / 2 * sqrt(_relative(ours) + _relative(theirs)), len(ours))


def _relative(values: Numbers) -> float:
    """The squared relative standard error of a mean. 1 for a single value, whose spread is unknown."""
    if len(values) < 2:
        return 1.0
    mean = float(values.mean())
    return float(values.var(ddof=1)) / (len(values) * mean**2) if mean else 0.0


def _log_ratio(pairs: Numbers) -> tuple[float, float] | None:
    """ln(mean of the first / mean of the second column) of (n, 2), and its standard error; None if a mean is 0."""
    means = pairs.mean(0)
    if not (means > 0).all():  # or if images are too small for the period, which gives NaN
        return None
    each = pairs / means
    return log(means[0] / means[1]), float((each[:, 0] - each[:, 1]).std(ddof=1)) / sqrt(len(pairs))


def _apart(ours: Numbers, theirs: Numbers) -> float:
    least = 1e-12 * theirs.mean()
    return float(np.abs(np.log(np.maximum(ours.mean(0), least) / theirs.mean(0))).mean())


def _resampled(values: Numbers, random: np.random.Generator) -> Numbers:
    return values[random.integers(0, len(values), len(values))]
