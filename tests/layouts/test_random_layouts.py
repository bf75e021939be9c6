"""Random layouts with a known truth are read right, or asked about; the printed answers work."""

import shlex
import sys
from collections import Counter

from condgen import data
from condgen.data.listing import Listing
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question
from layouts.memory import Memory
from layouts.trees import Layout, layout

COUNT = 2000


def with_answer(options: DataOptions, answer: str) -> DataOptions:
    """The options with one more, as on the command line."""
    option, value = shlex.split(answer)
    return options.with_overrides({option.removeprefix("--").replace("-", "_"): value})


def outcome(found: Layout, options: DataOptions = AS_THEY_ARE, depth: int = 2) -> str:
    """right, asked, refused, or what is wrong. depth: how many questions may follow each other."""
    try:
        read = data.from_store(Memory(found.names, options.exclude or ""), options)
    except Question as question:
        return answered(found, question, options, depth - 1) if depth else "asked too often"
    except CondgenError as error:
        return f"refused: {error}"
    assert isinstance(read, Listing)
    return "right" if is_true(read, found) else f"silent wrong: {wrong(read, found)}"


def answered(found: Layout, question: Question, options: DataOptions, depth: int) -> str:
    """Whether one of the answers gives the truth, and every answer gives something."""
    assert question.answers
    results = [outcome(found, with_answer(options, answer), depth) for answer in question.answers]
    broken = [(a, result) for a, result in zip(question.answers, results, strict=True) if "refused" in result]
    if broken:
        return f"a broken answer, {broken[0][0]}: {broken[0][1]}"
    return "asked" if {"right", "asked"} & {*results} else f"asked without the right answer: {question}"


def labels_of(read: Listing) -> dict[str, tuple[str | None, str]]:
    return {
        name: (part, read.labels.names[value])
        for name, part, value in zip(read.images, read.parts, read.values.tolist(), strict=True)
    }


def is_true(read: Listing, found: Layout) -> bool:
    """Whether the same images have the same labels and splits. Without another split, train is as good as none."""
    return normal(labels_of(read)) == normal(found.truth)


def normal(truth: dict[str, tuple[str | None, str]]) -> dict[str, tuple[str | None, str]]:
    only_train = {split for split, _ in truth.values()} <= {"train", None}
    return {name: (None if only_train else split, word) for name, (split, word) in truth.items()}


def wrong(read: Listing, found: Layout) -> str:
    seen, truth = normal(labels_of(read)), normal(found.truth)
    lost = [name for name in truth if name not in seen]
    more = [name for name in seen if name not in truth]
    other = [(name, seen[name], truth[name]) for name in seen if name in truth and seen[name] != truth[name]]
    return f"lost {lost[:2]}, extra {more[:2]}, other {other[:2]}"


def test_random_layouts_are_read_right_or_asked_about() -> None:
    """Run with -s to see the table of kinds and outcomes in docs/data.md."""
    table, faults = Counter[tuple[str, str]](), list[str]()
    for seed in range(COUNT):
        found = layout(seed)
        result = outcome(found)
        table.update((kind, result if result in ("right", "asked") else "wrong") for kind in found.kinds)
        if result not in ("right", "asked"):
            faults.append(f"seed {seed}, {found.kinds}: {result}\n  {found.names[:12]}")
    for kind in sorted({kind for kind, _ in table}):
        row = [kind, *(f"{table[kind, result]:,}" for result in ("right", "asked", "wrong"))]
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    assert not faults, "\n".join(faults[:5])


def test_every_image_is_read_or_named() -> None:
    for seed in range(300):
        found = layout(seed)
        try:
            read = data.from_store(Memory(found.names))
        except CondgenError:
            continue
        assert isinstance(read, Listing)
        images = {name for name in found.names if name.endswith((".jpg", ".png"))}
        assert images == {*read.images} | ({*read.ignored} & images)
