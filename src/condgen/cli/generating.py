"""The commands `train`, `sample` and `figure`."""

from collections.abc import Callable, Sequence
from typing import Any

from condgen import api, figures
from condgen.cli.command import Command
from condgen.cli.signatures import with_settings
from condgen.systems import DEFAULT

COMMANDS = {"sample": Command(api.sample, "RUN [OPTIONS]")}
FIGURES = {each.__name__.replace("_", "-"): Command(each, "RUN [OPTIONS]") for each in figures.FIGURES}


def train_of(words: Sequence[str]) -> Callable[..., None]:
    """The command `train`, with the options of the system that is named in `words`. It exits with the code of a
    training that a signal ended."""
    return with_settings(api.train, words[1:]) if words[:1] == ["train"] else train


def train(system: str = DEFAULT, **options: Any) -> None:
    api.train(system, **options)


train.__doc__ = api.train.__doc__
