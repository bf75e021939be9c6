"""The command line as a person meets it: verbs, files, and mistakes answered in one line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import condgen
from condgen import cli
from condgen.sampling.canvas import GAP, TITLE, read
from condgen.systems import SYSTEMS
from condgen.training import metric_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a small data set and a short run of it, trained by the command line."""
    place = tmp_path_factory.mktemp("work")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (90, 12, 10), np.uint8), np.arange(90) % 3
    np.savez(place / "pets.npz", images=images, labels=labels, names=np.array(["cat", "dog", "guinea pig"]))
    cli.main(f"train cvae --data {place}/pets.npz --images 600 --batch 20 --out {place}/run --quiet".split())
    return place


def run(*words: object) -> None:
    cli.main([str(word) for word in words])


def mistake(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line a mistake is answered with."""
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("condgen: ")
    assert said.count("\n") == 1
    return said


def test_a_run_leaves_what_it_promises(folder: Path) -> None:
    names = {path.name for path in (folder / "run").iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.json", "env.json", "log.jsonl", "clock.jsonl", "curves.png", "published.json",
        "checkpoints", "rescue", "samples", "generator", "tensorboard",
    }  # fmt: skip
    config = json.loads((folder / "run/config.json").read_text())
    assert (config["system"], config["config"]["images"], config["config"]["batch"]) == ("cvae", 600, 20)
    log = metric_log.read(folder / "run/log.jsonl")
    assert log[-1]["images"] == 600
    assert set(log[0]) == {"images", "loss/vae", "loss/reconstruction", "loss/kl"}
    grids = sorted(path.stem for path in (folder / "run/samples").glob("0*.png"))
    assert (grids[0], grids[-1], len(grids)) == ("0" * 12, f"{600:012d}", 21)
    assert not [path for path in folder.rglob("*") if path.suffix in (".pt", ".pkl", ".part")]


def test_the_same_command_again_says_it_is_finished(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "run/checkpoints").rglob("*")}
    run("train", "cvae", "--data", folder / "pets.npz", "--images", 600, "--batch", 20, "--out", folder / "run")
    said = capsys.readouterr().out
    assert "is finished: 600 images seen" in said
    assert f"condgen sample {folder}/run" in said
    assert {path: path.stat().st_mtime_ns for path in (folder / "run/checkpoints").rglob("*")} == before


def test_a_longer_command_trains_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "cvae", "--data", folder / "pets.npz", "--batch", 20, "--out", folder / "longer", "--images"]
    run(*words, 200)
    run(*words, 400)
    assert "at 200 images" in capsys.readouterr().out
    assert condgen.load(folder / "longer").card.images == 400


def test_one_image(folder: Path) -> None:
    run("sample", folder / "run", "--labels", "dog", "--count", 1, "--out", folder / "dog.png")
    with Image.open(folder / "dog.png") as image:
        assert (image.mode, image.size) == ("L", (10, 12))
        assert json.loads(image.info["condgen"])["label"] == "dog"


def test_many_images_have_names_that_say_what_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("sample", folder / "run", "--labels", "0,guinea pig", "--count", 12, "--seed", 5, "--out", folder / "many")
    assert capsys.readouterr().out == f"{folder / 'many'}\n"
    names = sorted(path.name for path in (folder / "many").glob("[!.]*"))
    assert len(names) == 24
    assert (names[0], names[-1]) == ("cat_seed5_00000.png", "guinea-pig_seed5_00011.png")


def test_the_first_image_is_the_same_bytes_for_any_count(folder: Path) -> None:
    for count in (1, 50):
        run("sample", folder / "run", "--labels", "cat", "--count", count, "--out", folder / f"count{count}")
    first = (folder / "count1/cat_seed0_00000.png").read_bytes()
    assert first == (folder / "count50/cat_seed0_00000.png").read_bytes()
    run("sample", folder / "run", "--labels", "cat", "--out", folder / "alone.png")
    assert first == (folder / "alone.png").read_bytes()


def test_arrays_equal_files_equal_python(folder: Path) -> None:
    run("sample", folder / "run", "--labels", "all", "--count", 4, "--out", folder / "a.npz")
    with np.load(folder / "a.npz", allow_pickle=False) as arrays:
        assert (arrays["images"].dtype, arrays["images"].shape) == (np.uint8, (12, 12, 10))
        assert arrays["labels"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        assert (condgen.load(folder / "run").sample("all", count=4) == arrays["images"]).all()
        run("sample", folder / "run", "--labels", "dog", "--count", 4, "--out", folder / "dogs")
        for i in range(4):
            with Image.open(folder / f"dogs/dog_seed0_{i:05d}.png") as image:
                assert (np.asarray(image) == arrays["images"][4 + i]).all()


def test_a_label_asked_for_twice_is_drawn_once(folder: Path) -> None:
    run("sample", folder / "run", "--labels", "dog,1,dog", "--count", 2, "--out", folder / "twice")
    run("sample", folder / "run", "--labels", "dog", "--count", 2, "--out", folder / "once")
    files = [{path.name: path.read_bytes() for path in (folder / name).iterdir()} for name in ("twice", "once")]
    assert files[0] == files[1]


def test_training_inside_a_program_leaves_its_noise_alone(folder: Path) -> None:
    torch.manual_seed(5)
    alone = torch.rand(3)
    torch.manual_seed(5)
    condgen.train("vae", data=folder / "pets.npz", images=64, out=folder / "inside", quiet=True)
    assert torch.equal(torch.rand(3), alone)


def test_samples_are_data_to_train_on(folder: Path) -> None:
    run("sample", folder / "run", "--labels", "all", "--count", 8, "--out", folder / "made.npz")
    run("train", "cvae", "--data", folder / "made.npz", "--images", 64, "--out", folder / "again", "--quiet")
    assert condgen.load(folder / "again").spec.labels.names == ("cat", "dog", "guinea pig")


def test_a_grid_is_one_sheet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("sample", folder / "run", "--count", 2, "--grid")
    path = Path(capsys.readouterr().out.strip())
    assert path == folder / "run/generated/labels-all_count-2_seed-0.png"
    with Image.open(path) as sheet:
        assert sheet.size[0] > 3 * 10


def test_python_and_command_line_train_alike(folder: Path) -> None:
    ours = condgen.train("cvae", data=folder / "pets.npz", images=600, batch=20, out=folder / "python", quiet=True)
    assert ours.images == 600
    weights = [next((folder / name / "generator").glob("*.safetensors")).read_bytes() for name in ("run", "python")]
    assert weights[0] == weights[1]
    assert ours.log == condgen.train("cvae", data=folder / "pets.npz", batch=20, out=folder / "run", quiet=True).log


def test_lengths_in_epochs_and_minutes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "vae", "--data", folder / "pets.npz", "--batch", 32]
    run(*words, "--epochs", 2, "--out", folder / "epochs", "--quiet")
    assert json.loads((folder / "epochs/config.json").read_text())["config"]["images"] == 180
    run(*words, "--minutes", 0.003, "--out", folder / "minutes", "--quiet")
    images = json.loads((folder / "minutes/config.json").read_text())["config"]["images"]
    run(*words, "--minutes", 0.003, "--out", folder / "minutes")
    assert f"is finished: {-(-images // 32) * 32:,} images" in capsys.readouterr().out


def test_default_folders_are_named_after_the_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for seed in (0, 1, 0):
        run("train", "vae", "--data", "pets.npz", "--images", 40, "--seed", seed, "--quiet")
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["vae-pets", "vae-pets-2"]


def test_list_systems_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "systems", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(SYSTEMS)
    assert all(set(entry) == {"name", "paper", "summary", "parameters"} for entry in listed)
    counts = {entry["name"]: entry["parameters"] for entry in listed}
    assert counts["cgan-multiply"] == {"g": 1_490_936, "d": 935_585}
    assert counts["cwgan-gp"] == {"g": 728_963, "c": 662_977}


def test_list_data_and_everything(capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "data", "--json")
    assert {"mnist", "fashion-mnist"} <= {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    run("list", "--json")
    assert set(json.loads(capsys.readouterr().out)) == {"systems", "data", "generators"}
    run("list")
    assert "cgan-maxout" in capsys.readouterr().out


@pytest.mark.parametrize("name", SYSTEMS)
def test_cite(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("cite", name)
    said = capsys.readouterr().out
    assert said.startswith("@")
    assert said.count("{") == said.count("}")


def test_help_of_a_system_shows_its_own_fields(capsys: pytest.CaptureFixture[str]) -> None:
    for name, own, foreign in (("cgan-maxout", "--dropout", "--hidden"), ("cvae", "--hidden", "--dropout")):
        run("train", name, "--help")
        said = capsys.readouterr().out
        assert own in said
        assert "--data" in said
        assert foreign not in said
        assert f"Options of {name}" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("trian", 'Did you mean "train"?'),
        ("train cgan-cat", "did you mean 'cgan-concat'?"),
        ("train --data mnits", "did you mean 'mnist'?"),
        ("train cvae --lrr 1", "Did you mean --lr?"),
        ("train cvae --dropout 0.3", "Unknown option"),
        ("train --images 5 cvae --lr -1", "lr should be greater than 0, found -1.0"),
        ("train cvae --images ten", "--images"),
        ("train cvae --images 5 --minutes 1", "--images and --minutes both set the training length"),
        ("train cvae --device tpu9", "unknown device 'tpu9'"),
        ("train cvae --data {folder}/none.npz", "no such file or folder"),
        ("train cvae --data {folder}/pets.npz --out {folder}/pets.npz", "exists and is not a run"),
        ("train cvae --data {folder}/pets.npz --out {folder}/pets.npz/x", "cannot write"),
        ("train cvae --data {folder}/pets.npz --out {folder}/run --batch 20 --lr 0.5", "lr=0.001, not 0.5"),
        ("train vae --data {folder}/pets.npz --out {folder}/run", "contains a run with system=cvae, not vae"),
        ("sample {folder}/nope", "is not a run"),
        ("sample {folder}/run --labels cow", "unknown label 'cow'"),
        ("sample {folder}/run --labels 7", "There are: cat, dog, guinea pig"),
        ("sample {folder}/run --count 0", "--count should be 1 or more"),
        ("sample {folder}/run --count 2 --out {folder}/x.png", "6 images do not fit into"),
        ("sample {folder}/run --grid --out {folder}/x.npz", "should end in .png"),
        ("sample {folder}/run --out {folder}/x.tiff", ".tiff files are not written"),
        ("sample {folder}/run --out {folder}/pets.npz/x", "cannot write"),
        ("sample", "requires an argument"),
        ("list sytems", "did you mean 'systems'"),
        ("cite cgan", "'cgan' is not a preset; there are four"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], words: str, says: str) -> None:
    assert says in mistake(capsys, *words.format(folder=folder).split())


def test_the_nearest_run_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert "did you mean 'run'?" in mistake(capsys, "sample", "rum")


def test_a_damaged_generator_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "vae", "--data", folder / "pets.npz", "--images", 20, "--out", folder / "hurt", "--quiet")
    weights = next((folder / "hurt/generator").glob("*.safetensors"))
    broken = bytearray(weights.read_bytes())
    broken[-1] ^= 1
    weights.write_bytes(broken)
    assert "is damaged" in mistake(capsys, "sample", folder / "hurt")


def test_a_training_that_blows_up_keeps_its_last_good_state(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "vae", "--data", folder / "pets.npz", "--out", folder / "hot", "--images", 4000, "--quiet"]
    said = mistake(capsys, *words, "--lr", "1e12")
    assert "after 3 roll-backs; the checkpoint at 0 images is kept" in said
    found = json.loads((folder / "hot/rollbacks.json").read_text())
    assert [entry["number"] for entry in found] == [1, 2, 3, 4]
    assert all(len(entry["rows"]) >= 64 for entry in found)


def test_readers_of_help_do_not_wait_for_torch() -> None:
    for words in (["--help"], ["sample", "--help"], ["list", "--help"], ["trian"], ["list", "data"]):
        code = "import sys; from condgen import cli\ntry: cli.main()\nfinally: print(*sys.modules, file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert "cyclopts" in done.stderr.split()
        assert "torch" not in done.stderr.split(), words


def test_a_training_does_not_wait_for_torchs_compiler(folder: Path, npz: Callable[..., Path]) -> None:
    """Importing it takes three seconds, and nothing here is compiled. Colour images have layers of their own."""
    code = "import sys; from condgen import cli\ncli.main()\nprint(*sys.modules, file=sys.stderr)"
    words = ["train", "swift", "--data", str(npz("colour", 12)), "--images", "128", "--quiet"]
    words += ["--out", str(folder / "uncompiled")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "torch.nn" in loaded
    assert not {"torch._dynamo", "torch._inductor", "sympy"} & set(loaded)


def test_module_and_command_are_one() -> None:
    done = subprocess.run([sys.executable, "-m", "condgen", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == condgen.__version__


def test_user_files_are_left_alone(folder: Path, npz: Callable[..., Path]) -> None:
    path = npz("attributes", 12)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    run("train", "cvae", "--data", path, "--images", 40, "--out", folder / "attributes", "--quiet")
    run("sample", folder / "attributes", "--labels", "Smiling+Hat,none", "--out", folder / "faces")
    assert sorted(p.name for p in (folder / "faces").glob("[!.]*")) == [
        "none_seed0_00000.png",
        "smiling+hat_seed0_00000.png",
    ]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_inspect_shows_writes_and_answers_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("inspect", folder / "pets.npz", "--out", folder / "look")
    said = capsys.readouterr().out
    assert "guinea pig" in said
    assert "12" in said
    assert {path.name for path in (folder / "look").glob("[!.]*")} == {
        "facts.json",
        "inspect.html",
        "sheet.png",
        "labels.png",
        "means.png",
    }
    run("inspect", folder / "pets.npz", "--out", folder / "look", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts["per_label"] == {"train": [30, 30, 30]}
    assert facts == json.loads((folder / "look/facts.json").read_text())


def test_list_shows_one_system_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "gan-plain")
    said = capsys.readouterr().out
    assert "--z-dim 64" in said
    assert "neither network has batch norm" in said
    run("list", "gan-plain", "--json")
    entry = json.loads(capsys.readouterr().out)
    assert entry["parameters"] == {"g": 283_920, "d": 267_009}
    assert entry["settings"]["batch"] == 128
    assert "did you mean 'dcgan'" in mistake(capsys, "list", "dcgn")


def test_the_start_of_a_training_gives_advice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--data", folder / "pets.npz", "--images", 128, "--out")
    run("train", "gan-plain", *words, folder / "as-published")
    assert "batch norm" not in capsys.readouterr().out, "a preset does not complain about itself"
    run("train", "gan", "--architecture", "plain", *words, folder / "advised")
    assert "neither network has batch norm" in capsys.readouterr().out


def test_a_size_that_cannot_be_made_is_refused_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(folder / "nines.npz", images=np.zeros((4, 9, 9), np.uint8), labels=np.arange(4) % 2)
    said = mistake(capsys, "train", "dcgan", "--data", folder / "nines.npz", "--out", folder / "never")
    assert "cannot make images of 9x9" in said
    assert not (folder / "never").exists()


def test_chosen_attributes_belong_to_the_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, path = np.random.default_rng(0), folder / "heads.npz"
    names = np.array(["Smiling", "Hat", "Bald"])
    np.savez(path, images=rng.integers(0, 256, (20, 8, 8), np.uint8), labels=rng.integers(0, 2, (20, 3)), names=names)
    words = ["train", "cvae", "--data", path, "--images", 40, "--out", folder / "heads", "--quiet"]
    run(*words, "--attributes", "Hat")
    assert condgen.load(folder / "heads").spec.labels.names == ("not Hat", "Hat")
    assert "a run with attributes=Hat, not Bald" in mistake(capsys, *words, "--attributes", "Bald")
    assert condgen.api.reopen(folder / "heads")[1].labels.names == ("not Hat", "Hat")


def test_a_generator_without_labels_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", folder / "pets.npz", "--images", 400, "--batch", 20, "--out", folder / "free"]
    run("train", "vae", *words)
    assert f"condgen sample {folder / 'free'} --count 10" in capsys.readouterr().out
    assert "takes no label, found 'dog'" in mistake(capsys, "sample", folder / "free", "--labels", "dog")
    run("sample", folder / "free", "--count", 3, "--out", folder / "free3")
    assert sorted(path.name for path in (folder / "free3").glob("[!.]*")) == [
        f"any_seed0_{i:05d}.png" for i in range(3)
    ]
    sheet = np.asarray(read(max((folder / "free/samples").glob("0*.png"))).convert("L"))
    scale, cell = 5, 10 * 5 + GAP
    first, second = (sheet[TITLE : TITLE + 60 : scale, GAP + i * cell : GAP + i * cell + 50 : scale] for i in (0, 1))
    assert not np.array_equal(first, second), "ten columns of other noise, not the same image ten times"
