"""A run can begin from another: every row keeps what it has learnt, label by label, by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condgen import api
from condgen.data import Dataset
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.spec import Spec
from condgen.systems import SYSTEMS, preset
from condgen.testing.trainings import begin, build, images_of, run_to
from condgen.training.finetune import Parent, label_sides
from conftest import toy_data

DATA = toy_data("colour")
NAMES = DATA.labels.names


def trained(name: str, folder: Path) -> Parent:
    run_to(begin(name, folder), 2)
    return Parent.of(folder, name)


@pytest.mark.parametrize("name", SYSTEMS)
def test_labels_keep_their_weights_by_name(name: str, tmp_path: Path) -> None:
    """With the labels in another order, and one new between them, old labels draw what they drew before."""
    parent = trained(name, tmp_path / "run")
    old = build(name, DATA.spec)
    old.load_state_dict(parent.tensors)
    spec = Spec(DATA.spec.shape, Labels((NAMES[2], "owl", NAMES[0], NAMES[1])))
    fresh = build(name, spec, seed=5)
    parent.transfer_to(fresh, preset(name))
    z = torch.rand(4, old.prior.dim)
    for number, label in enumerate(NAMES):
        before = images_of(old, z, torch.eye(3)[[number] * 4])
        after = images_of(fresh, z, torch.eye(4)[[spec.labels.names.index(label)] * 4])
        assert torch.allclose(before, after, atol=1e-5), label
    if old.takes_label:
        assert label_sides(preset(name), old)


def test_the_same_labels_mean_the_same_networks(tmp_path: Path) -> None:
    parent = trained("swift", tmp_path)
    fresh = build("swift", DATA.spec, seed=5)
    parent.transfer_to(fresh, preset("swift"))
    assert all(torch.equal(value, parent.tensors[name]) for name, value in fresh.state_dict().items())


def save(path: Path, data: Dataset) -> Path:
    import numpy as np

    np.savez(path, images=data.train.images, labels=data.train.labels, names=np.array(data.labels.names))
    return path


def test_from_one_run_to_the_next(tmp_path: Path) -> None:
    """By the verbs: the child takes the parent's settings, can be repeated, and knows where it comes from."""
    data = save(tmp_path / "a.npz", DATA)
    options: dict[str, Any] = {"quiet": True, "log_every": 10**6, "grid_every": 10**6}
    api.train("swift", data=data, out=tmp_path / "parent", images=256, width=8, batch=32, **options)
    more = replace(DATA, labels=Labels((*NAMES, "owl")))
    wanted: dict[str, Any] = {
        "data": save(tmp_path / "b.npz", more),
        "finetune": tmp_path / "parent",
        "out": tmp_path / "child",
    }
    child = api.train(images=128, **wanted, **options)
    assert child.identity.config["width"] == 8
    assert "parent at 256 images" in str(child.identity.finetuned_from)
    assert api.train(images=128, **wanted, **options).images == 128, "the same command again has nothing to do"
    with pytest.raises(CondgenError, match="contains a run with finetuned_from="):
        api.train("swift", data=wanted["data"], out=tmp_path / "child", images=128, width=8, batch=32, **options)


def test_what_cannot_be_begun_from_is_one_line(tmp_path: Path) -> None:
    parent = trained("swift", tmp_path / "run")
    with pytest.raises(CondgenError, match="no run with an intact checkpoint"):
        Parent.of(tmp_path / "nowhere")
    with pytest.raises(CondgenError, match="is a run of swift; --finetune cannot train cvae from it"):
        Parent.of(tmp_path / "run", "cvae")
    with pytest.raises(CondgenError, match="generates images of 8x8 with 3 channels, but the data have 28x28 with 1"):
        parent.check(toy_data("digits").spec)
    wider = preset("swift").build(DATA.spec, preset("swift").config.with_overrides({"width": 8}))
    with pytest.raises(CondgenError, match="leave out the settings that change the networks"):
        parent.transfer_to(wider, preset("swift"))
