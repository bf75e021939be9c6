"""Latent codes and reconstructions of real images, and the same images under other labels."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Dataset, Split
from condgen.options import Value, filled
from condgen.sampling.forward import generated, to_uint8
from condgen.stream import to_range
from condgen.system import System

BATCH = 500
Pixels = NDArray[np.uint8]


class Encoder:
    """A trained system that encodes images: uint8 images (n, h, w, c) and labels to latent vectors, and back."""

    def __init__(self, system: System) -> None:
        """Raises CondgenError if the system cannot encode images."""
        if type(system).encode is System.encode:
            system.encode(torch.empty(0), torch.empty(0))  # says which systems can
        self.system = system.eval()

    @torch.no_grad()
    def encoded(self, images: Pixels, y: Tensor) -> Tensor:
        """The latent vectors of images with label vectors y (n, K), (n, prior.dim)."""
        x = to_range(torch.from_numpy(images))
        return torch.cat([self.system.encode(*pair) for pair in zip(x.split(BATCH), y.split(BATCH), strict=True)])

    @torch.no_grad()
    def decoded(self, z: Tensor, y: Tensor, options: Mapping[str, Value]) -> Pixels:
        """The images of latent vectors under label vectors, with these sampling options."""
        given = filled(self.system.sampling_options, options)
        pairs = zip(z.split(BATCH), y.split(BATCH), strict=True)
        return np.concatenate([to_uint8(generated(self.system.generator, *pair, given)).numpy() for pair in pairs])

    def reconstructed(self, z: Tensor, y: Tensor) -> Pixels:
        """The images that were encoded under the labels y, as exactly as the system reconstructs them."""
        return self.decoded(z, y, self.system.reconstruction)


class View(Encoder):
    """An encoder applied to the test images, or to the training images if there is no test set."""

    def __init__(self, system: System, dataset: Dataset) -> None:
        super().__init__(system)
        self.dataset: Dataset = dataset
        self.split: Split = dataset.test or dataset.train

    @property
    def dim(self) -> int:
        return self.system.prior.dim

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups of `codes`: the classes; or for attributes, absence and presence of the first one."""
        known = self.dataset.labels
        return known.names if known.kind == "classes" else (f"not {known.names[0]}", known.names[0])

    def reconstructions(self, count: int) -> Pixels:
        """Reconstructions of the first `count` images, uint8 (n, h, w, c)."""
        return self.reconstructed(self._encoded(count), self._labels(count))

    def codes(self, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Latent codes of the first `count` images, projected to two principal components, (n, 2), and their groups,
        (n,)."""
        codes = self._encoded(count)
        if self.dim > 2:
            centred = codes - codes.mean(0)
            codes = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
        labels = self.split.labels[:count]
        return codes.numpy(), labels if labels.ndim == 1 else labels[:, 0]

    def _encoded(self, count: int) -> Tensor:
        return self.encoded(self.split.images[:count], self._labels(count))

    def _labels(self, count: int) -> Tensor:
        return torch.from_numpy(self.dataset.labels.encode(self.split.labels[:count]))
