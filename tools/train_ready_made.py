"""Train the ready-made generators in src/condgen/sharing/ready_made/: `condgen sample digits` generates with them.

    OMP_NUM_THREADS=1 python tools/train_ready_made.py [NAME ...]

Each is trained, measured and exported by the commands of the command line. Repeating the program resumes a stopped
training. An existing generator is replaced.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import condgen
from condgen.sharing import ready_made

RUNS = Path("runs/ready-made")


@dataclass(frozen=True)
class Recipe:
    """How a generator is trained."""

    data: str
    images: int
    licence: str
    """The licence of the weights: that of the data, as the Hugging Face Hub names it."""
    source: str
    """What the card says about the training images."""


RECIPES = {
    "digits": Recipe(
        "mnist", 720_000, "cc-by-sa-3.0",
        "MNIST by Yann LeCun, Corinna Cortes and Christopher J.C. Burges, CC BY-SA 3.0. The weights have the same "
        "licence, https://creativecommons.org/licenses/by-sa/3.0/.",
    ),
    "clothes": Recipe(
        "fashion-mnist", 240_000, "mit",
        "Fashion-MNIST, copyright 2017 Zalando SE, MIT licence, https://github.com/zalandoresearch/fashion-mnist. The "
        "weights have the same licence.",
    ),
}  # fmt: skip


def main(names: list[str]) -> None:
    for name in names or RECIPES:
        write(name, RECIPES[name])


def write(name: str, recipe: Recipe) -> None:
    run, target = RUNS / name, ready_made.folder(name)
    condgen.train("swift", data=recipe.data, images=recipe.images, out=run)
    print(condgen.evaluate(str(run)))
    shutil.rmtree(target, ignore_errors=True)
    condgen.export(str(run), out=target, licence=recipe.licence)
    readme = target / "README.md"  # the only file of an export whose text is free
    title = "## Training images"
    readme.write_text(f"{readme.read_text(encoding='utf-8').rstrip()}\n\n{title}\n\n{recipe.source}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
