"""What condgen itself wrote as data: `sample --out FOLDER`, its shards, `augment`, and zips of the server and the page.

Every image says its label: in the text of its PNG, in a shard in the .json beside it. The folder's marker has the label
set, so that the data have the labels of the generator, whichever of them were asked for. Shards by other tools
(WebDataset: NAME.jpg with NAME.cls or NAME.json) are read too.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from condgen import marker
from condgen.data.listing import Listing, listing
from condgen.data.store import Pictures, Store
from condgen.data.tars import ENDING, Tars
from condgen.errors import CondgenError
from condgen.labels import Label, Labels
from condgen.marker import Mark

NAMED = re.compile(r"[^/]+_seed\d+_\d{5,}\.png")
"""As condgen names generated images."""
BESIDE = (".json", ".txt", ".md", ".csv")
"""Endings of what may lie beside generated images."""


def fits(store: Store) -> bool:
    names = [name for name in store.names() if not name.lower().endswith(BESIDE)]
    if store.mark or not names:
        return bool(_marks(store))
    return all(name.endswith(ENDING) for name in names) or (
        all(NAMED.fullmatch(name) for name in names) and store.note(names[0]) is not None
    )


def read(store: Store) -> Listing:
    """Raises CondgenError if the images do not say what they are of."""
    folders = _marks(store)
    names = [name for folder in folders for name in (store.within(folder) if folder else store.names())]
    tars = Tars(store)
    said, odd, own = dict[str, str](), dict(store.odd), dict[str, str]()
    for name in names or store.names():
        if name.endswith(ENDING):
            for image in tars.images(name):
                _sort(image, tars.label(image), said, odd)
        elif name.lower().endswith(marker.ENDINGS):
            note = store.note(name)
            if note and note.label is None:
                own[name] = note.wrote
            else:
                _sort(name, note.label if note else None, said, odd)
        elif not name.lower().endswith(BESIDE):
            odd[name] = "was not written by condgen, in a folder that is"
    if not said:
        raise CondgenError(f"{str(store.path)!r} holds no images that say their label.")
    return _labelled(store, tars, said, list(folders.values()), odd, own)


def _marks(store: Store) -> dict[str, Mark]:
    """The marker of this folder if it is data, else those of the folders of data that it holds, if it holds no more."""
    if store.mark:
        return {"": store.mark} if store.mark.is_data else {}
    found = {folder: store.mark_of(folder) for folder in store.own}
    return {folder: mark for folder, mark in found.items() if mark and mark.is_data}


def _sort(name: str, label: str | None, said: dict[str, str], odd: dict[str, str]) -> None:
    if label is None:
        odd[name] = "does not say its label"
    else:
        said[name] = label


def _labelled(
    store: Store, pictures: Pictures, said: dict[str, str], marks: Sequence[Mark], odd: dict[str, str],
    own: dict[str, str],
) -> Listing:  # fmt: skip
    known = marker.joined([mark.labels for mark in marks if mark.labels])
    if known is None:
        if any("+" in word or word == "none" for word in said.values()) or marks:
            raise CondgenError(
                f"{str(store.path)!r}: images with attributes, and no {marker.FILE} that names the same ones for all; "
                "name a single folder that condgen wrote."
            )
        found = listing(pictures, ((name, None, word) for name, word in said.items()), store.path.stem)
        known, values = found.labels, found.values
    else:
        values = np.array([label_of(known, word, str(store.path)) for word in said.values()], np.int64)
    parts: list[str | None] = [None] * len(said)
    return Listing(store.path.stem, pictures, list(said), known, values, parts, odd, own=own, generated=True)


def label_of(known: Labels, title: str, where: str) -> Label:
    """The label of a title, as `Labels.title` writes it. Raises CondgenError if there is none."""
    if known.kind == "classes":
        if title in known.names:
            return known.names.index(title)
    elif title == "none":
        return (0,) * len(known)
    elif on := next(_parts(title, known.names, 0), None):
        return tuple(int(i in on) for i in range(len(known)))
    raise CondgenError(f"{where}: label {title!r} is not among {', '.join(known.names[:20])}.")


def _parts(title: str, names: Sequence[str], start: int) -> Iterator[list[int]]:
    """Ways to read a title as names joined by '+', in order: a name may hold a '+' itself."""
    for number in range(start, len(names)):
        if title == names[number]:
            yield [number]
        elif title.startswith(f"{names[number]}+"):
            rest = _parts(title[len(names[number]) + 1 :], names, number + 1)
            yield from ([number, *others] for others in rest)
