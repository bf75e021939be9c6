"""Model files made to do harm: a thousand changes of card, manifest and weights, and thirty kinds of foreign payload.

Each change is either found out by a hash, or the hashes are made to fit again, as whoever means harm would.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import marshal
import pickle
import random
import resource
import signal
import tarfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import condgen
from condgen import records
from condgen.errors import CondgenError
from condgen.sharing import manifest

MEMORY, SECONDS = 200 * 2**20, 30
"""That one refusal may take at most; the seconds are only there to end one that hangs."""


def trial(folder: Path) -> tuple[str, float]:
    """Load a folder and draw from it: what came of it, and in how many seconds. Anything but images or one
    CondgenError is raised."""
    began = time.perf_counter()
    with _bounded():
        try:
            generated = condgen.load(folder).sample(count=2)
            outcome = hashlib.sha256(generated.tobytes()).hexdigest()
        except CondgenError as error:
            outcome = str(error)
            assert len(outcome) < 1500, outcome[:1500]
    return outcome, time.perf_counter() - began


@contextmanager
def _bounded() -> Iterator[None]:
    """No more than MEMORY on top of what the process has, and an end to what hangs."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)


def _late(*_: object) -> None:
    raise TimeoutError(f"not refused within {SECONDS} s")


def parts(folder: Path) -> tuple[Path, Path]:
    """Card and weights, of a run's folder or an exported one."""
    inner = folder / "generator" if (folder / "generator").exists() else folder
    return inner / "card.json", next(inner.glob("*.safetensors"))


