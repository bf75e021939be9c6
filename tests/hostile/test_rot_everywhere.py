"""Any byte of any file of a run, an export or the data cache flipped, any file cut or missing: the verb that reads it
says so in one line, or makes the file again; never a traceback, never another image without a word.

A fresh seed each time, printed; CONDGEN_ROT_SEED repeats one, CONDGEN_ROT sets the number of flips (half as many cuts).
"""

import contextlib
import io
import json
import os
import random
import secrets
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condgen import api, cli, data
from condgen.errors import CondgenError
from condgen.judging import protocol
from condgen.sampling import plots
from condgen.sampling.canvas import png
from condgen.serving import launch
from condgen.training import metric_log, recorder
from condgen.training.recorder import draw_curves
from reliability import crashes
from reliability.filesystem import in_memory

SEED = int(os.environ.get("CONDGEN_ROT_SEED") or secrets.randbelow(10**9))
FLIPS = int(os.environ.get("CONDGEN_ROT") or 2000)
SETTINGS = {"hidden": 16, "batch": 8, "images": 24}


@dataclass
class Answer:
    """What a verb did: its exit code, what it said, what it made; `trace` if it ended in a traceback."""

    code: int
    said: str
    made: dict[str, object] = field(default_factory=dict)
    trace: str = ""


@dataclass(frozen=True)
class Place:
    """A folder to damage, its sound copy, and the verbs that read it, by the beginnings of the names they read."""

    folder: Path
    sound: Path
    verbs: dict[str, Callable[[Path], Answer]]
    reads: dict[str, tuple[str, ...]]

    def restore(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.sound, self.folder)

    def verb_for(self, name: str, chance: random.Random) -> str:
        """A verb that reads the file."""
        return chance.choice([verb for verb, begins in self.reads.items() if name.startswith(begins)])


def main(*words: object) -> Answer:
    """The command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main([str(word) for word in words])
        return Answer(0, out.getvalue() + err.getvalue())
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        last = err.getvalue().splitlines()[-1:]
        wrong = "" if code != 2 or (last and last[0].startswith("condgen: ")) else f"no clear line: {err.getvalue()}"
        return Answer(code, out.getvalue() + err.getvalue(), trace=wrong)
    except BaseException:
        return Answer(1, out.getvalue() + err.getvalue(), trace=traceback.format_exc())


def making(*words: object, made: Callable[[], dict[str, object]]) -> Answer:
    answer = main(*words)
    if answer.code == 0 and not answer.trace:
        answer.made = made()
    return answer


def train(folder: Path, pets: Path, images: int) -> Answer:
    """The same command, or a longer one; then what it leaves."""
    words = [word for name, value in (SETTINGS | {"images": images}).items() for word in (f"--{name}", value)]
    every = ["--log-every", 8, "--grid-every", 8, "--evaluate-every", 8, "--save-seconds", 0]

    def made() -> dict[str, object]:
        weights = next((folder / "generator").glob("*.safetensors")).read_bytes()
        sheet = (folder / f"samples/{images:012d}.png").read_bytes()
        return {"weights": weights, "sheet": sheet, "log": metric_log.read(folder / "log.jsonl")}

    return making("train", "cvae", "--data", pets, "--out", folder, *words, *every, made=made)


def sample(folder: Path, out: Path, *words: object) -> Answer:
    request = ("sample", folder, "--count", 2, "--seed", 5, "--grid", "--out", out, *words)
    return making(*request, made=lambda: {"image": out.read_bytes()})


def compared(folder: Path, out: Path) -> dict[str, object]:
    found = json.loads((out / "comparison.json").read_text())
    return {"numbers": found["runs"], "sheet": (out / "same-z.png").read_bytes()}


def served(folder: Path) -> Answer:
    """What `condgen serve` loads."""
    err = io.StringIO()
    try:
        with contextlib.redirect_stderr(err):
            scores, generated = launch.scores(str(folder), False), api.load(folder).sample("0", count=2)
        return Answer(0, err.getvalue(), {"scores": scores, "generated": generated.tobytes()})
    except CondgenError as error:
        return Answer(2, f"{err.getvalue()}{error}")
    except BaseException:
        return Answer(1, "", trace=traceback.format_exc())


def exported(folder: Path, out: Path) -> Answer:
    shutil.rmtree(out, ignore_errors=True)
    names = ("model.safetensors", "samples.png", "card.json")
    return making("export", folder, "--out", out, made=lambda: {name: (out / name).read_bytes() for name in names})


def image(folder: Path, out: Path, what: str) -> Answer:
    return making("figure", what, folder, "--out", out, made=lambda: {"image": out.read_bytes()})


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Evaluations of few images, and figures that take no time."""
    with pytest.MonkeyPatch.context() as patch:
        crashes.cheaply(patch)
        patch.setattr(recorder, "draw_curves", draw_curves)  # the curves of a run depend on its log here
        patch.setattr(plots, "curves", lambda log, title, kind="png": _figure(log, kind))
        patch.setattr(plots, "quality", lambda histories, kind="png": _figure(list(histories.values()), kind))
        patch.setattr(protocol, "IMAGES", 64)
        patch.setattr(protocol, "NEAR", 64)
        yield


