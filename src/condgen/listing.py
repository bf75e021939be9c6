"""The lists of presets, data sets and ready-made generators, as plain data."""

from typing import Any

from condgen.data import LAYOUTS, SOURCES
from condgen.errors import CondgenError
from condgen.sharing import ready_made
from condgen.systems import preset, presets


def systems() -> list[dict[str, Any]]:
    """Every preset, with the number of trainable parameters per player at the sizes of its source document."""
    return [_brief(name) for name in presets()]


def system(name: str) -> dict[str, Any]:
    """One preset, with its settings and their defaults, and the training tips that it does not follow."""
    from condgen.training.advice import advice

    found = preset(name, chosen=True)
    return _brief(name) | {"settings": found.config.model_dump(), "advice": advice(found.build_on_meta())}


def data() -> list[dict[str, str]]:
    """Every data set by name, then the supported layouts of the user's own files, in a folder or a zip."""
    named = [{"name": name, "summary": source.summary} for name, source in SOURCES.items()]
    return named + [{"name": f"a path: {name}", "summary": layout.summary} for name, layout in LAYOUTS.items()]


def generators() -> list[dict[str, str]]:
    """The ready-made generators, which `condgen sample NAME` and `condgen serve NAME` use."""
    return [{"name": name, "summary": summary} for name, summary in ready_made.NAMES.items()]


def citation(system: str) -> str:
    """BibTeX of the papers on which a preset is based."""
    return preset(system, chosen=True).system.paper.bibtex


def _brief(name: str) -> dict[str, Any]:
    found = preset(name, chosen=True)
    try:
        players = found.build_on_meta().players
    except CondgenError as error:  # a broken plugin package
        return {"name": name, "paper": "-", "summary": str(error), "parameters": {}}
    return {
        "name": name,
        "paper": found.system.paper.short,
        "summary": found.summary,
        "parameters": {player: players[player].size for player in players},
    }
