"""onnxruntime-web, which runs ONNX files in a browser: a pinned version, downloaded once and verified by SHA-512."""

import hashlib
import io
import os
import tarfile
from contextlib import suppress
from pathlib import Path

from condgen import cache, disk, download
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError

VERSION = "1.30.0"
REGISTRY = "https://registry.npmjs.org"
"""The npm registry; NPM_CONFIG_REGISTRY, npm's own setting, names a mirror."""
PACKAGE = f"onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
SHA512 = (
    "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca"
    "590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"
)
"""Hash of the package, from the npm registry."""
FILES = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The files that a page needs, with their SHA-256: the JavaScript API, the WebAssembly loader and the runtime."""


def files() -> dict[str, bytes]:
    """The files by name, from the cache or the npm registry. Raises CondgenError if neither provides them."""
    folder = disk.cache() / f"onnxruntime-web-{VERSION}"
    kept = _kept(folder)
    if kept is None:
        kept = _unpacked(_fetched(folder))
        with suppress(DiskError), cache.writing(folder):  # without a cache, they are downloaded again next time
            for name, data in kept.items():
                disk.write_bytes(folder / name, data)
    return kept


def _kept(folder: Path) -> dict[str, bytes] | None:
    try:
        found = {name: (folder / name).read_bytes() for name in FILES}
    except OSError:
        return None
    return found if all(hashlib.sha256(found[name]).hexdigest() == FILES[name] for name in FILES) else None


def _fetched(folder: Path) -> bytes:
    """The package; it is downloaded into the folder, and removed when it was read."""
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or REGISTRY
    url = f"{registry.rstrip('/')}/{PACKAGE}"
    try:
        path = download.fetch(url, folder / Path(PACKAGE).name, f"onnxruntime-web {VERSION}", f"sha512:{SHA512}")
    except download.Unreachable as error:
        raise CondgenError(
            f"--format web needs onnxruntime-web {VERSION}, but {url} cannot be downloaded ({error.reason}); try again "
            "with a network connection, or set NPM_CONFIG_REGISTRY to a mirror of the npm registry."
        ) from None
    data = path.read_bytes()
    path.unlink()
    return data


def _unpacked(package: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None, name
            found[name] = member.read()
    return found
