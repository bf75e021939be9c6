"""The commands `list` and `cite`."""

from condgen.cli.command import Command
from condgen.errors import unknown
from condgen.plugins import is_path
from condgen.systems import presets
from condgen.tables import as_json, as_lines, as_table


def list_(what: str = "all", *, json: bool = False) -> str:
    """List the available systems, data sets and ready-made generators, or show one system in full.

    Args:
        what: systems, data, generators, all, or the name of a system.
        json: Print JSON instead of text.
    """
    from condgen import listing

    tables = {"systems": listing.systems, "data": listing.data, "generators": listing.generators}
    if what not in (*tables, "all"):
        if what not in presets() and not is_path(what):
            raise unknown("system or table", what, [*tables, "all", *presets()])
        entry = listing.system(what)
        return as_json(entry) if json else as_lines(entry)
    chosen = {name: tables[name]() for name in tables if what in (name, "all")}
    return as_json(chosen.get(what, chosen)) if json else "\n\n".join(map(as_table, chosen.values()))


def cite(system: str) -> str:
    """Print the BibTeX entries of the papers that a system implements.

    Args:
        system: A preset from `condgen list systems`.
    """
    from condgen import listing

    return listing.citation(system)


COMMANDS = {"list": Command(list_), "cite": Command(cite)}
