"""Images to order: many of them into one file."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from condgen.labels import Labels
from condgen.sampling import files
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior, Spec
from condgen.testing.toys import toy_card


class Net(nn.Module):
    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (z[:, :1] + y[:, :1]).expand(-1, np.prod(self.shape).item()).reshape(-1, *self.shape).tanh()


def sampler(shape: tuple[int, int, int], kind: Any = "classes") -> Sampler:
    spec, prior = Spec(shape, Labels(("a", "b"), kind)), Prior(3)
    return Sampler(Net(shape), spec, prior, card=toy_card(spec, prior))


@pytest.mark.parametrize("kind", ["classes", "attributes"])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_npz_holds_what_sample_gives(channels: int, kind: str, tmp_path: Path) -> None:
    ours = sampler((channels, 4, 6), kind)
    labels = ours.labels("all")
    files.write(ours, SampleRequest.of(labels, 21, 3), out=tmp_path / "a.npz", grid=False)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert np.array_equal(file["images"], ours.sample(labels, count=21, seed=3))
        assert file["images"].dtype == np.uint8
        assert file["labels"].tolist() == np.repeat(np.array(labels), 21, axis=0).tolist()
        assert file["names"].tolist() == ["a", "b"]


def test_many_images_need_no_more_memory_than_few(tmp_path: Path) -> None:
    ours, peaks = sampler((1, 64, 64)), []
    for count in (100, 2000):
        tracemalloc.start()
        files.write(ours, SampleRequest.of([0], count, 0), out=tmp_path / "a.npz", grid=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1900 * 64 * 64 / 10
