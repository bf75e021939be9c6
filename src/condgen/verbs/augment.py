"""`condgen augment`: generates images for rare classes, and measures whether they improve a classifier.

The measurement trains a classifier on three data sets: the real images, the real images with rare classes oversampled,
and the real images with generated ones added. All are trained for the same number of steps with five seeds, and tested
on the real test split.

The output folder appears under its name once all of its images are written; the measurement follows. Repeating the
command resumes either part, and keeps the images and classifiers that are finished.
"""

import json as json_
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from condgen import api
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError, notice
from condgen.metrics.estimate import Estimate, mean_of
from condgen.result import Result
from condgen.tables import as_json, as_table
from condgen.verbs import evaluate

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.judging.reference import Reference, Samples
    from condgen.sampling.sampler import Sampler

SEEDS = 5
MANIFEST = "manifest.json"


def augment(
    data: DataSource,
    *,
    run: str,
    balance: bool = False,
    per_class: int | None = None,
    out: Path | None = None,
    data_options: Annotated[DataOptions, Parameter(name="*")] = AS_THEY_ARE,
    seed: int = 0,
    no_proof: bool = False,
    **options: Any,
) -> Result:
    """Add generated images to a data set, and measure whether they improve a classifier.

    Args:
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME.
        run: Folder of a run that was trained on such images.
        balance: Generate as many images of each class as it needs to equal the largest class.
        per_class: Number of images to generate of every class, instead of --balance.
        out: New folder for the images (one subfolder of PNG files per class), manifest.json and gain.json.
            Default: augmented in the run's folder.
        data_options: How the data are read.
        seed: Random seed. Another seed gives other images.
        no_proof: Only generate images; do not train classifiers to measure the gain.
        options: Sampling options of the generator.
    """
    _check_counts(balance, per_class)
    folder = (out or Path(run) / "augmented").expanduser()
    _check_ours(folder)
    from condgen import data as datasets
    from condgen.disk import write_json

    dataset, sampler = datasets.load(data, data_options), api.load(run, **options)
    counts = wanted(dataset, sampler, per_class)
    try:
        generated = generate(sampler, counts, seed)
        write(sampler, generated, counts, seed, folder)
        names = dataset.labels.names
        found: dict[str, Any] = {"folder": str(folder), "generated": dict(zip(names, counts, strict=True))}
        if not no_proof:
            reference, leaky = evaluate.reference_for(dataset, evaluate.aloud)
            found |= proof(reference, generated) | {"test_split_held_out": leaky}
            write_json(folder / "gain.json", found)
    except KeyboardInterrupt:
        evaluate.aloud("stopped; the same command resumes from here.")
        raise
    return Result(found, in_words(found))


def _check_counts(balance: bool, per_class: int | None) -> None:
    """Raise CondgenError unless exactly one of the two says how many images are generated."""
    if balance == (per_class is not None):
        raise CondgenError("give one of --balance and --per-class N.")
    if per_class is not None and per_class < 1:
        raise CondgenError(f"--per-class should be 1 or more, found {per_class}.")


def wanted(dataset: "Dataset", sampler: "Sampler", per_class: int | None) -> list[int]:
    """Number of images to generate of each class. Raises CondgenError if this generator cannot generate them."""
    if dataset.labels.kind != "classes":
        raise CondgenError("attributes overlap, so they cannot be balanced; choose one, such as --attributes Smiling.")
    if sampler.spec != dataset.spec:
        raise CondgenError(
            f"the run generates {sampler.spec.shape} of {', '.join(sampler.spec.labels.names[:5])} ..., the data are "
            f"{dataset.spec.shape} of {', '.join(dataset.labels.names[:5])} ...; use a run that was trained on them."
        )
    if dataset.empty:
        some = ", ".join(dataset.labels.names[number] for number in dataset.empty[:5])
        notice(f"no images are generated of labels without training images: {some}.")
    if per_class is not None:
        return [0 if number in dataset.empty else per_class for number in range(len(dataset.labels))]
    from condgen.inspection import per_label

    there = per_label(dataset.train, dataset.labels)
    missing = [max(there) - count if count else 0 for count in there]
    if not any(missing):
        raise CondgenError(f"every class of {dataset.name!r} has {max(there):,} images; they are balanced already.")
    return missing


def generate(sampler: "Sampler", counts: Sequence[int], seed: int) -> "Samples":
    """Generate `counts[k]` images of each class k."""
    import numpy as np

    from condgen.judging.reference import Samples

    requested = [label for label, count in enumerate(counts) for _ in range(count)]
    return Samples(np.concatenate(list(sampler.batches(requested, seed))), np.array(requested, np.int64))


def write(sampler: "Sampler", generated: "Samples", counts: Sequence[int], seed: int, folder: Path) -> None:
    """Write one subfolder of PNG files per class, and manifest.json with their metadata. Existing images are kept.

    Raises CondgenError if `folder` contains other files.
    """
    from condgen import marker
    from condgen.disk import as_json, continued_folder
    from condgen.sampling import canvas

    about: dict[str, Any] = {
        "generator": evaluate.generator_of(sampler).to_json(),
        "files": files(sampler, counts, seed),
    }
    _check_same(folder, about)
    whole = folder / MANIFEST
    with continued_folder(folder, MANIFEST, whole.read_bytes() if whole.is_file() else as_json(about)) as place:
        marker.write(place, marker.Mark("condgen augment", sampler.spec.labels))
        for image, entry in zip(generated.images, about["files"], strict=True):
            path = place / entry["file"]
            if not path.exists():
                canvas.save_png(path, canvas.to_pil(image), {key: entry[key] for key in ("label", "seed", "index")})


