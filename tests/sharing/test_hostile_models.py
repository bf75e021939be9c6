"""Model files are untrusted: whatever is in them, a load gives images or one line, and nothing is ever run."""

import json
import os
import pickle
import random
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

import condgen
from condgen.card import FORMAT
from condgen.errors import CondgenError
from condgen.sharing import strict
from condgen.systems import SYSTEMS
from condgen.testing.trainings import build
from conftest import toy_data
from sharing.mutants import HOSTILE, Trap, mutate, parts, payloads, put, repair, trial

SEED = int(os.environ.get("CONDGEN_MUTANTS", "0"))
"""Another one, other mutants."""


@pytest.mark.parametrize("count", [300, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["export", "run"])
def test_mutants_load_to_equal_images_or_give_one_line(
    kind: str, count: int, run: Path, whole: Path, tmp_path: Path
) -> None:
    """Where hashes were made to fit, the images may be other ones: then it is simply another model."""
    source = whole if kind == "export" else run
    equal, slowest, refused = trial(source)[0], 0.0, 0
    for number in range(count):
        folder = tmp_path / "mutant"
        shutil.rmtree(folder, ignore_errors=True)
        if kind == "export":
            shutil.copytree(source, folder)
        else:
            shutil.copytree(source / "generator", folder / "generator")
        repaired = mutate(folder, random.Random(f"{SEED} {kind} {count} {number}"))
        try:
            outcome, seconds = trial(folder)
        except Exception as error:
            raise AssertionError(f"mutant {number}") from error
        is_images = len(outcome) == 64 and " " not in outcome
        assert outcome == equal or not is_images or repaired, f"mutant {number} drew other images"
        slowest, refused = max(slowest, seconds), refused + (not is_images)
    assert refused > count / 2, "most changes matter"
    sys.stdout.write(f"{kind}: {count} mutants, {refused} refused, the slowest after {slowest:.2f} s\n")


BOMBS: list[tuple[tuple[Any, ...], Any]] = [
    *(((*path,), value) for path in [("config", "z_dim"), ("prior", "dim"), ("micro_batch",), ("spec", "shape", 0),
                                     ("spec", "shape", 1), ("format",)]
      for value in (10**12, -1, 0, "32", [1], None, 1.5)),
    (("spec", "labels", "names"), [str(i) for i in range(10**5)]),
    (("spec", "labels", "names"), ["cat", "cat", "dog"]),
    (("spec", "labels", "kind"), "attribute"),
    (("config",), {str(i): i for i in range(10**4)}),
    (("config", "unknown_setting"), 1),
    (("config", "lr_g"), 1e400),
    (("system",), "os.system"),
    (("system",), "condgen.systems.cgan:CGAN"),
    (("system",), "dcgan"),
    (("prior", "kind"), "uniform"),
    (("seed",), "0"),
    (("images",), -1),
    *((("weights",), name) for name in ("../run/generator/weights.safetensors", "/etc/passwd", "~/x.safetensors",
                                        "a/b.safetensors", "..\\x.safetensors", "x.safetensors\n", ".safetensors",
                                        "model.pt", "model.safetensors.pkl", "https://x.org/y.safetensors", "")),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), BOMBS, ids=[f"{'.'.join(map(str, p))}-{str(v)[:20]!r}" for p, v in BOMBS])
def test_bombs_are_refused(path: tuple[Any, ...], value: Any, folder: Path) -> None:
    about = json.loads((folder / "card.json").read_text())
    if path == ("config", "unknown_setting"):
        about["config"]["unknown_setting"] = value
    repair(folder, put(about, path, value))
    outcome, _ = trial(folder)
    assert " " in outcome
    assert "\n" not in outcome


def test_text_that_is_no_plain_json(folder: Path) -> None:
    whole = (folder / "card.json").read_text()
    texts = {
        "deep": "[" * 500_000 + "]" * 500_000,
        "deep tables": '{"a":' * 150_000 + "1" + "}" * 150_000,
        "long": json.dumps("x" * 2**20),
        "NaN": whole.replace('"images": 200', '"images": NaN'),
        "Infinity": whole.replace('"images": 200', '"images": -Infinity'),
        "twice": whole.replace('"images": 200', '"images": 1, "images": 200'),
        "digits": whole.replace('"images": 200', '"images": ' + "9" * 100_000),
        "UTF-16": whole.encode("utf-16").decode("latin-1"),
        "nothing": "",
        "null": "null",
        "a list": "[]",
    }
    for name, text in texts.items():
        assert text != whole, name
        (folder / "card.json").write_bytes(text.encode())
        assert str(folder / "card.json") in trial(folder)[0], name


