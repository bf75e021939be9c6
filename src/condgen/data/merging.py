"""Merges labels (--merge), and finds names that seem to be one label in several spellings."""

import csv
import re
import shlex
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Dataset, Split
from condgen.data.listing import Listing
from condgen.errors import CondgenError, shortened, unknown
from condgen.labels import UNKNOWN, Labels

SIMILAR = "similar"
MOST_COMPARED = 300
"""Maximum number of names that are compared for misspellings."""
RARE = 10
"""A name that is a letter away from another one is reported if the other one has RARE times as many images."""


class Plan(NamedTuple):
    """The new labels; and per old label the number of its new one, or -1 to leave its images out."""

    labels: Labels
    to: list[int]


@overload
def merged(found: Listing, merge: str | None) -> Listing: ...
@overload
def merged(found: Dataset, merge: str | None) -> Dataset: ...
@overload
def merged(found: Listing | Dataset, merge: str | None) -> Listing | Dataset: ...
def merged(found: Listing | Dataset, merge: str | None) -> Listing | Dataset:
    """Merge labels as `merge` says: "similar", and pairs OLD=NEW; "OLD=" leaves the images of a class out.

    Without `merge`, a remark is added if some names seem to be one label. Raises CondgenError for an unknown name.
    """
    counts = _counts(found)
    if not merge:
        doubts = remarks(found.labels.names, counts)
        return replace(found, remarks=(*found.remarks, *doubts)) if doubts else found
    plan = planned(found.labels, counts, merge)
    became = ["" if new < 0 else plan.labels.names[new] for new in plan.to]
    changed = sum(old != new for old, new in zip(found.labels.names, became, strict=True))
    said = f"--merge changed {changed:,} of {len(found.labels):,} labels; {len(plan.labels):,} are left."
    all_said = (*found.remarks, said) if changed else found.remarks
    new = _merged_listing(found, plan) if isinstance(found, Listing) else _merged_dataset(found, plan)
    return replace(new, remarks=all_said)


def _merged_listing(found: Listing, plan: Plan) -> Listing:
    values = _relabelled(found.values, plan)
    rows = np.flatnonzero(_kept(values)).tolist()
    images, parts = [found.images[row] for row in rows], [found.parts[row] for row in rows]
    return replace(found, labels=plan.labels, values=values[rows], images=images, parts=parts)


def _merged_dataset(found: Dataset, plan: Plan) -> Dataset:
    splits = {title: _merged_split(split, plan) for title, split in found.splits.items()}
    return replace(found, labels=plan.labels, train=splits["train"], test=splits.get("test"))


def planned(labels: Labels, counts: Sequence[int], merge: str) -> Plan:
    """Which label becomes which. Of similar names, the most frequent one is kept."""
    target = dict(zip(labels.names, labels.names, strict=True))
    pairs, similar = parsed(merge)
    if similar:
        for some in similar_names(labels.names):
            most = max(some, key=lambda name: (counts[labels.names.index(name)], name))
            target |= dict.fromkeys(some, most)
    if strange := next((old for old in pairs if old not in target), None):
        raise unknown("label in --merge", strange, labels.names)
    target = {name: pairs.get(name, pairs.get(now, now)) for name, now in target.items()}
    names = [name for name in dict.fromkeys(target.values()) if name]
    if not names:
        raise CondgenError("--merge leaves no label.")
    number = {name: at for at, name in enumerate(names)}
    return Plan(replace(labels, names=tuple(names)), [number.get(target[name], -1) for name in labels.names])


def parsed(merge: str) -> tuple[dict[str, str], bool]:
    """The pairs OLD=NEW of the option, and whether similar names are merged too. A name with a comma is quoted."""
    pairs, similar = dict[str, str](), False
    for word in (word.strip() for word in next(csv.reader([merge], skipinitialspace=True))):
        old, sign, new = word.partition("=")
        if word.casefold() == SIMILAR:
            similar = True
        elif not sign or not old.strip():
            raise CondgenError(f"--merge takes {SIMILAR!r} or pairs OLD=NEW separated by commas, found {word!r}.")
        else:
            pairs[old.strip()] = new.strip()
    return pairs, similar


