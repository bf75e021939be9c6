"""A command: a function of the library, and the text for the value that it returns."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from condgen import exits
from condgen.cli.signatures import has_options, of_option, option_of, signed
from condgen.options import Option
from condgen.tables import as_json

FAIL_UNDER = "Exit with code 3 if the overall score is below this number, 0 to 100."


@dataclass(frozen=True)
class Command:
    """One command. Its options and its help are the parameters and the docstring of the function."""

    function: Callable[..., Any]
    usage: str = ""
    """What follows the name in the usage line; '' to have it made from the signature."""
    words: Callable[[Any], str] = str
    """The text for the value that the function returns."""
    json: bool = False
    """Whether an option --json prints the data of the value instead."""
    formats: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """Other texts for the value, by the value of an option --format."""
    points: Callable[[Any], float] | None = None
    """The score of the value, if an option --fail-under compares it with a number."""
    help: Mapping[str, str] = field(default_factory=dict)
    """Help texts that replace those of the docstring, by parameter."""

    def callable(self, options: Sequence[Option]) -> Callable[..., str | None]:
        """The function that cyclopts calls, with these sampling options in the place of `**options`."""
        names = {option.name for option in options}
        flag = "json" if self.json else ""

        def printed(*args: Any, **given: Any) -> str | None:
            as_data, texts = given.pop(flag, False), given.pop("format", None) if self.formats else None
            limit = given.pop("fail_under", None) if self.points else None
            chosen = {name: value for name, value in given.items() if not (name in names and value is None)}
            found = self.function(*args, **chosen)
            if found is None:
                return None
            if texts:
                return self.formats[texts](found)
            said = as_json(found.to_json()) if as_data else self.words(found)
            if limit is not None and self.points and self.points(found) < limit:
                sys.stdout.write(f"{said}\n")
                raise SystemExit(exits.BELOW)
            return said

        taken = [of_option(option) for option in options] if has_options(self.function) else []
        own = [option_of("json", bool, "Print JSON, for programs.", False)] if self.json else []
        if self.points:
            own.append(option_of("fail_under", float | None, FAIL_UNDER))
        if self.formats:
            kind: Any = Literal[tuple(self.formats)]
            own.append(option_of("format", kind | None, "Print the table in this format."))
        return signed(printed, self.function, [*taken, *own], self.help)
