"""The images of a data set as a tree of folders."""

from collections.abc import Iterable, Iterator, Sequence
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

    @property
    def innermost(self) -> "Node":
        """The innermost folder that contains everything: a folder with several folders, or with images."""
        node = self
        while (inner := node.only) is not node:
            node = inner
        return node

    def with_bare_folders(self) -> "Node":
        """This folder without containers in its folders: cat/1.jpg for cat/images/1.jpg and cat/cat/1.jpg."""
        bare = {kid.name: replace(_bare(kid), path=kid.path) for kid in self.kids}
        return replace(self, folders=bare)

    def below(self, image: str) -> str:
        """The path of an image inside this folder."""
        return image[len(self.path) :].lstrip("/")


def _bare(node: Node) -> Node:
    inner = node.only
    return _bare(inner) if inner is not node and not node.images and is_container(inner.name, node.name) else node


def unwrapped(node: Node, loose: list[str]) -> Node:
    """The innermost folder that contains everything and has several folders, or one folder of a class.

    loose: gets the images beside the folders on the way.
    """
    while (inner := node.only) is not node and (not inner.is_leaf or is_container(inner.name, node.name)):
        loose += node.images
        node = inner
    return node


def merged(nodes: Sequence[Node]) -> Node:
    """One folder with the contents of several: folders of the same name become one. The path is that of the first."""
    found = Node(nodes[0].path, [image for node in nodes for image in node.images])
    for name in dict.fromkeys(name for node in nodes for name in node.folders):
        found.folders[name] = merged([node.folders[name] for node in nodes if name in node.folders])
    return found
