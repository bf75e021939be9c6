"""A session of a training: a run is begun or resumed, and trained until it is complete or a signal arrives."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch

from condgen import heap, hooks, parallel
from condgen.data_options import name_of
from condgen.judging.monitor import Monitor
from condgen.judging.reference import Reference
from condgen.noise import preserve_rng
from condgen.progress import Progress, quietly
from condgen.training import enough, evaluated, interrupt, rehearsal, threads, trainer
from condgen.training.advice import advice
from condgen.training.identity import config_in, default_folder
from condgen.training.job import TrainingJob
from condgen.training.mending import mend
from condgen.training.run import Run, conditions
from condgen.training.state import Training


def train(job: TrainingJob) -> Run:
    """Train for the requested length, or resume the run in the folder. A run that is complete is repaired.

    A signal stops the training after the current step; `Run.exit_code` then says which one it was.
    """
    quiet = job.request.quiet
    with (
        parallel.process_group(job.device, job.config.batch),
        heap.retained(),
        quietly(quiet),
        threads.restored(),
        preserve_rng(job.device),
    ):
        session = Session(job, Progress(quiet or not parallel.is_main_process()))
        session.say(*job.introduction())
        session.set_threads()
        session.set_length()
        return session.train()


@dataclass
class Session:
    """A job in its folder, with what this process says about it."""

    job: TrainingJob
    progress: Progress

    @cached_property
    def folder(self) -> Path:
        """The folder of the run; without --out, the first that is free or contains the same training."""
        out = self.job.request.out
        return Path(out).expanduser() if out else default_folder(self.job.identity)

    @cached_property
    def reference(self) -> Reference | None:
        """The reference data for evaluations during training; None if it is not evaluated, or by another process."""
        return self.job.reference(self.progress.say) if parallel.is_main_process() else None

    def say(self, *sentences: str) -> None:
        for sentence in sentences:
            self.progress.say(sentence)

    def set_threads(self) -> None:
        """Use as many threads as the run to resume; without one, and with a length in minutes, the fastest number."""
        minutes = self.job.request.length.minutes
        if self.job.device.type != "cpu" or threads.chosen_by_user() or parallel.world_size() > 1:
            return
        found = threads.recorded(self.folder)
        if found is None and minutes is not None:
            found = threads.fastest(partial(speed_with, self.job, minutes * 60), torch.get_num_threads())
        if found is not None:
            torch.set_num_threads(found)

    def set_length(self) -> None:
        """Convert the requested length to images.

        Raises CondgenError if the run to resume has other networks although --allow-changed permits other settings.
        """
        job, begun = self.job, config_in(self.folder)
        images = job.request.length.in_images(
            begun=begun.config["images"] if begun else None,
            default=job.config.usual_length(job.dataset.spec),
            per_epoch=len(job.dataset.train),
            fitting=lambda seconds: images_in(job, seconds, self.reference),
        )
        self.job = job.lasting(parallel.broadcast(images))
        if job.request.allow_changed:
            self.job.check_fits(begun)

    def train(self) -> Run:
        """Train until the run is complete or a signal arrives, and say how to go on."""
        with self._opened() as run, interrupt.handle_signals() as stop:
            training = self._restored(run)
            stopped = self._trained(training, stop)
        if stopped:
            self.say(f"stopped at {training.images:,} images; the same command resumes from there.")
            run.exit_code = stop.exit_code
        else:
            self.say(run.next_steps(training.system.generator_spec.labels))
        return run

    def _opened(self) -> AbstractContextManager[Run]:
        """The run in the folder. Only the main process creates and locks it."""
        if parallel.is_main_process():
            return Run.open(self.folder, self.job.identity, self.job.request.allow_changed)
        return nullcontext(Run(self.folder, self.job.identity))

    def _restored(self, run: Run) -> Training:
        """The training at the newest checkpoint of the run; at image 0 if there is none."""
        parallel.barrier()  # the main process may have to create the run first
        job = self.job
        training = Training(run, job.system(), job.stream(), job.dataset, job.config.ema_half_life)
        self.say(*training.restore())
        return training

    def _trained(self, training: Training, stop: interrupt.Interrupt) -> bool:
        """Train to the end; if that is reached already, repair the files. Returns whether a signal stopped it."""
        job = self.job
        if training.images >= job.config.images:
            self.say(*(mend(training) if parallel.is_main_process() else []))
            return False
        monitor = job.monitor(self.reference)
        self.say(*self._begun(training))
        followers = hooks.Hooks(job.hooks if parallel.is_main_process() else (), self.progress.say)
        config = asdict(job.identity) | {"data": name_of(job.data)}  # trackers need not know where the data are
        followed = hooks.Session(training.run.folder, config, training.images)
        with followers.during(followed, lambda: training.images >= job.config.images):
            plan = self._plan(monitor, training.system.passes)
            return trainer.train(training, plan, self.progress, stop, monitor, followers)

    def _begun(self, training: Training) -> list[str]:
        """Record that this session begins. Returns messages about the data, the system and the session."""
        job, processes = self.job, parallel.world_size()
        here, allowed = conditions(str(job.device), job.config.batch // processes, processes), job.request.allow_changed
        begun = training.run.begin_session(training.images, here, allowed) if parallel.is_main_process() else []
        return [
            *training.system.generator_spec.labels.text.doubts_about_names(),
            *advice(training.system, job.preset),
            *enough.doubts(job.name, job.dataset.spec, job.config.images),
            *evaluated.doubts(job.request, job.config, job.dataset),
            *begun,
        ]

    def _plan(self, monitor: Monitor | None, passes: int) -> trainer.Plan:
        """The intervals of this training. monitor: of the main process; without it, nothing is evaluated. passes:
        `System.passes`."""
        evaluates, schedule = parallel.broadcast(int(monitor is not None)), self.job.request.schedule
        return trainer.Plan.of(
            self.job.config.images, schedule if evaluates else replace(schedule, evaluate_every=0), passes
        )


def images_in(job: TrainingJob, seconds: float, reference: Reference | None) -> int:
    """Estimated number of training images until `seconds` after the request.

    At least half of `seconds` counts as training time, even if the preparation took longer.
    """
    pace = rehearsal.measure_pace(job.system(), job.stream(), job.monitor(reference), rehearsal.duration(seconds))
    left = max(seconds / 2, seconds - (time.monotonic() - job.request.began))
    return job.config.batch * max(1, round(pace.images_in(left) / job.config.batch))


def speed_with(job: TrainingJob, seconds: float, count: int) -> float:
    """Training speed with `count` threads, in images per second. seconds: training length."""
    torch.set_num_threads(count)
    return rehearsal.speed(job.system(), job.stream(), rehearsal.duration(seconds) / 2)