def test_the_largest_json_is_read_no_further(tmp_path: Path) -> None:
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(strict.Refused, match="more than 1,048,576 bytes"):
        strict.read(tmp_path / "big.json")


@pytest.mark.parametrize("name", ["model.safetensors", "samples.png"])
def test_a_huge_file_is_refused_unread(name: str, folder: Path) -> None:
    with (folder / name).open("ab") as file:
        file.truncate(10**12)
    listed = json.loads((folder / "manifest.json").read_text())
    listed[name]["bytes"] = 10**12
    (folder / "manifest.json").write_text(json.dumps(listed))
    assert "far more than the network of its card" in trial(folder)[0]


def test_an_extra_a_missing_and_a_doubled_file(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(1))
    assert "contains 'model.pkl', which its manifest.json does not list" in trial(folder)[0]
    (folder / "model.pkl").unlink()
    (folder / "samples.png").rename(folder.parent / "samples.png")
    assert "lacks 'samples.png'" in trial(folder)[0]
    (folder / "samples.png").mkdir()
    assert "lacks 'samples.png'" in trial(folder)[0]
    (folder / "samples.png").rmdir()
    os.mkfifo(folder / "samples.png")
    assert "lacks 'samples.png'" in trial(folder)[0]
    (folder / "samples.png").unlink()
    (folder.parent / "samples.png").rename(folder / "samples.png")
    listed = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(listed.replace('"card.json"', '"samples.png"'))
    assert "contains a key twice" in trial(folder)[0]
    (folder / "manifest.json").write_text(listed.replace('"card.json"', '"../card.json"'))
    assert "is not a list of names" in trial(folder)[0]
    (folder / "manifest.json").write_text(
        listed.replace('{\n  "README.md"', '{"CARD.json": {"bytes": 1, "sha256": ""},"README.md"')
    )
    assert "differ only in case" in trial(folder)[0]
    (folder / "manifest.json").write_text(listed)
    (folder / "README.md").write_text("My own words about this model.")
    (folder / ".gitattributes").write_text("")
    assert " " not in trial(folder)[0]


@pytest.mark.parametrize("harm", ["nan", "inf", "dtype", "shape", "lacks", "more"])
@pytest.mark.parametrize("kind", ["export", "run"])
def test_a_tensor_that_does_not_fit_is_named(harm: str, kind: str, whole: Path, run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole if kind == "export" else run, tmp_path / "hurt"))
    path = parts(folder)[1]
    tensors = load(path.read_bytes())
    name = "body.4.weight"
    value = tensors[name]
    if harm in ("nan", "inf"):
        value.view(-1)[-1] = float(harm)
    elif harm == "dtype":
        tensors[name] = value.to(torch.float16).repeat(1, 2)
    elif harm == "shape":
        tensors[name] = value.T.contiguous()
    elif harm == "lacks":
        tensors["body.9.weight"] = tensors.pop(name)
    else:
        tensors["more"] = tensors.pop(name)[:0]
        tensors[name] = value
    path.write_bytes(save(tensors))
    repair(folder)
    said = trial(folder)[0]
    if harm not in ("lacks", "more"):
        assert name in said
    assert str(path) in said


def test_a_negative_variance_is_named(tmp_path: Path) -> None:
    from condgen.sharing import weights

    system = build("gan", toy_data("colour").spec)
    tensors = {key: value.clone() for key, value in system.generator.state_dict().items()}
    tensors["body.2.running_var"][3] = -1
    with pytest.raises(CondgenError, match=r"negative variances in body\.2\.running_var"):
        weights.fill(SYSTEMS["gan"].build_on_meta(system.spec, system.cfg).generator, tensors)


def test_payloads_are_never_run(run: Path, whole: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Trap(canary))).close()
    assert canary.exists(), "the trap works"
    canary.unlink()
    kinds = payloads(canary, parts(whole)[1].read_bytes())
    assert len(kinds) >= 30
    for kind, data in kinds.items():
        for source in (whole, run):
            folder = tmp_path / "trapped"
            for hurt, fits in ((1, True), (1, False), (0, False)):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(source, folder, ignore=shutil.ignore_patterns("checkpoints", "rescue", "tensorboard"))
                parts(folder)[hurt].write_bytes(data)
                if fits:
                    repair(folder)
                assert " " in trial(folder)[0], kind
        for name in ("model.pt", "model.safetensors", "model.keras", "config.json"):
            (tmp_path / name).write_bytes(data)
            with pytest.raises(CondgenError, match="is a file; give the folder of a run"):
                condgen.load(tmp_path / name)
        assert not canary.exists(), kind


