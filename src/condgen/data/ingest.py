"""From a listing of image files to a data set: which images are used, and for what.

`survey.py` looks at every file, `pixels.py` decodes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from condgen.data.dataset import Dataset, Split
from condgen.data.depth import check_depth
from condgen.data.file_names import FileNames
from condgen.data.held_out import FEWEST, classes_of, said
from condgen.data.listing import Listing
from condgen.data.pixels import Ingested, ingested
from condgen.data.store import shown
from condgen.data.survey import Facts, Survey, are_generated, surveyed, usual_size
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError
from condgen.spec import HeldOut, OnBad

BAD_SHARE = 0.01
"""Fraction of the images that may be left out by default, without --on-bad."""
HELD_OUT = 10
"""The former rule (`DataOptions.held_out`): about one in HELD_OUT images is held out, whatever its class."""


def dataset(listing: Listing, options: DataOptions = AS_THEY_ARE) -> Dataset:
    """Decode the images of a listing. Raises CondgenError if no training image can be used."""
    listing, survey = without_own(listing, surveyed(listing))
    bad = dict(listing.odd)
    bad |= {name: why for name, why in zip(listing.images, survey, strict=True) if isinstance(why, str)}
    judge_bad(listing, bad, options.on_bad)
    train, test = split(listing, survey, options.held_out)
    rows = [*train, *test]
    divides = options.held_out == "per_class" and not test and len(rows) >= FEWEST
    found = decoded_rows(listing, survey, rows, options, divides)
    check_depth(listing.name, found.findings.depth, options)
    bad |= {listing.images[rows[place]]: why for place, why in found.lost.items()}
    judge_bad(listing, bad, options.on_bad)
    read = with_splits(listing, rows, len(train), found)
    remarks = (*listing.remarks, *found.findings.remarks(listing, options))
    if not listing.generated and are_generated(survey):
        remarks = (*remarks, f"condgen generated all images of {listing.name!r}.")
    ignored = {**listing.ignored, **unused(listing), **bad}
    left_out = {shown(name): why for name, why in ignored.items()}
    own = {shown(name): wrote for name, wrote in listing.own.items()}
    return replace(read, left_out=left_out, own=own, remarks=remarks, layout=listing.layout, source=listing.store.path)


def decoded_rows(
    listing: Listing, survey: Survey, rows: Sequence[int], options: DataOptions, divides: bool
) -> Ingested:
    """The pixels of some images. divides: hold out a tenth of each class."""
    facts = [found for row in rows if isinstance(found := survey[row], Facts)]
    size = options.size or listing.size or usual_size(facts)
    groups = classes_of(listing.values[rows]) if divides else None
    return ingested(listing.store, [listing.images[row] for row in rows], facts, size, options, groups)


def with_splits(listing: Listing, rows: Sequence[int], training: int, found: Ingested) -> Dataset:
    """The data set of the decoded images. rows: their places in the listing, of which the first `training` are
    training images unless they are held out. Raises CondgenError if none remains."""
    places = [place for place in range(len(rows)) if place not in found.lost]
    order = sorted(places, key=lambda place: place in found.held)
    cut = sum(place < training and place not in found.held for place in order)
    if not cut:
        raise CondgenError(f"{str(listing.store.path)!r} holds no training images.")
    kept = [rows[place] for place in order]
    images, values, files = found.images, listing.values[kept], [listing.images[row] for row in kept]
    first = Split(images[:cut], values[:cut], FileNames(files[:cut]))
    rest = Split(images[cut:], values[cut:], FileNames(files[cut:])) if cut < len(images) else None
    held = (said(len(found.held)),) if found.held else ()
    return Dataset(listing.name, listing.labels, first, rest, structure=(*listing.structure, *held))


def unused(listing: Listing) -> dict[str, str]:
    """Validation images beside a test split, each with the reason why it is left out."""
    if "test" not in listing.parts:
        return {}
    names = [name for name, part in zip(listing.images, listing.parts, strict=True) if part == "validation"]
    return dict.fromkeys(names, "is in the validation split, which is not used beside a test split")


def without_own(listing: Listing, survey: Survey) -> tuple[Listing, list[Facts | str]]:
    """Remove grids, figures and generated images that condgen wrote. Generated images stay if there are no others.

    A class without remaining images is removed. Raises CondgenError if no image remains.
    """
    are_data = listing.generated or are_generated(survey)
    own = {
        row: found.wrote
        for row, found in enumerate(survey)
        if isinstance(found, Facts) and (found.sheet or (found.wrote and not are_data))
    }
    if not own:
        return listing, list(survey)
    rows = [row for row in range(len(survey)) if row not in own]
    names = {listing.images[row]: wrote for row, wrote in own.items()}
    if not rows:
        raise CondgenError(
            f"{str(listing.store.path)!r} holds no images but what condgen wrote, such as {shown(next(iter(names)))} "
            f"({next(iter(names.values()))})."
        )
    return listing.only(rows, names), [survey[row] for row in rows]


def judge_bad(listing: Listing, bad: Mapping[str, str], on_bad: OnBad | None) -> None:
    """Raise CondgenError if more files are unusable than `on_bad` permits."""
    total = len(listing.images) + len(listing.odd)
    bearable = {"skip": total - 1, "stop": 0, None: BAD_SHARE * total}[on_bad]
    if len(bad) <= bearable:
        return
    some = ", ".join(f"{shown(name)} {why}" for name, why in list(bad.items())[:5])
    more = f" and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    remedy = "" if len(bad) == total else " Mend them, or leave them out with --on-bad skip."
    raise CondgenError(
        f"{len(bad):,} of {total:,} images of {str(listing.store.path)!r} cannot be used: {some}{more}.{remedy}"
    )


def split(listing: Listing, survey: Survey, held_out: HeldOut = "per_class") -> tuple[list[int], list[int]]:
    """Rows of the valid training and test images, in the order of the source.

    If the source has no splits, all are training images until they have been decoded (data/held_out.py); by the former
    rule, about a tenth of the files is held out by a hash of their content. If the source has validation images but no
    test images, the validation images are the test split.
    """
    sound = [row for row, found in enumerate(survey) if isinstance(found, Facts)]
    given = {part for row in sound if (part := listing.parts[row])}
    if not given and (held_out != "overall" or len(sound) < FEWEST):
        return sound, []
    if not given:
        held = [row for row in sound if int(survey[row][0][:8], 16) % HELD_OUT == 0]
        return sorted(set(sound) - set(held)), held
    test = "test" if "test" in given else "validation"
    return (
        [row for row in sound if listing.parts[row] in ("train", None)],
        [row for row in sound if listing.parts[row] == test],
    )
