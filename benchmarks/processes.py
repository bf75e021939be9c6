"""What more processes buy: images per second, and what each step has to say to the others.

    torchrun --nproc-per-node 2 benchmarks/processes.py swift cgan-concat cvae cdcgan

One thread each. A line of JSON per system; docs/distributed.md has them as a table.
"""

import json
import sys
import time

import torch

from condgen import data, parallel
from condgen.noise import reseed
from condgen.stream import Stream
from condgen.systems import preset
from condgen.training.trainer import speed

SECONDS, REPEATS = 8.0, 30


def measured(name: str) -> dict[str, object]:
    """Speed of a system in as many processes as this is one of, and its messages."""
    digits, config = data.load("mnist"), preset(name).config
    reseed(0, "init", 0)
    system, stream = preset(name).build(digits.spec), Stream(digits.train, digits.labels, config.batch, 0)
    images = speed(system, stream, SECONDS)
    gradients = [[torch.zeros_like(p) for p in player.parameters] for player in system.players.values()]
    parallel.barrier()
    began = time.monotonic()
    for _ in range(REPEATS):
        for message in gradients:
            parallel.average(message)
    return {
        "system": name,
        "processes": parallel.world_size(),
        "batch": config.batch,
        "images/s": round(images),
        "MB per step": round(sum(p.numel() for message in gradients for p in message) * 4 / 1e6, 2),
        "ms of messages": round((time.monotonic() - began) / REPEATS * 1e3, 2),
    }


def main() -> None:
    torch.set_num_threads(1)
    with parallel.process_group(torch.device("cpu"), 64):
        for name in sys.argv[1:]:
            found = measured(name)
            if parallel.is_main_process():
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
