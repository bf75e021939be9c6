"""Which row follows its labels best after a minute? Decides what `condgen train` trains by default.

    python benchmarks/label_accuracy.py --minutes 1 --seeds 3 --out benchmarks/results/label_accuracy.json

Every row is trained on MNIST for the same wall time by `condgen.train`, then draws 500 pictures of each digit; a judge
that never saw them says what they show. Seconds depend on the machine, so the rows of one file belong together; with
--rows the others in the file stay as they are.
"""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import judge
import numpy as np
import torch

import condgen
from condgen import data
from condgen.disk import write_json
from condgen.logbook import read
from condgen.run import environment
from condgen.systems import SYSTEMS

PER_LABEL = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", default=[name for name in SYSTEMS if SYSTEMS[name].hollow().takes_label])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    digits = data.load("mnist")
    net = judge.train(digits)
    asked = torch.arange(10).repeat_interleave(PER_LABEL)
    before = json.loads(options.out.read_text())["results"] if options.out.exists() else []
    results = [result for result in before if result["row"] not in options.rows]
    for name in options.rows:
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = condgen.train(name, minutes=options.minutes, seed=seed, out=folder, quiet=True)
                drawn = condgen.load(folder).sample("all", count=PER_LABEL, seed=seed)
                images, seconds = run.images, read(Path(folder) / "clock.jsonl")[-1]["seconds"]
            x = torch.from_numpy(drawn[:, None].astype(np.float32)) / 127.5 - 1
            results.append(
                {"row": name, "seed": seed, "images": images, "seconds": seconds}
                | {"label_accuracy": round(judge.accuracy(net, x, asked), 4)}
            )
            print(results[-1], flush=True)
    about = {"minutes": options.minutes, "pictures": len(asked), "date": datetime.now(UTC).date().isoformat()}
    write_json(options.out, {"about": about | environment("cpu"), "results": results})


if __name__ == "__main__":
    main()
