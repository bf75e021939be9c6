"""Reads the card of a generator from untrusted files, and builds the network that it describes.

Only `build_on_meta` needs torch.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from condgen import disk, records
from condgen.card import FORMAT, Card
from condgen.errors import CondgenError, shortened
from condgen.former import completed
from condgen.plugins import is_path
from condgen.sharing import strict
from condgen.sharing.strict import Refused
from condgen.spec import Prior
from condgen.systems import preset, presets

if TYPE_CHECKING:
    from condgen.system import System

NAME = "card.json"
RANGE = [0, 255]
"""Range of the values of generated images."""
ROOM = 2**17
"""Bytes reserved in a card for the fields that an evaluation and an export add."""


def of_training(facts: Mapping[str, Any]) -> Card:
    """The card of a generator in training. Its weights are named later, by `Card.with_weights`.

    Raises CondgenError if the generator could not be loaded: the message names the exceeded limit and the setting to
    change.
    """
    try:
        return Card.of({**facts, "weights": "weights-000000000000.safetensors", "sha256": "0" * 64})
    except ValidationError as error:
        raise CondgenError(f"the trained generator could not be loaded again: {_limit(error, facts)}") from None


def check_size(card: Card) -> None:
    """Raise CondgenError if the file of a card, with the fields that are added later, would be too large to be read."""
    size = len(disk.as_json(card.to_json()))
    if size > strict.LARGEST - ROOM:
        raise CondgenError(
            f"the trained generator could not be loaded again: its card would have {size:,} bytes, mostly label names, "
            f"and at most {strict.LARGEST - ROOM:,} are allowed; shorten the names, or train on fewer labels."
        )


def read(path: Path) -> Card:
    """Read and validate a card. Raises Refused, with the name of the file in the message."""
    found = strict.read(path)
    try:
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise Refused(f"has format {found['format']}; upgrade condgen to read it")
        card = Card.model_validate(found)
        if "seal" in found and found["seal"] != records.seal_of(found):
            raise Refused("has changed since it was written")
        _ = card.image_spec  # checks the names of the labels
    except ValidationError as error:
        raise Refused(f"{str(path)!r} is not a valid card: {_in_words(error)}.") from None
    except CondgenError as error:
        raise Refused(f"{str(path)!r} {str(error).rstrip('.')}.") from None
    return card


def build_on_meta(card: Card) -> "System":
    """The system that a card describes, on torch's meta device: its parameters have shapes but use no memory.

    Raises CondgenError for an unknown system, unknown settings or values out of range, or another prior than that of
    the system.
    """
    try:
        found = preset(card.system)
        config = completed(card.config, type(found.config).model_fields, card.format - 1)
        system = found.build_on_meta(card.image_spec, found.config.with_overrides(config))
    except CondgenError as error:
        raise Refused(f"its {NAME} cannot be used: {error}") from None
    except (RuntimeError, OverflowError, ValueError) as error:  # the product of the sizes overflows
        raise Refused(f"no network can have the sizes of this card ({str(error).splitlines()[0][:80]}).") from None
    if system.prior != card.latent_prior:
        raise Refused(
            f"{card.system} with these settings takes noise {asdict(system.prior)}, the card says "
            f"{asdict(card.latent_prior)}."
        )
    return system


def has_plane(card: Card, prior: Prior) -> bool:
    """Whether z is the plane of an autoencoder, which can be shown as a map."""
    known = card.system in presets() or is_path(card.system)
    return prior.dim == 2 and known and hasattr(preset(card.system).system, "encode")


def _limit(error: ValidationError, facts: Mapping[str, Any]) -> str:
    """The first limit that a card exceeds and the setting of the training to change, in words."""
    first = error.errors()[0]
    names = facts["spec"]["labels"]["names"]
    match first["loc"]:
        case ("spec", "labels", "names", int(place)) if first["type"] == "string_too_long":
            name = names[place]
            return f"label {place} ({shortened(name)!r}) has {len(name):,} characters; at most 1,000 are allowed."
        case ("spec", "labels", "names", int(place)):
            return f"label {place} ({shortened(names[place])!a}) is not valid Unicode text; rename it."
        case ("spec", "labels", *_):
            return f"it has {len(names):,} labels; at most 20,000 classes or 4,096 attributes are allowed."
        case ("spec", "shape", *_):
            height, width = facts["spec"]["shape"][1:]
            return f"its images have {height} x {width} pixels; sides may have at most 2,048. Give a smaller --size."
        case ("data", "name"):
            return "the path to the data has more than 4,096 characters; give a shorter --data."
        case ():
            return f"{first['msg'].removeprefix('Value error, ')}; give a smaller --size."
        case _:
            return f"{_in_words(error)}; change that setting."


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "it"
    said = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{where}: {said}, found {reprlib.repr(first['input'])}"
