"""`condgen evaluate`: measures a generator, or images made by any tool, and real images for comparison.

The metrics and the protocol are in judging/; this file contains run folders, texts and tables.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import ValidationError

from condgen import api, records, shell, verdict
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError, notice
from condgen.evaluation import WALK, Evaluation, GeneratorFacts, MetricResult
from condgen.former import EVALUATION, current_names
from condgen.labels import ANY
from condgen.metrics import METRICS
from condgen.records import Damaged
from condgen.result import Result
from condgen.sharing import locate
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.judging.faults import FaultResult
    from condgen.judging.reference import Reference
    from condgen.options import Value
    from condgen.sampling.sampler import Sampler

FULL = 60_000
"""Number of images of a full evaluation."""
Say = Callable[[str], None]


def evaluate(
    run: str | None = None,
    *,
    folder: Path | None = None,
    data: DataSource | None = None,
    data_options: Annotated[DataOptions, Parameter(name="*")] = AS_THEY_ARE,
    count: int | None = None,
    quick: bool = False,
    full: bool = False,
    best: bool = False,
    fid: str | None = None,
    self_test: bool = False,
    seed: int = 0,
    device: str = "cpu",
    **options: Any,
) -> Result:
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
        found = evaluate_run(
            run, count=count, quick=quick, full=full, best=best, fid=fid, seed=seed, device=device, data=data,
            data_options=data_options, say=aloud, **options,
        )  # fmt: skip
        return verdict.EvaluationResult(found, in_words(found))
    if data is None:
        raise CondgenError("--data is missing: name the real images to compare with.")
    from condgen import data as datasets

    dataset = datasets.load(data, data_options)
    if self_test:
        lines = _self_test(dataset, _total(count, 10_000), aloud)
        return Result([line.to_json() for line in lines], _noticed(lines))
    assert folder is not None
    found = evaluate_images(folder, dataset, quick=quick, full=full, fid=fid, say=aloud)
    return verdict.EvaluationResult(found, in_words(found))


def _check(run: str | None, folder: Path | None, self_test: bool, options: "Mapping[str, Value]") -> None:
    """Raise CondgenError unless exactly one thing is to be measured, and sampling options are for a generator."""
    if (run is None) == (folder is None and not self_test):
        raise CondgenError("give one thing to measure: a RUN, --folder FOLDER --data DATA, or --self-test --data DATA.")
    if run is None and options:
        raise CondgenError(f"{', '.join(options)}: sampling options belong to a generator; give a RUN.")


def in_words(found: Evaluation) -> str:
    """An evaluation as text: the verdict, a table of every metric with its error, that of real images and its flag, and
    what was not measured."""
    about, measured = found.about, found.numbers
    entries = [
        {
            "": METRICS[name].title,
            "generated": str(number),
            "real images": found.real_text(name),
            "wrong": found.metrics[name].flag or "",
        }
        for name, number in measured.items()
        if number.value is not None
    ]
    refusals = dict.fromkeys(number.refused for number in measured.values() if number.refused)
    return "\n".join(
        [
            str(verdict.of(found)),
            "",
            f"{about.images_measured:,} images against {about.reference} of {about.data.name!r}; "
            f"{about.protocol}, FD[{about.judge.name}], sha256 {about.judge.sha256[:12]}; ± is a 95 % interval.",
            "",
            as_table(entries),
            *(f"not measured: {why}" for why in refusals),
        ]
    )


def evaluate_run(
    run: str | Path, *, count: int | None = None, quick: bool = False, full: bool = False, best: bool = False,
    fid: str | None = None, seed: int = 0, device: str = "cpu", data: DataSource | None = None,
    data_options: DataOptions = AS_THEY_ARE, say: Say = lambda text: None, **options: Any,
) -> Evaluation:  # fmt: skip
    """Measure a run's generator by the protocol condgen-eval/1, and save the result in the run as evaluation.json.

    data: where the data of the run are now; with other data, nothing is saved. data_options: how these are read.

    count: number of images to generate; 10,000 by default. quick: skip CAS. full: 60,000 images by default and longer
    CAS. best: use the generator with the best evaluation during training instead of the last one. fid: file of the
    Inception weights, for the standard FID. say: called with progress messages. options: sampling options.
    """
    sampler = api.load(run, best=best, device=device, **options)
    dataset = api.data_of(run, data, data_options)
    reference, leaky = reference_for(dataset, say)
    from condgen.judging import evaluation, protocol, walks

    total = _total(count, FULL if full else protocol.IMAGES)
    say(f"generating {total:,} images with {str(run)!r} ...")
    generated = protocol.generate(sampler, reference, total, seed)
    for trouble in reference.problems(generated.images):
        say(trouble)
    found = evaluation.evaluate_samples(generated, reference, cas=not quick, full=full, inception=fid)
    walk = MetricResult.of(WALK, walks.largest_step(sampler, reference.judge, seed))
    found = verdict.judged(
        found.with_metric(WALK, walk).with_facts(
            run=str(run), generator=generator_of(sampler), which="best" if best else "last", seed=seed,
            reference=_described(reference, leaky),
        )
    )  # fmt: skip
    if locate.find(run).kind == "run" and dataset.fingerprint == sampler.card.data.fingerprint:
        found.save(Path(run).expanduser() / file_name(best, sampler.chosen))
    return found


def evaluate_images(
    images: str | Path, dataset: "Dataset", *, quick: bool = False, full: bool = False, fid: str | None = None,
    say: Say = lambda text: None,
) -> Evaluation:  # fmt: skip
    """Measure images made by any tool: an .npz, one folder per label, or the output of `condgen sample`."""
    from condgen.judging import evaluation, external

    generated = external.read(Path(images), dataset)
    reference, leaky = reference_for(dataset, say)
    if troubles := reference.problems(generated.images):
        raise CondgenError(f"nothing was measured. {' '.join(troubles)}")
    found = evaluation.evaluate_samples(generated, reference, cas=not quick, full=full, inception=fid)
    return verdict.judged(found.with_facts(images=str(images), reference=_described(reference, leaky)))


def reference_for(dataset: "Dataset", say: Say = lambda text: None) -> "tuple[Reference, bool]":
    """The reference for images of a data set, and whether the generator may have been trained on its images."""
    from condgen.judging import judge
    from condgen.judging.reference import Reference, with_test

    dataset, leaky = with_test(dataset)
    if leaky:
        say(f"{dataset.name!r} has no test split: a fifth of it is used instead, which the generator may have seen.")
    if dataset.labels == ANY:
        say(
            f"{dataset.name!r} has no labels to train a feature classifier on: all distances are those of the features "
            "of an untrained network. They rank generators roughly; do not compare them with other data."
        )
    return Reference(dataset, judge.of(dataset, say)), leaky


def kept(run: str | Path, best: bool = False, sampling: "Mapping[str, Value] | None" = None) -> Evaluation | None:
    """The saved evaluation of a run under these sampling options; None if missing, damaged or of other weights."""
    path = Path(run).expanduser() / file_name(best, sampling)
    if not path.exists():
        return None
    try:
        found = Evaluation.from_json(_current(records.read(path)))
        if found.about.generator is None:
            raise KeyError("generator")
    except (Damaged, KeyError, TypeError, AttributeError, ValidationError):
        notice(f"{str(path)!r} is damaged and is not used; condgen evaluate {shell.path(run)} measures the run again.")
        return None
    same = found.about.generator.sha256 == api.card(Path(run).expanduser(), best).sha256
    return found if same else None


def _current(found: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation with present names of fields; an earlier condgen used other ones."""
    lists = {
        key: [current_names(line, EVALUATION) for line in value]
        for key, value in found.items()
        if isinstance(value, list) and all(isinstance(line, dict) for line in value)
    }
    return {**found, **lists} | {"about": current_names(found["about"], EVALUATION)}


