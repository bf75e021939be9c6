"""`condgen export`: what the folder holds, what it says of itself, and that others draw the same from it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import condgen
from condgen import api, cli, disk
from condgen.card import Card
from condgen.disk_errors import DiskError
from condgen.exports import FORMATS, export
from condgen.sampling.sampler import Sampler
from condgen.sharing import model_card, parity, release
from condgen.sharing.card import read
from condgen.testing.toys import toy_card
from condgen.testing.trainings import build
from conftest import toy_data
from reliability import crashes, filesystem

ALONE = """
import sys
import numpy as np
import onnxruntime

assert not any(name.split(".")[0] in ("condgen", "torch") for name in sys.modules)
asked = np.load("asked.npz")
session = onnxruntime.InferenceSession("model.onnx")
parts = np.split(np.arange(len(asked["z"])), [1, 4, 100])  # batches of 1, 3, 96 and the rest
generated = [session.run(["images"], {"z": asked["z"][part], "y": asked["y"][part]})[0] for part in parts]
difference = np.abs(np.concatenate(generated).astype(int) - asked["images"])
print(len(asked["z"]), difference.max(), difference.mean())
"""
"""Draws from model.onnx what condgen drew, by numpy and onnxruntime alone."""


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".condgen.json"}


def test_a_folder_holds_what_it_promises(whole: Path, run: Path) -> None:
    assert files(whole) == {"model.safetensors", "card.json", "README.md", "samples.png", "manifest.json"}
    for path in (whole / "card.json", run / "generator/card.json"):
        assert disk.as_json(read(path).to_json()) == path.read_bytes(), "a card that is read and written is the same"
    card = json.loads((whole / "card.json").read_text())
    assert card["spec"] == {"shape": [1, 12, 10], "labels": {"names": ["cat", "dog", "guinea pig"], "kind": "classes"}}
    assert (card["range"], card["micro_batch"], card["system"]) == ([0, 255], 32, "cgan-concat")
    assert card["paper"]["short"] == "Mirza & Osindero 2014, arXiv 1411.1784"
    assert card["data"]["name"] == "pets.npz", "the way to it is nobody's business"
    assert card["data"]["fingerprint"] == condgen.load(run).card.data.fingerprint
    assert not [path for path in whole.iterdir() if str(run.parent) in path.read_bytes().decode("latin-1")]
    listed = json.loads((whole / "manifest.json").read_text())
    assert listed == {
        path.name: {"bytes": path.stat().st_size, "sha256": disk.sha256(path)}
        for path in whole.glob("[!.]*") if path.name != "manifest.json"
    }  # fmt: skip
    with Image.open(whole / "samples.png") as sheet:
        assert min(sheet.size) > 50


def test_what_is_loaded_draws_the_same(whole: Path, run: Path, tmp_path: Path) -> None:
    assert (condgen.load(whole).sample(count=40, seed=3) == condgen.load(run).sample(count=40, seed=3)).all()
    for source, out in ((whole, "a"), (run, "b")):
        cli.main(["sample", str(source), "--labels", "dog", "--count", "2", "--out", str(tmp_path / out)])
    generated = [{path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in "ab"]
    assert generated[0] == generated[1]


def test_an_exported_folder_stays_as_it_is(
    folder: Path, run: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    """Whoever draws from it without --out draws beside it; what needs the whole run says so."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.chdir(folder.parent)
    cli.main(["sample", "pets", "--labels", "dog", "--count", "1"])
    cli.main(["figure", "titled", "pets"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (folder.parent / "generated/pets/figures/titled.png").exists()
    assert "leave --best out" in mistake("sample", "pets", "--best")
    assert "this needs the complete run" in mistake("figure", "scatter", "pets")


def test_the_data_of_an_exported_folder(whole: Path, run: Path, tmp_path: Path) -> None:
    """A name of a table is enough; images of one's own have to be shown, and to be the same."""
    assert api.data_of(whole, str(run.parent / "pets.npz")).fingerprint == api.data_of(run).fingerprint
    with pytest.raises(condgen.CondgenError, match="pass the location of these data with --data"):
        api.data_of(whole)
    np.savez(tmp_path / "other.npz", images=np.zeros((20, 12, 10), np.uint8), labels=np.arange(20) % 3)
    with pytest.raises(condgen.CondgenError, match="with the same labels"):
        api.data_of(whole, str(tmp_path / "other.npz"))


@pytest.mark.slow
def test_an_exported_folder_is_evaluated_as_its_run_is(
    folder: Path, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("condgen.judging.protocol.IMAGES", 60)
    before, data = files(folder), run.parent / "pets.npz"
    found = []
    for words in (["evaluate", str(run)], ["evaluate", str(folder), "--data", str(data)]):
        cli.main([*words, "--quick", "--json"])
        found.append(json.loads(capsys.readouterr().out))
        for key in ("run", "generator"):
            del found[-1]["about"][key]
    (run / "evaluation.json").unlink()
    assert found[0] == found[1]
    assert files(folder) == before


def test_an_exported_folder_can_be_exported_again(whole: Path, tmp_path: Path) -> None:
    export(str(whole), format="pt2", out=tmp_path / "again", licence="mit")
    again = condgen.load(tmp_path / "again")
    assert (again.sample() == condgen.load(whole).sample()).all()
    before, now = condgen.load(whole).card.to_json(), again.card.to_json()
    changed = {key for key in before if now.get(key) != before[key]}
    assert changed == {"exported", "seal"}
    assert again.card.licence == "mit"


@pytest.mark.parametrize("name", ["gan", "vae-2d", "dcgan"])
def test_a_row_that_takes_no_label(name: str, tmp_path: Path) -> None:
    system = build(name, toy_data("colour").spec)
    folder = tmp_path / "out"
    spec, prior = system.generator_spec, system.prior
    card = toy_card(spec, prior, name, config=system.cfg.model_dump(), micro_batch=4)
    sampler = Sampler(system.generator, spec, prior, micro_batch=4, card=card)
    release.write(sampler, folder, {"paper": {"short": "z", "bibtex": ""}}, lambda net, at: {})
    assert (condgen.load(folder).sample(count=6) == sampler.sample(count=6)).all()
    assert "The generator is unconditional." in (folder / "README.md").read_text()


def test_scores_reach_the_card_and_the_page(run: Path, tmp_path: Path) -> None:
    """As the hub's own reader understands them, a second opinion on our YAML."""
    from huggingface_hub import ModelCard

    real = {"value": 0.2, "error": 0.05, "n": 18}
    numbers = {
        "fd": {"value": 0.3, "error": 0.06, "n": 60, "real": real},
        "precision": {"value": 0.9, "error": 0.1, "n": 60},
    }
    about = {
        "protocol": "condgen-eval/1", "images_measured": 60, "reference": "18 images", "judge": {"name": "j"},
        "data": {"name": "/home/me/pets.npz"}, "generator": {"sha256": condgen.load(run).card.sha256},
    }  # fmt: skip
    evaluation = numbers | {"recall": {"value": None, "error": None, "n": 0, "refused": "too few"}, "about": about}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    export(str(run), out=tmp_path / "pets", licence="cc-by-4.0")
    (run / "evaluation.json").unlink()
    card = condgen.load(tmp_path / "pets").card.to_json()
    assert card["scores"] == numbers
    assert card["measured"].startswith(
        "Good: images resemble real ones. condgen-eval/1: 60 generated images against 18 images of pets.npz; "
        "feature classifier j."
    )
    page: Any = ModelCard.load(tmp_path / "pets/README.md")
    assert (page.data.library_name, page.data.license) == ("condgen", "cc-by-4.0")
    assert "condgen" in page.data.tags
    results = {result.metric_type: result for result in page.data.eval_results}
    assert {*results} == {*card["scores"]}
    assert (results["fd"].metric_value, results["fd"].dataset_name) == (0.3, "pets.npz")
    assert "| FD | 0.30 ± 0.06 | 0.20 ± 0.05 |" in page.text.splitlines()
    assert "| precision | 0.90 ± 0.10 | - |" in page.text.splitlines()


def test_no_name_breaks_out_of_the_page(whole: Path) -> None:
    from huggingface_hub import ModelCard

    names = ["---\nlicense: evil", "a | b", "<script>alert(1)</script>", "`x`", "]](x)", "狗"]
    card = json.loads((whole / "card.json").read_text())
    card["spec"]["labels"]["names"] = names
    card["data"]["name"] = 'x"\n---\nlicense: evil\n# <b>'
    card["scores"] = {"fd": {"value": 1.5, "error": 0.5, "n": 10}}
    page: Any = ModelCard(model_card.text(Card.model_validate(card), ["model.onnx"]))
    assert page.data.license == "unknown"
    assert page.data.eval_results[0].dataset_name == card["data"]["name"]
    assert "<" not in re.sub(r"```.*?```", "", page.text, flags=re.DOTALL)
    assert "\n---" not in page.text
    assert "a \\| b" in page.text
    space: Any = ModelCard(model_card.text(Card.model_validate(card), ["index.html"])).data
    assert (space.sdk, space.title) == ("static", f"cgan-concat on {card['data']['name']}")


def test_the_code_of_the_page_runs(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python block as it stands; that for onnxruntime in a process of its own, which must not import condgen."""
    blocks = {}
    for format in ("onnx", "pt2"):
        export(str(run), format=format, out=tmp_path / format)
        page = (tmp_path / format / "README.md").read_text()
        blocks[format] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        assert len(blocks[format]) == 2
    monkeypatch.chdir(tmp_path / "pt2")
    shapes = []
    for block in blocks["pt2"]:
        variables: dict[str, Any] = {}
        exec(block.replace("FOLDER", "."), variables)
        shapes.append(tuple(variables["images"].shape))
    assert shapes == [(12, 12, 10), (4, 12, 10, 1)]
    code = blocks["onnx"][1] + "import sys; print(images.shape, {'torch', 'condgen'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "onnx", capture_output=True, text=True, check=True
    )
    assert done.stdout == "(4, 12, 10, 1) set()\n"


def asked(folder: Path, source: Path) -> None:
    """What condgen draws of 256 seeds over all labels, for a process that has no condgen."""
    sampler = condgen.load(source)
    z, y = parity.points(sampler.spec, sampler.prior)
    np.savez(folder / "asked.npz", z=z.numpy(), y=y.numpy(), images=sampler.decode(z, y))


def test_round_trip_by_onnxruntime_alone(run: Path, tmp_path: Path) -> None:
    """Train, export, draw in a process that imports numpy and onnxruntime only."""
    export(str(run), format="onnx", out=tmp_path / "out")
    asked(tmp_path / "out", run)
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path / "out", capture_output=True, text=True, check=True
    )
    count, largest, _ = done.stdout.split()
    assert int(count) == 256
    assert int(largest) <= 1


@pytest.mark.slow
def test_round_trip_in_a_place_without_condgen(run: Path, tmp_path: Path) -> None:
    """The same in a fresh virtual environment with numpy and onnxruntime alone."""
    export(str(run), format="onnx", out=tmp_path / "out")
    asked(tmp_path / "out", run)
    python = tmp_path / "venv/bin/python"
    constraints = Path(__file__).parents[2] / "constraints.txt"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-compile", "-c", constraints, "numpy", "onnxruntime"], check=True
    )
    for absent in ("condgen", "torch"):
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True).returncode == 1
    done = subprocess.run([python, "-c", ALONE], cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    sys.stdout.write(f"seeds, largest and mean difference in grey levels: {done.stdout}")
    assert int(done.stdout.split()[1]) <= 1


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_lower_precisions(precision: Any, run: Path, tmp_path: Path) -> None:
    import onnx

    for kind in ("fp32", precision):
        export(str(run), format="onnx", precision=kind, out=tmp_path / kind)
    sizes = [(tmp_path / kind / "model.onnx").stat().st_size for kind in ("fp32", precision)]
    assert sizes[1] < sizes[0] * {"fp16": 0.6, "int8": 0.4}[precision]
    models = [onnx.load(tmp_path / kind / "model.onnx") for kind in ("fp32", precision)]
    told = [{entry.key: entry.value for entry in model.metadata_props} for model in models]
    assert told[0].items() <= told[1].items()
    signature = [
        [(value.name, value.type.tensor_type.elem_type) for value in (*m.graph.input, *m.graph.output)] for m in models
    ]
    assert [entry for entry in signature[0] if entry[0] != "truncation"] == signature[1], "options are frozen"
    card = condgen.load(tmp_path / precision).card
    assert card.precision == precision
    assert card.parity is not None
    assert card.parity.mean <= {"fp16": 1, "int8": 16}[precision]
    assert files(tmp_path / precision) == files(tmp_path / "fp32"), "nothing is left lying about"


def test_a_pt2_file_draws_the_same_at_any_batch(run: Path, tmp_path: Path) -> None:
    export(str(run), format="pt2", out=tmp_path / "out")
    sampler, draw = condgen.load(run), torch.export.load(tmp_path / "out/model.pt2").module()
    z, y = parity.points(sampler.spec, sampler.prior)
    for count in (1, 5, 100):
        difference = np.abs(draw(z[:count], y[:count]).numpy().astype(int) - sampler.decode(z[:count], y[:count]))
        assert difference.max() <= 1


def test_mistakes_are_one_line_and_leave_nothing(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    out = tmp_path / "out"
    assert "unknown format 'onx'; did you mean 'onnx'?" in mistake("export", run, "--format", "onx", "--out", out)
    assert "is for --format onnx" in mistake("export", run, "--precision", "int8", "--out", out)
    assert "is not the name of a licence" in mistake("export", run, "--licence", "do what\nyou like", "--out", out)
    assert "is not a run" in mistake("export", tmp_path / "nothing", "--out", out)
    assert "has no best generator: there is no best/card.json" in mistake("export", run, "--best", "--out", out)
    assert not out.exists()
    (out / "mine").mkdir(parents=True)
    assert "exists already; give another --out" in mistake("export", run, "--out", out)
    assert files(out) == {"mine"}


def test_the_same_export_again_stays_and_is_mended(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    out = tmp_path / "out"
    export(str(run), out=out, licence="mit")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "README.md").write_text("edited")
    for name in ("model.safetensors", "samples.png", "manifest.json"):
        for damage in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9])):
            if (name, damage) != ("manifest.json", Path.unlink):  # nothing says then that the folder is ours
                damage(out / name)
                export(str(run), out=out, licence="mit")
                assert (out / name).read_bytes() == before[name]
    assert (out / "README.md").read_text() == "edited"
    assert "holds an export with another --licence; give another" in mistake("export", run, "--out", out)
    words = ("export", run, "--out", out, "--licence", "mit")
    assert "another --format;" in mistake(*words, "--format", "pt2")
    (out / "mine").touch()
    (out / "samples.png").unlink()
    assert "contains 'mine', which its manifest.json does not list; remove it" in mistake(*words)
    assert (out / "samples.png").exists()


def test_a_format_that_fails_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(sampler: object, path: Path) -> parity.Difference:
        path.write_text("a")
        raise condgen.CondgenError("no")

    monkeypatch.setattr("condgen.sharing.pt2.export", fails)
    with pytest.raises(condgen.CondgenError, match="no"):
        export(str(run), format="pt2", out=tmp_path / "place/out")
    assert files(tmp_path / "place") == set()


def test_a_disk_that_refuses(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each sync in turn: an error, and no folder, not even half of one."""
    synced = disk.sync
    for last in range(14):
        calls = iter(range(100))

        def sync(path: Path, calls: object = calls, last: int = last) -> None:
            if next(calls) == last:  # type: ignore[call-overload]
                raise OSError(28, "No space left on device")
            synced(path)

        monkeypatch.setattr(disk, "sync", sync)
        with pytest.raises(DiskError, match="No space left"):
            export(str(run), out=tmp_path / f"{last}/out")
        place = tmp_path / f"{last}"
        left = files(place) if place.exists() else set()
        assert left == set() or (left == {"out"} and condgen.load(place / "out")), "whole, or nothing"


@pytest.mark.parametrize("each", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_call_there_is_a_whole_folder_or_none(each: int, run: Path, tmp_path: Path) -> None:
    """SIGKILL in the place of every call that changes the file system, and half way through every write; the same
    command then ends what it began."""
    calls: list[filesystem.Call] = []
    with filesystem.watching(filesystem.recording(calls)):
        export(str(run), out=tmp_path / "whole" / "out")
    promised = files(tmp_path / "whole" / "out")
    assert len(calls) > 30
    found = set()
    for number in range(0, len(calls), each):
        for half in (False, True) if calls[number].what == "write" else (False,):
            place = tmp_path / f"{number} {half}"

            def work(place: Path = place, number: int = number, half: bool = half) -> None:
                with filesystem.watching(filesystem.dying_at(number, half)):
                    export(str(run), out=place / "out")

            assert crashes.end_of(crashes.in_a_fork(work)) == -signal.SIGKILL
            found.add(whole := (place / "out").exists())
            if not whole:
                export(str(run), out=place / "out")
            assert files(place / "out") == promised
            assert condgen.load(place / "out")
            assert files(place) == {"out"}
    assert False in found


def test_every_format_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["export", "--help"])
    help_ = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(f"{name} ({format.summary})" in help_ for name, format in FORMATS.items())
    assert "condgen export runs/first" in help_
