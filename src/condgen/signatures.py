"""Verbs with the options of one generator: what a system declares once becomes options of the command line."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from condgen.errors import CondgenError
from condgen.options import TRUNCATION, Option
from condgen.sharing import card, locate

GROUP = Group("Sampling options", sort_key=2)


def with_sampling_options(function: Callable[..., Any], words: Sequence[str]) -> Callable[..., Any]:
    """`function`, its `**options` spelled out as the sampling options of the generator that is named among `words`."""
    plain = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = sampling_options_among(words)
    extra, names = [_parameter(option) for option in options], {option.name for option in options}

    def spelled_out(*args: Any, **given: Any) -> Any:
        chosen = {name: value for name, value in given.items() if not (name in names and value is None)}
        return function(*args, **chosen)

    spelled_out.__name__, spelled_out.__doc__ = function.__name__, function.__doc__
    spelled_out.__signature__ = inspect.Signature([*plain, *extra])  # type: ignore[attr-defined]
    spelled_out.__annotations__ = {p.name: p.annotation for p in [*plain, *extra]}
    return spelled_out


def sampling_options_among(words: Sequence[str]) -> tuple[Option, ...]:
    """The options of the first of `words` that is the folder of a run or of an export; else those of a normal prior,
    which nearly every generator has."""
    for word in words:
        folder = Path(word.partition("=")[2] if word.startswith("--run=") else word)
        if not word.startswith("-") or word.startswith("--run="):
            try:
                return card.options(locate.find(folder, hub_too=False).card)
            except (CondgenError, OSError, ValueError):
                continue
    return (TRUNCATION,)


def _parameter(option: Option) -> inspect.Parameter:
    """None stands for an option that is not given: the generator then keeps its own."""
    kind: Any = Literal[option.choices] if option.choices else option.type
    help_ = f"{option.help} By default {option.default}."
    annotation = Annotated[kind | None, Parameter(help=help_, group=GROUP, show_default=False)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
