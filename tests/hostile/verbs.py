"""Every verb that writes files, in a small scene of its own, run to its end or killed on the way.

A scene is a folder with a run, a user's images and a cache. Verbs run in forks of a process that has run all of them
before, so that a kill costs no imports.
"""

import contextlib
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from condgen import api, cli, marker
from condgen.disk import as_json
from condgen.judging.classifier import Recipe
from condgen.labels import Labels
from condgen.sampling import canvas, plots
from condgen.sharing import runtime
from reliability.crashes import end_of, in_a_fork
from reliability.filesystem import Call, Watcher, recording, watching

Files = dict[str, bytes]
SVG = b"<svg></svg>"


def _arrays() -> bytes:
    buffer = BytesIO()
    np.savez(buffer, **{marker.KEY: np.array("{}")})  # type: ignore[arg-type]
    return buffer.getvalue()


def _marked(wrote: str, labels: Labels | None = None) -> bytes:
    return as_json(marker.Mark(wrote, labels).to_json())


# Results of an earlier command: condgen replaces what it wrote itself, and nothing else.
IMAGE = canvas.png(Image.new("L", (1, 1)), marker.sheet("condgen"))
PAGE, ARRAYS = marker.GENERATOR, _arrays()


@dataclass(frozen=True)
class Verb:
    """words: as typed in the scene. earlier: files of an earlier result, which the verb replaces or leaves alone."""

    name: str
    words: str
    earlier: Files = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


VERBS = (
    Verb("augment", "augment pets.npz --run run --per-class 3 --out more"),
    Verb(
        "audit",
        "audit run --count 40",
        {
            "run/audit/.condgen.json": _marked("condgen audit"),
            "run/audit/audit.json": b"{}",
            "run/audit/withdraw.csv": b"",
            "run/audit/mine.txt": b"mine",
        },
    ),
    Verb("evaluate", "evaluate run --quick --images 40", {"run/evaluation.json": b"{}"}),
    Verb("report", "report run --quick", {"run/report.html": PAGE}),
    Verb(
        "compare",
        "compare run --quick --out comparison",
        {
            "comparison/.condgen.json": _marked("condgen compare"),
            "comparison/comparison.json": b"{}",
            "comparison/same-z.png": IMAGE,
            "comparison/mine.txt": b"mine",
        },
    ),
    Verb(
        "inspect",
        "inspect photos --out inspected",
        {
            "inspected/.condgen.json": _marked("condgen inspect"),
            "inspected/facts.json": b"{}",
            "inspected/duplicates.png": IMAGE,
            "inspected/mine.txt": b"mine",
        },
    ),
    Verb("figure", "figure titled run", {"run/figures/titled.png": IMAGE}),
    Verb(
        "sample into a folder",
        "sample run --count 3 --out generated",
        {"generated/.condgen.json": _marked("condgen sample", Labels(("0", "1"))), "generated/mine.txt": b"mine"},
    ),
    Verb("sample into an npz", "sample run --count 3 --out generated.npz", {"generated.npz": ARRAYS}),
    Verb("sample a grid", "sample run --count 3 --grid --out grid.png", {"grid.png": IMAGE}),
    Verb("sample into shards", "sample run --count 5 --shard 4 --out shards"),
    Verb("export", "export run --out given"),
    Verb("export as ONNX", "export run --format onnx --out given"),
    Verb("export as pt2", "export run --format pt2 --out given"),
    Verb("export for the web", "export run --format web --out given"),
    Verb("export a page", "export run --format web --out given.html", {"given.html": PAGE}),
)
CALLED_FOR = {"augment", "export"}
"""Verbs of the fast tier."""


class Stage:
    """Scenes, each a fresh copy of one that is built once, and what a verb does in them."""

    def __init__(self, place: Path) -> None:
        self.place, self.count = place, 0
        self.built = place / "built"
        _build(self.built)

    def scene(self, verb: Verb) -> Path:
        self.count += 1
        scene = self.place / str(self.count)
        shutil.copytree(self.built, scene)
        for name, content in verb.earlier.items():
            (scene / name).parent.mkdir(parents=True, exist_ok=True)
            (scene / name).write_bytes(content)
        return scene

    def calls(self, verb: Verb) -> list[Call]:
        """Every call of a verb that changes the file system, once this process is warm."""
        calls: list[Call] = []
        with contextlib.chdir(self.scene(verb)), _cache_here():
            cli.main(verb.words.split())
        with contextlib.chdir(self.scene(verb)), _cache_here(), watching(recording(calls)):
            cli.main(verb.words.split())
        return calls

    def whole(self, verb: Verb) -> Files:
        """What a verb leaves that nobody disturbs."""
        scene = self.scene(verb)
        code, said = run(verb, scene)
        assert code == 0, said
        return visible(scene)


