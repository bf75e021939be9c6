"""Options that other programs have, explained in one line each."""

from collections.abc import Mapping, Sequence
from typing import Any

from condgen import settings
from condgen.cli.signatures import system_among
from condgen.errors import CondgenError
from condgen.systems import DEFAULT

STEPS = ("steps", "iterations", "iters", "max-steps", "num-steps")
ELSEWHERE: Mapping[str, str] = {
    "batch-size": "--batch", "learning-rate": "--lr, or --lr-g and --lr-d where a preset has two",
    "num-epochs": "--epochs", "dataset": "--data", "data-dir": "--data", "output": "--out", "output-dir": "--out",
    "outdir": "--out", "image-size": "--size", "resolution": "--size", "ema": "--ema-half-life",
    "kimg": "--images, a thousand times as much", "gamma": "--penalty-weight",
    "resume": "nothing, since the same command resumes a stopped training",
}  # fmt: skip
"""Options of `condgen train` by the names that they have in other programs."""


def explain(words: Sequence[str]) -> None:
    """Raise CondgenError for an option of `condgen train` that has another name here, or no place."""
    if not words or words[0] != "train":
        return
    own = _own(words)
    for number, word in enumerate(words[1:], start=1):
        option, _, value = word.partition("=")
        name = option.removeprefix("--").replace("_", "-")
        if not option.startswith("--") or name in own:
            continue
        if name in STEPS:
            raise CondgenError(_of_steps(name, value or next(iter(words[number + 1 :]), ""), own["batch"]))
        if name in ELSEWHERE:
            raise CondgenError(f"condgen train has no option {name!r}; use {ELSEWHERE[name]}.")


def _own(words: Sequence[str]) -> dict[str, Any]:
    """The settings of the preset that is named in `words`, by option name, with their defaults. Needs no torch."""
    found = settings.of_preset(system_among(words[1:])) or settings.of_preset(DEFAULT) or ()
    return {entry.name.replace("_", "-"): entry.default for entry in found}


def _of_steps(name: str, value: str, batch: int) -> str:
    steps = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 1000
    return (
        f"condgen train has no option {name!r}: lengths are counted in images, of which a step takes --batch, {batch} "
        f"here. --images {steps * batch} is {steps:,} steps; --epochs 10 shows every image ten times."
    )
