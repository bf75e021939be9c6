import json
import shlex
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from condgen import cli
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.spec import Prior, Spec
from condgen.systems import DIGITS
from condgen.testing.toys import toy_card
from condgen.training import kernels, metric_log, run
from condgen.training.identity import FORMAT
from condgen.training.metric_log import Meter, MetricLog
from condgen.training.run import Run, RunConfig, conditions, default_folder


def opened(folder: Path, identity: RunConfig) -> Run:
    with Run.open(folder, identity) as here:
        return here


CVAE = RunConfig("cvae", {"images": 100, "lr": 0.1}, "mnist", "abc", DIGITS.to_json(), 0)


def test_the_same_training_goes_on_and_may_grow_longer(tmp_path: Path) -> None:
    opened(tmp_path / "r", CVAE)
    longer = replace(CVAE, config={"images": 900, "lr": 0.1})
    assert opened(tmp_path / "r", longer).identity == longer
    assert run.config_in(tmp_path / "r") == longer


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (replace(CVAE, config={"images": 100, "lr": 0.2}), "contains a run with lr=0.1, not 0.2"),
        (replace(CVAE, system="vae"), "contains a run with system=cvae, not vae"),
        (replace(CVAE, seed=4), "contains a run with seed=0, not 4"),
        (replace(CVAE, fingerprint="xyz"), "contains a run with other images or labels in 'mnist'"),
    ],
)
def test_another_training_is_refused_by_name(tmp_path: Path, other: RunConfig, says: str) -> None:
    opened(tmp_path, CVAE)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(CondgenError, match=says):
        opened(tmp_path, other)
    assert (tmp_path / "config.json").read_bytes() == before


def test_the_same_images_under_another_path_are_the_same_training(tmp_path: Path) -> None:
    opened(tmp_path, CVAE)
    opened(tmp_path, replace(CVAE, data="/elsewhere/mnist.npz"))
    assert json.loads((tmp_path / "config.json").read_text())["data"] == "/elsewhere/mnist.npz"


@pytest.mark.parametrize("folder", ["plain", "it's a run", "-r", "$(rm x)"])
@pytest.mark.parametrize("name", ["all", "-x", "cat, small", "C++", 'say "hi"', "it's", "$HOME", "猫", "0-9", "x=2"])
def test_the_printed_command_can_be_pasted(folder: str, name: str) -> None:
    for labels in (Labels(("a", name)), Labels((name, "a", name + "+a"), "attributes")):
        (line,) = (
            line for line in Run(Path(folder), CVAE).next_steps(labels).splitlines() if "generate images" in line
        )
        words = shlex.split(line.partition(": ")[2])
        assert Path(words[2]) == Path(folder)
        command = cli.application(words[1:]).parse_args(words[1:])
        assert labels.parse(command[1].kwargs["labels"]) == [labels.each[-1]]


def test_data_that_moved_are_said_to_be_the_same(tmp_path: Path) -> None:
    opened(tmp_path, replace(CVAE, data="/x/own"))
    here = opened(tmp_path, replace(CVAE, data="/y/own"))
    (said,) = here.begin_session(0, conditions("cpu", 1, 1))
    assert said == "the data at '/y/own' are the same as those at '/x/own' before."
    assert not opened(tmp_path, replace(CVAE, data="/y/own")).begin_session(0, conditions("cpu", 1, 1))


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CondgenError, match="exists and is not a run"):
        opened(tmp_path, CVAE)
    with pytest.raises(CondgenError, match="exists and is not a run"):
        opened(tmp_path / "letter.txt", CVAE)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CondgenError, match="cannot write"):
        opened(tmp_path / "file" / "run", CVAE)


def test_a_start_that_died_before_its_config_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    assert opened(tmp_path, CVAE).images == 0


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": 1, "system": 3}'])
def test_a_config_that_is_no_runs_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CondgenError, match=r"not the config\.json of a run"):
        opened(tmp_path, CVAE)
    assert (tmp_path / "config.json").read_text() == content


