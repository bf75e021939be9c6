"""Every verb works on Windows, as far as Linux can play it (windows.py), and writes the line ends of Linux."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hostile import verbs
from sharing.fake_hub import TOKEN, serving


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pets.npz and photos/, in which every verb has run."""
    place = tmp_path_factory.mktemp("windows") / "scene"
    verbs.build_data(place)
    program = Path(__file__).with_name("windows.py")
    env = os.environ | {"CONDGEN_CACHE": str(place.parent / "cache"), "PYTHONPATH": str(program.parents[1])}
    command = [sys.executable, "-P", str(program), "--all-verbs"]
    with serving() as hub:
        env |= {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(place.parent / "hf")}
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return place


def test_every_verb_ends_well_and_leaves_nothing_behind(scene: Path) -> None:
    assert {path.name for path in scene.rglob(".*") if path.suffix in (".part", ".incomplete", ".lock")} <= {".lock"}
    texts = [path for path in scene.rglob("*") if path.suffix in (".json", ".jsonl", ".csv", ".md")]
    assert len(texts) > 20
    assert not [path for path in texts if b"\r" in path.read_bytes()]
