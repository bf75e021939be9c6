"""A small run, and what is exported of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from condgen.exports import export


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `cgan-concat` on 10x12 images of three kinds, with a best generator beside the last."""
    from condgen import api

    place = tmp_path_factory.mktemp("sharing")
    images = np.random.default_rng(0).integers(0, 256, (90, 12, 10), np.uint8)
    np.savez(place / "pets.npz", images=images, labels=np.arange(90) % 3, names=np.array(["cat", "dog", "guinea pig"]))
    return api.train("cgan-concat", data=place / "pets.npz", images=200, batch=20, out=place / "run", quiet=True).folder


@pytest.fixture(scope="session")
def whole(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported folder that no test may change."""
    out = tmp_path_factory.mktemp("exported") / "pets"
    export(str(run), out=out)
    return out


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to harm."""
    return Path(shutil.copytree(whole, tmp_path / "pets"))


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that a command is refused with."""
    from condgen import cli

    def refused(*words: object) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        said = capsys.readouterr().err
        assert (ended.value.code, said.count("\n")) == (2, 1), said
        assert said.startswith("condgen: ")
        return said

    return refused
