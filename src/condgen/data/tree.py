"""The images of a data set as a tree of folders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from condgen.data.words import is_container


@dataclass
class Node:
    """A folder with the images in it, and those of its folders that contain images."""

    path: str
    """Inside the data; '' for the data itself."""
    images: list[str] = field(default_factory=list)
    """Images directly in it, by their path inside the data."""
    folders: dict[str, "Node"] = field(default_factory=dict)

    @classmethod
    def of(cls, images: Iterable[str]) -> "Node":
        root = cls("")
        for image in images:
            node = root
            for name in image.split("/")[:-1]:
                node = node.folders.setdefault(name, cls(f"{node.path}/{name}".lstrip("/")))
            node.images.append(image)
        return root

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def is_leaf(self) -> bool:
        return not self.folders

    @property
    def everything(self) -> Iterator[str]:
        """All images in it, those of its folders included."""
        yield from self.images
        for folder in self.folders.values():
            yield from folder.everything

    @property
    def total(self) -> int:
        return len(self.images) + sum(folder.total for folder in self.folders.values())

    @property
    def kids(self) -> list["Node"]:
        return list(self.folders.values())

    @property
    def only(self) -> "Node":
        """The folder that contains everything, if it is the only one in this folder; else this folder."""
        return self.kids[0] if len(self.folders) == 1 and self.total > 2 * len(self.images) else self

    def inside(self, passes: Callable[["Node", "Node"], bool]) -> "Node":
        """This folder, or the innermost of those that contain everything, passed one by one from the outside.

        passes: whether to go from a folder into the one that contains everything in it.
        """
        node = self
        while (inner := node.only) is not node and passes(node, inner):
            node = inner
        return node

    @property
    def innermost(self) -> "Node":
        """The innermost folder that contains everything: a folder with several folders, or with images."""
        return self.inside(lambda node, inner: True)

    @property
    def core(self) -> "Node":
        """The innermost folder that contains everything and has several folders, or one folder of a class:
        seg_train/seg_train/ for seg_train/."""
        return self.inside(lambda node, inner: not inner.is_leaf or is_container(inner.name, node.name))

    def with_bare_folders(self) -> "Node":
        """This folder without containers in its folders: cat/1.jpg for cat/images/1.jpg and cat/cat/1.jpg."""
        bare = {kid.name: replace(kid.inside(_is_bare), path=kid.path) for kid in self.kids}
        return replace(self, folders=bare)

    def below(self, image: str) -> str:
        """The path of an image inside this folder."""
        return image[len(self.path) :].lstrip("/")


def _is_bare(node: Node, inner: Node) -> bool:
    """Whether a folder has nothing but a container in it."""
    return not node.images and is_container(inner.name, node.name)


def merged(nodes: Sequence[Node]) -> Node:
    """One folder with the contents of several: folders of the same name become one. The path is that of the first."""
    found = Node(nodes[0].path, [image for node in nodes for image in node.images])
    for name in dict.fromkeys(name for node in nodes for name in node.folders):
        found.folders[name] = merged([node.folders[name] for node in nodes if name in node.folders])
    return found
