"""Settings that are chosen for the data, and what a resumed training takes over from its run."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condgen import api, records
from condgen.labels import Labels
from condgen.spec import Spec
from condgen.systems import preset
from condgen.training.job import TrainingJob
from condgen.training.request import TrainingRequest
from condgen.training.run import config_in

COURSE: dict[str, Any] = {"images": 64, "batch": 32, "evaluate_every": 0, "quiet": True}

GREY: dict[str, Any] = {"pixel_channels": 0, "pre_emphasis": 0.0, "shift": "none", "mismatch": 0.1}
COLOUR: dict[str, Any] = {"pixel_channels": 8, "pre_emphasis": 1.0, "shift": "known", "mismatch": 0.5}
AUGMENTED: dict[str, Any] = {"augmentation": "adaptive", "transforms": "translation,cutout"}
LATER: dict[int, dict[str, Any]] = {
    4: {"pixel_channels": 0, "pre_emphasis": 0.0, "shift": "random"},
    5: {"pre_emphasis": 0.0, "shift": "random"},
    6: {"shift": "random"},
}
"""Settings that a run of each format does not contain, with what they imply."""


@pytest.mark.parametrize(
    ("channels", "labels", "images", "found"),
    [
        (1, Labels(("a", "b")), None, GREY | {"augmentation": "none"}),
        (3, Labels(("a", "b")), 1500, COLOUR | {"augmentation": "none"}),
        (3, Labels(("a", "b")), 1499, COLOUR | AUGMENTED),
        (1, Labels(("a", "b")), 699, GREY | {"augmentation": "adaptive"}),
        (4, Labels(("a", "b"), "attributes"), 60, COLOUR | AUGMENTED | {"mismatch": 1.0}),
    ],
)
def test_swift_chooses_for_the_data_what_is_not_set(
    channels: int, labels: Labels, images: int | None, found: dict[str, Any]
) -> None:
    spec, config = Spec((channels, 32, 32), labels), preset("swift").config
    assert {choice.setting: choice.value for choice in config.choices(spec, images)} == found
    own = config.with_overrides({"pixel_channels": 3, "pre_emphasis": 2.0, "shift": "random", "mismatch": 1.0})
    own = own.with_overrides({"augmentation": "none"})
    assert own.choices(spec, images) == []
    assert own.chosen_for(spec) == own
    patches = config.with_overrides({"pixel_channels": 0}).chosen_for(spec).model_dump()
    assert (patches["pre_emphasis"], patches["shift"]) == (0, "none")


@pytest.mark.parametrize(
    ("shape", "few"),
    [((3, 16, 16), 1500), ((3, 64, 32), 3000), ((3, 64, 64), 6000), ((4, 64, 64), 6000), ((1, 64, 64), 700)],
)
def test_larger_colour_images_are_few_sooner(shape: tuple[int, int, int], few: int) -> None:
    spec, config = Spec(shape, Labels(("a", "b"))), preset("swift").config
    assert config.chosen_for(spec, few - 1).model_dump()["augmentation"] == "adaptive"
    assert config.chosen_for(spec, few).model_dump()["augmentation"] == "none"


def test_transforms_preserve_labels_that_are_colours() -> None:
    """Of augmentation that is set, too; a run whose config.json has no transforms keeps those that this meant."""
    spec, config = Spec((3, 32, 32), Labels(("a", "b"))), preset("swift").config
    for augmentation, found in (("diff", "translation,cutout"), ("none", "")):
        own = config.with_overrides({"augmentation": augmentation})
        assert own.chosen_for(spec, 10_000).model_dump()["transforms"] == found
        assert own.chosen_for(spec).model_dump()["transforms"] == ""


def as_an_earlier_condgen_wrote(path: Path, format_: int, without: Iterable[str]) -> None:
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != records.SEAL}
    for setting in without:
        del content["config"][setting]
    records.write(path, content | {"format": format_})


@pytest.mark.parametrize("format_", LATER)
def test_a_colour_run_of_an_earlier_condgen_keeps_its_networks(
    format_: int, npz: Callable[..., Path], tmp_path: Path
) -> None:
    """Its config.json and card lack later settings, which have implied values; the same command resumes it."""
    out, later = tmp_path / "run", LATER[format_]
    data = npz("colour")
    label = api.train("swift", data=data, out=out, **later, **COURSE).identity.spec["labels"]["names"][0]
    before = api.load(out).sample(label, count=2)
    as_an_earlier_condgen_wrote(out / "config.json", format_, later)
    as_an_earlier_condgen_wrote(out / "generator/card.json", format_ + 1, later)
    assert np.array_equal(api.load(out).sample(label, count=2), before)
    resumed = api.train("swift", data=data, out=out, **COURSE | {"images": 96})
    assert resumed.images == 96
    assert later.items() <= (config_in(out) or resumed.identity).config.items()


def test_a_new_colour_run_records_its_choices(npz: Callable[..., Path], tmp_path: Path) -> None:
    run = api.train("swift", data=npz("colour"), out=tmp_path / "run", **COURSE)
    assert {name: run.identity.config[name] for name in COLOUR} == COLOUR


@pytest.mark.parametrize(
    ("system", "data", "settings", "said"),
    [
        ("swift", "digits", {"shift": "known"}, ["--shift has no effect, since pixel_channels is 0."]),
        ("swift", "digits", {"shift": "none", "penalty_weight": 1.0}, []),
        ("swift", "colour", {"shift": "random"}, []),
        (
            "swift",
            "colour",
            {"augmentation": "diff", "transforms": "mirror", "ada_target": 0.5},
            ["--ada-target has no effect, since augmentation is diff."],
        ),
        (
            "cgan-concat",
            "digits",
            {"transforms": "mirror"},
            ["--transforms has no effect, since augmentation is none."],
        ),
    ],
)
def test_a_setting_without_effect_is_named(
    system: str, data: str, settings: dict[str, Any], said: list[str], npz: Callable[..., Path]
) -> None:
    job = TrainingJob.prepare(TrainingRequest(system, settings, npz(data)))
    assert job.ineffective() == said
    assert set(said) <= set(job.introduction())
