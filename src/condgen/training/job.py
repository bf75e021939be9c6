"""A requested training, whose system, settings, data and device are looked up and checked before it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from condgen import data as datasets
from condgen import hooks, parallel, plugins
from condgen.config import Choice, Config
from condgen.data import Dataset
from condgen.device import CPU, layout, pick
from condgen.errors import CondgenError, notice, shortened
from condgen.inspection import words
from condgen.judging.monitor import Monitor
from condgen.judging.reference import Reference
from condgen.labels import ANY
from condgen.noise import reseed
from condgen.sampling.sampler import MICRO_BATCH
from condgen.schema import option
from condgen.sharing import card
from condgen.stream import Stream
from condgen.system import System
from condgen.systems import Preset, preset, presets
from condgen.training import evaluated
from condgen.training.begun import begun_in, chosen, resuming_former
from condgen.training.finetune import Parent
from condgen.training.request import TrainingRequest
from condgen.training.run import RunConfig, card_of

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainingJob:
    """A requested training. All its inputs are looked up and checked before anything is written."""

    request: TrainingRequest
    name: str
    """The preset; for fine-tuning, that of the parent run."""
    preset: Preset
    config: Config
    data: str
    """Where the data are (`data.where`)."""
    dataset: Dataset
    device: torch.device
    parent: Parent | None = None
    """The run whose weights the training starts from; None for a random initialisation."""
    choices: list[Choice] = field(default_factory=list)
    """Settings that were chosen for the data."""
    hooks: Sequence[object] = ()

    @classmethod
    def prepare(cls, request: TrainingRequest) -> "TrainingJob":
        """Raises CondgenError for anything in the request that cannot be trained, or loaded again afterwards."""
        parent = Parent.of(request.finetune, request.system) if request.finetune else None
        name, inherited = (parent.identity.system, parent.identity.config) if parent else (request.system, {})
        found, device = preset(name, chosen=parent is None), pick(request.device)
        config = found.config.with_overrides({**inherited, **request.settings})
        request = resuming_former(request, name)
        dataset = datasets.load(request.data, request.data_options)
        choices = chosen(config, dataset, begun_in(request, name))
        config = config.with_overrides({choice.setting: choice.value for choice in choices})
        if parent:
            parent.check(dataset.spec)
        if plugins.is_path(name):
            plugins.remember(name)
        system = found.build_on_meta(dataset.spec, config)  # raises if the system does not support the images
        check_labels(name, system, dataset)
        where = datasets.where(request.data, dataset)
        followers = hooks.chosen(request.hooks)
        job = cls(request, name, found, config, where, dataset, device, parent, choices, followers)
        job.check_card(system)
        return job.on_sound_device()

    def on_sound_device(self) -> "TrainingJob":
        """The job on the CPU, with a line that says why, if its device computes another training step than the CPU.

        Processes of a distributed training are not checked, since all need the same kind of device.
        """
        if self.device.type == "cpu" or parallel.launched():
            return self
        from condgen.training import device_check

        on = partial(replace, self)
        wrong = device_check.difference(
            lambda place: (on(device=place).system(), on(device=place).stream()), self.device
        )
        if wrong is None:
            return self
        notice(f"{self.device} is not used, since {wrong}; training on the CPU.")
        return on(device=CPU)

    @property
    def identity(self) -> RunConfig:
        config, spec = self.config.model_dump(), self.dataset.spec.to_json()
        fingerprint, empty = self.dataset.fingerprint, list(self.dataset.empty)
        seed, options = self.request.seed, self.request.data_options.chosen
        start = self.parent.name if self.parent else None
        return RunConfig(self.name, config, self.data, fingerprint, spec, seed, options, start, empty)

    def lasting(self, images: int) -> "TrainingJob":
        """The same job with a training length of `images`."""
        return replace(self, config=self.config.with_overrides({"images": images}))

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
        spec, images = system.generator_spec, self.config.images
        draft = card_of(self.identity, spec, system.prior, MICRO_BATCH, images)
        card.check_size(draft.with_data_options(self.request.data_options.chosen))  # as an export has them

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

    def introduction(self) -> list[str]:
        """What is said first: how the data were understood, what to know about them, and what was chosen for them."""
        chosen = [choice.why for choice in self.choices if choice.why]
        return [*self.understood(), *self.notes, *chosen, *self.ineffective()]

    def ineffective(self) -> list[str]:
        """A sentence for each setting that was requested and has no effect."""
        return [
            f"{option(name)} has no effect, since {why}."
            for name, why in self.config.ineffective(self.dataset.spec).items()
            if name in self.request.settings
        ]

    def understood(self) -> list[str]:
        """How the user's own data were understood, in sentences; empty for data sets that are known by name."""
        return [] if self.data in datasets.SOURCES else words.before_training(self.dataset)

    def system(self) -> System:
        """A newly initialised system. Its weights depend only on the seed and, for fine-tuning, on the parent run."""
        reseed(self.request.seed, "init", 0)
        system = self.preset.build(self.dataset.spec, self.config)
        if self.parent:
            self.parent.transfer_to(system, self.preset)
        return system.to(self.device, memory_format=layout(self.device))  # type: ignore[call-overload,no-any-return]

    def stream(self) -> Stream:
        """The data stream of this training, from its first batch."""
        data, config = self.dataset, self.config
        seed, balance = self.request.seed, config.balanced_sampling
        return Stream(data.train, data.labels, config.batch, seed, self.device, balance=balance)

    def reference(self, say: Say) -> Reference | None:
        """The reference data for evaluations during training; None if it is not evaluated."""
        if not evaluated.is_evaluated(self.request, self.config, self.dataset):
            return None
        return evaluated.reference(self.dataset, say)

    def monitor(self, reference: Reference | None) -> Monitor | None:
        """The monitor that evaluates this training; None without a reference."""
        return Monitor(reference, self.request.seed, self.config.images) if reference else None


def check_labels(name: str, system: System, dataset: Dataset) -> None:
    """Raise CondgenError if a conditional system is to be trained on images without labels."""
    if not system.takes_label or dataset.labels != ANY:
        return
    free = ", ".join(other for other, entry in presets().items() if not entry.conditional)
    raise CondgenError(
        f"{dataset.name!r} has no labels, which {name} is conditioned on. Train an unconditional preset ({free}), or "
        "give labels: a folder per class, --label-pattern, or a table with --label-column."
    )
