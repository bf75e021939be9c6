"""Reads StyleGAN's layout (stylegan2-ada-pytorch, stylegan3): images and a dataset.json with their labels.

    {"labels": [["00000/img00000000.png", 6], ["00000/img00000001.png", 9], ...]}

A label is a class number, or a list of zeros and ones, one per attribute.
"""

import json

import numpy as np

from condgen.data.classes import few_enough, numbered
from condgen.data.dataset import LARGEST
from condgen.data.listing import Listing, listing
from condgen.data.store import Bad, Store
from condgen.data_options import DataOptions
from condgen.errors import CondgenError
from condgen.labels import Labels

FILE = "dataset.json"


def fits(store: Store, options: DataOptions) -> bool:
    return FILE in store.names()


def read(store: Store, options: DataOptions) -> Listing:
    where = f"{FILE} of {str(store.path)!r}"
    try:
        entries = dict(json.loads(store.read(FILE))["labels"] or [])
    except (Bad, ValueError, KeyError, TypeError) as error:
        raise CondgenError(f'{where}: wanted {{"labels": [["a.png", 3], ...]}}; {error}.') from None
    if not entries:
        raise CondgenError(f"{where} names no labels.")
    labels = list(entries.values())
    if all(isinstance(label, int) for label in labels):
        if min(labels) < 0 or max(labels) > LARGEST:
            raise CondgenError(f"{where}: classes {min(labels)} to {max(labels)}; wanted 0 or more, and not as many.")
        names = numbered([np.array(labels, np.int64)], where).names
        return listing(store, ((file, None, str(int(label))) for file, label in entries.items()), names=names)
    if not all(isinstance(label, list) and len(label) == len(labels[0]) and {*label} <= {0, 1} for label in labels):
        raise CondgenError(f"{where}: wanted whole numbers, or lists of zeros and ones of one length.")
    attributes = Labels(few_enough(tuple(f"attribute_{i}" for i in range(len(labels[0]))), where), "attributes")
    values, parts = np.array(labels, np.int64), [None] * len(labels)
    return Listing(store.path.stem, store, list(entries), attributes, values, parts, store.odd)
