"""A requested training: system, settings, data and device."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from condgen import data as datasets
from condgen import plugins
from condgen.config import Config
from condgen.data import DataOptions, Dataset, DataSource
from condgen.device import pick
from condgen.errors import CondgenError, shortened
from condgen.inspection import words
from condgen.judging import judge
from condgen.judging.monitor import Monitor
from condgen.judging.reference import Reference, with_test
from condgen.labels import ANY
from condgen.noise import reseed
from condgen.sampling.sampler import MICRO_BATCH
from condgen.sharing import card
from condgen.stream import Stream
from condgen.system import System
from condgen.systems import Preset, preset, presets
from condgen.training import trainer
from condgen.training.finetune import Parent
from condgen.training.run import RunConfig, card_of


@dataclass(frozen=True)
class TrainingJob:
    """A requested training. All its inputs are looked up and checked before anything is written."""

    name: str
    preset: Preset
    config: Config
    data: str
    dataset: Dataset
    options: DataOptions
    seed: int
    device: torch.device
    parent: Parent | None = None
    """The run whose weights the training starts from; None for a random initialisation."""

    @classmethod
    def prepare(
        cls,
        name: str,
        settings: Mapping[str, Any],
        data: DataSource,
        options: DataOptions,
        seed: int,
        device: str,
        parent: Parent | None = None,
    ) -> "TrainingJob":
        name = parent.identity.system if parent else name
        found, where = preset(name, chosen=parent is None), pick(device)
        config = found.config.with_overrides({**parent.identity.config, **settings} if parent else settings)
        dataset = datasets.load(data, options)
        if parent:
            parent.check(dataset.spec)
        if plugins.is_path(name):
            plugins.remember(name)
        system = found.build_on_meta(dataset.spec, config)  # raises if the system does not support the images
        check_labels(name, system, dataset)
        job = cls(name, found, config, datasets.where(data, dataset), dataset, options, seed, where, parent)
        job.check_card(system)
        return job

    def lasting(self, images: int) -> "TrainingJob":
        """The same job with a training length of `images`."""
        return replace(self, config=self.config.with_overrides({"images": images}))

    @property
    def identity(self) -> RunConfig:
        spec = self.dataset.spec.to_json()
        config, fingerprint = self.config.model_dump(), self.dataset.fingerprint
        start = self.parent.name if self.parent else None
        empty, options = list(self.dataset.empty), self.options.chosen
        return RunConfig(self.name, config, self.data, fingerprint, spec, self.seed, options, start, empty)

    @property
    def notes(self) -> list[str]:
        """What a user should know about the data before training, one sentence each."""
        if not (empty := self.dataset.empty):
            return self.dataset.notes
        names = [shortened(self.dataset.labels.names[number]) for number in empty[:5]]
        some = ", ".join(names) + (", ..." if len(empty) > 5 else "")
        return [
            *self.dataset.notes,
            f"{len(empty):,} labels of {self.dataset.name!r} have no training images and cannot be generated: {some}.",
        ]

    def check_card(self, system: System) -> None:
        """Raise CondgenError if the trained generator could not be loaded, because its card exceeds a limit.

        system: the system built from these settings.
        """
        about = card_of(self.identity, system.generator_spec, asdict(system.prior), MICRO_BATCH, self.config.images)
        about["data"] |= {"options": self.options.chosen}  # as an export does
        card.check(about)

    def check_fits(self, begun: RunConfig | None) -> None:
        """Raise CondgenError if the networks of the run to resume have other tensor shapes."""
        if begun is None or not begun.may_become(self.identity):
            return  # Run.open reports the difference
        theirs, ours = (
            [tuple(value.shape) for value in self.preset.build_on_meta(self.dataset.spec, config).state_dict().values()]
            for config in (self.config.with_overrides(begun.config), self.config)
        )
        if theirs != ours:
            raise CondgenError(
                f"the networks of the run differ from those of these settings ({begun.difference(self.identity)}); "
                "give another --out."
            )

    def understood(self) -> list[str]:
        """How the user's own data were understood, in sentences; empty for data sets that are known by name."""
        return [] if self.data in datasets.SOURCES else words.before_training(self.dataset)

    def system(self) -> System:
        """A newly initialised system. Its weights depend only on the seed and, for fine-tuning, on the parent run."""
        reseed(self.seed, "init", 0)
        system = self.preset.build(self.dataset.spec, self.config)
        if self.parent:
            self.parent.transfer_to(system, self.preset)
        return system.to(self.device)

    def stream(self) -> Stream:
        """The data stream of this training, from its first batch."""
        data, config = self.dataset, self.config
        return Stream(data.train, data.labels, config.batch, self.seed, self.device, balance=config.balanced_sampling)

    def reference(self, every: int | None, say: Callable[[str], None]) -> Reference | None:
        """The reference data for evaluations during training; None if there are none.

        every: requested interval in images. By default, only data sets whose judge (the feature classifier) is part of
        the package are evaluated.
        """
        if every == 0 or (every is None and not judge.is_pinned(self.dataset)):
            return None
        dataset, _ = with_test(self.dataset)
        return Reference(dataset, judge.of(dataset, say))

    def monitor(self, reference: Reference | None) -> Monitor | None:
        """The monitor that evaluates this training; None without a reference."""
        return Monitor(reference, self.seed, self.config.images) if reference else None

    def images_in(self, seconds: float, since: float, reference: Reference | None) -> int:
        """Estimated number of training images until `seconds` after `since`, a value of time.monotonic().

        At least half of `seconds` counts as training time, even if the preparation took longer.
        """
        pace = trainer.measure_pace(
            self.system(), self.stream(), self.monitor(reference), seconds=min(3.0, seconds / 40)
        )
        left = max(seconds / 2, seconds - (time.monotonic() - since))
        return self.config.batch * max(1, round(pace.images_in(left) / self.config.batch))


def check_labels(name: str, system: System, dataset: Dataset) -> None:
    """Raise CondgenError if a conditional system is to be trained on images without labels."""
    if not system.takes_label or dataset.labels != ANY:
        return
    free = ", ".join(other for other, entry in presets().items() if not entry.conditional)
    raise CondgenError(
        f"{dataset.name!r} has no labels, which {name} is conditioned on. Train an unconditional preset ({free}), or "
        "give labels: a folder per class, --label-pattern, or a table with --label-column."
    )
