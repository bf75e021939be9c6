"""A small classifier that says which digit a picture shows: the measuring stick of label_accuracy.py.

Trained on the real training split, checked on the real test split; about 20 seconds on two cores.
"""

import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.data import Dataset, Split


def pictures_of(split: Split) -> Tensor:
    return torch.from_numpy(split.images).permute(0, 3, 1, 2).float() / 127.5 - 1


def network(num_classes: int, width: int = 16) -> nn.Module:
    def conv(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]

    return nn.Sequential(
        *conv(1, width, 5, 2), *conv(width, 2 * width, 3, 1), nn.MaxPool2d(2), *conv(2 * width, 4 * width, 3, 1),
        nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.Linear(36 * width, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, num_classes),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def train(data: Dataset, epochs: int = 3, batch: int = 128, seed: int = 0) -> nn.Module:
    """The judge, in eval mode; prints its accuracy on real test pictures."""
    torch.manual_seed(seed)
    x, y = pictures_of(data.train), torch.from_numpy(data.train.labels)
    net, steps = network(len(data.labels)), epochs * (len(x) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), 4e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    began = time.monotonic()
    for step in range(steps):
        if step % (steps // epochs) == 0:
            order = torch.randperm(len(x))
        rows = order[(at := step % (steps // epochs) * batch) : at + batch]
        shift = torch.randint(-2, 3, (2,)).tolist()
        loss = F.cross_entropy(net(x[rows].roll(shift, (2, 3))), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()
    assert data.test
    right = accuracy(net, pictures_of(data.test), torch.from_numpy(data.test.labels))
    print(f"judge: {right:.4f} of real test pictures right, {time.monotonic() - began:.0f} s")
    return net


def accuracy(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of pictures in which the judge sees the label that was asked for."""
    return (classes(net, x) == y).float().mean().item()


@torch.no_grad()
def classes(net: nn.Module, x: Tensor) -> Tensor:
    """What the judge sees in pictures x in [-1, 1], (n,) class numbers."""
    return torch.cat([net(some).argmax(1) for some in x.split(1000)])
