"""The data that a run or an export was trained on: where they were, and whether they are still the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condgen import data as datasets
from condgen.data import DataOptions, Dataset, DataSource
from condgen.data_options import is_memory, name_of
from condgen.errors import CondgenError, notice
from condgen.labels import ANY
from condgen.sharing import locate
from condgen.spec import Spec
from condgen.training.identity import FORMER_SPLIT, config_in, former_options


@dataclass(frozen=True)
class Recorded:
    """What is known about the data of a generator."""

    run: str
    source: str
    """A name, an absolute path, or memory (`data.where`); of an export only the name."""
    fingerprint: str
    options: dict[str, Any]
    spec: Spec
    """Shape and labels of the generated images."""
    is_run: bool

    @classmethod
    def of(cls, run: str | Path) -> "Recorded":
        """Read config.json of a run, or the card of an export. Raises CondgenError if there is no generator."""
        place = locate.find(run)
        card = place.card
        spec = card.image_spec
        identity = config_in(Path(run).expanduser()) if place.kind == "run" else None
        if identity:
            source = datasets.absolute(identity.data)  # an earlier condgen recorded the path as it was typed
            return cls(str(run), source, identity.fingerprint, identity.data_options, spec, True)
        if place.kind == "run":
            raise CondgenError(f"{str(run)!r} has a generator but no config.json; this needs the whole run.")
        data = card.data
        options = data.options.chosen if data.options else former_options(data.model_dump(exclude_unset=True))
        options = options if card.format > 4 else FORMER_SPLIT | options
        return cls(str(run), data.name, data.fingerprint, options, spec, False)

    def load(self, data: DataSource | None = None, options: DataOptions | None = None) -> Dataset:
        """The data from where they were, or from `data`; see `data_of`."""
        if data is None:
            self._check_there()
        chosen = self.options | (options.chosen if options and data is not None else {})
        dataset = datasets.load(self.source if data is None else data, DataOptions(**{"on_bad": "skip", **chosen}))
        if data is not None:
            self._compare(dataset)
        elif dataset.fingerprint != self.fingerprint:
            raise CondgenError(
                f"{self.source!r} has changed since {self.run!r} was trained on it; --data NEWPATH names other data."
            )
        return dataset

    def _check_there(self) -> None:
        """Raise CondgenError, which names the option that helps, if the data are not where they were."""
        if is_memory(self.source):
            raise CondgenError(
                f"{self.run!r} was trained on images in memory ({name_of(self.source)!r}); --data PATH names "
                "where they are, in Python data=... gives them again."
            )
        if not self.is_run and not datasets.is_name(self.source):
            raise CondgenError(
                f"{self.run!r} was trained on {self.source!r}, which are not here: pass the location of these data "
                "with --data."
            )
        if datasets.is_missing(self.source):
            raise CondgenError(
                f"{self.run!r} was trained on the data at {self.source!r}, which are not there now; --data NEWPATH "
                "names where they are."
            )

    def _compare(self, dataset: Dataset) -> None:
        """Say whether the data are those of the training. Raises CondgenError if the generator does not fit them."""
        if dataset.fingerprint == self.fingerprint:
            notice(f"{dataset.name!r} holds the same images and labels that {self.run!r} was trained on.")
            return
        ours, theirs = self.spec, dataset.spec
        if ours.shape != theirs.shape or (ours.labels not in (theirs.labels, ANY)):
            raise CondgenError(
                f"{self.run!r} generates {_described(ours)}, but {dataset.name!r} holds {_described(theirs)}; --data "
                "wants images of the same size with the same labels."
            )
        notice(f"{dataset.name!r} holds other images or labels than {self.run!r} was trained on.")


def data_of(run: str | Path, data: DataSource | None = None, options: DataOptions | None = None) -> Dataset:
    """The data that a run was trained on. Raises CondgenError if they have changed or moved since.

    data: where the data are now, or other data of the same size with the same labels; a notice says which.
    options: how these are read, if not as those of the run.
    """
    return Recorded.of(run).load(data, options)


def _described(spec: Spec) -> str:
    names = spec.labels.names
    some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    channels, height, width = spec.shape
    return f"{width}x{height} images with {channels} channel{'s' * (channels > 1)} of {some}"
