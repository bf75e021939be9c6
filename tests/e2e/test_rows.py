"""Every preset, by the command line, on data of its own: trains on 2,000 images, and every verb for a run works."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from condgen.sampling.canvas import read
from condgen.systems import SYSTEMS
from conftest import SHARED

FACES = SHARED / "data/cartoon-celeba"
DATA = {
    "dcgan": (64, ["--data", FACES, "--size", 64]),
    "cwgan-gp": (32, ["--data", FACES, "--size", 32, "--attributes", "Blond_Hair"]),
    "cwgan-gp-fast": (32, ["--data", FACES, "--size", 32, "--attributes", "Blond_Hair"]),
}
"""Presets for faces, with the side of their images; all others see MNIST."""


def condgen(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "condgen", *map(str, words)], check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_2000_images_and_every_verb(name: str, tmp_path: Path) -> None:
    side, data = DATA.get(name, (28, []))
    if data and not FACES.exists():
        pytest.skip("the cartoon faces are not here")
    condgen("train", name, "--images", 2000, "--out", tmp_path / "run", *data)
    label = ["--labels", "Blond_Hair" if name in DATA else "8"] if SYSTEMS[name].build_on_meta().takes_label else []
    condgen("sample", tmp_path / "run", *label, "--count", 1, "--out", tmp_path / "one.png")
    image = np.asarray(read(tmp_path / "one.png"))
    assert image.shape == ((side, side, 3) if name in DATA else (side, side))
    assert len(np.unique(image)) > 1
    condgen("export", tmp_path / "run", "--format", "onnx", "--out", tmp_path / "onnx")
    assert (tmp_path / "onnx").exists()
    if name not in DATA:  # faces need a feature classifier of their own, which takes minutes
        condgen("evaluate", tmp_path / "run", "--count", 500)
        condgen("report", tmp_path / "run", "--quick", "--out", tmp_path / "report.html")
        assert (tmp_path / "run" / "evaluation.json").exists()
        assert (tmp_path / "report.html").exists()
