"""A requested training: its system, settings, data and device are looked up and checked, then it runs."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import torch

from condgen import data as datasets
from condgen import heap, hooks, parallel, plugins
from condgen.config import Choice, Config
from condgen.data import Dataset
from condgen.data_options import name_of
from condgen.device import CPU, layout, pick
from condgen.errors import CondgenError, notice, shortened
from condgen.inspection import words
from condgen.judging.monitor import Monitor
from condgen.judging.reference import Reference
from condgen.labels import ANY
from condgen.noise import preserve_rng, reseed
from condgen.progress import Progress, quietly
from condgen.sampling.sampler import MICRO_BATCH
from condgen.sharing import card
from condgen.stream import Stream
from condgen.system import System
from condgen.systems import Preset, preset, presets
from condgen.training import enough, evaluated, interrupt, rehearsal, threads, trainer
from condgen.training.advice import advice
from condgen.training.begun import begun_in, chosen, resuming_former
from condgen.training.finetune import Parent
from condgen.training.mending import mend
from condgen.training.request import TrainingRequest
from condgen.training.run import Run, RunConfig, card_of, conditions, config_in, default_folder
from condgen.training.state import Training

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

    def run(self) -> Run:
        """Train for the requested length, or resume the run in the folder. A run that is complete is repaired.

        A signal stops the training after the current step; `Run.exit_code` then says which one it was.
        """
        quiet = self.request.quiet
        group = parallel.process_group(self.device, self.config.batch)
        with group, heap.retained(), quietly(quiet), threads.restored():
            progress = Progress(quiet or not parallel.is_main_process())
            reference = cache(lambda: self.reference(progress.say) if parallel.is_main_process() else None)
            folder = self._folder()
            _say_all(progress.say, self.introduction())
            self._set_threads(folder)
            job = self._with_length(config_in(folder), reference)
            with job._opened(folder) as run, interrupt.handle_signals() as stop, preserve_rng(job.device):
                training = job._restored(run, progress.say)
                stopped = job._trained(training, progress, stop, reference)
        if stopped:
            progress.say(f"stopped at {training.images:,} images; the same command resumes from there.")
            run.exit_code = stop.exit_code
        else:
            progress.say(run.next_steps(training.system.generator_spec.labels))
        return run

    def _folder(self) -> Path:
        return Path(self.request.out).expanduser() if self.request.out else default_folder(self.identity)

    def _with_length(self, begun: RunConfig | None, reference: Callable[[], Reference | None]) -> "TrainingJob":
        """The job with its training length in images. begun: the run to resume.

        Raises CondgenError if the run to resume has other networks although --allow-changed permits other settings.
        """
        images = self.request.length.in_images(
            begun=begun.config["images"] if begun else None,
            default=self.config.usual_length(self.dataset.spec),
            per_epoch=len(self.dataset.train),
            fitting=lambda seconds: self.images_in(seconds, reference()),
        )
        job = self.lasting(parallel.broadcast(images))
        if self.request.allow_changed:
            job.check_fits(begun)
        return job

    def _set_threads(self, folder: Path) -> None:
        """Use as many threads as the run to resume; without one, and with a length in minutes, the fastest number."""
        if self.device.type != "cpu" or threads.chosen_by_user() or parallel.world_size() > 1:
            return
        found = threads.recorded(folder)
        if found is None and self.request.length.minutes is not None:
            found = threads.fastest(self._speed_with, torch.get_num_threads())
        if found is not None:
            torch.set_num_threads(found)

    def _speed_with(self, count: int) -> float:
        """Training speed with `count` threads, in images per second."""
        torch.set_num_threads(count)
        return rehearsal.speed(self.system(), self.stream(), seconds=self._rehearsal / 2)

    @property
    def _rehearsal(self) -> float:
        """Seconds spent on measuring the speed of a training in minutes."""
        return min(3.0, (self.request.length.minutes or 0) * 60 / 40)

    def _opened(self, folder: Path) -> AbstractContextManager[Run]:
        """The run in `folder`. Only the main process creates and locks it."""
        if parallel.is_main_process():
            return Run.open(folder, self.identity, self.request.allow_changed)
        return nullcontext(Run(folder, self.identity))

    def _restored(self, run: Run, say: Say) -> Training:
        """The training at the newest checkpoint of the run; at image 0 if there is none."""
        parallel.barrier()  # the main process may have to create the run first
        training = Training(run, self.system(), self.stream(), self.dataset, self.config.ema_half_life)
        _say_all(say, training.restore())
        return training

    def _trained(
        self,
        training: Training,
        progress: Progress,
        stop: interrupt.Interrupt,
        reference: Callable[[], Reference | None],
    ) -> bool:
        """Train to the end; if that is reached already, repair the files. Returns whether a signal stopped it."""
        if training.images >= self.config.images:
            _say_all(progress.say, mend(training) if parallel.is_main_process() else [])
            return False
        monitor = self.monitor(reference())
        _say_all(progress.say, self._session(training))
        followers = hooks.Hooks(self.hooks if parallel.is_main_process() else (), progress.say)
        config = asdict(self.identity) | {"data": name_of(self.data)}  # trackers need not know where the data are
        session = hooks.Session(training.run.folder, config, training.images)
        with followers.during(session, lambda: training.images >= self.config.images):
            plan = self._plan(monitor, training.system.passes)
            return trainer.train(training, plan, progress, stop, monitor, followers)

    def _session(self, training: Training) -> list[str]:
        """Record that a session of this run begins. Returns messages about data, system and the session."""
        processes = parallel.world_size()
        here = conditions(str(self.device), self.config.batch // processes, processes)
        allowed = self.request.allow_changed
        begun = training.run.begin_session(training.images, here, allowed) if parallel.is_main_process() else []
        names = training.system.generator_spec.labels.text.doubts_about_names()
        doubts = [
            *enough.doubts(self.name, self.dataset.spec, self.config.images),
            *evaluated.doubts(self.request, self.config, self.dataset),
        ]
        return [*names, *advice(training.system, self.preset), *doubts, *begun]

    def _plan(self, monitor: Monitor | None, passes: int) -> trainer.Plan:
        """The intervals of this training. monitor: of the main process; without it, nothing is evaluated. passes:
        `System.passes`."""
        evaluates = parallel.broadcast(int(monitor is not None))
        schedule = self.request.schedule if evaluates else replace(self.request.schedule, evaluate_every=0)
        return trainer.Plan.of(self.config.images, schedule, passes)

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
        return [*self.understood(), *self.notes, *(choice.why for choice in self.choices if choice.why)]

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

    def images_in(self, seconds: float, reference: Reference | None) -> int:
        """Estimated number of training images until `seconds` after the request.

        At least half of `seconds` counts as training time, even if the preparation took longer.
        """
        pace = rehearsal.measure_pace(self.system(), self.stream(), self.monitor(reference), self._rehearsal)
        left = max(seconds / 2, seconds - (time.monotonic() - self.request.began))
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


def _say_all(say: Say, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        say(sentence)
