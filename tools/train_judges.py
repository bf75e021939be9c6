"""Train the judges that lie in src/condgen/judging/weights/: weights by which every figure of condgen is measured.

    OMP_NUM_THREADS=1 python tools/train_judges.py [NAME ...]

Never run this to "refresh" them: other weights are another scale (two seeds differ by up to 70 % in FD). A new recipe
is a new name, and the old judge stays.
"""

import sys
from pathlib import Path

from condgen import data
from condgen.judging import judge
from condgen.judging.classifier import Recipe

JUDGES = {
    "judge-mnist-v1": ("mnist", Recipe(width=16, epochs=3, shift=2)),
    "judge-fashion-mnist-v1": ("fashion-mnist", Recipe(width=24, epochs=5, shift=1, mirror=True)),
}


def main(names: list[str]) -> None:
    for name in names or JUDGES:
        source, recipe = JUDGES[name]
        folder = Path(__file__).parents[1] / "src/condgen/judging/weights" / name
        judge.train(data.load(source), recipe, folder, lambda text: print(text, flush=True), name)


if __name__ == "__main__":
    main(sys.argv[1:])