def _figure(content: object, kind: str) -> bytes:
    """An image of one line that depends on all of the content."""
    text = json.dumps(content)
    if kind == "svg":
        return f"<svg>{len(text)}</svg>".encode()
    shown = np.frombuffer(text.encode().ljust(1, b" "), np.uint8)[None]
    return png(Image.fromarray(shown))


@pytest.fixture(scope="module")
def place(small: None) -> Iterator[Path]:
    with in_memory() as folder:
        yield folder


@pytest.fixture(scope="module")
def run(place: Path, pets: Path) -> Place:
    """A finished run with everything that a run may hold."""
    folder, sound, out = place / "run", place / "sound", place / "out"
    assert train(folder, pets, SETTINGS["images"]).code == 0
    assert main("evaluate", folder, "--quick").code == 0
    shutil.copytree(folder, sound)
    verbs: dict[str, Callable[[Path], Answer]] = {
        "train": lambda run: train(run, pets, SETTINGS["images"]),
        "train longer": lambda run: train(run, pets, 40),
        "sample": lambda run: sample(run, out / "a.png"),
        "sample best": lambda run: sample(run, out / "b.png", "--best"),
        "evaluate": lambda run: main("evaluate", run, "--quick", "--images", 64),
        "compare": lambda run: making(
            "compare", run, "--quick", "--out", out / "c", made=lambda: compared(run, out / "c")
        ),
        "report": lambda run: making(
            "report", run, "--quick", "--out", out / "r.html", made=lambda: {"page": (out / "r.html").read_bytes()}
        ),
        "growth": lambda run: image(run, out / "g.png", "growth"),
        "curves": lambda run: image(run, out / "k.png", "curves"),
        "reconstructions": lambda run: image(run, out / "z.png", "reconstructions"),
        "export": lambda run: exported(run, out / "e"),
        "serve": served,
        "doctor": lambda run: main("doctor", run),
    }
    generator, identity = ("generator/",), ("config.json",)
    states = ("checkpoints/",)
    every = ("",)
    reads = {
        "train": every,
        "train longer": every,
        "doctor": every,
        "sample": generator,
        "sample best": ("best/",),
        "evaluate": (*generator, *identity),
        "compare": (*generator, *identity, "evaluation", "log", "clock", "published"),
        "report": (*generator, *identity, "evaluation", "log", "clock", "alarms", "env", "best/"),
        "growth": ("samples/0",),
        "curves": ("log", "published"),
        "reconstructions": (*generator, *identity, *states),
        "export": (*generator, *identity, "evaluation"),
        "serve": (*generator, "evaluation"),
    }
    return Place(folder, sound, verbs, reads)


@pytest.fixture(scope="module")
def export(run: Place, place: Path) -> Place:
    """An exported folder."""
    assert exported(run.sound, place / "export").code == 0
    shutil.copytree(place / "export", place / "export-sound")
    out = place / "out"
    verbs: dict[str, Callable[[Path], Answer]] = {
        "sample": lambda folder: sample(folder, out / "x.png"),
        "serve": served,
        "export": lambda folder: exported(folder, out / "y"),
        "doctor": lambda folder: main("doctor", folder),
    }
    return Place(place / "export", place / "export-sound", verbs, dict.fromkeys(verbs, ("",)))


