"""What a user's machine refuses is one line; numbers that no command takes are refused before it begins."""

import errno
import inspect
import math
import os
import re
import tempfile
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condgen import api, bounds, cli, exits, figures
from condgen.config import Config
from condgen.errors import CondgenError
from condgen.options import TRUNCATION
from condgen.systems import SYSTEMS

CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 78 GiB.")


def raised(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return caught.value


@pytest.mark.parametrize(
    ("error", "verb", "line"),
    [
        (lambda: np.empty(10**15), "sample", r"not enough memory on the CPU: 7\.\d+ PiB were requested.*lower --count"),
        (lambda: torch.empty(10**15), "train", "CPU: 4,000,000,000,000,000 bytes were .*lower --batch, --size"),
        (lambda: b"x" * 10**17, "evaluate", "not enough memory on the CPU; lower --images"),
        (CUDA, "train", "not enough memory on the GPU: 20.00 GiB were requested at once; .*or use --device cpu"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "inspect", "not enough memory on the CPU; lower --size"),
        (lambda: Path("a" * 300).read_bytes(), "train", r"'a+\.\.\.a+': File name too long\.$"),
        (lambda: Path(__file__, "x").read_bytes(), "train", "Not a directory"),
        (lambda: os.stat("a\0b"), "sample", "NUL character"),
        (lambda: "猫".encode("ascii"), "sample", r"'猫' cannot be written in .*\(ascii\); set PYTHONUTF8=1"),
        (lambda: "\udcff".encode(), "inspect", "bytes that are not text; rename it"),
        (lambda: int("9" * 4400), "sample", "more digits than can be read"),
    ],
)  # fmt: skip
def test_what_the_machine_refuses_is_one_line(
    error: Exception | Callable[[], object], verb: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = error if isinstance(error, Exception) else raised(error)
    assert exits.ended(found, [verb], (CondgenError,)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(line, said.strip())


def test_a_bug_is_not_taken_for_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cli, "run", lambda words: dict[str, object]()["key"])
    with pytest.raises(KeyError):
        cli.main(["list"])
    with pytest.raises(SystemExit) as ended, exits.ending():
        cli.main(["list"])
    said = capsys.readouterr().err
    assert ended.value.code == 70
    assert "this is a bug in condgen" in said
    written = Path(said.split("the traceback is in ")[1].rstrip(").\n"))
    assert written.parent == tmp_path
    assert "KeyError: 'key'" in written.read_text()


def test_an_interrupt_behind_any_error_is_an_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    broken = ImportError("half of torch")
    broken.__context__ = KeyboardInterrupt()
    with pytest.raises(SystemExit) as ended, exits.ending():
        raise broken
    assert (ended.value.code, capsys.readouterr().err) == (130, "")


def verbs() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every command that takes numbers, and its function."""
    app = cli.application([])
    for name in ("train", "sample", "serve", "evaluate", "compare", "report", "augment", "export", "push", "inspect"):
        function = api.train if name == "train" else app[name].default_command
        assert function
        yield name, function
    for function in figures.FIGURES:
        yield function.__name__, function


def numbers(function: Callable[..., object]) -> Iterator[tuple[str, type]]:
    """Its options that are numbers."""
    for name, parameter in inspect.signature(function).parameters.items():
        kinds = {parameter.annotation, *kinds_in(parameter.annotation)}
        if parameter.kind is parameter.KEYWORD_ONLY and kinds & {int, float}:
            yield name, int if int in kinds else float


def kinds_in(annotation: Any) -> set[Any]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union, typing.Annotated):
        return set().union(*({part} | kinds_in(part) for part in typing.get_args(annotation) if isinstance(part, type)))
    return set()


SETTINGS: dict[str, tuple[Config, type]] = {
    name: (row.config, int if field.annotation is int else float)
    for row in SYSTEMS.values()
    for name, field in type(row.config).model_fields.items()
    if field.annotation in (int, float)
}
"""Of all systems, the numbers, each with a Config that has it."""


def test_every_number_of_every_verb_has_bounds() -> None:
    """Settings of systems have theirs in Config."""
    for verb, function in verbs():
        for name, _ in numbers(function):
            if name in SETTINGS or name == TRUNCATION.name:  # sampling options carry their own bounds
                continue
            limits = bounds.of(verb, name)
            assert limits, f"{verb} --{name} takes any number"
            for value in (math.nan, math.inf, -math.inf, 10**4000, limits[0] - 1, 2 * limits[1] + 1):
                with pytest.raises(
                    CondgenError, match=f"^--{name.replace('_', '-')} should be .*, found .{{1,100}}\\.$"
                ):
                    bounds.check(verb, {name: value})
            bounds.check(verb, {name: limits[0]})
            bounds.check(verb, {name: limits[1]})


@pytest.mark.parametrize("name", SETTINGS)
def test_every_number_of_a_system_has_bounds(name: str) -> None:
    config, kind = SETTINGS[name]
    wrong = (-1, 10**13, 10**400, math.nan, math.inf) if kind is int else (-1.0, math.nan, math.inf, -math.inf, 10**400)
    for value in wrong:
        with pytest.raises(CondgenError, match=name):
            config.with_overrides({name: value})


HUGE = "9" * 4400


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sample x --count 1e400", "--count"),
        (f"sample x --count {HUGE}", "--count"),
        ("sample x --count 1000000000000", "--count should be at most 100,000,000"),
        ("sample x --seed 99999999999999999999", "--seed should be at most"),
        ("train cvae --size 1000000000", "--size should be at most 2,048"),
        ("train cvae --images 10000000000000", "images should be less than or equal to"),
        (f"train cvae --images {HUGE}", "--images"),
        ("train cvae --minutes nan", "--minutes should be a number"),
        ("train cvae --minutes inf", "--minutes should be at most"),
        ("train cvae --epochs 0", "--epochs should be more than 0"),
        ("train cvae --save-seconds=-1", "--save-seconds should be 0 or more"),
        ("figure manifold x --side 1000000", "--side should be at most"),
        ("augment x --run y --per-class 1000000000000", "--per-class should be at most"),
        ("evaluate x --count 0", "--count should be 1 or more"),
        ("serve x --port 99999", "--port should be at most 65,535"),
        (f"train cvae --data {'a' * 300}.npz", "File name too long"),
        (f"train cvae --out {'a' * 300}", "File name too long"),
        (f"sample {'a' * 300}", "File name too long"),
        (f"inspect {'a' * 5000}", "File name too long"),
    ],
    ids=lambda text: text[:40],
)
def test_an_absurd_wish_is_one_line_and_nothing_is_written(
    words: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split())
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    assert says in said
    assert len(said) < 1200
    assert list(tmp_path.iterdir()) == []
