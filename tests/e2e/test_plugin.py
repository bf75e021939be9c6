"""A system from outside: a package installed beside condgen, or module:Class; every command works on its runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import condgen
from condgen import api, cli, plugins
from condgen.errors import CondgenError
from condgen.systems import presets
from contributing import ROOT, follow, own_package

HINGE = "src/condgen/systems/hinge.py"
"""The system of CONTRIBUTING.md, with its sampling option."""
HELP = "Scale of the label vector: above 1, images follow the label more."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of installed packages with the hinge GAN in it, as pip would leave it."""
    folder = tmp_path_factory.mktemp("site")
    follow(folder, only=HINGE)
    shutil.copy(folder / HINGE, folder / "hinge_condgen.py")
    about = folder / "hinge_condgen-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hinge-condgen\nVersion: 0.1\n", encoding="utf-8")
    ((group, (entry,)),) = ((group, named.items()) for group, named in own_package()["entry-points"].items())
    (about / "entry_points.txt").write_text(f"[{group}]\n{' = '.join(entry)}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))  # for the server's own process
        plugins.installed.cache_clear()
        yield folder
    plugins.installed.cache_clear()


@pytest.fixture(scope="module")
def run(site: Path) -> Path:
    out = site / "runs" / "hinge"
    return condgen.train("hinge", images=512, lr=1e-3, evaluate_every=0, out=out, quiet=True).folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    cli.main(list(words))
    return capsys.readouterr().out


def test_an_installed_system_is_a_preset_like_any_other(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "hinge-condgen" in presets()["hinge"].summary
    assert "hinge" in said(capsys, "list", "systems")
    assert "--z-dim" in said(capsys, "train", "hinge", "--help")
    assert "lim2017geometric" in said(capsys, "cite", "hinge")


def test_its_sampling_option_reaches_help_card_python_and_files(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    help_ = said(capsys, "sample", str(run), "--help")
    assert "--label-scale" in help_
    assert HELP in " ".join(help_.replace("│", " ").split())
    assert [option.name for option in api.card(run).options or []] == ["truncation", "label_scale", "precision"]
    out = run / "warm.npz"
    said(capsys, "sample", str(run), "--label-scale", "0.5", "--out", str(out))
    with np.load(out) as arrays:
        ours = condgen.load(run).sample("all", label_scale=0.5)
        assert (arrays["images"] == ours).all()
    assert (ours != condgen.load(run).sample("all")).any()


def test_it_is_evaluated_also_under_an_option(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "evaluate", str(run), "--quick", "--count", "300", "--label-scale", "2", "--json"))
    assert found["about"]["generator"]["sampling"] == {"label_scale": 2.0}
    assert (run / "evaluation_label_scale-2.0.json").exists()
    assert not (run / "evaluation.json").exists()


def test_every_format_is_exported_and_loads(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    said(capsys, "export", str(run), "--format", "onnx", "--label-scale", "0.25", "--out", str(tmp_path / "export"))
    assert condgen.load(tmp_path / "export").chosen == {"label_scale": 0.25}
    session = onnxruntime.InferenceSession(tmp_path / "export" / "model.onnx")
    assert {entry.name for entry in session.get_overridable_initializers()} == {"truncation", "label_scale"}
    assert (condgen.load(tmp_path / "export").sample("8") == condgen.load(run).sample("8", label_scale=0.25)).all()


def test_its_option_is_a_field_of_http_and_a_slider_of_the_page(run: Path) -> None:
    pytest.importorskip("fastapi")
    from page import browser
    from serving.live import live

    with live(run) as server, closing(browser):
        schema = json.loads(server.ask("GET", "/openapi.json")[1])["components"]["schemas"]["Sample"]["properties"]
        assert schema["label_scale"] == {
            "description": HELP, "default": 1.0, "maximum": 4.0, "minimum": 0.0, "title": "Label Scale",
            "type": "number",
        }  # fmt: skip
        options = json.loads(server.ask("GET", "/about")[1])["options"]
        assert [option["name"] for option in options] == ["truncation", "label_scale", "precision"]
        assert server.sample("8", label_scale=5)[0] == 422
        with browser.looking() as seen:
            seen.open(f"http://127.0.0.1:{server.port}/")
            seen.page.get_by_role("slider", name="label scale").fill("3")
            assert "--label-scale 3" in seen.generated().code("command")
            assert HELP in seen.text(".options")


def test_a_class_is_trained_by_its_path_and_its_run_remembered(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    path, out = "hinge_condgen:HingeGAN", tmp_path / "run"
    condgen.train(path, images=128, evaluate_every=0, out=out, quiet=True)
    assert condgen.load(out).card.system == path
    (tmp_path / "cache" / "systems.json").unlink()  # as on the machine of somebody who was given this folder
    with pytest.raises(CondgenError, match=r"a card alone imports no code.*CONDGEN_SYSTEMS=hinge_condgen"):
        condgen.load(out)
    monkeypatch.setenv(plugins.VARIABLE, path)
    assert condgen.load(out).sample("8").shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Thing", "cannot import the system 'nowhere:Thing'.*PYTHONPATH"),
        ("json:JSONDecoder", "is not a subclass of condgen.system.System|cannot import"),
        ("hinge_condgen:Nothing", "cannot import the system"),
    ],
)
def test_what_is_no_system_is_one_line(site: Path, name: str, message: str) -> None:
    with pytest.raises(CondgenError, match=message):
        condgen.train(name, images=64, quiet=True)


BROKEN = """
import torch
from hinge_condgen import Config, Generator, HingeGAN

class Bright(Generator):
    def forward(self, z, y, label_scale=0.0):
        return 5 * super().forward(z, y)

class TooBright(HingeGAN):
    def __init__(self, spec, cfg):
        super().__init__(spec, cfg)
        self.G.__class__ = Bright

class MovesTheOther(HingeGAN):
    def step(self, batches, images):
        logs = super().step(batches, images)
        with torch.no_grad():
            self.D.body[0].weight.mul_(0.99)
        return logs

class Forgetful(HingeGAN):
    steps = 0

    def step(self, batches, images):
        self.steps += 1  # which no checkpoint holds
        self.players["g"].set_lr(1e-3 / self.steps)
        return super().step(batches, images)
"""
CHOSEN = {"generates_images_in_range", "update_changes_only_its_player", "resume_is_bit_exact"}
BREAKS = {
    "hinge_condgen:HingeGAN": set(),
    "broken:TooBright": {"generates_images_in_range"},
    "broken:MovesTheOther": {"update_changes_only_its_player"},
    "broken:Forgetful": {"resume_is_bit_exact"},
}
"""Systems from outside, and which of the laws each of them breaks: the first, on which all are checked, none."""


def test_pytest_checks_a_system_from_outside(site: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN, encoding="utf-8")
    options = ["-p", "condgen.testing", "-p", "no:cacheprovider", "-q", "--tb=no", "-rfEp"]
    options += ["-k", " or ".join(["HingeGAN", *CHOSEN])]
    named = [word for system in BREAKS for word in ("--condgen-system", system)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(tmp_path)])}
    command = [sys.executable, "-m", "pytest", *options, *named]
    told = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    failed, passed = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for result, system, law in re.findall(r"^(PASSED|FAILED) (\S+)::(\w+)\[", told.stdout, re.MULTILINE):
        (passed if result == "PASSED" else failed)[system].add(law)
    assert told.returncode == 1, told.stdout + told.stderr
    assert {system: failed[system] for system in BREAKS} == BREAKS, told.stdout
    assert len(passed["hinge_condgen:HingeGAN"]) == 14
    assert all(passed[system] == CHOSEN - broken for system, broken in BREAKS.items() if broken)


def test_pytest_starts_without_torch_and_finds_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name, module), *_ = project["entry-points"]["pytest11"].items()
    assert name == module, "else -p and the entry point would register it twice"
    code = (
        f"import sys, {module}; print({{'torch', 'numpy', 'pytest'}} & sys.modules.keys(), {module}.pytest_addoption)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.startswith("set() <function")


def test_a_system_that_is_not_there_is_a_usage_error(request: pytest.FixtureRequest) -> None:
    from condgen.testing.items import items_of

    with pytest.raises(pytest.UsageError, match="--condgen-system: cannot import the system 'nowhere:Thing'"):
        next(items_of("nowhere:Thing", request.session))
