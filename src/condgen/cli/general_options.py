"""`--config FILE` and `--lang en|zh` of every command, and environment variables such as CONDGEN_TRAIN_BATCH=32.

The file is TOML, YAML or JSON. Its keys are the options of the command, or a table of them for each command. The
config.json of a run is such a file for `train`. What is typed on the command line has precedence, then the environment,
then the file.
"""

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cyclopts.config import Dict, Env

from condgen import language
from condgen.cli.signatures import system_among
from condgen.errors import CondgenError, shortened, unknown

OPTION, LANGUAGE = "--config", "--lang"
LENGTHS = ("--epochs", "--minutes")
"""Options that replace the length of a file, which is in images."""
OF_A_RUN = {"system", "config", "fingerprint", "seed", "data"}
"""Keys that the config.json of a run has."""


def taken_from(words: Sequence[str]) -> tuple[list[str], list[Any]]:
    """The words of a command without --config, and the sources of options for cyclopts, in the order of precedence.

    The system that a file names is added to the words of `train`. Raises CondgenError if the file cannot be read.
    """
    sources: list[Any] = [Env("CONDGEN_", show=False)]
    rest, name = _without(words, OPTION)
    if name is None:
        return rest, sources
    path = Path(name).expanduser()
    found = _of_command(_read(path), rest)
    if rest[:1] == ["train"]:
        if any(word.partition("=")[0] in LENGTHS for word in rest):
            found.pop("images", None)
        system = str(found.pop("system", ""))
        if system and system_among([*rest[1:], ""]) == "":
            rest.insert(1, system)
    return rest, [*sources, Dict(found, source=str(path), use_commands_as_keys=False)]


def in_language(words: Sequence[str]) -> list[str]:
    """The words of a command without --lang, whose language is chosen for this process."""
    rest, name = _without(words, LANGUAGE)
    if name is not None:
        if name not in language.LANGUAGES:
            raise unknown("language", name, language.LANGUAGES)
        os.environ[language.VARIABLE] = name
    return rest


def _without(words: Sequence[str], option: str) -> tuple[list[str], str | None]:
    """The words without an option and its value, and the value; None if the option is not given."""
    rest, value, words = list[str](), None, list(words)
    while words:
        word = words.pop(0)
        if word == option:
            if not words:
                raise CondgenError(f"{option} needs a value.")
            value = words.pop(0)
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
        else:
            rest.append(word)
    return rest, value


def _of_command(found: dict[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """The options of the command in `words`. Keys without a value are left out."""
    if found.keys() >= OF_A_RUN:
        found = _of_run(found)
    for word in words[:2]:
        if isinstance(part := found.get(word), Mapping):
            found = dict(part)
    return {name.replace("_", "-"): value for name, value in found.items() if value is not None}


def _of_run(found: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `train` from the config.json of a run: the same training in another folder."""
    names = ("system", "data", "seed")
    return {**{name: found[name] for name in names}, **found["config"], **found.get("data_options", {})}


def _read(path: Path) -> dict[str, Any]:
    kinds: Mapping[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads, ".json": json.loads, ".yaml": _yaml, ".yml": _yaml,
    }  # fmt: skip
    read = kinds.get(path.suffix.lower())
    if read is None:
        raise CondgenError(f"{OPTION} {str(path)!r} should end in {', '.join(kinds)}.")
    try:
        found = read(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CondgenError(f"cannot read {OPTION} {str(path)!r}: {error.strerror or error}.") from None
    except ValueError as error:
        raise CondgenError(f"{OPTION} {str(path)!r} is not valid {path.suffix[1:]}: {shortened(str(error))}.") from None
    if not isinstance(found, dict):
        raise CondgenError(f"{OPTION} {str(path)!r} should contain options by name, such as batch = 64.")
    return found


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise CondgenError(f"{OPTION} needs PyYAML for a YAML file: pip install pyyaml; or use TOML.") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
