"""Image grids of generated images, like those in the source documents."""

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from condgen.labels import ANY, Label, Labels
from condgen.noise import draw_at, walk
from condgen.options import Value
from condgen.sampling import canvas
from condgen.sampling.latent import Encoder
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler

ROWS, COLUMNS = 8, 20
"""Images per label, and labels, in the grids made during training. Further labels are not shown."""


def class_grid(
    sampler: Sampler, labels: list[Label] | None = None, rows: int = ROWS, seed: int = 0, first: int = 0
) -> Image.Image:
    """One column per label, with the same z in each row. The images of a column have the indices first, first + 1, ...

    For an unconditional generator, the grid has ten columns, and each image has its own z.
    """
    if sampler.spec.labels == ANY:
        return canvas.unlabelled(np.concatenate(list(sampler.batches([0] * rows * canvas.COLUMNS, seed, first))))
    labels = labels or list(sampler.trained[:COLUMNS])
    return _columns(sampler, labels, [sampler.spec.labels.title(label) for label in labels], rows, seed, first)


def request_grid(sampler: Sampler, request: SampleRequest) -> Image.Image:
    """One titled column per label or mix of a request, with the same z in each row, as in `class_grid`."""
    known = sampler.spec.labels
    if known == ANY:
        return class_grid(sampler, rows=max(request.counts), seed=request.seed)
    generated = np.stack(list(sampler.generate(request, request.seed)))
    return canvas.columns(generated, [known.title(label) for label in request.labels], request.counts)


def attribute_flips(sampler: Sampler, base: Label, rows: int = ROWS, seed: int = 0) -> Image.Image:
    """The same z in each row. The first column has the label `base`; each further column has one attribute flipped."""
    assert isinstance(base, tuple), "only attributes can be flipped"
    others: list[Label] = [tuple(v ^ (i == j) for i, v in enumerate(base)) for j in range(len(base))]
    names = sampler.spec.labels.names
    titles = [sampler.spec.labels.title(base), *(f"{'+-'[on]}{name}" for name, on in zip(names, base, strict=True))]
    labels = [base, *others]
    return _columns(sampler, labels, titles, rows, seed)


def titled_images(sampler: Sampler, labels: list[Label], columns: int = 5, seed: int = 0) -> Image.Image:
    """One image per label, each with its title above it."""
    generated = np.concatenate(list(sampler.batches(labels, seed)))
    cells = [canvas.enlarged(canvas.to_pil(image)) for image in generated]
    return canvas.captioned(cells, [sampler.spec.labels.title(label) for label in labels], columns)


def latent_interpolation(sampler: Sampler, labels: list[Label], steps: int, seed: int = 0) -> Image.Image:
    """Latent interpolation, one row per label: from image 0 of the label to its image 1."""
    start, end = draw_at(sampler.prior, seed, [0, 1])
    z = walk(sampler.prior, start, end, steps)
    y = torch.from_numpy(sampler.spec.labels.encode(labels))
    generated = sampler.decode(z.repeat(len(labels), 1), y.repeat_interleave(steps, 0))
    titles = [f"{step / (steps - 1):.2f}" for step in range(steps)]
    sides = [sampler.spec.labels.title(label) for label in labels]
    return canvas.grid(generated.reshape(len(labels), steps, *generated.shape[1:]), titles, sides)


def label_interpolation(
    sampler: Sampler, start: Label, end: Label, steps: int, rows: int = ROWS, seed: int = 0
) -> Image.Image:
    """Label interpolation, one row per z: the label vector moves linearly from `start` to `end`."""
    shares = torch.linspace(0, 1, steps)[:, None]
    first, last = torch.from_numpy(sampler.spec.labels.encode([start, end]))
    y = (1 - shares) * first + shares * last
    z = draw_at(sampler.prior, seed, range(rows))
    generated = sampler.decode(z.repeat_interleave(steps, 0), y.repeat(rows, 1))
    inner = [f"{share:.2f}" for share in shares[1:-1, 0].tolist()]
    titles = [sampler.spec.labels.title(start), *inner, sampler.spec.labels.title(end)]
    return canvas.grid(generated.reshape(rows, steps, *generated.shape[1:]), titles)


def manifold(sampler: Sampler, label: Label, side: int = 20) -> Image.Image:
    """Grid of images decoded from a two-dimensional latent space, at side x side quantiles of N(0, 1).

    The first component increases to the right, the second upwards.
    """
    quantiles = torch.special.ndtri((torch.arange(side) + 0.5) / side)
    z = torch.tensor([(right, up) for up, right in itertools.product(quantiles.flip(0), quantiles)])
    y = torch.from_numpy(sampler.spec.labels.encode([label])).expand(len(z), -1)
    generated = sampler.decode(z, y)
    numbers = [f"{quantile:.1f}" for quantile in quantiles.tolist()]
    return canvas.grid(generated.reshape(side, side, *generated.shape[1:]), numbers, numbers[::-1])


def side_by_side(originals: NDArray[np.uint8], copies: NDArray[np.uint8], rows: int = ROWS) -> Image.Image:
    """Originals in odd columns, reconstructions in even columns. Both are (n, h, w, c); n is a multiple of rows."""
    pairs = np.stack([originals, copies], 1)  # (n, 2, h, w, c)
    by_row = pairs.reshape(rows, -1, *originals.shape[1:])
    return canvas.grid(by_row, ["real", "decoded"] * (len(originals) // rows))


def switched(
    encoder: Encoder, images: NDArray[np.uint8], labels: list[Label], others: list[int], options: Mapping[str, Value]
) -> tuple[Image.Image, float]:
    """One row per image (n, h, w, c): the image, its reconstruction, and the image under other labels. Returns also the
    mean absolute error of the reconstructions, in grey levels.

    others: classes that replace the label of each image, or attributes that are switched on or off in it.
    """
    known = encoder.system.spec.labels
    y = torch.from_numpy(known.encode(labels))
    z = encoder.encoded(images, y)
    copies = encoder.reconstructed(z, y)
    new = torch.from_numpy(known.encode([_switch(label, other) for label in labels for other in others]))
    changed = encoder.decoded(z.repeat_interleave(len(others), 0), new, options)
    rows = np.concatenate([images[:, None], copies[:, None], changed.reshape(len(images), -1, *images.shape[1:])], 1)
    error = float(np.abs(images.astype(float) - copies).mean())
    return canvas.grid(rows, ["real", "decoded", *_switch_titles(known, labels, others)]), error


def _switch(label: Label, other: int) -> Label:
    """The label with one attribute switched, an unknown one on; or the other class."""
    if isinstance(label, int):
        return other
    return tuple(int(value != 1) if i == other else value for i, value in enumerate(label))


def _switch_titles(known: Labels, labels: list[Label], others: list[int]) -> list[str]:
    """Names of the classes or attributes; with a single image, + for an attribute that is switched on, - for off."""
    names = [known.names[other] for other in others]
    if len(labels) > 1 or isinstance(labels[0], int):
        return names
    return [f"{'-' if labels[0][other] == 1 else '+'}{name}" for other, name in zip(others, names, strict=True)]


def _columns(
    sampler: Sampler, labels: list[Label], titles: list[str], rows: int, seed: int, first: int = 0
) -> Image.Image:
    """One titled column per label, with `rows` images."""
    generated = np.concatenate(list(sampler.batches([label for label in labels for _ in range(rows)], seed, first)))
    return canvas.columns(generated, titles, [rows] * len(titles))