def repair(folder: Path, about: dict[str, Any] | None = None) -> None:
    """Make all hashes fit again, with another card if one is given."""
    path, weights = parts(folder)
    if about is None:
        about = json.loads(path.read_text())
        about["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    about = {key: value for key, value in about.items() if key != "seal"}
    path.write_text(json.dumps(about | {"seal": records.seal_of(about)}))
    if path.parent == folder:
        (folder / "manifest.json").unlink()
        manifest.write(folder)


HOSTILE: list[Any] = [
    10**12, 10**9, 2**63, 10**400, -1, 0, 1.5, 1e308, float("nan"), float("inf"), "", "NaN", "../../etc/passwd",
    "/dev/zero", "os.system", "https://example.org/x", "a" * 100_000, None, True, [], {}, [0] * 10_000,
    {"_target_": "os.system"}, json.loads("[" * 300 + "]" * 300), "\0", "\ud800", ["cat", "cat"],
    "swift", "attributes", "uniform", 64, 1e400,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


def changed_json(value: Any, chance: random.Random) -> Any:
    """A JSON value with one place changed, taken away, added to or doubled."""
    path = chance.choice([*places(value)])
    here = value
    for step in path:
        here = here[step]
    kind = chance.randrange(4)
    if kind == 0 and isinstance(here, dict) and here:
        gone = chance.choice([*here])
        return put(value, path, {key: entry for key, entry in here.items() if key != gone})
    if kind == 1 and isinstance(here, dict):
        return put(value, path, here | {chance.choice(["_target_", "module", "__class__", "x" * 500]): "os.system"})
    if kind == 2 and isinstance(here, list):
        return put(value, path, here * chance.choice([2, 100, 10_000]))
    if kind == 3 and isinstance(here, int) and not isinstance(here, bool):
        return put(value, path, here + chance.choice([-1, 1, 7]))
    return put(value, path, chance.choice(HOSTILE))


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """Bytes with something flipped, cut, doubled, put in or overwritten."""
    at, length = chance.randrange(len(data)), chance.choice([1, 2, 8, 100, 4096])
    changes: list[Callable[[], bytes]] = [
        lambda: data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + data[at + length :],
        lambda: data[:at] + data[at : at + length] + data[at:],
        lambda: data[:at] + chance.randbytes(length) + data[at + length :],
        lambda: chance.randbytes(8) + data[8:],
        lambda: (chance.choice([2**63, 2**40, 2**20 + 1, 0, len(data)])).to_bytes(8, "little") + data[8:],
        lambda: data + chance.randbytes(length),
        lambda: b"",
    ]  # fmt: skip
    return chance.choice(changes)()


def changed_tensors(data: bytes, chance: random.Random) -> bytes:
    """Weights with another header, or with numbers that are none."""
    length = int.from_bytes(data[:8], "little")
    if chance.random() < 0.3:
        numbers = np.frombuffer(data[8 + length :], np.float32).copy()
        numbers[chance.randrange(len(numbers))] = chance.choice([np.nan, np.inf, -np.inf])
        return data[: 8 + length] + numbers.tobytes()
    header = json.dumps(changed_json(json.loads(data[8 : 8 + length]), chance)).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def mutate(folder: Path, chance: random.Random) -> bool:
    """One change to a folder; whether the hashes were made to fit it."""
    about, weights = parts(folder)
    kind = chance.randrange(6 if about.parent == folder else 5)
    if kind == 0:
        about.write_bytes(changed_bytes(about.read_bytes(), chance))
    elif kind == 1:
        weights.write_bytes(changed_bytes(weights.read_bytes(), chance))
    elif kind == 2:
        found = changed_json(json.loads(about.read_text()), chance)
        if isinstance(found, dict):
            repair(folder, found)
            return True
        about.write_text(json.dumps(found))
    elif kind in (3, 4):
        change = changed_tensors if kind == 3 else changed_bytes
        weights.write_bytes(change(weights.read_bytes(), chance))
        repair(folder)
        return True
    else:
        listed = folder / "manifest.json"
        if chance.random() < 0.5:
            listed.write_bytes(changed_bytes(listed.read_bytes(), chance))
        else:
            listed.write_text(json.dumps(changed_json(json.loads(listed.read_text()), chance)))
    return False


class Trap:
    """Unpickled, it leaves a canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = str(canary)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return open, (self.canary, "w")


def payloads(canary: Path, safetensors: bytes) -> dict[str, bytes]:
    """What is given away as a model elsewhere, each with a trap in it. safetensors: weights that would do."""
    import joblib

    trap = Trap(canary)
    plain = pickle.dumps(trap)
    code = f"open({str(canary)!r}, 'w')"
    found = {f"pickle protocol {protocol}": pickle.dumps(trap, protocol) for protocol in range(6)}
    found |= {"pickle, named frames": b"\x80\x04\x95" + len(plain).to_bytes(8, "little") + plain}
    found |= {"gzip": gzip.compress(plain), "bzip2": bz2.compress(plain), "xz": lzma.compress(plain)}
    found |= {"zlib": zlib.compress(plain)}
    found |= {"joblib": _written(lambda file: joblib.dump(trap, file))}
    found |= {"joblib, compressed": _written(lambda file: joblib.dump(trap, file, compress=3))}
    found |= {"torch.save": _written(lambda file: torch.save({"net": trap}, file))}
    old = _written(lambda file: torch.save({"net": trap}, file, _use_new_zipfile_serialization=False))
    found |= {"torch.save of old": old}
    found |= {"npy": _written(lambda file: np.save(file, np.array([trap], object), allow_pickle=True))}
    found |= {"npz": _written(lambda file: np.savez(file, x=np.array([trap], object), allow_pickle=True))}
    found |= {"zip": _zip({"data.pkl": plain}), "zip, twice the same name": _zip({"a": plain}, {"a": b""})}
    keras = {"class_name": "Lambda", "config": {"function": ["4wAAAA==", None, None]}, "module": "os"}
    found |= {"keras": _zip({"config.json": json.dumps(keras).encode(), "model.weights.h5": b"\x89HDF\r\n\x1a\n"})}
    found |= {"hdf5": b"\x89HDF\r\n\x1a\n" + plain}
    found |= {"tar": _tar(plain, "w"), "tar.gz, as nemo": _tar(plain, "w:gz")}
    found |= {"python": f"#!/usr/bin/env python\n{code}\n".encode(), "shell": f"#!/bin/sh\ntouch {canary}\n".encode()}
    found |= {"pyc": b"\xa7\r\r\n" + bytes(12) + marshal.dumps(compile(code, "x", "exec"))}
    found |= {"elf": b"\x7fELF" + plain, "gguf": b"GGUF" + plain, "html": b"<script>alert(1)</script>"}
    found |= {"yaml": f"!!python/object/apply:builtins.open [{canary}, w]".encode()}
    found |= {"json": json.dumps({"_target_": "builtins.open", "file": str(canary), "mode": "w"}).encode()}
    found |= {"jsonpickle": json.dumps({"py/reduce": [{"py/function": "builtins.open"}, [str(canary), "w"]]}).encode()}
    found |= {"safetensors, then a pickle": safetensors + plain, "a pickle, then safetensors": plain + safetensors}
    length = int.from_bytes(safetensors[:8], "little")
    header = json.loads(safetensors[8 : 8 + length]) | {"__metadata__": {"config": plain.hex()}, "trap": plain.hex()}
    text = json.dumps(header).encode()
    found |= {"a header with a pickle": len(text).to_bytes(8, "little") + text + safetensors[8 + length :]}
    found |= {"onnx": _onnx(canary)}
    return found


def _written(write: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(file)
    return file.getvalue()


def _zip(*members: dict[str, bytes]) -> bytes:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for some in members:
                for name, data in some.items():
                    archive.writestr(name, data)

    return _written(write)


def _tar(data: bytes, mode: str) -> bytes:
    def write(file: io.BytesIO) -> None:
        with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
            for name in ("model_config.yaml", "weights.ckpt", "../../weights.ckpt"):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))

    return _written(write)


def _onnx(canary: Path) -> bytes:
    """One whose weights are said to lie in another file."""
    import onnx

    tensor = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=f"../../../..{canary}")
    graph = onnx.helper.make_graph([], "trap", [], [], [tensor])
    data: bytes = onnx.helper.make_model(graph).SerializeToString()
    return data
