"""What the examples of CONTRIBUTING.md have to do. test_contributing.py runs this in a copy that contains them all.

The sampling option in the HTTP schema and on the page is a matter of test_plugin.py.
"""

import json
from pathlib import Path

import pytest

import condgen
from condgen import api, cli
from data_files import CLASSES, png, write

COUNT = 60


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {f"{i}.png": png(i) for i in range(COUNT)} | {f"{i}.cls": f"{CLASSES[i % 3]}\n" for i in range(COUNT)}
    return write(tmp_path_factory.mktemp("data") / "beside", files)


@pytest.fixture(scope="module")
def run(images: Path, cheap: None) -> Path:
    out = images.parent / "run"
    return condgen.train("hinge", data=images, images=256, batch=32, evaluate_every=0, out=out, quiet=True).folder


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    cli.main([str(word) for word in words])
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_the_layout_is_inspected_and_an_image_without_a_class_named(
    images: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "class files" in said(capsys, "list", "data")
    facts = json.loads(said(capsys, "inspect", images, "--out", tmp_path / "out", "--json"))
    assert facts["labels"] == {"kind": "classes", "names": [*CLASSES]}
    assert facts["per_label"]["train"] == [COUNT // 3] * 3
    write(images, {"alone.png": png(COUNT)})
    with pytest.raises(condgen.CondgenError, match=r"'alone\.png' has no \.cls file.*--on-bad skip"):
        condgen.inspect(str(images))
    (images / "alone.png").unlink()


def test_the_system_is_a_preset(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "hinge" in said(capsys, "list", "systems")
    assert "Adam's learning rate" in said(capsys, "train", "hinge", "--help")
    assert condgen.load(run).sample("newt", count=2).shape == (2, 12, 12, 3)


def test_the_sampling_option_is_in_help_and_card_and_changes_images(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    help_ = said(capsys, "sample", run, "--help")
    assert "--label-scale" in help_
    assert "images follow the label more" in help_
    assert [option.name for option in api.card(run).options or []] == ["truncation", "label_scale", "precision"]
    sampler = condgen.load(run)
    assert (sampler.sample("cat", label_scale=1.0) == sampler.sample("cat")).all()
    assert (sampler.sample("cat", label_scale=0.0) == sampler.sample("dog", label_scale=0.0)).all()
    assert (sampler.sample("cat", label_scale=4.0) != sampler.sample("cat")).any()


@pytest.mark.usefixtures("brief_classifiers")
def test_the_metric_is_evaluated_and_compared(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = json.loads(said(capsys, "evaluate", run, "--quick", "--count", COUNT, "--json"))
    assert found["contrast"]["value"] > 0
    assert found["contrast"]["real"]["value"] == pytest.approx(1, abs=0.1)
    assert "contrast" in said(capsys, "compare", run, "--out", tmp_path / "compared")


@pytest.mark.readme  # torch's exporter takes four seconds
def test_the_format_is_exported_and_draws_the_same(
    run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    assert "ort (for onnxruntime on phones)" in said(capsys, "export", "--help")
    said(capsys, "export", run, "--format", "ort", "--out", tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert (card["exported"], card["parity"]["largest"] <= 1) == ("ort", True)
    assert (tmp_path / "out" / "model.ort").read_bytes()[4:8] == b"ORTM"
    assert not (tmp_path / "out" / "model.onnx").exists()
    assert (condgen.load(tmp_path / "out").sample("dog") == condgen.load(run).sample("dog")).all()