def test_a_run_of_a_later_condgen_says_which(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": 99, "condgen": "7.0"}))
    with pytest.raises(CondgenError, match=r"written by condgen 7\.0; upgrade"):
        opened(tmp_path, CVAE)


def test_a_run_with_former_names_of_settings_is_resumed(tmp_path: Path) -> None:
    implied = {"pixel_channels": 0, "pre_emphasis": 0.0, "shift": "random"}
    now = replace(CVAE, system="swift", config={"images": 100, "warmup": 5, "decay": 0.4} | implied)
    now = replace(now, data_options={"attributes": "Hat", "size": 32})
    before = asdict(replace(now, config={"images": 100, "rise": 5, "fall": 0.4}))
    before |= {"labels": "Hat", "size": 32, "fit": "crop"}
    del before["data_options"]
    (tmp_path / "config.json").write_text(json.dumps({"condgen": "0.1", "format": 1, **before}))
    assert opened(tmp_path, now).changed == ()
    content = json.loads((tmp_path / "config.json").read_text())
    assert (content["format"], content["config"]) == (FORMAT, now.config)
    (tmp_path / "config.json").write_text(json.dumps({"condgen": "0.1", "format": 1, **before, "config": [1]}))
    with pytest.raises(CondgenError):
        opened(tmp_path, now)


def test_default_folders_are_numbered_by_training(tmp_path: Path) -> None:
    other = replace(CVAE, seed=1)
    first = opened(default_folder(CVAE, tmp_path), CVAE).folder
    second = opened(default_folder(other, tmp_path), other).folder
    assert (first.name, second.name) == ("cvae-mnist", "cvae-mnist-2")
    assert default_folder(CVAE, tmp_path) == first
    assert default_folder(other, tmp_path) == second
    assert default_folder(replace(CVAE, data="/x/my faces.npz"), tmp_path / "new").name == "cvae-my faces"


def test_a_run_of_the_former_split_is_refused_with_the_option_that_resumes_it(tmp_path: Path) -> None:
    """Up to format 3, a tenth of all files was held out; the same command now gives other training images."""
    before = asdict(replace(CVAE, data="own"))
    folder = tmp_path / "cvae-own"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"condgen": "0.1", "format": 3, **before}))
    now = replace(CVAE, data="/x/own", fingerprint="other")
    assert default_folder(now, tmp_path) == folder, "not a second run beside it"
    with pytest.raises(CondgenError, match=r"other images or labels in 'own'.* \(--held-out overall\)"):
        opened(folder, now)
    assert opened(folder, replace(now, fingerprint="abc", data_options={"held_out": "overall"})).changed == ()


def test_a_run_of_the_former_split_whose_data_have_splits_goes_on(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"condgen": "0.1", "format": 3, **asdict(CVAE)}))
    assert opened(tmp_path, CVAE).changed == ()


def test_a_second_process_is_refused_and_a_dead_one_is_not_waited_for(tmp_path: Path) -> None:
    opened(tmp_path, CVAE)
    hold = (
        "import sys, time; from pathlib import Path; from condgen.training.run import Run, config_in\n"
        "folder = Path(sys.argv[1])\n"
        "with Run.open(folder, config_in(folder)): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    before = (tmp_path / "config.json").read_bytes()
    with other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CondgenError, match=rf"another process \(pid {other.pid}\) is training"):
            opened(tmp_path, replace(CVAE, config={"images": 900, "lr": 0.1}))
        assert (tmp_path / "config.json").read_bytes() == before
        other.kill()
    opened(tmp_path, CVAE)


def test_a_changed_machine_is_refused_by_name_or_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = opened(tmp_path, CVAE)
    assert here.begin_session(0, conditions("cpu", 64)) == []
    assert here.begin_session(64, conditions("cpu", 64)) == [f"resuming {str(tmp_path)!r} at 64 images."]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    elsewhere = conditions("cuda", 32, processes=2)
    said = "threads 1 -> 64, processes 1 -> 2, batch 64 -> 32."
    with pytest.raises(
        CondgenError, match=rf"no longer be bit-exact: device cpu -> cuda, {said[:-1]}\. .*--allow-changed"
    ):
        here.begin_session(128, elsewhere)
    assert said in here.begin_session(128, elsewhere, allow_changed=True)[1]
    sessions = json.loads((tmp_path / "env.json").read_text())
    assert [session["from_images"] for session in sessions] == [0, 64, 128]
    assert sessions[2]["changed"][0] == "device cpu -> cuda"
    assert "changed" not in sessions[1]
    assert len(here.begin_session(192, elsewhere)) == 1, "what was allowed once is where one is now"


@pytest.mark.parametrize("key", run.EXACT)
def test_everything_that_exactness_needs_is_noted(key: str) -> None:
    assert key in conditions("cpu", 64)


