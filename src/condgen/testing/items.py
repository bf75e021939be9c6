"""The laws as tests of pytest: one per law and kind of data, for each system that the user names."""

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from condgen import plugins
from condgen.errors import CondgenError
from condgen.sampling import plots
from condgen.testing import system_laws as of_systems
from condgen.testing import training_laws as of_trainings
from condgen.testing.toys import KINDS, toy_data
from condgen.testing.trainings import BATCH, Case, preset

Law = Callable[[Case], object]
OVER_EVERY_KIND: tuple[Law, ...] = (
    of_systems.generates_images_in_range,
    of_systems.uses_the_label_or_declares_that_it_does_not,
    of_systems.step_returns_finite_scalars,
    of_systems.every_parameter_changes,
    of_trainings.image_is_independent_of_its_company,
)
OVER_ONE_KIND: tuple[Law, ...] = (
    of_systems.step_takes_batches_per_step,
    of_systems.equal_seeds_train_equally,
    of_systems.players_own_every_parameter_once,
    of_systems.update_changes_only_its_player,
    of_systems.trains_under_bf16,
    of_trainings.resume_is_bit_exact,
    of_trainings.sampling_and_saving_change_no_training,
    of_trainings.run_folder_samples_the_same_bytes,
)
SIZES = (1, BATCH + 3)
"""Sizes of data sets for `takes_any_number_of_images`."""


class LawItem(pytest.Item):
    """One law, checked on one kind of data."""

    def __init__(self, law: Law, system: str, kind: str, n: int, **others: Any) -> None:
        super().__init__(**others)
        self.law, self.system, self.kind, self.n = law, system, kind, n
        self.extra_keyword_matches.add(system)  # -k selects by the system too

    def runtest(self) -> None:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setenv(plugins.VARIABLE, ",".join([self.system, os.environ.get(plugins.VARIABLE, "")]))
            patch.setattr(plots, "curves", lambda *_: b"curves")  # takes longer than a training of a few steps
            self.law(Case(self.system, toy_data(self.kind, self.n), Path(folder)))

    def reportinfo(self) -> tuple[Path, int, str]:
        return Path(inspect.getfile(self.law)), inspect.getsourcelines(self.law)[1] - 1, self.nodeid


def items_of(system: str, session: pytest.Session) -> Iterator[LawItem]:
    """The tests of one system. Raises pytest.UsageError if there is no such system."""
    try:
        _ = preset(system).system
    except CondgenError as error:
        raise pytest.UsageError(f"--condgen-system: {error}") from None
    cases = [(law, kind, 60) for law in OVER_EVERY_KIND for kind in KINDS]
    cases += [(law, "colour", 60) for law in OVER_ONE_KIND]
    cases += [(of_trainings.takes_any_number_of_images, "attributes", n) for n in SIZES]
    for law, kind, n in cases:
        name = f"{law.__name__}[{kind}-{n}]"
        found = LawItem.from_parent(
            session, name=name, nodeid=f"{system}::{name}", law=law, system=system, kind=kind, n=n
        )
        assert isinstance(found, LawItem)
        yield found
