"""What a training is asked to do, as one value. Needs no torch."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.systems import DEFAULT
from condgen.training.length import Length

BestBy = Literal["fd", "label_accuracy"]
"""A metric that selects the generator in best/."""


@dataclass(frozen=True)
class Schedule:
    """What is done while a training runs, and how often.

    Intervals are numbers of images. None: derived from the training length. 0: never.
    """

    log_every: int | None = None
    grid_every: int | None = None
    evaluate_every: int | None = None
    best_by: BestBy = "fd"
    roll_back: bool = False
    """Whether an alarm rolls back to the best evaluation."""
    save_seconds: float = 30.0
    """Time between two checkpoints. It is in seconds because checkpoints do not affect the result."""


@dataclass(frozen=True)
class TrainingRequest:
    """The arguments of `condgen.train`, which describes them. Nothing is looked up yet."""

    system: str = DEFAULT
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the system's `Config`."""
    data: DataSource = "mnist"
    data_options: DataOptions = AS_THEY_ARE
    finetune: str | Path | None = None
    out: str | Path | None = None
    length: Length = field(default_factory=Length)
    seed: int = 0
    device: str = "auto"
    schedule: Schedule = Schedule()
    hooks: str | Sequence[object] = ()
    """Names of hooks, or objects (`condgen.hooks`)."""
    allow_changed: bool = False
    quiet: bool = False
    began: float = field(default_factory=time.monotonic)
    """The value of time.monotonic() from which a length in minutes counts."""
