"""`condgen augment`: drawn pictures for labels that real ones are short of, and proof whether they help.

The proof: a classifier trained on real pictures, on real ones with the rare repeated, and on real ones with drawn ones
added, for equally many steps, five seeds each, tested on the real test split.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api
from condgen.errors import CondgenError
from condgen.metrics.number import Number, mean_of
from condgen.spec import Fit, OnBad
from condgen.tables import as_json, as_table
from condgen.verbs import evaluate

if TYPE_CHECKING:
    from condgen.data import Dataset, Split
    from condgen.drawing.sampler import Sampler
    from condgen.judging.reference import Drawn, Reference

SEEDS = 5


def augment(
    data: str,
    *,
    run: str,
    balance: bool = False,
    per_class: int | None = None,
    out: Path | None = None,
    labels: str | None = None,
    size: int | None = None,
    fit: Fit = "crop",
    on_bad: OnBad | None = None,
    seed: int = 0,
    no_proof: bool = False,
    json: bool = False,
) -> str:
    """Draw more pictures of the labels that data are short of, and measure whether a classifier gains by them.

    Args:
        data: A name from `condgen list data`, or a path to your own pictures.
        run: The folder of a run that was trained on such pictures.
        balance: As many of each class as make it equal to the largest.
        per_class: Instead, so many of every class.
        out: A new folder: a subfolder of PNG files per class, manifest.json, gain.json; by default RUN/augmented.
        labels: Of data with attributes, the one that counts.
        size: Side of the square that picture files are scaled to.
        fit: How picture files that are not square become so: crop the middle, pad with black, or stretch.
        on_bad: Files that cannot be used: skip them all, or stop at the first; by default up to 1 % are left out.
        seed: Another seed, other pictures.
        no_proof: Only draw, do not train classifiers.
        json: As JSON, for programs.
    """
    if balance == (per_class is not None):
        raise CondgenError("give one of --balance and --per-class N.")
    if per_class is not None and per_class < 1:
        raise CondgenError(f"--per-class should be 1 or more, found {per_class}.")
    folder = (out or Path(run) / "augmented").expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CondgenError(f"{str(folder)!r} is there already; give another --out.")
    from condgen import data as datasets
    from condgen.disk import write_json

    dataset, sampler = datasets.load(data, labels=labels, size=size, fit=fit, on_bad=on_bad), api.load(run)
    counts = wanted(dataset, sampler, per_class)
    drawn = draw(sampler, counts, seed)
    write(sampler, drawn, counts, seed, folder)
    names = dataset.labels.names
    found: dict[str, Any] = {"folder": str(folder), "drawn": dict(zip(names, counts, strict=True))}
    if not no_proof:
        reference, leaky = evaluate.reference_for(dataset, evaluate.aloud)
        found |= proof(reference, drawn) | {"test_split_held_out": leaky}
        write_json(folder / "gain.json", found)
    return as_json(found) if json else in_words(found)


def wanted(dataset: "Dataset", sampler: "Sampler", per_class: int | None) -> list[int]:
    """Pictures to draw of each class. Raises CondgenError if this generator cannot draw them."""
    if dataset.labels.kind != "classes":
        raise CondgenError("attributes overlap, so they cannot be balanced; choose one, such as --labels Smiling.")
    if sampler.spec != dataset.spec:
        raise CondgenError(
            f"the run draws {sampler.spec.shape} of {', '.join(sampler.spec.labels.names[:5])} ..., the data are "
            f"{dataset.spec.shape} of {', '.join(dataset.labels.names[:5])} ...; use a run that was trained on them."
        )
    if per_class is not None:
        return [per_class] * len(dataset.labels)
    from condgen.inspection import per_label

    there = per_label(dataset.train, dataset.labels)
    missing = [max(there) - count for count in there]
    if not any(missing):
        raise CondgenError(f"every class of {dataset.name!r} has {max(there):,} pictures; nothing is out of balance.")
    return missing


def draw(sampler: "Sampler", counts: Sequence[int], seed: int) -> "Drawn":
    """So many pictures of each class."""
    import numpy as np

    from condgen.judging.reference import Drawn

    asked = [label for label, count in enumerate(counts) for _ in range(count)]
    return Drawn(np.concatenate(list(sampler.batches(asked, seed))), np.array(asked, np.int64))


def write(sampler: "Sampler", drawn: "Drawn", counts: Sequence[int], seed: int, folder: Path) -> None:
    """A subfolder of PNG files per class, and what they are in manifest.json."""
    from condgen import marker
    from condgen.disk import write_json
    from condgen.drawing import pictures

    marker.claim(folder, marker.Mark("condgen augment", sampler.spec.labels))
    files, slug = [], sampler.spec.labels.slug
    places = ((label, index) for label, count in enumerate(counts) for index in range(count))
    for picture, (label, index) in zip(drawn.pictures, places, strict=True):
        name = f"{slug(label)}/{slug(label)}_seed{seed}_{index:05d}.png"
        title = sampler.spec.labels.title(label)
        pictures.save_png(folder / name, pictures.image(picture), {"label": title, "seed": seed, "index": index})
        files.append({"file": name, "label": title, "seed": seed, "index": index})
    about = {"generator": evaluate.generator_of(sampler), "files": files}
    write_json(folder / "manifest.json", about)


def proof(reference: "Reference", drawn: "Drawn") -> dict[str, Any]:
    """Test accuracy of three classifiers over five seeds, and the paired gains of the one with drawn pictures."""
    from condgen.data import Split
    from condgen.judging.protocol import CAS_STEPS

    assert drawn.asked is not None
    real = reference.dataset.train
    arms = {
        "real": real,
        "rare ones repeated": repeated(real),
        "real and drawn": joined(real, Split(drawn.pictures, drawn.asked)),
    }
    scores = {name: [_taught(split, reference, seed) for seed in range(SEEDS)] for name, split in arms.items()}
    n, both = len(reference.split), scores["real and drawn"]
    gains = {
        f"over {name}": mean_of([b - a for a, b in zip(scores[name], both, strict=True)], n)
        for name in ("real", "rare ones repeated")
    }
    return {
        "measured": "mean recall over classes on real test pictures",
        "steps": CAS_STEPS,
        "seeds": SEEDS,
        "test_pictures": n,
        "accuracy": {name: mean_of(values, n).to_json() for name, values in scores.items()},
        "gain": {name: gain.to_json() for name, gain in gains.items()},
        "verdict": verdict(gains),
    }


def verdict(gains: dict[str, Number]) -> str:
    """In one sentence, for whoever reads no numbers."""
    over_real, over_repeated = gains["over real"], gains["over rare ones repeated"]
    if _sign(over_real) < 0:
        return f"it hurts: {_points(over_real)}. Leave these pictures out."
    if _sign(over_real) == 0:
        return f"it does not help: {_points(over_real)}, which may be chance."
    if _sign(over_repeated) > 0:
        return f"it helps: {_points(over_real)}, and {_points(over_repeated)} over repeating rare pictures."
    return f"it helps, {_points(over_real)}, but no more than repeating rare pictures ({_points(over_repeated)})."


def repeated(real: "Split") -> "Split":
    """Every class as often as the largest, its pictures over again."""
    import numpy as np

    from condgen.judging.reference import rows_of

    groups = [np.flatnonzero(real.labels == label) for label in np.unique(real.labels)]
    largest = max(map(len, groups))
    return rows_of(real, np.concatenate([np.resize(group, largest) for group in groups]))


def joined(one: "Split", other: "Split") -> "Split":
    import numpy as np

    from condgen.data import Split

    return Split(np.concatenate([one.images, other.images]), np.concatenate([one.labels, other.labels]))


def in_words(found: dict[str, Any]) -> str:
    drawn = [{"label": name, "drawn": count} for name, count in found["drawn"].items()]
    files = f"pictures: {found['folder']}; what they are: manifest.json"
    if "gain" not in found:
        return f"{as_table(drawn)}\n\n{files}"
    lines = [{"trained on": name, "mean recall": str(Number.from_json(n))} for name, n in found["accuracy"].items()]
    lines += [
        {"trained on": f"gain {name}", "mean recall": str(Number.from_json(n))} for name, n in found["gain"].items()
    ]
    return f"{as_table(drawn)}\n\n{as_table(lines)}\n\n{found['verdict']}\n{files}; proof: gain.json"


def _taught(split: "Split", reference: "Reference", seed: int) -> float:
    """Mean recall over the classes that the test split has."""
    from condgen.judging.protocol import CAS_STEPS, taught

    evaluate.aloud(f"training a classifier on {len(split):,} pictures, seed {seed} ...")
    recalls = [number.value for number in taught(split, reference, seed, CAS_STEPS)[1] if number.value is not None]
    return sum(recalls) / len(recalls)


def _sign(gain: Number) -> int:
    """1 if the whole interval is above 0, -1 if below, 0 if it holds 0."""
    value, error = gain.value or 0, gain.error or 0
    return (value > error) - (value < -error)


def _points(gain: Number) -> str:
    return f"{(gain.value or 0) * 100:+.2f} ± {(gain.error or 0) * 100:.2f} points"
