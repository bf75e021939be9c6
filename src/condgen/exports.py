"""Writes a generator to a folder that can be shared, and uploads it.

FORMATS lists the formats. The code for each, and for the folder, its card and its README, is in sharing/.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Literal

from condgen import api, measuring, shell, verdict
from condgen.card import Card
from condgen.errors import CondgenError, unknown
from condgen.evaluation import Evaluation
from condgen.options import PRECISION
from condgen.result import Result
from condgen.sharing import locate

if TYPE_CHECKING:
    from condgen.sampling.sampler import Sampler

Precision = Literal["fp32", "fp16", "int8", "fp64"]
SAID = 500
"""Maximum number of characters of the verdict in a card."""


@dataclass(frozen=True)
class Format:
    """What an export contains besides the weights: one file, which is a program."""

    summary: str
    """What the file is for, as `--help` shows it."""
    file: str = ""
    module: str = ""
    """Module with `export(sampler, path)`, which writes the file and returns the difference of its images from those of
    the sampler. It is imported on first use, since it imports torch."""
    precisions: tuple[Precision, ...] = ("fp32",)
    """Supported values of `--precision`. If there are several, `export` takes the chosen one as its third argument."""

    def write(self, sampler: "Sampler", folder: Path, precision: Precision) -> dict[str, Any]:
        """Write the file into `folder`. Returns fields to add to the card."""
        if not self.module:
            return {}
        chosen = [precision] if len(self.precisions) > 1 else []
        return {"parity": asdict(resolve_name(f"{self.module}:export")(sampler, folder / self.file, *chosen))}


FORMATS: Mapping[str, Format] = {
    "safetensors": Format("for condgen"),
    "onnx": Format("for onnxruntime", "model.onnx", "condgen.sharing.onnx", ("fp32", "fp16", "int8", "fp64")),
    "pt2": Format("for torch without condgen", "model.pt2", "condgen.sharing.pt2"),
    "web": Format("one HTML file that generates images in a browser", "index.html", "condgen.sharing.web"),
}
"""Every export contains the weights as safetensors, whatever the format."""


@dataclass(frozen=True, repr=False)
class Export(Result):
    """A generator in a form that can be shared."""

    folder: Path
    """The folder, or the file of an export that is one HTML file."""
    format: str
    """One of `FORMATS`."""

    @property
    def is_page(self) -> bool:
        """Whether it is one HTML file, without weights and card."""
        return self.format == "web" and self.folder.suffix == ".html"

    def to_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "format": self.format}

    def __repr__(self) -> str:
        return f"Export({str(self.folder)!r}, {self.format})"

    def __str__(self) -> str:
        return str(self.folder)


def export(
    run: str,
    *,
    format: str = "safetensors",
    out: str | Path | None = None,
    best: bool = False,
    licence: str | None = None,
    precision: Precision = "fp32",
    **options: Any,
) -> Export:
    """Export a generator to a folder that can be shared: weights, a model card, and a program in the chosen format.

    condgen export runs/first --format onnx --licence cc0-1.0 --out my-digits

    Args:
        run: Folder of a run or of an export, owner/name on the Hugging Face Hub, or a ready-made generator:
            digits or clothes.
        format: Program to add to the weights and the model card, one of `FORMATS`.
        out: Folder to write. Default: exported/FORMAT in the run's folder.
            With --format web, NAME.html writes only that file.
        best: Use the generator with the best evaluation during training instead of the last one.
        licence: Licence of the weights, as named on the Hugging Face Hub, such as apache-2.0 or cc-by-4.0.
        precision: Precision of an ONNX file. fp16 halves the file size; int8 reduces it to a third. int8 is also
            faster; both are less exact. fp64 is slow, and gives the same bytes as condgen with --precision fp64.
    """
    _check(format, precision, licence)
    computed = "fp64" if precision == "fp64" else "fp32"  # by condgen, for the comparison and for the card
    sampler = api.load(run, best=best, **options).with_options(precision=computed)
    folder = Path(out).expanduser() if out else locate.home(run) / "exported" / format
    from condgen.sharing import release

    if format == "web" and folder.suffix == ".html":
        from condgen.sharing import web

        web.export(sampler, folder)
        return Export(folder, format)
    chosen = {"licence": licence or sampler.card.licence, "exported": format, "precision": precision}
    fields = about_it(run, best, sampler.card) | {name: value for name, value in chosen.items() if value is not None}
    release.write(sampler, folder, fields, lambda net, at: FORMATS[format].write(net, at, precision))
    return Export(folder, format)


def _check(format: str, precision: str, licence: str | None) -> None:
    """Raise CondgenError for options that cannot be used together, or a licence whose name cannot be one."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if precision not in FORMATS[format].precisions:
        others = " or ".join(name for name, other in FORMATS.items() if precision in other.precisions)
        raise CondgenError(f"--precision {precision} is for --format {others}; {format} keeps fp32.")
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}", licence):
        raise CondgenError(f"--licence {licence!r} is not the name of a licence, such as apache-2.0 or cc-by-4.0.")


def about_it(run: str, best: bool, card: Card) -> dict[str, Any]:
    """Fields of an exported card that its users cannot read from the run: paper, name of the data and metrics."""
    from condgen.systems import preset
    from condgen.training.run import config_in

    paper, fields = preset(card.system).system.paper, card.data.model_dump(mode="json", exclude_unset=True)
    if identity := config_in(Path(run).expanduser()):
        fields |= {"options": identity.data_options} if identity.data_options else {}
    fields["name"] = Path(fields["name"]).name  # a run of an earlier condgen has its path there, which is private
    sampling = {name: value for name, value in (card.sampling or {}).items() if name != PRECISION.name}
    found = measuring.kept(run, best, sampling)
    scores = {"scores": _scores(found), "measured": _measured(found)} if found else {}
    return {"paper": {"short": paper.short, "bibtex": paper.bibtex}, "data": fields} | scores


def _scores(found: Evaluation) -> dict[str, Any]:
    """Every measured metric with its value for real images."""
    measured = {name: found.metrics[name] for name, number in found.numbers.items() if number.value is not None}
    return {
        name: result.generated.to_json() | ({"real": result.real.to_json()} if result.real else {})
        for name, result in measured.items()
    }


def _measured(found: Evaluation) -> str:
    about, said = found.about, str(replace(verdict.of(found), untold=(), next=()))
    return (
        f"{shorten(said, SAID, placeholder=' ...')} "
        f"{about.protocol}: {about.images_measured:,} generated images against {about.reference} of "
        f"{Path(about.data.name).name}; feature classifier {about.judge.name}. ± is a 95 % interval."
    )


def push(folder: str, name: str, *, private: bool = False) -> str:
    """Upload an exported folder to the Hugging Face Hub, where condgen loads it by its name.

    condgen push my-digits OWNER/NAME

    Args:
        folder: Folder written by `condgen export`.
        name: owner/name of the repository. It is created if it does not exist.
        private: Create the repository as private.
    """
    place = locate.find(folder)
    if place.kind != "export":
        raise CondgenError(f"{folder!r} is not an exported folder; condgen export {shell.path(folder)} writes one.")
    api.load(folder)  # check that it can be loaded before it is published
    from condgen.sharing import hub

    return hub.push(place.folder, name, private)
