"""All the moving parts of one training, and how they are put away and taken up again."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor

from condgen import checkpoint
from condgen.data import Dataset
from condgen.ema import EMA
from condgen.errors import CondgenError
from condgen.logbook import Meter
from condgen.noise import reseed
from condgen.run import Run, card_of
from condgen.sampler import MICRO_BATCH, Sampler
from condgen.stream import Stream
from condgen.system import System, restore_state, state_of


class Training:
    """One system, its data, its averaged generator and its running means, in one run folder."""

    def __init__(self, run: Run, system: System, stream: Stream, dataset: Dataset, half_life: int) -> None:
        """At image 0. half_life: of the averaged generator, in images."""
        self.run, self.system, self.stream, self.dataset = run, system, stream, dataset
        self.ema = EMA(system.generator, half_life)
        self.sampler = Sampler(self.ema.net, system.draws, system.prior, device=stream.device)
        self.meter = Meter()

    @property
    def images(self) -> int:
        """Seen so far."""
        return self.stream.images

    def step(self) -> None:
        """One round of the game; its noise is a function of (seed, images)."""
        before = self.images
        reseed(self.run.identity.seed, "step", before, self.stream.device)
        with self.system.arithmetic(self.stream.device):
            self.meter.add(self.system.step(self.stream, before))
        self.ema.update(before, self.images)

    def save(self) -> None:
        """A checkpoint, and the generator as it is now."""
        self.check_finite(self.meter.sums)  # nothing good is overwritten by a training that has blown up
        numbers = {"metered": self.meter.count}
        checkpoint.save(self.run.checkpoints, checkpoint.Checkpoint(self.images, self._tensors(), numbers))
        self.run.publish(self.ema.net, self._card())

    def keep_best(self, scores: Mapping[str, float]) -> None:
        """Put the averaged generator of this moment into best/, with what was measured of it."""
        self.run.publish(self.ema.net, self._card() | {"scores": dict(scores)}, "best")

    def _card(self) -> dict[str, Any]:
        prior = asdict(self.system.prior)
        return card_of(self.run.identity, self.system.draws, prior, MICRO_BATCH, self.images)

    def restore(self) -> list[str]:
        """Go on from the newest sound checkpoint, if there is one; a sentence for each that was damaged."""
        saved, sentences = checkpoint.newest(self.run.checkpoints)
        if saved:
            self._take(saved)
        return sentences

    def check_finite(self, numbers: Mapping[str, Tensor | float]) -> None:
        """Raise CondgenError if a logged number is no longer finite."""
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise CondgenError(
                    f"{name} is {float(value)} at {self.images:,} images; the checkpoint at {self.run.images:,} images "
                    "is kept. A smaller learning rate may help."
                )

    def _tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step depends on."""
        parts = {"system": self.system.state_dict(), "average": self.ema.net.state_dict(), "meter": self.meter.sums}
        parts |= {f"optimizer/{name}": state_of(player.optimizer) for name, player in self.system.players.items()}
        return {f"{part}:{name}": value for part, values in parts.items() for name, value in values.items()}

    def _take(self, saved: checkpoint.Checkpoint) -> None:
        """The inverse of `_tensors`."""
        parts: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
        for key, value in saved.tensors.items():
            part, name = key.split(":", 1)
            parts[part][name] = value.to(self.stream.device)
        self.system.load_state_dict(parts["system"])
        self.ema.net.load_state_dict(parts["average"])
        self.meter.sums, self.meter.count = parts["meter"], saved.numbers["metered"]
        for name, player in self.system.players.items():
            restore_state(player.optimizer, parts[f"optimizer/{name}"])
        self.stream.images = saved.images
