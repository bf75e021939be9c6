"""condgen trains image generators on labelled images, and generates images of requested labels.

    import condgen

    run = condgen.train("cvae", data="mnist", images=100_000, out="runs/eight")
    images = condgen.load(run.folder).sample("8", count=4, seed=0)   # uint8 (4, 28, 28)

Names are imported on first use, so that `import condgen` does not import torch.
"""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] in ("condgen", "-mcondgen") and not sys.flags.safe_path:
    # `python -m` puts the working folder first on the path. It may contain untrusted data with a file such as torch.py.
    # `condgen` and `python -P -m condgen` do not; here the folder is removed before anything else is imported.
    del sys.path[0]

from condgen.version import __version__

_HOMES = {
    "train": "condgen.api", "load": "condgen.api", "sample": "condgen.api",
    "evaluate": "condgen.measuring", "compare": "condgen.comparison", "inspect": "condgen.inspection",
    "augment": "condgen.augmentation", "report": "condgen.reports", "export": "condgen.exports",
    "audit": "condgen.auditing", "CondgenError": "condgen.errors",
}  # fmt: skip
"""The module that defines each public name."""

__all__ = [
    "CondgenError", "__version__", "audit", "augment", "compare", "evaluate", "export", "inspect", "load", "report",
    "sample", "train",
]  # fmt: skip

TYPE_CHECKING = False  # typing takes longer to import than all the rest, and Ctrl-C waits for it
if TYPE_CHECKING:
    from condgen.api import load, sample, train
    from condgen.auditing import audit
    from condgen.augmentation import augment
    from condgen.comparison import compare
    from condgen.errors import CondgenError
    from condgen.exports import export
    from condgen.inspection import inspect
    from condgen.measuring import evaluate
    from condgen.reports import report


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'condgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
