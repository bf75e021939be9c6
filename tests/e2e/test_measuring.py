"""evaluate, compare, report and augment from the command line, on small real runs."""

import html
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import condgen
from condgen import api, cli, comparison, data, disk, marker, measuring, records, score
from condgen.evaluation import Evaluation
from condgen.judging.faults import FaultResult
from condgen.judging.reference import shuffled, subset
from condgen.measuring import SelfTest
from condgen.metrics import METRICS
from condgen.metrics.estimate import Estimate
from condgen.reports import Report, content
from condgen.result import Result
from conftest import made_once, toy_data

COUNT = 5800
"""Enough for FD within every class."""
ALWAYS = {"fd", "fd_intra", "precision", "recall", "density", "coverage", "kid", "label_accuracy", "copying"}


def run(*words: object) -> None:
    cli.main([str(word) for word in words])


def mistake(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert stopped.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("condgen: ")
    return said


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of an autoencoder and one game."""

    def make(folder: Path) -> None:
        for seed in (0, 1):
            api.train("cvae", images=6000, evaluate_every=3000, seed=seed, out=folder / f"cvae-{seed}", quiet=True)
        api.train("cgan-concat", images=320, evaluate_every=0, out=folder / "concat", quiet=True)
        for path in list(folder.iterdir()):
            measuring.evaluate_run(path, count=COUNT, quick=True)
        shutil.copytree(folder / "cvae-0", folder / "other")  # for those that measure it otherwise

    return made_once("measured", make, tmp_path_factory)


def test_evaluate_as_json_has_every_number_with_its_error_and_that_of_real_images(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("evaluate", runs / "cvae-0", "--quick", "--images", COUNT, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= ALWAYS
    for name in METRICS.keys() & found.keys():
        assert found[name].keys() >= {"value", "error", "n"}
        assert found[name]["value"] is not None, name
    for name in ALWAYS:
        assert found[name]["error"] > 0, name
        assert found[name]["real"]["value"] is not None, name
    about = found["about"]
    assert about["protocol"] == "condgen-eval/1"
    assert re.fullmatch(r"[0-9a-f]{64}", about["judge"]["sha256"])
    assert about["generator"]["sha256"] == api.card(runs / "cvae-0").sha256
    assert sum(map(sum, found["confusion"])) == COUNT
    assert sum(line["images"] for line in found["per_class"]) == COUNT
    kept = records.read(runs / "cvae-0/evaluation.json")
    assert found == kept
    assert disk.as_json(Evaluation.from_json(kept).to_json()) == disk.as_json(kept), "read and written, byte for byte"


def test_evaluate_in_words_says_what_is_wrong(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("evaluate", runs / "other", "--quick", "--images", 600)
    captured = capsys.readouterr()
    assert "label accuracy" in captured.out
    assert "labels are not always followed" in captured.out
    assert "FD[judge-mnist-v1]" in captured.out
    assert "not measured: label '0'" in captured.out  # 60 of a class are too few
    assert "generating 600 images" in captured.err


def test_a_score_below_the_threshold_is_an_exit_code_of_its_own(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", runs / "other", "--quick", "--images", 600, "--json", "--fail-under"]
    with pytest.raises(SystemExit) as stopped:
        run(*words, 99)
    assert stopped.value.code == 3
    found = json.loads(capsys.readouterr().out)["score"]
    assert found.keys() == {"overall", *score.PARTS}
    assert "--fail-under should be at most 100" in mistake(capsys, *words, 101)
    run(*words, found["overall"]["value"])
    assert json.loads(capsys.readouterr().out)["score"] == found


def test_the_best_generator_is_measured_on_request(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("evaluate", runs / "other", "--best", "--quick", "--images", 600, "--json")
    assert json.loads(capsys.readouterr().out)["about"]["which"] == "best"
    assert "Either nothing was evaluated during training" in mistake(capsys, "evaluate", runs / "concat", "--best")


def test_images_of_a_run_measure_as_the_run_does(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("sample", runs / "cvae-0", "--count", 60, "--out", tmp_path / "generated")
    run("sample", runs / "cvae-0", "--count", 60, "--out", tmp_path / "generated.npz")
    capsys.readouterr()
    found = []
    for name in ("generated", "generated.npz"):
        run("evaluate", "--folder", tmp_path / name, "--data", "mnist", "--quick", "--json")
        found.append(json.loads(capsys.readouterr().out))
    for name in METRICS.keys() & found[0].keys():
        assert found[0][name]["value"] == found[1][name]["value"], name
    assert found[0]["about"]["images_measured"] == 600


def test_real_images_are_as_good_as_real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = data.load("mnist")
    some = subset(digits.train, shuffled(60_000, "some")[:COUNT])
    np.savez(tmp_path / "real.npz", images=some.images, labels=some.labels)
    run("evaluate", "--folder", tmp_path / "real.npz", "--data", "mnist", "--quick", "--json")
    found = json.loads(capsys.readouterr().out)
    flags = {name: found[name]["flag"] for name in METRICS.keys() & found.keys() if found[name]["flag"]}
    assert set(flags) <= {"copying", "exact_copies"}, flags  # they are training images
    assert found["exact_copies"]["value"] == 1


def test_too_few_images_refuse_fd_and_say_so(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("evaluate", runs / "other", "--quick", "--images", 511, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["fd"]["value"] is None
    assert "at least 512 images" in found["fd"]["refused"]
    assert found["kid"]["value"] is not None
    assert found["precision"]["value"] is not None


def test_what_cannot_be_images_stops_at_the_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = data.load("mnist")
    assert digits.test
    np.savez(tmp_path / "a.npz", images=digits.test.images[:600] // 2 + 127, labels=digits.test.labels[:600])
    said = mistake(capsys, "evaluate", "--folder", tmp_path / "a.npz", "--data", "mnist")
    assert "nothing was measured. wrong value range?" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("evaluate", "give one thing to measure"),
        ("evaluate {runs}/cvae-0 --folder x --data mnist", "give one thing to measure"),
        ("evaluate --folder x", "--data is missing"),
        ("evaluate --folder nowhere --data mnist", "no images at 'nowhere'"),
        ("evaluate {runs}/other --count 0", "--count should be 1 or more, found 0"),
        ("evaluate nowhere", "'nowhere' is not a run"),
        ("compare", "give one run or more"),
        ("compare {runs}/cvae-0 nowhere", "'nowhere' is not a run"),
        ("report", "give one run or more"),
        ("augment mnist --run {runs}/cvae-0", "give one of --balance and --per-class"),
        ("augment mnist --run {runs}/cvae-0 --per-class 0", "--per-class should be 1 or more, found 0"),
        ("augment mnist --run nowhere --per-class 1", "'nowhere' is not a run"),
        ("augment mnist --run {runs}/cvae-0 --per-class 1 --out {runs}", "already exists"),
    ],
)
def test_a_mistake_is_one_line(runs: Path, capsys: pytest.CaptureFixture[str], words: str, says: str) -> None:
    assert says in mistake(capsys, *words.format(runs=runs).split())


@pytest.mark.slow
def test_the_self_test_shows_which_number_notices_which_fault(capsys: pytest.CaptureFixture[str]) -> None:
    run("evaluate", "--self-test", "--data", "mnist", "--images", 2000)
    table = capsys.readouterr().out
    assert "every fault was noticed" in table
    assert re.search(r"labels ignored .*0\.\d+\*", table)


def test_compare_puts_seeds_into_one_column(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("compare", runs / "cvae-0", runs / "cvae-1", runs / "concat", "--out", tmp_path, "--json")
    assert marker.of(tmp_path) == marker.Mark("condgen compare")
    found = json.loads(capsys.readouterr().out)
    by_name = {line[""]: line for line in found["table"]}
    assert by_name["seeds"] == {"": "seeds", "cvae": "2", "cgan-concat": "1", "real images": ""}
    assert by_name["parameters"]["cvae"] == "660,824"
    values = sorted(entry["numbers"]["fd"]["value"] for entry in found["runs"][:2])
    assert by_name["FD"]["cvae"] == f"{sum(values) / 2:.3g} ({values[0]:.3g}-{values[1]:.3g})"
    assert "±" in by_name["FD"]["cgan-concat"]
    with Image.open(tmp_path / "same-z.png") as sheet:
        assert sheet.height > 3 * 3 * 56
    assert (tmp_path / "quality.png").exists()
    assert json.loads((tmp_path / "comparison.json").read_text()) == found
    one, other = comparison.entries([str(runs / "cvae-0"), str(runs / "cvae-1")])
    again = comparison.grouped([replace(one, images=100), replace(other, images=109), replace(one, images=150)])
    assert [len(group.entries) for group in again] == [2, 1]
    run("compare", runs / "cvae-0", runs / "concat", "--out", tmp_path)
    assert "VAE and GAN compared" in capsys.readouterr().out


@pytest.mark.usefixtures("brief_classifiers")
def test_runs_that_do_not_compare_are_named(
    runs: Path,
    npz: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api.train("cvae", data=npz("digits", 100), images=256, out=tmp_path / "other", quiet=True)
    said = mistake(capsys, "compare", runs / "cvae-0", tmp_path / "other", "--quick", "--out", tmp_path / "out")
    assert "cannot be compared: other data" in said
    assert not (tmp_path / "out").exists()


def test_a_report_is_one_page_that_asks_no_network(runs: Path, tmp_path: Path) -> None:
    run("evaluate", runs / "concat", "--quick", "--images", 600, "--truncation", 0.5)
    run("report", runs / "cvae-0", runs / "cvae-1", runs / "concat", "--out", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert not re.search(r"@import|url\((?!#)|<script|<link", page)
    weights = api.card(runs / "cvae-0").sha256
    for wanted in ("cvae (seed 0)", "cvae (seed 1)", "cgan-concat (seed 0)", "condgen-eval/1", "prefers-color-scheme",
                   "Nearest training images", "Confusion matrix", "@article", weights):  # fmt: skip
        assert wanted in page, wanted
    assert page.count("<svg") >= 4
    assert page.count("truncation 0.5") >= 1, "the legend of the evaluations under other options"
    assert "#010203" not in page


@pytest.mark.usefixtures("brief_classifiers")
def test_a_report_of_a_generator_that_takes_no_label(
    npz: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condgen.judging.protocol.IMAGES", 100)
    api.train("vae", data=npz(), images=2048, batch=32, evaluate_every=0, out=tmp_path / "vae", quiet=True)
    run("report", tmp_path / "vae", "--quick")
    page = (tmp_path / "vae/report.html").read_text("utf-8")
    assert "is unconditional" in page
    assert "images of any" in page


def test_what_the_library_returns_is_a_value(runs: Path, tmp_path: Path) -> None:
    """Every one shows itself in one line and as text, and gives and saves its data, which JSON does not change."""
    digits, numbers = str(runs / "cvae-0"), {name: Estimate(0.5, 0.1, 9) for name in METRICS}
    values = [
        measuring.kept(digits),
        condgen.compare(digits, str(runs / "concat"), out=tmp_path / "comparison"),
        condgen.report(digits, out=tmp_path / "report.html"),
        condgen.augment("mnist", run=digits, per_class=1, out=tmp_path / "more", no_proof=True),
        condgen.export(digits, out=tmp_path / "export"),
        SelfTest([FaultResult(fault, numbers) for fault in ("none: real images", "blur")]),
    ]
    for value in values:
        assert isinstance(value, Result)
        name, data = type(value).__name__, value.to_json()
        assert (repr(value).startswith(f"{name}("), "\n" in repr(value)) == (True, False)
        assert json.loads(json.dumps(data)) == data == value.data, name
        assert [*value] == [*data]
        assert value._repr_html_() == f"<pre>{html.escape(value.text)}</pre>"
        with pytest.raises(FrozenInstanceError):
            setattr(value, next(iter(vars(value))), None)
        saved = value.save(tmp_path / f"{name}.json").read_bytes()
        if isinstance(value, Report):
            assert saved == Path(value).read_bytes(), "a report saves its page"
        else:
            assert value[0 if isinstance(data, list) else next(iter(data))] is not None
            found = json.loads(saved)
            assert ({key: found[key] for key in data} if isinstance(data, dict) else found) == data


@pytest.fixture
def unbalanced(tmp_path: Path) -> Path:
    """Real digits, few of some."""
    digits = data.load("mnist").train
    kept = np.concatenate([np.flatnonzero(digits.labels == label)[: 20 if label > 7 else 60] for label in range(10)])
    path = tmp_path / "few.npz"
    np.savez(path, images=digits.images[kept], labels=digits.labels[kept])
    return path


@pytest.mark.usefixtures("brief_classifiers")
def test_augment_fills_up_the_rare_classes_and_says_whether_it_helps(
    unbalanced: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condgen.judging.classifier_score.CAS_STEPS", 10)
    before = unbalanced.read_bytes()
    run("augment", unbalanced, "--run", runs / "cvae-0", "--balance", "--out", tmp_path / "more", "--json")
    found = json.loads(capsys.readouterr().out)
    counts = np.bincount(data.load(unbalanced).train.labels)  # without the images that are held out
    assert found["generated"] == {str(label): max(counts) - count for label, count in enumerate(counts)}
    manifest = json.loads((tmp_path / "more/manifest.json").read_text())
    assert len(manifest["files"]) == sum(found["generated"].values()) > 80
    generated = api.load(runs / "cvae-0").sample("9", count=found["generated"]["9"])
    for entry in manifest["files"][-3:]:
        with Image.open(tmp_path / "more" / entry["file"]) as file:
            assert (np.asarray(file) == generated[entry["index"]]).all()
    assert found["seeds"] == 5
    assert len(found["arms"]) == 7
    assert found["chosen"]["name"] in found["arms"]
    assert found["verdict"].startswith(("generated images help: ", "leave the generated images out: "))
    listed = (tmp_path / "more/train.csv").read_text().splitlines()
    assert len(listed) > sum(counts)
    assert json.loads((tmp_path / "more/gain.json").read_text()) == found
    assert unbalanced.read_bytes() == before


def test_augment_without_proof_only_draws(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("augment", "mnist", "--run", runs / "cvae-0", "--per-class", 2, "--no-proof", "--out", tmp_path / "more")
    assert len(list((tmp_path / "more").glob("*/*.png"))) == 20
    assert "gain" not in capsys.readouterr().out


def test_augment_refuses_what_it_cannot_do(
    runs: Path, npz: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = mistake(capsys, "augment", npz("colour"), "--run", runs / "cvae-0", "--balance", "--out", tmp_path / "a")
    assert "use a run that was trained on them" in other
    words = ("--run", runs / "cvae-0", "--balance", "--out", tmp_path / "a")
    attributes = mistake(capsys, "augment", npz("attributes"), *words)
    assert "attributes overlap" in attributes
    even = mistake(capsys, "augment", npz("digits"), "--run", runs / "cvae-0", "--balance", "--out", tmp_path / "a")
    assert "they are balanced already" in even
    assert not (tmp_path / "a").exists()


@pytest.mark.usefixtures("brief_classifiers")
def test_attributes_are_measured_one_by_one(
    npz: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condgen.judging.classifier_score.classifier_score.__defaults__", (10,))  # its number of steps
    api.train("cvae", data=npz("attributes", 800), images=2000, out=tmp_path / "run", quiet=True)
    run("evaluate", tmp_path / "run", "--images", 300, "--json")
    found = json.loads(capsys.readouterr().out)
    assert [line["label"] for line in found["per_class"][:2]] == ["Smiling", "not Smiling"]
    assert found["confusion"] is None
    assert 0 <= found["label_accuracy"]["value"] <= 1
    assert found["cas"]["value"] is not None
    assert "512" in found["fd"]["refused"]
    assert "the test split" in found["about"]["reference"], "a tenth of the arrays is held out"
    assert toy_data("attributes").labels.kind == "attributes"


@pytest.mark.usefixtures("brief_classifiers")
def test_a_report_leaves_out_real_images_of_a_label_without_any(tmp_path: Path) -> None:
    """A small data set may have no test image of a class."""
    found = toy_data("digits", 200).train
    tested = (np.arange(200) >= 150) & (found.labels != 1)
    arrays: dict[str, Any] = {"x_train": found.images[:150], "y_train": found.labels[:150]}
    np.savez(tmp_path / "gap.npz", **arrays, x_test=found.images[tested], y_test=found.labels[tested])
    settings: dict[str, Any] = {"images": 64, "batch": 32, "evaluate_every": 0, "quiet": True}
    api.train("cvae", data=tmp_path / "gap.npz", out=tmp_path / "run", **settings)
    dataset = api.data_of(tmp_path / "run")
    shown = content.panels(measuring.reference_for(dataset, lambda text: None)[0])
    assert [panel["title"] for panel in shown] == [name for name in dataset.labels.names if name != "1"]
