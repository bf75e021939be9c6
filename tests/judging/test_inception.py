"""FID proper: our path to torch-fidelity's network, which cannot be installed beside a CPU build of torch."""

import sys
import types

import numpy as np
import pytest
import torch

from condgen.data import Dataset, Split
from condgen.errors import CondgenError
from condgen.judging import inception
from condgen.judging.reference import Reference, Samples
from condgen.metrics import frechet
from condgen.metrics.frechet import Moments
from conftest import toy_data


class Network:
    """In the place of Inception: checks what it is given, answers with 16 projections of it."""

    def __init__(self, name: str, features: list[str], feature_extractor_weights_path: str | None = None) -> None:
        assert features == ["2048"]
        if feature_extractor_weights_path == "nowhere.pth":
            raise FileNotFoundError("no such file")
        self.matrix = torch.randn(192, 16, generator=torch.Generator().manual_seed(0))

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        assert x.dtype == torch.uint8
        assert x.shape[1:] == (3, 8, 8)
        return (x.flatten(1).float() @ self.matrix,)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = Network  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", types.ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def reference(channels: int = 3) -> Reference:
    data = toy_data("colour", 300)
    images = data.train.images[..., :channels]
    split = Split(images, data.train.labels)
    return Reference(Dataset("toy", data.labels, split, split), None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("library")
def test_it_is_fd_of_the_networks_features() -> None:
    real, generated = reference(), toy_data("colour", 200, seed=1).train.images
    network = Network("", ["2048"])

    def features(images: np.ndarray) -> torch.Tensor:
        return network(torch.from_numpy(images).permute(0, 3, 1, 2))[0]

    expected = frechet.distance(Moments.of(features(real.split.images)), Moments.of(features(generated)))
    assert inception.fid(Samples(generated, None), real, "fetch").value == pytest.approx(expected)


@pytest.mark.usefixtures("library")
def test_grey_images_are_shown_in_three_equal_channels() -> None:
    real = reference(channels=1)
    assert inception.fid(Samples(real.split.images, None), real, "w.pth").value == pytest.approx(0, abs=1e-6)


@pytest.mark.usefixtures("library")
def test_transparent_images_are_shown_on_white() -> None:
    real = reference()
    images = real.split.images
    empty = np.zeros((*images.shape[:3], 4), np.uint8)
    opaque = np.concatenate([images, np.full_like(images[..., :1], 255)], 3)
    assert inception.fid(Samples(opaque, None), real, "w.pth").value == pytest.approx(0, abs=1e-6)
    white = Samples(np.full_like(images, 255), None)
    expected = inception.fid(white, real, "w.pth").value
    assert inception.fid(Samples(empty, None), real, "w.pth").value == pytest.approx(expected)


@pytest.mark.usefixtures("library")
def test_weights_that_are_not_there_are_named() -> None:
    with pytest.raises(
        CondgenError, match=r"cannot load the weights of the Inception network from nowhere\.pth: no such file"
    ):
        inception.fid(Samples(toy_data("colour").train.images, None), reference(), "nowhere.pth")


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(CondgenError, match=r"pip install 'condgen\[inception\]'"):
        inception.fid(Samples(toy_data("colour").train.images, None), reference(), "fetch")
