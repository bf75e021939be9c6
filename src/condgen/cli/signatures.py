"""Adds the options that a system or a generator declares to the signatures of commands."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import docstring_parser
from cyclopts import Group, Parameter

from condgen import language, settings
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError
from condgen.options import TRUNCATION, Option, with_precision
from condgen.sharing import locate
from condgen.systems import DEFAULT, preset

if TYPE_CHECKING:
    from condgen.training.run import Run

DATA_GROUP = Group("Reading the data", sort_key=1)
GROUP = Group("Sampling options", sort_key=2)
LABELS = ("labels", "label", "mix", "start", "end", "base", "to")
"""Options whose value is a label, or several."""
FLAGS = {"--quiet", "--alpha", "--balanced-sampling", "--allow-changed", "--roll-back", "--help", "-h"}
"""Options of `train` that take no value."""


def with_settings(function: Callable[..., "Run"], words: Sequence[str]) -> Callable[..., None]:
    """Replace `**settings` in the signature by the options for reading data, and the fields of the Config of the system
    that is named in `words`."""
    name = system_among(words)
    own = settings.of_preset(name) or settings.of_config(preset(name, chosen=True).config)
    fields = [_of_setting(entry, DATA_GROUP) for entry in settings.of_config(AS_THEY_ARE)]
    group = Group(f"Options of {name}", sort_key=2)

    def spelled_out(*args: Any, **given: Any) -> None:
        if code := function(*args, **given).exit_code:
            raise SystemExit(code)

    return signed(spelled_out, function, [*fields, *(_of_setting(entry, group) for entry in own)])


def system_among(words: Sequence[str]) -> str:
    """The first word that is neither an option nor the value of one; the default system if there is none."""
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("--") and "=" not in before and before not in FLAGS
        if not word.startswith("-") and not is_value:
            return word
    return DEFAULT


def sampling_options_among(words: Sequence[str]) -> tuple[Option, ...]:
    """The sampling options of the first word that is the folder of a run or of an export. If there is none, those of a
    normal prior, which nearly every generator has."""
    for word in words:
        folder = Path(word.partition("=")[2] if word.startswith("--run=") else word)
        if not word.startswith("-") or word.startswith("--run="):
            try:
                return locate.find(folder, hub_too=False).card.sampling_options
            except (CondgenError, OSError, ValueError):
                continue
    return with_precision([TRUNCATION])


def option_of(name: str, kind: Any, help: str, default: object = None) -> inspect.Parameter:
    """A parameter for an option of the command line alone, with its help text in English."""
    annotation = Annotated[kind, Parameter(help=language.translated(help))]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def has_options(function: Callable[..., Any]) -> bool:
    """Whether a function takes sampling options, as `**options`."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def signed(
    wrapper: Callable[..., Any],
    function: Callable[..., Any],
    extra: Sequence[inspect.Parameter],
    help: Mapping[str, str] | None = None,
) -> Callable[..., Any]:
    """Give the wrapper the signature of `function`, with its `**` parameter replaced by `extra`. A parameter of the
    function itself comes before one of the same name in `extra`.

    help: texts that replace those of the docstring, by parameter.
    """
    description, helps = documented(function)
    helps |= {name: language.translated(text) for name, text in (help or {}).items()}
    plain = [
        _typed(p, helps.get(p.name))
        for p in inspect.signature(function).parameters.values()
        if p.kind is not p.VAR_KEYWORD
    ]
    extra = [p for p in extra if p.name not in {own.name for own in plain}]
    wrapper.__name__, wrapper.__doc__ = function.__name__, description
    wrapper.__signature__ = inspect.Signature([*plain, *extra])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*plain, *extra]}
    return wrapper


def documented(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description of a command, and the help texts of its parameters that replace those in it: in English none, as
    cyclopts reads them there."""
    if language.chosen() == "en":
        return function.__doc__ or "", {}
    found = docstring_parser.parse(function.__doc__ or "")
    parts = [part for part in (found.short_description, found.long_description) if part]
    helps = {each.arg_name: language.translated(each.description or "") for each in found.params}
    return "\n\n".join(map(language.translated, parts)), helps


def _typed(parameter: inspect.Parameter, help: str | None = None) -> inspect.Parameter:
    """A parameter as it is typed on a command line: the dictionaries that Python accepts are written as text there, a
    label may begin with a hyphen, and every option of reading data is an option of the command."""
    kind, kinds = parameter.annotation, get_args(parameter.annotation)
    if any(get_origin(each) is Mapping for each in kinds):
        kind = reduce(or_, (each for each in kinds if get_origin(each) is not Mapping))
    if parameter.name in LABELS:
        kind = Annotated[kind, Parameter(allow_leading_hyphen=True)]
    if parameter.name == "hooks":  # objects cannot be typed
        kind = str
    if kind is DataOptions:
        kind = Annotated[kind, Parameter(name="*")]
    if help:
        kind = Annotated[kind, Parameter(help=help)]
    return parameter.replace(annotation=kind)


def of_option(option: Option) -> inspect.Parameter:
    """A parameter for a sampling option. None means that the option is not given, and the generator keeps its value."""
    kind: Any = Literal[option.choices] if option.choices else option.type
    help_ = f"{option.help} Default: {option.default}."
    annotation = Annotated[kind | None, Parameter(help=help_, group=GROUP, show_default=False)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _of_setting(entry: settings.Setting, group: Group) -> inspect.Parameter:
    kind: Any = entry.annotation
    annotation = Annotated[kind, Parameter(help=language.translated(entry.help), group=group)]
    return inspect.Parameter(entry.name, inspect.Parameter.KEYWORD_ONLY, default=entry.default, annotation=annotation)