def start(verb: Verb, scene: Path, watcher: Watcher | None = None) -> int:
    """The pid of a fork that runs a verb in a scene; what it says is in `scene`.log."""

    def work() -> None:
        sys.stdout = sys.stderr = open(f"{scene}.log", "a", buffering=1)  # noqa: SIM115, it lasts as long as the fork
        with contextlib.chdir(scene), _cache_here(), watching(watcher) if watcher else contextlib.nullcontext():
            cli.main(verb.words.split())

    return in_a_fork(work)


def run(verb: Verb, scene: Path, watcher: Watcher | None = None) -> tuple[int, str]:
    """Exit code of a verb, negative if a signal ended it, and what it said."""
    code = end_of(start(verb, scene, watcher))
    return code, Path(f"{scene}.log").read_text(errors="replace")[-600:]


def troubles(stage: Stage, verb: Verb, watchers: Sequence[tuple[str, Watcher]], whole: Files) -> Iterator[str]:
    """Disturb a verb by each watcher, run it again, and say what was lost, refused, other or left over."""
    for title, watcher in watchers:
        scene = stage.scene(verb)
        before = visible(scene)
        code, said = run(verb, scene, watcher)
        if code not in (-signal.SIGKILL, 128 + signal.SIGINT):
            yield f"{title}: ended by itself with code {code}: {said}"
        yield from (f"{title}: lost or half: {name}" for name in torn(before, visible(scene), whole))
        yield from (f"{title}, again: {what}" for what in finished(verb, scene, whole))
        shutil.rmtree(scene)


def torn(before: Files, now: Files, whole: Files) -> list[str]:
    """Files that are neither as they were nor as they will be."""
    return [n for n in sorted(before | now) if now.get(n) not in (before.get(n), whole.get(n))]


def finished(verb: Verb, scene: Path, whole: Files) -> Iterator[str]:
    """Run a verb to its end, and say what differs from an undisturbed one."""
    code, said = run(verb, scene)
    if code:
        yield f"refused with code {code}: {said}"
    found = visible(scene)
    yield from (f"other: {name}" for name in sorted(found | whole) if found.get(name) != whole.get(name))
    yield from (f"left over: {path.relative_to(scene)}" for path in left_over(scene))


def visible(scene: Path) -> Files:
    """All files but hidden ones and the cache."""
    found = {str(path.relative_to(scene)): path for path in scene.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not name.startswith("cache/") and not any(part.startswith(".") for part in Path(name).parts)
    }


def left_over(scene: Path) -> list[Path]:
    return [path for path in scene.rglob("*") if path.suffix in (".part", ".incomplete")]


def interrupting_at(number: int) -> Watcher:
    """Ctrl-C in place of call `number`, counted from 0."""
    counted = iter(range(number + 1))

    def watcher(call: Call, do: Callable[[], object]) -> object:
        if next(counted, None) == number:
            raise KeyboardInterrupt
        return do()

    return watcher


def cheaply(patch: pytest.MonkeyPatch) -> None:
    """Leave out what takes long and writes no other way: figures, steps of classifiers, compilers of programs."""
    for name in ("curves", "bars", "quality"):
        patch.setattr(plots, name, lambda *_: SVG)
    patch.setattr(Recipe, "for_data", lambda dataset: Recipe(width=2, shift=0, at_least=2, epochs=0))
    patch.setattr("condgen.judging.classifier_score.CAS_STEPS", 2)
    patch.setattr("condgen.judging.protocol.IMAGES", 40)
    patch.setattr(runtime, "files", lambda: dict.fromkeys(runtime.FILES, b"0"))
    patch.setattr(torch.onnx, "export", _once(torch.onnx.export))
    patch.setattr(torch.export, "export", _once(torch.export.export))


def _once(function: Callable[..., object]) -> Callable[..., object]:
    """The first result for every set of inputs: all scenes have the same generator."""
    kept: dict[str, object] = {}

    def call(*args: object, **options: object) -> object:
        inputs = repr((args[1:], options.get("input_names")))
        if inputs not in kept:
            kept[inputs] = function(*args, **options)
        return kept[inputs]

    return call


def _build(scene: Path) -> None:
    """A run with its data, and a folder of images."""
    build_data(scene)
    with contextlib.chdir(scene):
        api.train("cvae", data="pets.npz", out="run", images=64, batch=32, quiet=True)
    for name in ("checkpoints", "rescue", "tensorboard"):
        shutil.rmtree(scene / "run" / name, ignore_errors=True)


def build_data(scene: Path) -> None:
    """Arrays of two classes, and a folder of images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 4, 4), np.uint8)
    scene.mkdir(parents=True)
    np.savez(scene / "pets.npz", images=images, labels=np.arange(40) % 2)
    for number, image in enumerate(images[:12]):
        path = scene / "photos" / ("cat", "dog")[number % 2] / f"{number % 11}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


@contextlib.contextmanager
def _cache_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDGEN_CACHE", str(Path("cache").absolute()))
        yield
