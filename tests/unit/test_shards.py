"""Shards: every image is the one that `sample` gives, however many processes write, whatever was written before."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import api
from condgen.errors import CondgenError
from condgen.sampling import shards
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler
from condgen.testing.trainings import begin, run_to


@pytest.fixture
def sampler(tmp_path: Path) -> Sampler:
    run_to(begin("cvae", tmp_path / "run"), 3)
    return api.load(tmp_path / "run")


def draw(sampler: Sampler, out: Path, count: int = 20) -> dict[str, bytes]:
    shards.write(sampler, SampleRequest.of(sampler.labels("all"), count, 3), out=out, each=16)
    return {path.name: path.read_bytes() for path in out.glob("*.tar")}


def test_a_shard_holds_the_images_that_sample_gives(sampler: Sampler, tmp_path: Path) -> None:
    tars = draw(sampler, tmp_path / "out")
    assert sorted(tars) == ["00000.tar", "00001.tar", "00002.tar", "00003.tar"]
    found = {}
    for name in sorted(tars):
        with tarfile.open(tmp_path / "out" / name) as shard:
            for member in shard:
                content = shard.extractfile(member)
                assert content
                found[member.name] = content.read()
    wanted = sampler.sample("all", count=20, seed=3)
    stems = list(dict.fromkeys(Path(name).stem for name in found))
    assert len(stems) == len(wanted) == 60
    for place, stem in enumerate(stems):
        told = json.loads(found[f"{stem}.json"])
        assert (int(found[f"{stem}.cls"]), told["index"], told["seed"]) == (place // 20, place % 20, 3)
        with Image.open(io.BytesIO(found[f"{stem}.png"])) as image:
            assert (np.asarray(image) == wanted[place]).all()


def test_processes_share_them_out_and_a_crash_costs_one(
    sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = draw(sampler, tmp_path / "alone")
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank, there in (("0", 2), ("1", 3), ("2", 4)):
        monkeypatch.setenv("RANK", rank)
        assert len(draw(sampler, tmp_path / "shared")) == there
    monkeypatch.delenv("WORLD_SIZE")
    monkeypatch.setenv("RANK", "0")
    (tmp_path / "shared/00002.tar").unlink()
    before = (tmp_path / "shared/00001.tar").stat().st_mtime_ns
    assert draw(sampler, tmp_path / "shared") == alone
    assert (tmp_path / "shared/00001.tar").stat().st_mtime_ns == before


def test_another_request_is_refused(sampler: Sampler, tmp_path: Path) -> None:
    draw(sampler, tmp_path / "out")
    with pytest.raises(CondgenError, match="holds shards with another count; give another --out"):
        draw(sampler, tmp_path / "out", count=21)
    with pytest.raises(CondgenError, match="--shard should be 1 or more"):
        shards.write(sampler, SampleRequest.of([0], 1, 0), out=tmp_path / "x", each=0)


@pytest.mark.parametrize("length", [0, 512, -1024, -1], ids=["empty", "cut", "without its end", "a byte short"])
def test_a_shard_that_is_not_whole_counts_as_not_drawn(sampler: Sampler, tmp_path: Path, length: int) -> None:
    whole = draw(sampler, tmp_path / "out")
    path = tmp_path / "out/00001.tar"
    path.write_bytes(path.read_bytes()[:length])
    assert draw(sampler, tmp_path / "out") == whole
