"""Measures the generator of a run, or images made by any tool, and real images for comparison."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, verdict
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError
from condgen.evaluation import WALK, Evaluation, GeneratorFacts, MetricResult
from condgen.labels import ANY
from condgen.measuring.kept import file_name
from condgen.sharing import locate

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.judging.reference import Reference
    from condgen.sampling.sampler import Sampler

FULL = 60_000
"""Number of images of a full evaluation."""
Say = Callable[[str], None]


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
    from condgen.judging import evaluation, generated_set, protocol, walks

    total = total_of(count, FULL if full else protocol.IMAGES)
    say(f"generating {total:,} images with {str(run)!r} ...")
    generated = generated_set.generate(sampler, reference, total, seed)
    for trouble in reference.problems(generated.images):
        say(trouble)
    found = evaluation.evaluate_samples(generated, reference, cas=not quick, full=full, inception=fid)
    walk = MetricResult.of(WALK, walks.largest_step(sampler, reference.judge, seed))
    found = found.with_metric(WALK, walk).with_facts(
        run=str(run), generator=generator_of(sampler), which="best" if best else "last", seed=seed,
        reference=_described(reference, leaky),
    )  # fmt: skip
    found = verdict.judged(found)
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


def generator_of(sampler: "Sampler") -> GeneratorFacts:
    """The facts about a generator that are needed to generate the same images."""
    card = sampler.card.to_json()
    facts = {key: card.get(key) for key in ("system", "config", "images", "seed", "sha256", "micro_batch", "data")}
    return GeneratorFacts.model_validate(facts | ({"sampling": sampler.chosen} if sampler.chosen else {}))


def _described(reference: "Reference", leaky: bool) -> str:
    rest = "a fifth held out of the data, which the generator may have seen" if leaky else "the test split"
    copies = f"; leakage: {reference.leaked:,} of them are also in the training split" if reference.leaked else ""
    return f"{len(reference.split):,} images, {rest}{copies}"


def total_of(count: int | None, default: int) -> int:
    if count is None:
        return default
    if count < 1:
        raise CondgenError(f"--count should be 1 or more, found {count}.")
    return count
