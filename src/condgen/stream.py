"""An infinite stream of shuffled batches that can start at any position."""

import math

import torch
from torch import Tensor

from condgen import parallel
from condgen.data.dataset import Split
from condgen.device import layout
from condgen.labels import UNKNOWN, Labels
from condgen.seeds import seed_of


class Stream:
    """Batches of images x (b, c, h, w) in [-1, 1] and labels y (b, K) of 0, 1 and, for unknown attributes, 0.5. The
    order is a function of (seed, images).

    Each epoch is a new permutation. Batches may span two epochs, so every image is used equally often whatever the
    batch size, and a data set smaller than one batch works. With `balance`, each label is used in proportion to the
    logarithm of its number of images, and the images of one label equally often. Images are stored as uint8 on the
    device if they fit (`fits`); batches have the memory format of the device (`layout`). In distributed training, each
    process gets its own part of every batch.
    """

    def __init__(
        self,
        split: Split,
        labels: Labels,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        start: int = 0,
        balance: bool = False,
    ) -> None:
        self.device = torch.device(device)
        host = torch.from_numpy(split.images)  # (n, h, w, c)
        self.pixels = host.to(device) if fits(host, self.device) else host
        self.labels = torch.from_numpy(split.labels).to(device)
        self.known = labels
        self.batch, self.seed, self.images = batch, seed, start
        self._groups = groups(torch.from_numpy(split.labels)) if balance else []
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long, device=self.pixels.device)

    def go_to(self, images: int, seed: int) -> None:
        """Continue at image number `images`, in the order of `seed`."""
        self.images, self.seed, self._epoch = images, seed, -1

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        rows = self.rows(self.images, self.batch)[parallel.local_slice(self.batch)]
        self.images += self.batch
        x = to_range(self._sent(self.pixels[rows])).contiguous(memory_format=layout(self.device))
        y = self.labels[self._sent(rows)]
        return x, known_or_half(y) if self.known.kind == "attributes" else self._one_hot(y)

    def _sent(self, tensor: Tensor) -> Tensor:
        """A tensor on the device. From pinned memory, the copy does not wait for the device."""
        if tensor.device == self.device or self.device.type == "cpu":
            return tensor
        return tensor.pin_memory().to(self.device, non_blocking=True)

    def _one_hot(self, y: Tensor) -> Tensor:
        """Convert class numbers (b,) to one-hot vectors (b, K) without a K x K table (1.6 GB for 20,000 classes)."""
        return torch.zeros(len(y), len(self.known), device=self.device).scatter_(1, y[:, None], 1.0)

    def rows(self, start: int, count: int) -> Tensor:
        """Indices (count,) of the images at positions start ... start + count - 1 of the training."""
        pieces = list[Tensor]()
        while count:
            epoch, at = divmod(start, len(self.pixels))
            piece = self._permutation(epoch)[at : at + count]
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return torch.cat(pieces) if pieces else torch.empty(0, dtype=torch.long, device=self.pixels.device)

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            order = shuffled(len(self.pixels), self.seed, "order", epoch)
            order = self._balanced(epoch)[order] if self._groups else order
            self._epoch, self._order = epoch, order.to(self.pixels.device)  # once per epoch, not in every step
        return self._order

    def _balanced(self, epoch: int) -> Tensor:
        """Indices of the images of a balanced epoch, by label. Each label continues where its last epoch ended."""
        rows = []
        for number, (group, places) in enumerate(zip(self._groups, shares(self._groups), strict=True)):
            first, last = epoch * places, (epoch + 1) * places
            rounds = range(first // len(group), -(-last // len(group)))
            turns = torch.cat([group[shuffled(len(group), self.seed, "balance", number, turn)] for turn in rounds])
            rows.append(turns[first - rounds[0] * len(group) :][:places])
        return torch.cat(rows)


def fits(images: Tensor, device: torch.device) -> bool:
    """Whether the images may stay on the device during training: they take at most half of its free memory.

    Otherwise each batch is sent there from pinned host memory."""
    if device.type != "cuda":  # the CPU's own memory, or that of a device which does not tell
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.numel() <= free // 2


def groups(labels: Tensor) -> list[Tensor]:
    """Indices of the images of each class, or of each combination of attributes that occurs."""
    _, members = torch.unique(labels, dim=0, return_inverse=True)
    return [torch.nonzero(members == number)[:, 0] for number in range(int(members.max()) + 1)]


def shares(groups: list[Tensor]) -> list[int]:
    """Number of positions of each group in a balanced epoch: proportional to log(1 + size), at least one. The sum is
    the number of images."""
    weights, total = [math.log1p(len(group)) for group in groups], sum(map(len, groups))
    exact = [total * weight / sum(weights) for weight in weights]
    places = [max(1, math.floor(share)) for share in exact]
    by_rest = sorted(range(len(groups)), key=lambda number: places[number] - exact[number])
    for number in by_rest[: total - sum(places)]:
        places[number] += 1
    while sum(places) > total:  # many labels with a single image
        places[max(range(len(places)), key=places.__getitem__)] -= 1
    return places


def shuffled(count: int, seed: int, *parts: int | str) -> Tensor:
    """A permutation of 0 ... count - 1 that is a function of (seed, parts)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed_of(seed, *parts)))


def known_or_half(y: Tensor) -> Tensor:
    """Attributes as floats: 0, 1, and 0.5 where unknown."""
    return torch.where(y == UNKNOWN, 0.5, y.float())


def to_range(pixels: Tensor) -> Tensor:
    """Convert uint8 (n, h, w, c) to float (n, c, h, w), channels-last in memory; 0 becomes -1, 255 becomes 1.

    With alpha (c = 4), colours are multiplied by it, so that invisible colours have no influence.
    """
    x = pixels.float()
    if x.shape[3] == 4:
        x = torch.cat([x[..., :3] * (x[..., 3:] / 255), x[..., 3:]], 3)
    return x.div_(127.5).sub_(1).permute(0, 3, 1, 2)