@pytest.fixture(scope="module")
def data_cache(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The data cache of a folder of PNG files; what is read of it has to be what the files hold."""
    files, chance = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for number in range(24):
        path = files / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    folder = place / "cache"

    def load(_: Path) -> Answer:
        err = io.StringIO()
        try:
            with contextlib.redirect_stderr(err):
                dataset = data.load(files)
            images = [np.asarray(split.images).tobytes() for split in (dataset.train, dataset.test) if split]
            return Answer(0, err.getvalue(), {"images": images})
        except CondgenError as error:
            return Answer(2, str(error))
        except BaseException:
            return Answer(1, "", trace=traceback.format_exc())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDGEN_CACHE", str(folder))
        assert load(folder).code == 0
        shutil.copytree(folder, place / "cache-sound")
        yield Place(folder, place / "cache-sound", {"load": load}, {"load": ("",)})


def flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes | None:
    """A part from the beginning, now and then nothing of it, or no file."""
    return chance.choice([*(data[: chance.randrange(len(data))] for _ in range(3)), data[:-1], b"", None])


def reference(where: Place) -> Callable[[str], dict[str, object]]:
    """What each verb makes of the sound folder, found out when it is first asked for."""

    @cache
    def made(verb: str) -> dict[str, object]:
        where.restore()
        answer = where.verbs[verb](where.folder)
        assert (answer.code, answer.trace) == (0, ""), (verb, answer)
        return answer.made

    return made


def faults(where: Place, count: int, chance: random.Random, damage: Callable[[bytes, random.Random], bytes | None],
           sound: Callable[[str], dict[str, object]], seen: Counter[str]) -> Iterator[str]:  # fmt: skip
    """A sentence for each damage that ended in a traceback, or in something else than before without a word."""
    names = [str(path.relative_to(where.sound)) for path in sorted(where.sound.rglob("*")) if path.is_file()]
    names = [name for name in names if (where.sound / name).stat().st_size]
    for _ in range(count):
        name = chance.choice(names)
        verb = where.verb_for(name, chance)
        expected = sound(verb)
        where.restore()
        before = (where.sound / name).read_bytes()
        after = damage(before, chance)
        if after is None:
            (where.folder / name).unlink()
        else:
            (where.folder / name).write_bytes(after)
        answer = where.verbs[verb](where.folder)
        seen[f"{verb}: code {answer.code}"] += 1
        if answer.trace:
            yield f"{verb} after {name} was damaged: {answer.trace}"
        elif answer.code == 0 and answer.made != expected and not told(answer.said, name, after):
            other = [key for key in answer.made if answer.made[key] != expected.get(key)]
            yield f"{verb} after {name} was damaged: another {other} without a word: {answer.said!r}"
        elif answer.code == 2 and not answer.said.strip():
            yield f"{verb} after {name} was damaged: refused without a word"
        elif verb == "doctor" and answer.code == 0 and not optional(name, after) and not same_content(before, after):
            yield f"doctor called {name} sound"


def told(said: str, name: str, after: bytes | None) -> bool:
    """Whether the file, or the folder of the run that it lies in, is named, if it has to be there."""
    inner = str(Path(name).parent)
    folders = [f"{inner}/"] if inner in ("generator", "best") else [inner, f"checkpoint {Path(inner).name}"]
    return optional(name, after) or any(part in said for part in (Path(name).name, *(folders if inner != "." else ())))


def optional(name: str, after: bytes | None) -> bool:
    """What need not be there, or not as it was written: evaluations, and of an export what people may edit."""
    return name == "README.md" or (name.startswith("evaluation") and after is None)


def same_content(before: bytes, after: bytes | None) -> bool:
    """Whether two JSON files say the same in other bytes, or in other names of their own seal alone."""
    try:
        one, other = (json.loads(text) for text in (before, after or b""))
    except ValueError:
        return False
    return _unsealed(one) == _unsealed(other)


def _unsealed(value: Any) -> str:
    """As text, in which a number that is none equals itself, and without seals, under whatever name."""
    entries = value if isinstance(value, list) else [value]
    return json.dumps([{key: part for key, part in entry.items() if not _is_free(key, part)} for entry in entries])


def _is_free(key: str, value: object) -> bool:
    """A seal; of a manifest, the entry of the page that people may edit."""
    return (isinstance(value, str) and len(value) == 64) or key == "README.md"


def survey(where: Place, count: int) -> None:
    """`count` flips and half as many cuts."""
    print(f"CONDGEN_ROT_SEED={SEED}")
    chance, seen, sound = random.Random(SEED), Counter[str](), reference(where)
    found = [*faults(where, count, chance, flip, sound, seen), *faults(where, count // 2, chance, cut, sound, seen)]
    print(count, "flips,", count // 2, "cuts:", dict(sorted(seen.items())))
    first = "\n".join(found[:5])
    assert not found, f"{len(found)} of {count + count // 2} (CONDGEN_ROT_SEED={SEED}), such as\n{first}"


def test_a_few_files_of_a_run_and_an_export(run: Place, export: Place) -> None:
    survey(run, 16)
    survey(export, 6)


@pytest.mark.slow
def test_every_file_of_a_run(run: Place) -> None:
    survey(run, FLIPS * 7 // 10)


@pytest.mark.slow
def test_every_file_of_an_export(export: Place) -> None:
    survey(export, FLIPS * 2 // 10)


@pytest.mark.slow
def test_every_file_of_the_data_cache(data_cache: Place) -> None:
    survey(data_cache, FLIPS // 10)
