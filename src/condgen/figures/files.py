"""Writes a figure about a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from condgen import marker
from condgen.errors import CondgenError
from condgen.sharing import locate

if TYPE_CHECKING:
    from PIL import Image

NOTE = marker.sheet("condgen figure")


def positive(option: str, value: int) -> int:
    if value < 1:
        raise CondgenError(f"--{option} should be 1 or more, found {value}.")
    return value


def save(sheet: "Image.Image", run: str | Path, name: str, out: Path | None) -> Path:
    from condgen.sampling import canvas

    return write(canvas.png(sheet, NOTE), run, name, out)


def write(content: bytes, run: str | Path, name: str, out: Path | None) -> Path:
    """Write a figure, which is a PNG or GIF, in the format that the ending of `out` names."""
    from condgen.disk import write_bytes
    from condgen.sampling import canvas

    path = Path(out).expanduser() if out else locate.home(run) / "figures" / f"{name}.png"
    wanted = [".gif"] if content.startswith(b"GIF") else [*canvas.FORMATS]
    if path.suffix.lower() not in wanted:
        raise CondgenError(f"{str(path)!r} should end in {' or '.join(wanted)}.")
    marker.check_file(path)
    write_bytes(path, canvas.converted(content, path.suffix, NOTE))
    return path
