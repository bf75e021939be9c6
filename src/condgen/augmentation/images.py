"""The generated images of an augmentation: how many of each class, and the folder that they are written to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import measuring
from condgen.errors import CondgenError, notice
from condgen.tables import as_json

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.judging.reference import Samples
    from condgen.sampling.sampler import Sampler

MANIFEST = "manifest.json"
Entry = dict[str, Any]
"""The metadata of an image in manifest.json."""


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
    from condgen.inspection.counts import per_label

    there = per_label(dataset.train, dataset.labels)
    missing = [max(there) - count if count else 0 for count in there]
    if not any(missing):
        raise CondgenError(f"every class of {dataset.name!r} has {max(there):,} images; they are balanced already.")
    return missing


def generate(sampler: "Sampler", counts: Sequence[int], seed: int) -> "Samples":
    """Generate `counts[k]` images of each class k."""
    import numpy as np

    from condgen.judging.generated_set import images_of
    from condgen.judging.reference import Samples

    requested = [label for label, count in enumerate(counts) for _ in range(count)]
    return Samples(images_of(sampler, requested, seed), np.array(requested, np.int64))


def apart(
    dataset: "Dataset", generated: "Samples", entries: Sequence[Entry], percent: float
) -> "tuple[Samples, list[Entry]]":
    """The images, and their entries, that are not nearer to a training image than all but `percent` of real images."""
    import numpy as np

    from condgen.judging.nearness import RealNearness

    near = RealNearness.of(dataset).too_near(generated.images, percent)
    notice(f"{int(near.sum()):,} of {len(near):,} generated images are left out: they are near to a training image.")
    kept = np.flatnonzero(~near)
    return generated.rows(kept), [entries[row] for row in kept.tolist()]


def counted(dataset: "Dataset", generated: "Samples") -> dict[str, int]:
    """Number of generated images by class."""
    import numpy as np

    counts = np.bincount(generated.requested, minlength=len(dataset.labels))  # type: ignore[arg-type]
    return dict(zip(dataset.labels.names, counts.tolist(), strict=True))


def write(sampler: "Sampler", generated: "Samples", entries: Sequence[Entry], folder: Path) -> None:
    """Write one subfolder of PNG files per class, and manifest.json with their metadata. Existing images are kept.

    Raises CondgenError if `folder` contains other files.
    """
    from condgen import marker
    from condgen.disk import as_json, continued_folder
    from condgen.sampling import canvas

    about: dict[str, Any] = {
        "generator": measuring.generator_of(sampler).to_json(),
        "files": list(entries),
    }
    _check_same(folder, about)
    whole = folder / MANIFEST
    with continued_folder(folder, MANIFEST, whole.read_bytes() if whole.is_file() else as_json(about)) as place:
        marker.write(place, marker.Mark("condgen augment", sampler.spec.labels))
        for image, entry in zip(generated.images, about["files"], strict=True):
            path = place / entry["file"]
            if not path.exists():
                canvas.save_png(path, canvas.to_pil(image), {key: entry[key] for key in ("label", "seed", "index")})


def entries(sampler: "Sampler", counts: Sequence[int], seed: int) -> list[Entry]:
    """The entry of manifest.json for each image: file, label, seed and index."""
    from condgen.sampling.request import SampleRequest

    known, request = sampler.spec.labels, SampleRequest(range(len(counts)), counts, seed)
    return [
        {"file": f"{known.slug(item.label)}/{request.name(known, item)}.png"} | request.metadata(known, item)
        for item in request
    ]


def check_ours(folder: Path) -> None:
    """Raise CondgenError if `folder` exists, is not empty, and was not written by `condgen augment`."""
    is_ours = (folder / MANIFEST).is_file()
    if folder.exists() and not is_ours and (not folder.is_dir() or any(folder.iterdir())):
        raise CondgenError(f"{str(folder)!r} already exists; give another --out.")


def _check_same(folder: Path, about: dict[str, Any]) -> None:
    """Raise CondgenError, which names the option that differs, if `folder` contains another augmentation."""
    check_ours(folder)
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        there = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        seeds, names = ({entry[key] for entry in there["files"]} for key in ("seed", "file"))
        generator = there["generator"]
    except (ValueError, KeyError, TypeError):
        raise CondgenError(
            f"{str(folder / MANIFEST)!r} is damaged, or condgen did not write it; give another --out."
        ) from None
    if generator != json.loads(as_json(about["generator"])):
        differs = "of another generator (--run)"
    elif seeds != {entry["seed"] for entry in about["files"]}:
        differs = f"of --seed {', '.join(map(str, seeds))}"
    elif names != {entry["file"] for entry in about["files"]}:
        differs = "in other counts (--balance, --per-class, --private)"
    else:
        return
    raise CondgenError(f"{str(folder)!r} holds {len(there['files']):,} images {differs}; give another --out.")
