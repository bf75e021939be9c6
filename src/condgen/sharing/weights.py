"""Loads tensors from an untrusted safetensors file that must contain exactly the parameters of the network.

The card determines what the file may contain. Names, types and shapes are compared before a tensor is read, and no more
memory is allocated than the file has bytes. Other files are refused by their content, whatever their names are.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_in
from torch import Tensor, nn

from condgen.sharing import strict
from condgen.sharing.strict import Refused

HEADER = 2**20
"""Maximum size of a header in bytes."""
DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""The types of tensors in condgen's networks, by safetensors' names."""
MAGIC = {
    b"\x80": "a pickle", b"PK\x03\x04": "a zip, as torch.save, Keras and NumPy write", b"\x89HDF": "HDF5",
    b"\x1f\x8b": "gzip", b"\x93NUMPY": "a NumPy array", b"BZ": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd",
    b"#!": "a script", b"\x7fELF": "a program", b"MZ": "a program", b"<": "markup", b"GGUF": "GGUF",
}  # fmt: skip
"""First bytes of other file formats in which models are distributed, for error messages."""


def size(net: nn.Module) -> int:
    """Size in bytes of a network's parameters and buffers."""
    return sum(value.numel() * value.element_size() for value in net.state_dict().values())


def load_into(net: nn.Module, path: Path, sha256: str) -> None:
    """Load the weights in a file into a network on torch's meta device.

    Raises Refused, with the name of the file in the message.
    """
    try:
        fill(net, _tensors(path, net, sha256))
    except Refused as error:
        raise Refused(f"{str(path)!r} {error}; write it again with the run's train command or condgen export.") \
            from None  # fmt: skip


def fill(net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load tensors into a network on the meta device.

    Raises Refused unless their names, types and shapes are those of the network, and all values are finite.
    """
    described = {name: (DTYPES.get(value.dtype), tuple(value.shape)) for name, value in tensors.items()}
    _compare(described, net)
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise Refused(f"has values in {name} that are not finite")
        if name.endswith("running_var") and (value < 0).any():
            raise Refused(f"has negative variances in {name}")
    # Tensors are copied, because kernels may round differently for another memory alignment.
    net.load_state_dict({name: value.clone() for name, value in tensors.items()}, assign=True)
    net.to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]


def _tensors(path: Path, net: nn.Module, sha256: str) -> dict[str, Tensor]:
    try:
        if not path.is_file():
            raise Refused("is missing")
        with path.open("rb") as file:
            _check_length(file.read(8), path.stat().st_size, size(net))
            data = path.read_bytes()
    except OSError as error:
        raise Refused(f"cannot be read ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused("is damaged: its SHA-256 differs from that of its card")
    header = strict.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    _compare(_described(header), net)
    try:
        return tensors_in(data)
    except SafetensorError as error:
        raise Refused(f"is not a safetensors file ({str(error)[:80]})") from None


def _check_length(start: bytes, length: int, numbers: int) -> None:
    """Raise Refused unless the size of the file is that of its header and of `numbers` bytes of tensors.

    Called before more is read. start: the first 8 bytes of the file. length: its size in bytes.
    """
    header = int.from_bytes(start, "little")
    if len(start) < 8 or header > HEADER or 8 + header + numbers != length:
        kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)
        looks = f" (it looks like {kind}, which condgen never opens)" if kind else ""
        raise Refused(f"is not a safetensors file with {numbers:,} bytes of weights{looks}")


def _described(header: Any) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Type and shape of each tensor, from a header. Raises Refused if the header is invalid."""
    if not isinstance(header, dict):
        raise Refused("has a header that is not a JSON object")
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("shape"), list):
            raise Refused(f"has a header that does not describe {name[:80]!r}")
        found[name] = entry.get("dtype"), tuple(entry["shape"])
    return found


def _compare(found: Mapping[str, tuple[Any, tuple[Any, ...]]], net: nn.Module) -> None:
    """Raise Refused if a tensor of the network is missing or differs, or if there are other tensors."""
    wanted = {name: (DTYPES[value.dtype], tuple(value.shape)) for name, value in net.state_dict().items()}
    for name in wanted:
        if name not in found:
            raise Refused(f"lacks {name}")
        if found[name] != wanted[name]:
            (dtype, shape), (its, sides) = wanted[name], found[name]
            raise Refused(f"has {name} as {str(its)[:20]} {str(sides)[:80]} but the card's network has {dtype} {shape}")
    for name in found:
        if name not in wanted:
            raise Refused(f"has {name[:80]!r}, which the card's network does not have")
