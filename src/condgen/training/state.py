"""The state of one training: what changes in a step, and how it is saved, restored and rolled back."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from condgen import parallel
from condgen.card import Card
from condgen.data import Dataset
from condgen.disk_errors import Gone
from condgen.errors import CondgenError
from condgen.noise import reseed_step
from condgen.sampling.sampler import MICRO_BATCH, Sampler
from condgen.seeds import seed_of
from condgen.stream import Stream
from condgen.system import System, restore_state, state_of
from condgen.training import checkpoint
from condgen.training.ema import EMA
from condgen.training.metric_log import Meter
from condgen.training.run import Run, card_of

MOST_ROLLBACKS = 3
"""Roll-backs after which a training is stopped."""
FAR, FEWEST_LINES, NEWEST_LINES = 10.0, 20, 100
"""A loss diverges if its absolute value exceeds FAR times the median of the largest losses of the last NEWEST_LINES
lines of the log (if there are at least FEWEST_LINES), and three times the maximum of all but their last quarter. Losses
may cross zero, and drift; one may be near zero while another is large, as the generator's is beside the critic's."""


class Diverged(Exception):
    """Training diverged or raised an alarm. `since`, `until`: numbers of training images between which it happened.
    `to`: folder of checkpoints to roll back to (default: `Run.rescue`)."""

    def __init__(self, cause: str, since: int, until: int, to: Path | None = None) -> None:
        super().__init__(cause)
        self.cause, self.since, self.until, self.to = cause, since, until, to


def sampler_for(system: System, net: nn.Module, device: torch.device) -> Sampler:
    """A sampler of a system in training. net: its generator, or a network with other weights of it."""
    return Sampler(net, system.generator_spec, system.prior, device=device, options=system.sampling_options)


class Training:
    """A system with its data stream, averaged generator and running means, and the run folder it is saved to."""

    def __init__(self, run: Run, system: System, stream: Stream, dataset: Dataset, half_life: int) -> None:
        """Starts at image 0. half_life: of the averaged generator, in images."""
        self.run, self.system, self.stream, self.dataset = run, system, stream, dataset
        self.ema = EMA(system.generator, half_life)
        self.sampler = sampler_for(system, self.ema.net, stream.device)
        self.meter = Meter()
        self.rollbacks = self.checked = self.saved = 0

    @property
    def images(self) -> int:
        """Number of training images so far."""
        return self.stream.images

    @property
    def seed(self) -> int:
        """Seed of noise and data order. It changes with each roll-back."""
        seed = self.run.identity.seed
        return seed_of(seed, "roll-back", self.rollbacks) if self.rollbacks else seed

    def step(self) -> None:
        """One training step, whose noise is a function of (seed, images). Raises Diverged if a gradient is not finite;
        weights are not updated in that case. On a GPU it is raised by the next `check`, to avoid a synchronisation."""
        before = self.images
        reseed_step(self.seed, before, self.stream.device)
        with self.system.autocast(self.stream.device):
            scalars = self.system.step(self.stream, before)
        scalars = {name: value.float() for name, value in scalars.items()}
        parallel.average([*scalars.values()])
        self.meter.add(scalars)
        if self.stream.device.type == "cpu":
            self.check()
        self.ema.update(before, self.images)

    def check(self) -> None:
        """Raise Diverged if any update was skipped since the last check because of a gradient that is not finite."""
        names = [name for name, player in self.system.players.items() if player.nonfinite]
        since, self.checked = self.checked, self.images
        for player in self.system.players.values():
            player.nonfinite = None
        if names:
            raise Diverged(f"a loss or gradient of player {' and '.join(names)} is not finite", since, self.images)

    def check_scalars(self, numbers: Mapping[str, Tensor | float]) -> None:
        """Raise Diverged if a value is not finite, or if a loss diverges from its values in the log."""
        bad = [f"{name} is {float(value)}" for name, value in numbers.items() if not math.isfinite(value)]
        if parallel.is_main_process() and (runaway := diverging_loss(numbers, self.run.newest_log(NEWEST_LINES))):
            bad.append(f"{runaway} has grown to {float(numbers[runaway]):.3g}")
        if any(parallel.any_rank(bool(bad))):
            raise Diverged(bad[0] if bad else "a loss has diverged", self.checked, self.images)

    def check_alarm(self, alarm: str | None) -> None:
        """Raise Diverged if the main process passes an alarm, there is a best state, and roll-backs are left."""
        alarmed = parallel.any_rank(bool(alarm))[0]
        if alarmed and self.rollbacks < MOST_ROLLBACKS and checkpoint.saved(self.run.rescue_best):
            raise Diverged(alarm or "an alarm", self.checked, self.images, self.run.rescue_best)

    def save(self) -> None:
        """Save the generator, then a checkpoint: it is last, so that everything before it is complete on resumption."""
        self.publish()
        self.run.note_files(self.images)
        checkpoint.save(self.run.checkpoints, self._checkpoint())
        self.saved = self.images

    def publish(self) -> None:
        """Write generator/: the averaged generator as it is now."""
        self.run.publish(self.ema.net, self._card())

    def save_rescue(self) -> None:
        """Save a state to roll back to. Unlike `save`, it is called at fixed numbers of images, not by the clock."""
        checkpoint.save(self.run.rescue, self._checkpoint())

    def save_best_state(self) -> None:
        """Save the state that an alarm rolls back to. Called before the evaluation is logged."""
        checkpoint.save(self.run.rescue_best, self._checkpoint())

    def roll_back(self, trouble: Diverged) -> str:
        """Roll back to the last rescue point, or to `trouble.to`, and continue with another data order and half the
        learning rate.

        Returns a message. Raises CondgenError after too many roll-backs, or if there is no state to roll back to.
        """
        parallel.barrier()  # the main process may still be writing what is read here
        number = self.rollbacks + 1
        saved, damaged = checkpoint.newest(trouble.to or self.run.rescue, until=self.images)
        rows = self.stream.rows(trouble.since, trouble.until - trouble.since).tolist()
        entry = {"number": number, "images": trouble.until, "cause": trouble.cause, "rows": rows}
        if parallel.is_main_process():
            self.run.note_rollback(entry | {"to": saved.images if saved else None})
        if saved is None or number > MOST_ROLLBACKS:
            raise CondgenError(
                f"{trouble.cause} at {trouble.until:,} images, after {self.rollbacks} roll-backs; the checkpoint at "
                f"{self.run.images:,} images is kept, and rollbacks.json lists the images of the step. A lower "
                "learning rate may help."
            )
        self._restore(saved)
        self._set_rollbacks(number)
        if parallel.is_main_process():
            checkpoint.save(self.run.checkpoints, self._checkpoint())
        self.saved = self.images
        parallel.barrier()
        said = (
            f"{trouble.cause} at {trouble.until:,} images: rolled back to {self.images:,} images, with another data "
            f"order and {self.lr_scale:.3g} times the learning rate (roll-back {number} of {MOST_ROLLBACKS})."
        )
        return " ".join([*damaged, said])

    @property
    def lr_scale(self) -> float:
        """Factor on the learning rate after the roll-backs so far."""
        return 0.5**self.rollbacks

    def _set_rollbacks(self, number: int) -> None:
        """Set data order and learning rate to those after `number` roll-backs."""
        self.rollbacks = number
        self.stream.go_to(self.images, self.seed)
        for player in self.system.players.values():
            player.scale_lr(self.lr_scale)

    def keep_best(self, scores: Mapping[str, float], net: nn.Module | None = None, images: int | None = None) -> None:
        """Save the current averaged generator, or `net` after `images` images, to best/, with its metrics."""
        card = self._card(images, scores=dict(scores))
        self.run.publish(self.ema.net if net is None else net, card, "best")

    def _card(self, images: int | None = None, **facts: Any) -> Card:
        system, seen = self.system, self.images if images is None else images
        spec, options = system.generator_spec, system.sampling_options
        return card_of(self.run.identity, spec, system.prior, MICRO_BATCH, seen, options, **facts)

    def restore(self) -> list[str]:
        """Resume from the newest intact checkpoint, if there is one. Returns a message for each damaged one.

        If all are damaged, resumes from the newest state that was saved to roll back to, which is complete too.
        """
        saved, sentences = checkpoint.newest(self.run.checkpoints)
        if sentences and saved is None:
            saved = self._rescued()
            where = f"the state at {saved.images:,} images in rescue/" if saved else "the beginning"
            sentences.append(f"no checkpoint is intact; resuming from {where}.")
        if saved:
            self._restore(saved)
            self.saved = self.images
        return sentences

    def _rescued(self) -> checkpoint.Checkpoint | None:
        """The newest intact rescue point; None if it precedes the last roll-back, which changed the data order."""
        found, _ = checkpoint.newest(self.run.rescue)
        return found if found and found.numbers.get("rollbacks") == len(self.run.rollbacks) else None

    def state_at(self, images: int) -> checkpoint.Checkpoint | None:
        """An intact state of this run after exactly `images` training images; None if there is none."""
        places = (self.run.checkpoints, self.run.rescue, self.run.rescue_best)
        paths = [path for place in places for path in checkpoint.saved(place) if int(path.name) == images]
        for path in paths:
            with suppress(checkpoint.Damaged):
                return checkpoint.read(path)
        return None

    def sampler_of(self, saved: checkpoint.Checkpoint) -> Sampler:
        """A sampler with the averaged generator of another state."""
        net = deepcopy(self.ema.net)
        net.load_state_dict(saved.part("average"))
        return sampler_for(self.system, net, self.stream.device)

    def lost(self, gone: Gone) -> Gone:
        """The error for a run folder that was deleted or moved, completed by what is lost."""
        kept = f"the newest checkpoint in the folder has {self.saved:,} images; after it is moved back"
        rest = f"{kept}, the same command resumes from it." if not gone.deleted else "the same command starts anew."
        return Gone(f"{gone} The training stopped at {self.images:,} images, and its state in memory is lost: {rest}")

    def _checkpoint(self) -> checkpoint.Checkpoint:
        numbers = {"metered": self.meter.count, "rollbacks": self.rollbacks}
        return checkpoint.Checkpoint(self.images, self._tensors(), numbers)

    def check_all(self) -> None:
        """Raise Diverged if any value of the state is not finite, so that no intact checkpoint is overwritten by it."""
        self.check()
        floats = [value for value in self._tensors().values() if value.is_floating_point() and value.numel()]
        finite = bool(torch.stack(torch._foreach_norm(floats, ord=1)).sum().isfinite())
        if any(parallel.any_rank(not finite)):
            raise Diverged("a weight or running mean is not finite", self.checked, self.images)

    def _tensors(self) -> dict[str, Tensor]:
        """All tensors that the next step depends on, by name."""
        parts = {"system": self.system.state_dict(), "average": self.ema.net.state_dict(), "meter": self.meter.sums}
        parts |= {f"optimizer/{name}": state_of(player.optimizer) for name, player in self.system.players.items()}
        return {f"{part}:{name}": value for part, values in parts.items() for name, value in values.items()}

    def _restore(self, saved: checkpoint.Checkpoint) -> None:
        """Restore a checkpoint, the inverse of `_checkpoint`."""
        parts: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
        for key, value in saved.tensors.items():
            part, name = key.split(":", 1)
            parts[part][name] = value.to(self.stream.device)
        self.system.load_state_dict(parts["system"])
        self.ema.net.load_state_dict(parts["average"])
        self.meter.sums, self.meter.count = parts["meter"], saved.numbers["metered"]
        for name, player in self.system.players.items():
            restore_state(player.optimizer, parts[f"optimizer/{name}"])
        self.stream.images = self.checked = saved.images
        self._set_rollbacks(saved.numbers.get("rollbacks", 0))


def diverging_loss(numbers: Mapping[str, Tensor | float], log: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of a loss that diverges from the last lines of the log, if there is one (see FAR)."""
    before = [max(losses.values()) for line in log[-NEWEST_LINES:] if (losses := _losses(line))]
    if len(before) < FEWEST_LINES:
        return None
    bound = max(FAR * median(before), 3 * max(before[: -len(before) // 4]))
    return next((name for name, value in _losses(numbers).items() if value > bound), None)


def _losses(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The absolute values of the losses."""
    return {name: abs(float(value)) for name, value in numbers.items() if name.startswith("loss/")}
