"""Latent codes and reconstructions of real images by an autoencoder."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Dataset, Split
from condgen.errors import CondgenError
from condgen.sampling.sampler import to_uint8
from condgen.stream import to_range
from condgen.system import System

BATCH = 500


@runtime_checkable
class Encodes(Protocol):
    """A system with an encoder."""

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of z, (b, z_dim) each, for images x (b, c, h, w) in [-1, 1] and labels y (b, K)."""


class View:
    """A trained autoencoder applied to the test images, or to the training images if there is no test set."""

    def __init__(self, system: System, dataset: Dataset) -> None:
        if not isinstance(system, Encodes):
            raise CondgenError(f"a {type(system).__name__} has no encoder; this needs a run of vae, vae-2d or cvae.")
        self.system, self.encodes, self.dataset = system.eval(), system, dataset
        self.split: Split = dataset.test or dataset.train

    @property
    def dim(self) -> int:
        return self.system.prior.dim

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups of `codes`: the classes; or for attributes, absence and presence of the first one."""
        known = self.dataset.labels
        return known.names if known.kind == "classes" else (f"not {known.names[0]}", known.names[0])

    @torch.no_grad()
    def reconstructed(self, count: int) -> NDArray[np.uint8]:
        """Reconstructions of the first `count` images from their mean latent codes, uint8 (n, h, w, c)."""
        decoded = [
            to_uint8(self.system.generator(self.encodes.encode(x, y)[0], y)).numpy() for x, y in self._batches(count)
        ]
        return np.concatenate(decoded)

    @torch.no_grad()
    def codes(self, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Mean latent codes of the first `count` images, projected to two principal components, (n, 2), and their
        groups, (n,)."""
        codes = torch.cat([self.encodes.encode(x, y)[0] for x, y in self._batches(count)])
        if self.dim > 2:
            centred = codes - codes.mean(0)
            codes = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
        labels = self.split.labels[:count]
        return codes.numpy(), labels if labels.ndim == 1 else labels[:, 0]

    def _batches(self, count: int) -> list[tuple[Tensor, Tensor]]:
        images, labels = self.split.images[:count], self.dataset.labels.encode(self.split.labels[:count])
        x = to_range(torch.from_numpy(images))
        return list(zip(x.split(BATCH), torch.from_numpy(labels).split(BATCH), strict=True))
