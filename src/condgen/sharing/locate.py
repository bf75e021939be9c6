"""Finds a generator: in a run, in an exported folder, on the Hugging Face Hub by owner/name, or in the package by the
name of a ready-made one. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from condgen import folders
from condgen.card import Card
from condgen.errors import CondgenError, did_you_mean
from condgen.sharing import card, hub, manifest, ready_made


@dataclass(frozen=True)
class Place:
    """The location of a generator: a folder with card.json and weights."""

    folder: Path
    kind: Literal["run", "export", "hub"]

    @property
    def card(self) -> Card:
        """Raises Refused if it is damaged or invalid."""
        return card.read(self.folder / card.NAME)


def find(run: str | Path, best: bool = False, hub_too: bool = True) -> Place:
    """Find the generator that `run` names. Raises CondgenError, which suggests a similar run, if there is none.

    The folder of a run or of an export has priority over a ready-made generator of the same name.

    hub_too: also look on the hub, and download it from there.
    """
    folder = Path(run).expanduser()
    inner = folder / ("best" if best else "generator")
    if (inner / card.NAME).is_file():
        folders.remember(folder)  # if the run is deleted meanwhile, writing to it does not create it again
        return Place(inner, "run")
    is_export = (folder / manifest.NAME).is_file()
    is_ready_made = str(run) in ready_made.NAMES and not is_export and not (folder / "config.json").is_file()
    if best and (is_export or is_ready_made or hub.is_name(run)):
        raise CondgenError(f"{str(run)!r} was exported with one generator; leave --best out.")
    if is_export:
        return Place(folder, "export")
    if is_ready_made:
        return Place(ready_made.folder(str(run)), "export")
    if hub_too and hub.is_name(run):
        return Place(hub.fetch(str(run)), "hub")
    raise _nothing(folder, best)


def home(run: str | Path) -> Path:
    """Default folder for files about `run`: the folder of the run itself.

    Exported folders are not changed; for them it is generated/NAME in the working folder.
    """
    folder = Path(run).expanduser()
    return folder if (folder / "config.json").is_file() else Path("generated") / folder.name


def home_of_images(run: str | Path) -> Path:
    """Default folder for generated images: generated/ in the folder of a run, and generated/NAME for an export."""
    folder = home(run)
    return folder / "generated" if (folder / "config.json").is_file() else folder


def _nothing(folder: Path, best: bool) -> CondgenError:
    if best and (folder / "generator" / card.NAME).is_file():
        return CondgenError(
            f"{str(folder)!r} has no best generator: there is no best/card.json. Either nothing was evaluated during "
            "training, or the file was lost; in the latter case the run's train command writes it again."
        )
    if (folder / "config.json").is_file():
        return CondgenError(
            f"{str(folder)!r} has no generator/card.json: the first checkpoint writes it. If the file was lost, "
            "the run's train command writes it again."
        )
    if folder.is_file():
        return CondgenError(f"{str(folder)!r} is a file; give the folder of a run or of an export.")
    if (folder / card.NAME).is_file():
        return CondgenError(f"{str(folder)!r} has a card but no {manifest.NAME}; give the folder of its run.")
    near = [*Path().glob("*/generator/card.json"), *Path().glob("*/*/generator/card.json")]
    runs = sorted(str(found.parents[1]) for found in near)
    similar = did_you_mean(str(folder), [*runs, *ready_made.NAMES])
    hint = similar if runs or "?" in similar else "; condgen train makes one."
    return CondgenError(f"{str(folder)!r} is not a run (it has no generator/card.json){hint}")