def test_what_a_payload_is_is_said(folder: Path, tmp_path: Path) -> None:
    kinds = payloads(tmp_path / "canary", parts(folder)[1].read_bytes())
    said = {}
    for kind in ("pickle protocol 4", "torch.save", "hdf5", "gzip", "python"):
        (folder / "model.safetensors").write_bytes(kinds[kind])
        repair(folder)
        said[kind] = trial(folder)[0]
    looks = ["a pickle", "a zip, as torch.save, Keras and NumPy write", "HDF5", "gzip", "a script"]
    assert all(
        f"(it looks like {look}, which condgen never opens)" in s for look, s in zip(looks, said.values(), strict=True)
    )


@pytest.mark.parametrize("kind", ["export", "run"])
def test_every_flipped_bit_of_the_weights_is_noticed(kind: str, whole: Path, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hurt"
    shutil.copytree(
        whole if kind == "export" else run / "generator", folder if kind == "export" else folder / "generator"
    )
    path, chance = parts(folder)[1], random.Random(SEED)
    data = path.read_bytes()
    for _ in range(100):
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        assert " " in trial(folder)[0]
    path.write_bytes(data)
    assert " " not in trial(folder)[0]


@pytest.mark.parametrize("name", ["samples.png", "card.json", "model.safetensors"])
def test_every_file_is_held_against_the_manifest(name: str, folder: Path) -> None:
    """One bit, of the same length; where the card vouches for itself and the weights, too."""
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    assert str(folder / name) in trial(folder)[0]


def test_a_card_takes_no_memory_for_what_its_weights_have_not(folder: Path) -> None:
    """15 GB of discriminator, all within the bounds of the schema: what counts is that the file has not the numbers."""
    about = json.loads((folder / "card.json").read_text())
    about["spec"]["shape"] = [3, 1100, 1100]
    repair(folder, about)
    said = trial(folder)[0]
    assert "is not a safetensors file with 14," in said
    assert "bytes of weights" in said


def test_labels_exchanged_in_a_run_are_noticed(run: Path, tmp_path: Path) -> None:
    card = tmp_path / "run/generator/card.json"
    shutil.copytree(run / "generator", card.parent)
    text = card.read_text()
    card.write_text(text.replace('"cat"', '"?"').replace('"dog"', '"cat"').replace('"?"', '"dog"'))
    assert "has changed since it was written" in trial(tmp_path / "run")[0]
    card.write_text(json.dumps(json.loads(text)))
    assert " " not in trial(tmp_path / "run")[0], "other white space is no other card"


def test_a_run_of_before_cards_were_sealed(run: Path, tmp_path: Path) -> None:
    card = tmp_path / "run/generator/card.json"
    shutil.copytree(run / "generator", card.parent)
    about = json.loads(card.read_text())
    del about["seal"]
    card.write_text(json.dumps(about))
    assert "seal should be there from format 2 on" in trial(tmp_path / "run")[0]
    card.write_text(json.dumps(about | {"format": 1}))
    assert trial(tmp_path / "run")[0] == trial(run)[0]
    card.write_text(json.dumps(about | {"format": FORMAT + 1, "new": 1}))
    assert f"has format {FORMAT + 1}; upgrade condgen to read it" in trial(tmp_path / "run")[0]


def test_a_load_runs_no_reader_of_pickles(whole: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a reader of pickles was called")

    for owner, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load"), (np, "load")):
        monkeypatch.setattr(owner, name, never)
    for folder in (whole, run):
        assert " " not in trial(folder)[0]


def test_the_source_has_no_reader_of_pickles() -> None:
    source = Path(condgen.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    readers = r"import pickle|torch\.load\(|allow_pickle=True|(?<![.\w])(eval|exec)\(|extractall|yaml\.load"
    assert re.search(readers, "  eval(text)"), "what it looks for it would find"
    assert not [line for line in text.splitlines() if re.search(readers, line)]


def test_hostile_values_are_of_many_kinds() -> None:
    assert len({type(value) for value in HOSTILE}) == 7
