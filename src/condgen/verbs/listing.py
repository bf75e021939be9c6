"""The tables of systems and data sets, as plain data."""

from typing import Any

from condgen.data import LAYOUTS, SOURCES
from condgen.errors import CondgenError
from condgen.systems import preset, presets


def systems() -> list[dict[str, Any]]:
    """Every row, with its trainable parameters per player at the sizes of its source document."""
    return [_brief(name) for name in presets()]


def system(name: str) -> dict[str, Any]:
    """One row in full: also its settings with their defaults, and the training tips that it breaks."""
    from condgen.training.advice import advice

    found = preset(name, chosen=True)
    return _brief(name) | {"settings": found.config.model_dump(), "advice": advice(found.build_on_meta())}


def data() -> list[dict[str, str]]:
    """Every data set by name, then the layouts of files of your own, in a folder or a zip."""
    named = [{"name": name, "summary": source.summary} for name, source in SOURCES.items()]
    return named + [{"name": f"a path: {name}", "summary": layout.summary} for name, layout in LAYOUTS.items()]


def citation(system: str) -> str:
    """BibTeX of the papers behind a row."""
    return preset(system, chosen=True).system.paper.bibtex


def _brief(name: str) -> dict[str, Any]:
    found = preset(name, chosen=True)
    try:
        players = found.build_on_meta().players
    except CondgenError as error:  # a package from outside that is broken
        return {"name": name, "paper": "-", "summary": str(error), "parameters": {}}
    return {
        "name": name,
        "paper": found.system.paper.short,
        "summary": found.summary,
        "parameters": {player: players[player].size for player in players},
    }