def files(sampler: "Sampler", counts: Sequence[int], seed: int) -> list[dict[str, Any]]:
    """The entry of manifest.json for each image: file, label, seed and index."""
    from condgen.sampling.request import SampleRequest

    known, request = sampler.spec.labels, SampleRequest(range(len(counts)), counts, seed)
    return [
        {"file": f"{known.slug(item.label)}/{request.name(known, item)}.png"} | request.metadata(known, item)
        for item in request
    ]


def proof(reference: "Reference", generated: "Samples") -> dict[str, Any]:
    """Test accuracy of classifiers trained on three data sets with five seeds each, and the gain from generated images.

    A gain is the mean of the paired differences over the seeds.
    """
    from condgen.data import Split
    from condgen.judging import lessons
    from condgen.judging.protocol import CAS_STEPS

    assert generated.requested is not None
    real = reference.dataset.train
    arms = {
        "real": real,
        "rare ones repeated": lessons.repeated(real),
        "real and generated": lessons.joined(real, Split(generated.images, generated.requested)),
    }
    scores = {
        name: [lessons.mean_recall(split, reference, seed, CAS_STEPS, evaluate.aloud) for seed in range(SEEDS)]
        for name, split in arms.items()
    }
    n, both = len(reference.split), scores["real and generated"]
    gains = {
        f"over {name}": mean_of([b - a for a, b in zip(scores[name], both, strict=True)], n)
        for name in ("real", "rare ones repeated")
    }
    return {
        "measured": "mean recall over classes on real test images",
        "steps": CAS_STEPS,
        "seeds": SEEDS,
        "test_images": n,
        "accuracy": {name: mean_of(values, n).to_json() for name, values in scores.items()},
        "gain": {name: gain.to_json() for name, gain in gains.items()},
        "verdict": verdict(gains),
    }


def verdict(gains: dict[str, Estimate]) -> str:
    """The result in one sentence."""
    over_real, over_repeated = gains["over real"], gains["over rare ones repeated"]
    if _sign(over_real) < 0:
        return f"it hurts: {_points(over_real)}. Leave these images out."
    if _sign(over_real) == 0:
        return f"it does not help: {_points(over_real)}, which may be chance."
    if _sign(over_repeated) > 0:
        return f"it helps: {_points(over_real)}, and {_points(over_repeated)} over repeating rare images."
    return f"it helps, {_points(over_real)}, but no more than repeating rare images ({_points(over_repeated)})."


def in_words(found: dict[str, Any]) -> str:
    generated = [{"label": name, "generated": count} for name, count in found["generated"].items()]
    files = f"images: {found['folder']}; list of images: manifest.json"
    if "gain" not in found:
        return f"{as_table(generated)}\n\n{files}"
    lines = [{"trained on": name, "mean recall": str(Estimate.from_json(n))} for name, n in found["accuracy"].items()]
    lines += [
        {"trained on": f"gain {name}", "mean recall": str(Estimate.from_json(n))} for name, n in found["gain"].items()
    ]
    return f"{as_table(generated)}\n\n{as_table(lines)}\n\n{found['verdict']}\n{files}; proof: gain.json"


def _check_ours(folder: Path) -> None:
    """Raise CondgenError if `folder` exists, is not empty, and was not written by `condgen augment`."""
    is_ours = (folder / MANIFEST).is_file()
    if folder.exists() and not is_ours and (not folder.is_dir() or any(folder.iterdir())):
        raise CondgenError(f"{str(folder)!r} already exists; give another --out.")


def _check_same(folder: Path, about: dict[str, Any]) -> None:
    """Raise CondgenError, which names the option that differs, if `folder` contains another augmentation."""
    _check_ours(folder)
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        there = json_.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        seeds, names = ({entry[key] for entry in there["files"]} for key in ("seed", "file"))
        generator = there["generator"]
    except (ValueError, KeyError, TypeError):
        raise CondgenError(
            f"{str(folder / MANIFEST)!r} is damaged, or condgen did not write it; give another --out."
        ) from None
    if generator != json_.loads(as_json(about["generator"])):
        differs = "of another generator (--run)"
    elif seeds != {entry["seed"] for entry in about["files"]}:
        differs = f"of --seed {', '.join(map(str, seeds))}"
    elif names != {entry["file"] for entry in about["files"]}:
        differs = "in other counts (--balance, --per-class)"
    else:
        return
    raise CondgenError(f"{str(folder)!r} holds {len(there['files']):,} images {differs}; give another --out.")


def _sign(gain: Estimate) -> int:
    """1 if the whole confidence interval is above 0, -1 if it is below, 0 if it contains 0."""
    value, error = gain.value or 0, gain.error or 0
    return (value > error) - (value < -error)


def _points(gain: Estimate) -> str:
    return f"{(gain.value or 0) * 100:+.2f} ± {(gain.error or 0) * 100:.2f} points"
