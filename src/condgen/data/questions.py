"""The questions about trees of folders, each with the options that answer it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from condgen.data import words
from condgen.data.label_pattern import Pattern, suggested
from condgen.data.tree import Node
from condgen.errors import Question


@dataclass(frozen=True)
class Asking:
    """Builds the questions about one tree."""

    where: str
    """The source."""
    root: str = ""
    """What --image-root says already. Paths in the tree are inside of it, and those of the answers are not."""

    def mostly_loose(self, node: Node) -> Question:
        return self._question(
            f"{len(node.images):,} of {node.total:,} images are in no class folder, beside {_folders(node.kids)}.",
            [_pattern(f"{_slash(node)}{{label}}/**"), "--kind none"],
        )

    def names_may_be_labels(self, leaf: Node, pattern: str) -> Question:
        some = words.common(sorted(image.rpartition("/")[2] for image in leaf.images)[:2])
        return self._question(
            f"all {len(leaf.images):,} images are in {_name(leaf)}, without class folders. Their names, such as "
            f"{some}, may begin with labels.",
            [_pattern(pattern), "--kind none"],
        )

    def splits_and_labels_in_one_name(self, node: Node) -> Question:
        names = list(node.folders)
        patterns = [f"{{label}}{s}{{split}}" for s in "_-. "] + [f"{{split}}{s}{{label}}" for s in "_-. "]
        fitting = [pattern for pattern in patterns if all(_fits(pattern, name) for name in names)]
        masks = [kid.path for kid in node.kids if words.is_companion(kid.name)]
        answers = [self._exclude(*masks)] if 0 < len(masks) < len(names) else []
        answers += [_pattern(f"{_slash(node)}{pattern}/**") for pattern in fitting[:1]]
        return self._question(
            f"the names of the folders {words.common(names)} contain splits and perhaps labels.",
            [*answers, _pattern(f"{_slash(node)}{{label}}/**")],
        )

    def splits_without_classes(self, node: Node) -> Question:
        images = [
            image.rpartition("/")[2]
            for kid in node.kids
            if words.split_of(kid.name) == "train"
            for image in kid.everything
        ]
        pattern = suggested(images)
        answers = [_pattern(pattern)] if pattern else []
        return self._question(
            f"{_folders(node.kids)} are splits without class folders, so the images have no labels.",
            [*answers, "--kind none"],
        )

    def no_training_split(self, node: Node, splits: Iterable[str]) -> Question:
        return self._question(
            f"there is no training split with class folders, only {words.common(list(splits))}.",
            [_pattern(f"{_slash(node)}{{part}}/{{label}}/**"), _pattern(f"{_slash(node)}{{label}}/**")],
        )

    def no_class_in_common(self, name: str, inner: Node, before: str) -> Question:
        return self._question(
            f"{name}/ has class folders {words.common(inner.folders)}, and the training split has none of them.",
            [self._exclude(inner.path), _pattern(f"{before}{{label}}/**")],
        )

    def beside_splits(self, node: Node, other: Node, splits: Sequence[str]) -> Question:
        inside = other.innermost.folders or other.folders
        contents = f"folders {words.common(inside)}" if inside else f"{other.total:,} images"
        named = words.common([f"{name}/" for name in splits]) + (" is a split" if len(splits) == 1 else " are splits")
        answers = [_pattern(f"{_slash(node)}{{label}}/**")] if len(splits) == 1 else []
        return self._question(
            f"{named} by name; {other.path}/ beside it has {contents} and no usual name of a split.",
            [self._exclude(other.path), *answers],
        )

    def several_with_splits(self, node: Node) -> Question:
        names = [kid.path for kid in node.kids[:3]]
        return self._question(
            f"{_folders(node.kids)} have splits with class folders in each. One may be the data, or all of them are.",
            [*map(self._image_root, names), _pattern(f"{_slash(node)}{{part}}/{{split}}/{{label}}/**")],
        )

    def folders_of_folders(self, node: Node, groups: Sequence[Node], before: str) -> Question:
        inside = {name for group in groups for name in group.innermost.folders}
        first = groups[0]
        answers = [_pattern(f"{before}{{label}}/**"), _pattern(f"{before}{{part}}/{{label}}/**")]
        answers += [self._image_root(group.path) for group in groups[:3]] if "{split}" not in before else []
        return self._question(
            f"{_folders(node.kids)} contain folders, such as {first.path}/ with "
            f"{words.common(first.innermost.folders)}. The classes may be {words.common(node.folders)}, or "
            f"{words.common(sorted(inside))}, or only one of these folders is the data.",
            answers,
        )

    def named_like_no_class(self, node: Node, doubtful: Sequence[Node], before: str) -> Question:
        answers = [self._exclude(*(kid.path for kid in doubtful))] if len(doubtful) < len(node.folders) else []
        answers += [self._image_root(kid.path) for kid in doubtful[:3]] if "{split}" not in before else []
        return self._question(
            f"{_folders(doubtful)} would be classes, but are not named like classes.",
            [*answers, _pattern(f"{before}{{label}}/**")],
        )

    def companions_inside(self, kid: Node, folder: Node, before: str) -> Question:
        return self._question(
            f"the class folder {kid.path}/ has images, and more of them in {folder.name}/.",
            [f"--exclude {shlex.quote(folder.name)}", _pattern(f"{before}{{label}}/**")],
        )

    def _image_root(self, path: str) -> str:
        return f"--image-root {shlex.quote(self._inside(path))}"

    def _exclude(self, *paths: str) -> str:
        """The option that leaves out these folders, and no others of the same names."""
        whole = [self._inside(path) for path in paths]
        return f"--exclude {shlex.quote(','.join(path if '/' in path else f'/{path}' for path in whole))}"

    def _inside(self, path: str) -> str:
        return f"{self.root}/{path}" if self.root else path

    def _question(self, doubt: str, answers: Sequence[str]) -> Question:
        return Question(f"{self.where!r}: {doubt}", list(dict.fromkeys(answers)))


def _fits(pattern: str, name: str) -> bool:
    found = Pattern(pattern).find(name)
    return found is not None and found.split is not None


def _slash(node: Node) -> str:
    return f"{node.path}/" if node.path else ""


def _name(node: Node) -> str:
    return f"{node.path}/" if node.path else "one folder"


def _folders(nodes: Sequence[Node]) -> str:
    return words.common([f"{node.path}/" for node in nodes])


def _pattern(text: str) -> str:
    """The option for a pattern; one with folders describes the whole path."""
    return f"--label-pattern {shlex.quote(f'/{text}' if '/' in text else text)}"