def file_name(best: bool, sampling: "Mapping[str, Value] | None" = None) -> str:
    """File name of an evaluation, with the chosen options: evaluation-best_truncation-0.7.json."""
    chosen = "".join(f"_{name}-{value}" for name, value in (sampling or {}).items())
    return f"evaluation{'-best' if best else ''}{chosen}.json"


def generator_of(sampler: "Sampler") -> GeneratorFacts:
    """The facts about a generator that are needed to generate the same images."""
    card = sampler.card.to_json()
    facts = {key: card.get(key) for key in ("system", "config", "images", "seed", "sha256", "micro_batch", "data")}
    return GeneratorFacts.model_validate(facts | ({"sampling": sampler.chosen} if sampler.chosen else {}))


def _described(reference: "Reference", leaky: bool) -> str:
    rest = "a fifth held out of the data, which the generator may have seen" if leaky else "the test split"
    copies = f"; leakage: {reference.leaked:,} of them are also in the training split" if reference.leaked else ""
    return f"{len(reference.split):,} images, {rest}{copies}"


def _self_test(dataset: "Dataset", count: int, say: Say) -> "list[FaultResult]":
    """The metrics of the real images under each fault."""
    from condgen.judging import faults

    reference, _ = reference_for(dataset, say)
    lines = []
    for line in faults.self_test(reference, count):
        say(f"{line.fault} ...")
        lines.append(line)
    return lines


def _noticed(lines: "Sequence[FaultResult]") -> str:
    shown = ("fd", "fd_intra", "precision", "recall", "label_accuracy", "copying")
    entries = [
        {"fault": line.fault}
        | {METRICS[name].title: f"{_value(line, name)}{'*' if name in line.noticed else ''}" for name in shown}
        | {"also noticed by": ", ".join([*(METRICS[n].title for n in line.noticed if n not in shown),
                                         *(["the gate"] if line.gate else [])])}
        for line in lines
    ]  # fmt: skip
    missed = [line.fault for line in lines[1:] if not (line.noticed or line.gate)]
    verdict = f"not noticed: {', '.join(missed)}." if missed else "every fault was noticed."
    return f"{as_table(entries)}\n\n* more than three standard deviations worse than real images. {verdict}"


def _value(line: "FaultResult", name: str) -> str:
    value = line.numbers[name].value
    return "-" if value is None else f"{value:.3g}"


def aloud(text: str) -> None:
    """Print progress to stderr, so that stdout contains only the result."""
    sys.stderr.write(f"{text}\n")


def _total(count: int | None, default: int) -> int:
    if count is None:
        return default
    if count < 1:
        raise CondgenError(f"--count should be 1 or more, found {count}.")
    return count
