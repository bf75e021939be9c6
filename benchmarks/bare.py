"""A training without a run: no folder, no log, no evaluations, for benchmarks that only need the generator; and a file
of results that is continued."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from condgen.data import Dataset
from condgen.disk import write_json
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.stream import Stream
from condgen.system import System
from condgen.training.ema import EMA
from condgen.training.kernels import environment


def averaged(
    system: System, dataset: Dataset, seed: int, half_life: int, goes_on: Callable[[int], bool]
) -> tuple[Sampler, int]:
    """The averaged generator, and the number of training images.

    half_life: of the average, in images. goes_on: whether another step follows, by the number of images so far.
    """
    stream, average = Stream(dataset.train, dataset.labels, system.cfg.batch, seed), EMA(system.generator, half_life)
    while goes_on(stream.images):
        before = stream.images
        reseed(seed, "step", before)
        system.step(stream, before)
        average.update(before, stream.images)
    return Sampler(average.net, dataset.spec, system.prior), stream.images


def continued(out: Path, trials: Iterable[dict[str, Any]], result: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write what `result` finds for each trial to `out`, after each. Trials that are in the file are not repeated."""
    found = json.loads(out.read_text()) if out.exists() else {"about": {}, "results": []}
    about = {"date": datetime.now(UTC).date().isoformat()} | environment("cpu")
    for trial in trials:
        if any(trial.items() <= known.items() for known in found["results"]):
            continue
        found["results"].append(trial | result(trial))
        print(found["results"][-1], flush=True)
        write_json(out, found | {"about": about})
