"""Exports a generator as one HTML file that generates images in a browser: page, onnxruntime-web, ONNX file and card.

The page works from disk or from any server without further network requests; its Content-Security-Policy forbids them.
Large contents are base64 in <script> elements of a type that browsers do not execute.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condgen import disk, marker
from condgen.sampling.sampler import Sampler
from condgen.sharing import about, bundle, onnx, parity, runtime
from condgen.sharing.card import has_plane

PAGE = Path(__file__).parents[1] / "page"
LICENCE = Path(__file__).with_name("onnxruntime-web.LICENCE.txt")
STYLES = ("base.css", "parts.css")
LIMITS = {"images": 10_000, "points": 256}
"""Limits of one zip file and of one view."""


def export(sampler: Sampler, path: Path) -> parity.Difference:
    """Write the page to `path`, an .html file. Returns the difference of its images from those of the sampler.

    Raises CondgenError if onnxruntime-web is not in the cache and cannot be downloaded.
    """
    marker.check_file(path)
    files = runtime.files()  # first, since nothing else is of use if the download fails
    with disk.staging(path) as folder:
        found = onnx.export(sampler, folder / "model.onnx", optional=False)
        model = (folder / "model.onnx").read_bytes()
    disk.write_bytes(path, page(model, facts(sampler), files).encode())
    return found


def facts(sampler: Sampler) -> dict[str, Any]:
    """The facts about a model that the page needs; the same as GET /about of `condgen serve`."""
    card, spec, prior = sampler.card, sampler.spec, sampler.prior
    name = f"{card.system}-{Path(card.data.name).name}"
    inputs = [option for option in sampler.options if option.type is float]  # the others are fixed in the program
    found = about.facts(name, card, spec, prior, sampler.micro_batch, has_plane(card, prior), inputs)
    return found | {"limits": LIMITS}


def page(model: bytes, card: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """The self-contained HTML page. model: an ONNX file. files: those of onnxruntime-web, by name."""
    style = "".join((PAGE / name).read_text(encoding="utf-8") for name in STYLES)
    interface, script = files["ort.wasm.min.js"].decode(), bundle.script(PAGE / "static.js")
    inside = "\n".join([
        f"<!-- onnxruntime-web {runtime.VERSION}\n{LICENCE.read_text(encoding='utf-8')}-->",
        _data("card", json.dumps(card, ensure_ascii=False).replace("<", "\\u003c")),
        _data("model", _base64(model)),
        _data("glue", _base64(files["ort-wasm-simd-threaded.mjs"])),
        _data("wasm", _base64(gzip.compress(files["ort-wasm-simd-threaded.wasm"], mtime=0))),
        f"<script>{_closed(interface)}</script>",
        f'<script type="module">{_closed(script)}</script>',
    ])  # fmt: skip
    policy = (
        f"default-src 'none'; script-src {_hash(interface)} {_hash(script)} blob: 'wasm-unsafe-eval'; "
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _filled(policy, style, inside)


def _filled(policy: str, style: str, inside: str) -> str:
    """The served index.html with its links to files replaced by the contents."""
    served = (PAGE / "index.html").read_text(encoding="utf-8")
    without = re.sub(r'<(link rel="stylesheet"|script type="module").*\n', "", served)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    head = without.replace('<meta name="viewport"', meta + '<meta name="viewport"', 1)
    head = head.replace('<meta charset="utf-8">', '<meta charset="utf-8">\n' + marker.GENERATOR.decode(), 1)
    return head.replace("</head>", f"<style>{style}</style>\n</head>", 1).replace("</body>", f"{inside}\n</body>", 1)


def _data(name: str, text: str) -> str:
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hash(text: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _closed(script: str) -> str:
    """The script, after a check that it cannot end its <script> element."""
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)
    return script
