"""The model process: it loads a generator once and generates micro-batches until its input is closed.

    python -P -m condgen.serving.worker RUN DEVICE last|best OPTIONS

Its standard input and output carry the messages (ipc.py). If it crashes, the server restarts it.
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condgen import api
from condgen.errors import CondgenError
from condgen.noise import between, draw_at
from condgen.sampling.sampler import Sampler
from condgen.serving import ipc
from condgen.sharing.card import has_plane
from condgen.spec import Prior

KEPT, KEPT_NUMBERS = 4096, 2**22
"""Maximum number of sampled latent vectors to cache, and of their numbers (16 MiB), since the page requests the same
ones for one label after another."""


def main(run: str, device: str, which: str, options: str = "{}") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes; the server ends this one
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries goes to stderr instead of the pipe

    def send(head: ipc.Head, payload: bytes = b"") -> None:
        pipe.write(ipc.packed(head, payload))
        pipe.flush()

    try:
        artist = Artist(api.load(run, best=which == "best", device=device, **json.loads(options)))
    except CondgenError as error:
        send({"error": str(error)})
        return
    send(artist.hello())
    gc.freeze()  # all present objects stay; scanning them for garbage would take as long as a micro-batch
    while message := ipc.read(sys.stdin.buffer):
        head, payload = message
        send({}, artist.generate(head["z"], payload, head["options"]) if head else b"")


class Artist:
    """Generates images for the server's messages."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler, self.prior = sampler, sampler.prior
        kept = min(KEPT, KEPT_NUMBERS // self.prior.dim)
        self.known = lru_cache(kept)(lambda seed, index: draw_at(self.prior, seed, [index])[0])

    def hello(self) -> ipc.Head:
        """Facts about the generator for the server, including the measured seconds of a micro-batch."""
        began, labels = time.monotonic(), len(self.sampler.spec.labels)
        self.generate([{"seed": 0, "index": 0}], np.zeros((1, labels), np.float32).tobytes())
        return {
            "card": self.sampler.card.to_json(),
            "spec": self.sampler.spec.to_json(),
            "prior": {"dim": self.prior.dim, "kind": self.prior.kind},
            "micro_batch": self.sampler.micro_batch,
            "options": [option.to_json() for option in self.sampler.options],
            "takes_mixes": self.sampler.takes_mixes,
            "manifold": has_plane(self.sampler.card, self.prior),
            "seconds": time.monotonic() - began,
        }

    def generate(self, recipes: list[dict[str, Any]], y: bytes, options: Mapping[str, object] = {}) -> bytes:
        """Generate images under sampling options. Returns the bytes of uint8 (n, h, w, c).

        recipes: how to compute each z (schemas.Point). y: the bytes of the label vectors, float32 (n, K).
        """
        z = torch.stack([self.z(recipe) for recipe in recipes])
        rows = np.frombuffer(y, np.float32).reshape(len(recipes), -1).copy()
        return self.sampler.with_options(**options).decode(z, torch.from_numpy(rows)).tobytes()

    def z(self, recipe: dict[str, Any]) -> Tensor:
        """Compute z, float32 (dim,), as `recipe` (schemas.Point) says."""
        match recipe:
            case {"at": numbers}:
                return torch.tensor(numbers, dtype=torch.float32)
            case {"from": start, "to": end, "part": part}:
                return self._between(self.z(start), self.z(end), part)
            case {"near": near, "distance": distance, **other}:
                return self._between(self.z(near), self.z(other), distance)
            case _:
                generated: Tensor = self.known(recipe["seed"], recipe["index"])
                return generated

    def _between(self, start: Tensor, end: Tensor, part: float) -> Tensor:
        prior: Prior = self.prior
        return between(prior, start, end, torch.tensor([part]))[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