def named_in(merge: str | None) -> set[str]:
    """The labels that the option names on the left of a pair."""
    return set(parsed(merge)[0]) if merge else set()


def similar_names(names: Sequence[str]) -> list[list[str]]:
    """Names that differ only in case, spaces, hyphens, underscores, accents' encoding, or zeros before a number."""
    groups = defaultdict[str, list[str]](list)
    for name in names:
        groups[_folded(name)].append(name)
    return [some for some in groups.values() if len(some) > 1]


def misspelt_names(names: Sequence[str], counts: Sequence[int]) -> list[tuple[str, str]]:
    """Pairs of a rare name and a frequent one that differ in one letter, or in two neighbouring ones."""
    if len(names) > MOST_COMPARED:
        return []
    ranked = sorted(zip(counts, names, strict=True), reverse=True)
    return [
        (rare, name)
        for few, rare in ranked
        for many, name in ranked
        if few and many >= RARE * few and min(len(rare), len(name)) >= 4 and _one_letter_apart(rare, name)
    ]


def remarks(names: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """Sentences on names that seem to be one label."""
    said = []
    if similar := similar_names(names):
        example = " and ".join(repr(shortened(name)) for name in similar[0])
        more = f" and {len(similar) - 1:,} more such" if len(similar) > 1 else ""
        said.append(f"{example}{more} are different labels; --merge {SIMILAR} makes each one.")
    if misspelt := misspelt_names(names, counts):
        rare, name = misspelt[0]
        pair = f'"{rare}={name}"' if "," in rare + name else f"{rare}={name}"
        more = f" ({len(misspelt) - 1:,} more such)" if len(misspelt) > 1 else ""
        said.append(f"{rare!r} may be a misspelling of {name!r}{more}; --merge {shlex.quote(pair)} merges them.")
    return tuple(said)


def _folded(name: str) -> str:
    word = re.sub(r"[\s_]+|(?<=\w)-+", "", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", word)


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter is missing, added or replaced, or two neighbours are exchanged. Digits have to be equal."""
    one, other = one.casefold(), other.casefold()
    if abs(len(one) - len(other)) > 1 or re.sub(r"\D", "", one) != re.sub(r"\D", "", other):
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    mine, theirs = one[start:], other[start:]
    exchanged = mine[:2] == theirs[1::-1] and len(theirs) > 1 and mine[2:] == theirs[2:]
    return exchanged or mine[1:] == theirs[1:] or mine[1:] == theirs or mine == theirs[1:]


def _counts(found: Listing | Dataset) -> list[int]:
    """Number of images per label."""
    arrays = [found.values] if isinstance(found, Listing) else [split.labels for split in found.splits.values()]
    values = np.concatenate(arrays)
    if found.labels.kind == "attributes":
        return [int(count) for count in (values == 1).sum(0)]
    return [int(count) for count in np.bincount(values, minlength=len(found.labels))]


def _relabelled(values: NDArray[np.int64], plan: Plan) -> NDArray[np.int64]:
    """The new values. Merged attributes are present if one of them is, and absent if one is and none is present."""
    if plan.labels.kind == "classes":
        return np.array(plan.to, np.int64)[values]
    new = np.full((len(values), len(plan.labels)), UNKNOWN, np.int64)
    for old, to in enumerate(plan.to):
        if to >= 0:
            new[:, to] = np.maximum(new[:, to], values[:, old])
    return new


def _kept(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows that still have a label."""
    return values >= 0 if values.ndim == 1 else np.ones(len(values), bool)


def _merged_split(split: Split, plan: Plan) -> Split:
    labels = _relabelled(split.labels, plan)
    rows = _kept(labels)
    return Split(split.images if rows.all() else split.images[rows], labels[rows])
