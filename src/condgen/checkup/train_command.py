"""The train command of a run, which repairs its files."""

import os
import shlex
from pathlib import Path

from condgen import records
from condgen.errors import CondgenError
from condgen.systems import preset
from condgen.training.identity import RunConfig, config_in


def train_command(folder: Path) -> str:
    """The train command of a run: as it was typed if it still refers to this folder, else from the configuration."""
    typed = _typed(folder)
    if typed:
        return typed
    try:
        identity = config_in(folder)
    except CondgenError:
        identity = None
    if identity is None:
        return "the train command that the run was made with"
    return f"condgen train {shlex.join(_words(identity, folder))}"


def _typed(folder: Path) -> str:
    sessions = records.read_list(folder / "env.json").sound
    argv, cwd = (sessions[-1].get("argv") or [""], sessions[-1].get("cwd")) if sessions else ([""], None)
    if cwd is None or Path(argv[0]).name not in ("condgen", "__main__.py") or "--out" not in argv[:-1]:
        return ""
    if Path(cwd, argv[argv.index("--out") + 1]).expanduser().resolve() != folder.resolve():
        return ""  # the run has been moved since
    there = "" if cwd == os.getcwd() else f"cd {shlex.quote(cwd)} && "
    return f"{there}condgen {shlex.join(argv[1:])}"


def _words(identity: RunConfig, folder: Path) -> list[str]:
    """The words of a train command that gives this configuration."""
    parent = (identity.finetuned_from or "").rpartition(" at ")[0]
    defaults = preset(identity.system).config.model_dump()
    options = {"data": identity.data, "finetune": parent or None, "seed": identity.seed or None}
    options |= identity.data_options
    options |= {name: value for name, value in identity.config.items() if value != defaults.get(name)}
    words = [identity.system]
    for name, value in (options | {"out": str(folder)}).items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return words