def test_a_training_may_go_on_with_other_settings_if_somebody_insists(tmp_path: Path) -> None:
    opened(tmp_path, CVAE)
    other = replace(CVAE, config={"images": 100, "lr": 0.2}, fingerprint="xyz", seed=3)
    with Run.open(tmp_path, other, allow_changed=True) as here:
        assert here.changed == ("seed=0, not 3", "lr=0.1, not 0.2", "other images or labels in 'mnist'")
    for fixed in (
        replace(CVAE, system="vae"),
        replace(CVAE, data_options={"attributes": "Hat"}),
        replace(CVAE, spec={}),
    ):
        with pytest.raises(CondgenError, match="repeat its command or"), Run.open(tmp_path, fixed, True):
            pass
    assert run.config_in(tmp_path) == other


def test_publishing_replaces_weights_and_card_together(tmp_path: Path) -> None:
    here, net = opened(tmp_path, CVAE), torch.nn.Linear(2, 2)
    for images in (10, 20):
        here.publish(net, toy_card(Spec.from_json(CVAE.spec), Prior(2), images=images))
    assert sorted(p.name for p in (tmp_path / "generator").iterdir()) == [
        "card.json",
        "weights-000000000020.safetensors",
    ]
    assert json.loads((tmp_path / "generator/card.json").read_text())["weights"] == "weights-000000000020.safetensors"


def test_a_meter_gives_means_and_forgets(tmp_path: Path) -> None:
    meter = Meter()
    for value in (1.0, 2.0, 6.0):
        meter.add({"loss/g": torch.tensor(value), "loss/d": torch.tensor(-value)})
    assert meter.take() == {"loss/g": 3.0, "loss/d": -3.0}
    assert meter.take() == {}


def test_a_log_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    book = MetricLog(tmp_path, 0)
    for images in (10, 20, 30):
        book.write(images, {"loss/g": images / 10}, seconds=1.5)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"images": 40, "lo')  # the machine stopped here
    MetricLog(tmp_path, 20).write(30, {"loss/g": 7.0}, seconds=1.0)
    assert metric_log.read(tmp_path / "log.jsonl") == [
        {"images": 10, "loss/g": 1.0},
        {"images": 20, "loss/g": 2.0},
        {"images": 30, "loss/g": 7.0},
    ]
    assert metric_log.read(tmp_path / "clock.jsonl")[-1] == {"images": 30, "seconds": 4.0}


def test_tensorboard_shows_the_log_without_the_lost_future(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for start, stop, value in ((0, 50, 1.0), (20, 40, 2.0)):
        book = MetricLog(tmp_path, start)
        for images in range(start + 10, stop, 10):
            book.write(images, {"loss/g": value}, seconds=1.0)
    events = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/g")] == [(10, 1.0), (20, 1.0), (30, 2.0)]


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("ONEDNN_MAX_CPU_ISA", "SSE41", "onednn"),
        ("DNNL_MAX_CPU_ISA", "SSE41", "onednn"),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", "onednn"),
        ("MKL_CBWR", "COMPATIBLE", "mkl"),
        ("MKL_ENABLE_INSTRUCTIONS", "AVX2", "mkl"),
    ],
)
def test_a_resume_under_other_kernels_is_named(
    name: str, value: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "_capabilities", lambda: {"avx2": True, "cpu_name": "Some CPU"})
    for variable in (*kernels.ONEDNN, *kernels.MKL, "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(variable, raising=False)
    here = opened(tmp_path, CVAE)
    here.begin_session(0, conditions("cpu", 64))
    monkeypatch.setenv(name, value)
    with pytest.raises(CondgenError, match=rf"no longer be bit-exact: {key} .*avx2 -> .*--allow-changed"):
        here.begin_session(64, conditions("cpu", 64))
    assert f"{key} " in here.begin_session(64, conditions("cpu", 64), allow_changed=True)[1]


def test_a_limit_above_what_the_processor_has_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_capabilities", lambda: {"avx2": True})
    for limit in ("ALL", "DEFAULT", "AVX512_CORE", "AVX2"):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
        assert kernels.instructions() == "avx2"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX99")
    assert kernels.instructions() == "avx2 at most avx99"


def test_a_gpu_is_noted_with_all_that_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    before = kernels.gpu("cuda:1")
    assert before.startswith("GPU 1, driver ")
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", not torch.backends.cudnn.benchmark)
    assert kernels.gpu("cuda:1") != before
    assert kernels.gpu("cpu") == "none"
