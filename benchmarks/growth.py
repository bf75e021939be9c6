"""How the cost of a training grows: batch, side of the images, classes, images, threads; and its peak memory.

    python benchmarks/growth.py --out benchmarks/results/growth.json

One thing is changed at a time; each line is a process of its own that trains `swift` on noise for some seconds, from an
array that is memory-mapped from a file. Speeds are given beside that of the unchanged case, which is timed again
before every group.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

USUAL = {"batch": 64, "side": 28, "classes": 10, "images": 60_000, "threads": 2}
GROUPS = {
    "batch": (16, 32, 128, 256),
    "side": (32, 64, 128),
    "classes": (100, 1000),
    "images": (1_000, 10_000, 1_000_000),
    "threads": (1,),
}


def measure(case: dict[str, int], seconds: float) -> dict[str, float]:
    """Images per second and peak memory, in this process."""
    import numpy as np
    import torch

    from condgen.data.dataset import Split
    from condgen.labels import Labels
    from condgen.spec import Spec
    from condgen.stream import Stream
    from condgen.systems import preset
    from condgen.training.trainer import speed

    torch.set_num_threads(case["threads"])
    shape = (case["images"], case["side"], case["side"], 1)
    labels = Labels(tuple(str(number) for number in range(case["classes"])))
    with tempfile.TemporaryDirectory() as folder:
        images = np.lib.format.open_memmap(Path(folder) / "images.npy", "w+", np.uint8, shape)
        random = np.random.default_rng(0)
        for start in range(0, len(images), 10_000):
            images[start : start + 10_000] = random.integers(
                0, 256, (min(10_000, len(images) - start), *shape[1:]), np.uint8
            )
        split = Split(images, random.integers(0, case["classes"], len(images)))
        config = preset("swift").config.with_overrides({"batch": case["batch"]})
        system = preset("swift").build(Spec((1, case["side"], case["side"]), labels), config)
        stream = Stream(split, labels, case["batch"], seed=0)
        found = speed(system, stream, seconds)
    return {"images_per_second": round(found), "peak_megabytes": peak_megabytes()}


def peak_megabytes() -> int:
    """Resident memory at its peak, the touched pages of the mapped file included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)


def apart(case: dict[str, int], seconds: float) -> dict[str, float]:
    words = [sys.executable, __file__, "--case", json.dumps(case), "--seconds", str(seconds)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--case", type=json.loads)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.seconds)))
        return

    from condgen.disk import write_json
    from condgen.training.kernels import environment

    results: list[dict[str, Any]] = []
    for name, values in GROUPS.items():
        usual = apart(USUAL, options.seconds)
        results.append({"changed": name, "value": USUAL[name], "times_usual": 1.0} | usual)
        for value in values:
            found = apart(USUAL | {name: value}, options.seconds)
            share = round(found["images_per_second"] / usual["images_per_second"], 3)
            results.append({"changed": name, "value": value, "times_usual": share} | found)
            print(results[-1], flush=True)
    about = {"date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), "usual": USUAL} | environment("cpu")
    if options.out:
        write_json(options.out, {"about": about, "results": results})


if __name__ == "__main__":
    main()
