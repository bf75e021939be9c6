"""Measures a generator, or images made by any tool, and real images for comparison.

evaluator.py   the generator of a run, or images; the metrics and the protocol are in judging/
kept.py        the saved evaluations of a run
self_test.py   which metrics detect known faults
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError, aloud
from condgen.evaluation import Evaluation
from condgen.measuring.evaluator import evaluate_images as evaluate_images
from condgen.measuring.evaluator import evaluate_run as evaluate_run
from condgen.measuring.evaluator import generator_of as generator_of
from condgen.measuring.evaluator import reference_for as reference_for
from condgen.measuring.evaluator import total_of
from condgen.measuring.kept import kept as kept
from condgen.measuring.kept import with_options as with_options
from condgen.measuring.self_test import SelfTest as SelfTest
from condgen.measuring.self_test import self_test as faulted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from condgen.options import Value


def evaluate(
    run: str | None = None,
    *,
    folder: str | Path | None = None,
    data: DataSource | None = None,
    data_options: DataOptions = AS_THEY_ARE,
    count: int | None = None,
    quick: bool = False,
    full: bool = False,
    best: bool = False,
    fid: str | None = None,
    self_test: bool = False,
    seed: int = 0,
    device: str = "cpu",
    **options: Any,
) -> "Evaluation | SelfTest":
    """Measure image quality, label accuracy, diversity and copying, each beside the value of real images.

    Args:
        run: Folder of a run or of an export. The result is kept in the run as evaluation.json.
            Exported folders are not changed.
        folder: Images made by any tool, instead of a run: an .npz with images and labels, or one folder per label.
        data: Real images to compare with, for --folder and --self-test.
            For a run, where its training data are now, or other images with the same labels.
        data_options: How the data are read.
        count: Number of images to generate. Default: 10,000.
        quick: Skip the classification accuracy score (CAS), which trains classifiers.
            The evaluation then takes seconds instead of a minute.
        full: Generate 60,000 images by default, and train the CAS classifiers for longer.
        best: Use the generator with the best evaluation during training instead of the last one.
        fid: Also compute the standard FID with torch-fidelity.
            Give the file of the Inception weights, or fetch to download them.
        self_test: Introduce known faults into the real images of --data, and show which metrics detect each fault.
        seed: Random seed of the generated images.
        device: Device to run on: auto, cpu, cuda, cuda:N or mps.
        options: Sampling options of the generator. Each choice of options has its own result file.
    """
    _check(run, folder, self_test, options)
    if run is not None:
        return evaluate_run(
            run, count=count, quick=quick, full=full, best=best, fid=fid, seed=seed, device=device, data=data,
            data_options=data_options, say=aloud, **options,
        )  # fmt: skip
    if data is None:
        raise CondgenError("--data is missing: name the real images to compare with.")
    from condgen import data as datasets

    dataset = datasets.load(data, data_options)
    if self_test:
        return faulted(dataset, total_of(count, 10_000), aloud)
    assert folder is not None
    return evaluate_images(folder, dataset, quick=quick, full=full, fid=fid, say=aloud)


def _check(run: str | None, folder: str | Path | None, self_test: bool, options: "Mapping[str, Value]") -> None:
    """Raise CondgenError unless exactly one thing is to be measured, and sampling options are for a generator."""
    if (run is None) == (folder is None and not self_test):
        raise CondgenError("give one thing to measure: a RUN, --folder FOLDER --data DATA, or --self-test --data DATA.")
    if run is None and options:
        raise CondgenError(f"{', '.join(options)}: sampling options belong to a generator; give a RUN.")
