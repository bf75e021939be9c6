"""Write src/condgen/settings.json: the options of every built-in preset, for `condgen train --help`.

    python tools/write_settings.py

The options are the fields of each system's Config, whose module imports torch. This table lets the command line show
them, and notice a misspelt one, without that. A test compares it with the classes.
"""

from pathlib import Path

import condgen
from condgen.disk import write_json
from condgen.settings import as_json
from condgen.systems import SYSTEMS

if __name__ == "__main__":
    write_json(
        Path(condgen.__file__).parent / "settings.json",
        {name: as_json(preset.config) for name, preset in SYSTEMS.items()},
    )
