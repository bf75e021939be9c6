"""Settings that are chosen for the data, and what a resumed training takes over from its run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condgen import api, records
from condgen.labels import Labels
from condgen.spec import Spec
from condgen.systems import preset
from condgen.training.run import config_in

COURSE: dict[str, Any] = {"images": 64, "batch": 32, "evaluate_every": 0, "quiet": True}


@pytest.mark.parametrize(
    ("channels", "labels", "images", "found"),
    [
        (1, Labels(("a", "b")), None, {"pixel_channels": 0, "mismatch": 0.1, "augmentation": "none"}),
        (3, Labels(("a", "b")), 1500, {"pixel_channels": 8, "mismatch": 0.1, "augmentation": "none"}),
        (3, Labels(("a", "b")), 1499,
         {"pixel_channels": 8, "mismatch": 0.1, "augmentation": "adaptive", "transforms": "translation,cutout"}),
        (1, Labels(("a", "b")), 699, {"pixel_channels": 0, "mismatch": 0.1, "augmentation": "adaptive"}),
        (4, Labels(("a", "b"), "attributes"), 60,
         {"pixel_channels": 8, "mismatch": 1.0, "augmentation": "adaptive", "transforms": "translation,cutout"}),
    ],
)  # fmt: skip
def test_swift_chooses_for_the_data_what_is_not_set(
    channels: int, labels: Labels, images: int | None, found: dict[str, Any]
) -> None:
    spec, config = Spec((channels, 32, 32), labels), preset("swift").config
    assert {choice.setting: choice.value for choice in config.choices(spec, images)} == found
    own = config.with_overrides({"pixel_channels": 3, "mismatch": 1.0, "augmentation": "none"})
    assert own.choices(spec, images) == []
    assert own.chosen_for(spec) == own


def as_an_earlier_condgen_wrote(path: Path, format_: int) -> None:
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != records.SEAL}
    del content["config"]["pixel_channels"]
    records.write(path, content | {"format": format_})


def test_a_colour_run_of_an_earlier_condgen_keeps_its_networks(npz: Callable[..., Path], tmp_path: Path) -> None:
    """Its config.json and card do not contain pixel_channels, which implies 0; the same command resumes it."""
    out = tmp_path / "run"
    data = npz("colour")
    label = api.train("swift", data=data, out=out, pixel_channels=0, **COURSE).identity.spec["labels"]["names"][0]
    before = api.load(out).sample(label, count=2)
    as_an_earlier_condgen_wrote(out / "config.json", 4)
    as_an_earlier_condgen_wrote(out / "generator/card.json", 5)
    assert np.array_equal(api.load(out).sample(label, count=2), before)
    resumed = api.train("swift", data=data, out=out, **COURSE | {"images": 96})
    assert resumed.images == 96
    assert (config_in(out) or resumed.identity).config["pixel_channels"] == 0


def test_a_new_colour_run_records_its_choice(npz: Callable[..., Path], tmp_path: Path) -> None:
    run = api.train("swift", data=npz("colour"), out=tmp_path / "run", **COURSE)
    assert run.identity.config["pixel_channels"] == 8
