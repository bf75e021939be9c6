"""Whether a layout is read as it is meant: right, asked about with answers that work, or wrong."""

import shlex

from condgen.data import merging, reading
from condgen.data.listing import Listing
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question
from layouts.memory import Memory
from layouts.trees import Label, Layout


def outcome(found: Layout, options: DataOptions = AS_THEY_ARE, depth: int = 2) -> str:
    """right, asked, refused, or what is wrong. depth: how many questions may follow each other."""
    try:
        read = read_with(found, options)
    except Question as question:
        return answered(found, question, options, depth - 1) if depth else "asked too often"
    except CondgenError as error:
        return f"refused: {error}"
    return "right" if is_true(read, found) else f"silent wrong: {wrong(read, found)}"


def read_with(found: Layout, options: DataOptions = AS_THEY_ARE) -> Listing:
    """What condgen reads of a layout, as `data.load` does before any image is opened."""
    read = reading.from_store(Memory(found.names, options.exclude or "", found.contents), options)
    merged = merging.merged(read, options.merge)
    assert isinstance(merged, Listing)
    return merged


def answered(found: Layout, question: Question, options: DataOptions, depth: int) -> str:
    """Whether one of the answers gives the truth, and every answer gives something."""
    assert question.answers
    results = [outcome(found, with_answer(options, answer), depth) for answer in question.answers]
    broken = [(a, result) for a, result in zip(question.answers, results, strict=True) if "refused" in result]
    if broken:
        return f"a broken answer, {broken[0][0]}: {broken[0][1]}"
    return "asked" if {"right", "asked"} & {*results} else f"asked without the right answer: {question}"


def with_answer(options: DataOptions, answer: str) -> DataOptions:
    """The options with those of an answer, as on the command line."""
    words = [part for word in shlex.split(answer) for part in (word.split("=", 1) if word[:2] == "--" else [word])]
    given = {
        option.removeprefix("--").replace("-", "_"): value
        for option, value in zip(words[::2], words[1::2], strict=True)
    }
    return options.with_overrides(given)


def is_true(read: Listing, found: Layout) -> bool:
    """Whether the same images have the same labels and splits. Without another split, train is as good as none."""
    return normal(labels_of(read, found)) == normal(found.truth)


def labels_of(read: Listing, found: Layout) -> dict[str, Label]:
    """The split and class of each image that is there; a table may also name images that are missing."""
    there, names = {*found.names}, read.labels.names
    words = [names[row] if read.labels.kind == "classes" else f"attributes {row}" for row in read.values.tolist()]
    return {
        name: (part, word) for name, part, word in zip(read.images, read.parts, words, strict=True) if name in there
    }


def normal(truth: dict[str, Label]) -> dict[str, Label]:
    only_train = {split for split, _ in truth.values()} <= {"train", None}
    return {name: (None if only_train else split, word) for name, (split, word) in truth.items()}


def wrong(read: Listing, found: Layout) -> str:
    seen, truth = normal(labels_of(read, found)), normal(found.truth)
    lost = [name for name in truth if name not in seen]
    more = [name for name in seen if name not in truth]
    other = [(name, seen[name], truth[name]) for name in seen if name in truth and seen[name] != truth[name]]
    return f"lost {lost[:2]}, extra {more[:2]}, other {other[:2]}"
