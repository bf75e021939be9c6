"""Writes generated images to files."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from condgen import marker, slugs
from condgen.disk import replacing
from condgen.errors import CondgenError, notice
from condgen.labels import ANY, Labels
from condgen.options import Value
from condgen.sampling import canvas, grids, provenance
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler

MOST_FILES, MOST_IN_ONE = 10_000_000, 100_000_000
"""Maximum number of images per command: in a folder, and in one array or in shards."""
ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}")
"""Endings that file formats have. A folder may be called v1.5."""
LeftOut = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]
"""Says which images of (n, h, w, c) are not written, (n,)."""
TESTED = 200
"""Number of images that are tested at a time."""
CHUNK = 100_000
"""Number of labels written to an .npz at a time."""


def default_out(
    folder: Path, wanted: str, count: int, seed: int, one_file: bool, sampling: Mapping[str, Value] = {}
) -> Path:
    """The default output path: in `folder`, with a name derived from the request.

    wanted: the labels or the mix as part of a file name (`named`).
    """
    chosen = "".join(f"_{name}-{value}" for name, value in sampling.items())
    name = f"{wanted}_count-{count}_seed-{seed}{chosen}"
    return folder / (f"{name}.png" if one_file else name)


def named(wanted: object, sign: str) -> str:
    """Requested labels or a mix, as text or as a dictionary, as part of a file name. sign: between label and number."""
    if isinstance(wanted, Mapping):
        wanted = ",".join(f"{label}{sign}{number}" for label, number in wanted.items())
    return slugs.part(str(wanted))


def checked_out(out: str | Path) -> Path:
    """The output path that a user gave. Raises CondgenError if its ending is that of a file that is not written here.

    A folder may have any name if it exists or ends in a slash.
    """
    path = Path(out).expanduser()
    is_folder = str(out).endswith(("/", os.sep)) or path.is_dir()
    if ENDING.fullmatch(path.suffix) and path.suffix.lower() not in (*canvas.FORMATS, ".npz") and not is_folder:
        raise CondgenError(
            f"{path.suffix} files are not written; end --out in {', '.join(canvas.FORMATS)} or .npz, or in a slash for "
            f"a folder: {f'{path}/'!r}."
        )
    return path


def write(
    sampler: Sampler, request: SampleRequest, *, out: Path, grid: bool = False, left_out: LeftOut | None = None
) -> Path:
    """Generate the images of a request, write them to `out` and return its path.

    out: a .png, .jpg or .webp file for one image or, with `grid`, for a grid with one column per label; or an .npz file
        with the arrays `images` (uint8) and `labels`. Any other name is a folder with one PNG file per image, named by
        label, seed and index. left_out: which images are not written, in a folder alone.
    """
    images, known, suffix = len(request), sampler.spec.labels, out.suffix.lower()
    is_file = not out.is_dir() and (grid or suffix in (*canvas.FORMATS, ".npz"))
    if not images:
        raise CondgenError("--count should be 1 or more, found 0.")
    if is_file and left_out:
        raise CondgenError(f"{str(out)!r} is one file; --private leaves images out of a folder.")
    if is_file:
        marker.check_file(out)
    if grid:
        _grid(sampler, request, out)
    elif is_file and suffix == ".npz":
        check_images(images, MOST_IN_ONE, "give a lower --count")
        _npz(sampler, request, out)
    elif is_file:
        if images != 1:
            raise CondgenError(f"{images:,} images do not fit into {str(out)!r}: add --grid, or give a folder or .npz.")
        _files(sampler, request, iter([out]))
    else:
        if out.exists() and not out.is_dir():
            raise CondgenError(f"{str(out)!r} is a file; give a folder, or a name that ends in .png or .npz.")
        check_images(images, MOST_FILES, "give a lower --count, or write .tar files with --shard")
        marker.claim(out, request.mark(known, "condgen sample"))
        _files(sampler, request, (out / f"{request.name(known, item)}.png" for item in request), left_out)
    return out


def check_images(images: int, most: int, remedy: str) -> None:
    """Raise CondgenError if one command requests more than `most` images."""
    if images > most:
        raise CondgenError(f"{images:,} images are more than one command writes ({most:,}); {remedy}.")


def _grid(sampler: Sampler, request: SampleRequest, out: Path) -> None:
    rows, columns = max(request.counts), canvas.COLUMNS if sampler.spec.labels == ANY else len(request.labels)
    canvas.check_sheet(sampler.spec.shape, rows, columns, "--labels or a lower --count")
    if out.suffix.lower() not in canvas.FORMATS:
        raise CondgenError(f"--grid writes one image; {str(out)!r} should end in {', '.join(canvas.FORMATS)}.")
    canvas.save(out, grids.request_grid(sampler, request), about(sampler, **request.whole(sampler.spec.labels)))


def _files(sampler: Sampler, request: SampleRequest, paths: Iterator[Path], left_out: LeftOut | None = None) -> None:
    images, known, lost = sampler.generate(request, request.seed), sampler.spec.labels, 0
    triples = zip(paths, request, images, strict=True)
    while some := list(islice(triples, TESTED if left_out else 1)):
        bad = left_out(np.stack([image for _, _, image in some])) if left_out else np.zeros(len(some), np.bool_)
        lost += int(bad.sum())
        for (path, item, image), is_bad in zip(some, bad, strict=True):
            if is_bad:
                path.unlink(missing_ok=True)  # of an earlier command without --private
            else:
                canvas.save(path, canvas.to_pil(image), about(sampler, **request.metadata(known, item)))
    if left_out:
        notice(f"{lost:,} of {len(request):,} images are left out: they are near to a training image.")


def _npz(sampler: Sampler, request: SampleRequest, out: Path) -> None:
    """Write images and labels to an .npz file. Each micro-batch is written before the next one is generated, so memory
    use does not depend on the number of images.

    zlib's fastest level is used: the default level makes MNIST files 10 % smaller and takes twice as long.
    """
    spec = sampler.spec
    shape = (len(request), *spec.shape[1:], *((spec.channels,) if spec.channels > 1 else ()))
    with replacing(out) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("images.npy", "w", force_zip64=True) as stream:
            _header(stream, np.dtype(np.uint8), shape)
            for image in sampler.generate(request, request.seed):
                stream.write(image.tobytes())
        name = "mixes.npy" if request.has_mixes else "labels.npy"  # images of a mix have no label
        with file.open(name, "w", force_zip64=True) as stream:
            _labels(stream, request, spec.labels)
        with file.open("names.npy", "w", force_zip64=True) as stream:
            npy.write_array(stream, np.array(spec.labels.names), allow_pickle=False)
        with file.open(f"{marker.KEY}.npy", "w", force_zip64=True) as stream:
            note = json.dumps(about(sampler, **request.whole(spec.labels), count=max(request.counts)))
            npy.write_array(stream, np.array(note), allow_pickle=False)


def _labels(stream: IO[bytes], request: SampleRequest, known: Labels) -> None:
    """Write the label of every image, or the label vector of a mix, in chunks of at most CHUNK labels."""
    labels = known.encode(request.labels) if request.has_mixes else np.array(request.labels)
    _header(stream, labels.dtype, (len(request), *labels.shape[1:]))
    for label, count in zip(labels, request.counts, strict=True):
        for start in range(0, count, CHUNK):
            part = np.broadcast_to(label, (min(CHUNK, count - start), *label.shape))
            stream.write(part.tobytes())


def _header(stream: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(stream, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})


def about(sampler: Sampler, **request: object) -> dict[str, object]:
    """The metadata of an image, which suffices to generate it again."""
    return provenance.about(sampler.card, sampler.micro_batch, **request)
