"""Finds the tables in a store, and the images that each of them names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from posixpath import basename, dirname

from condgen.data import roles
from condgen.data.file_column import looks_like_files, with_file_column
from condgen.data.file_kinds import IMAGE_ENDINGS
from condgen.data.image_names import ImageNames, images_among, stem
from condgen.data.joining import Named
from condgen.data.store import Folder, Store
from condgen.data.table_text import COCO, ENDINGS, PERHAPS, SPREADSHEETS, sheet
from condgen.data.tree import Node
from condgen.data.words import is_piece, split_in_path
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, unknown

MOST = 50
"""Maximum number of files that are looked at as tables."""


@dataclass(frozen=True)
class Tables:
    """The tables of a store, before their labels are understood."""

    named: tuple[Named, ...]
    """Those that name images."""
    others: Mapping[str, str]
    """Those that do not, with what is wrong."""
    images: Sequence[str]
    in_folders: bool
    """Whether the images lie in folders that may be classes."""

    @property
    def unusable(self) -> dict[str, str]:
        """Those of `others` that are surely meant as tables; other texts are notes."""
        return {name: why for name, why in self.others.items() if is_surely_table(name) or why == COCO}

    @property
    def where(self) -> str:
        names = [table.sheet.name for table in self.named]
        return names[0] if len(names) == 1 else f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"


def is_surely_table(name: str) -> bool:
    return name.lower().endswith(ENDINGS + SPREADSHEETS)


def only_table(store: Store) -> str | None:
    """The table that the user named itself."""
    return store.only if isinstance(store, Folder) else None


def table_names(store: Store, options: DataOptions) -> list[str]:
    """The files that may be tables, those at the top first. Files called like an image belong to that image."""
    if only := only_table(store):
        return [only] if only.lower().endswith(ENDINGS + PERHAPS + SPREADSHEETS) else []
    found = [name for name in store.names() if name.lower().endswith(ENDINGS + PERHAPS + SPREADSHEETS)]
    stems = {stem(name) for name in images_among(store.names())} if len(found) > 1 else set()
    found = [name for name in found if basename(name).casefold().rpartition(".")[0] not in stems]
    return sorted(found, key=lambda name: (name.count("/"), name))


def forget() -> None:
    """Free the memory that the tables of the last store take."""
    tables_in.cache_clear()


@lru_cache(maxsize=1)
def tables_in(store: Store, options: DataOptions) -> Tables:
    """The tables, which are read once for `fits` and `read`."""
    names = Folder(store.path, exclude=options.exclude or "").names() if only_table(store) else store.names()
    images = images_among(names, options.image_root or "")
    if options.image_root and not images:
        folders = {dirname(name) for name in images_among(names)} - {""}
        raise unknown("folder of images", options.image_root, sorted(folders))
    finder = ImageNames(images, options.image_root or "")
    named: list[Named] = []
    others: dict[str, str] = {}
    tables = table_names(store, options)
    for name in tables[:MOST]:
        found = _table(store, name, finder, options)
        if isinstance(found, Named):
            named.append(found)
        else:
            others[name] = found
    others |= dict.fromkeys(tables[MOST:], f"only {MOST} tables are looked at")
    return _without_strangers(Tables(tuple(named), others, images, _in_class_folders(images)), options)


def _table(store: Store, name: str, finder: ImageNames, options: DataOptions) -> Named | str:
    """A table that names images, or why it is none."""
    if name.lower().endswith(SPREADSHEETS):
        return "it is a spreadsheet; save it as CSV"
    if "submission" in name.lower() and not only_table(store):
        return "it is a sample submission"
    try:
        found = sheet(store, name)
    except CondgenError as error:
        return str(error).removesuffix(".")
    if found is None or not found.columns:
        return (found and found.fault and found.fault.removesuffix(".")) or "it has no rows"
    found, column = with_file_column(found, finder, dirname(name), options.file_column, bool(only_table(store)))
    if column is None or not (found.rows or is_surely_table(name)):
        return "no column names images" if found.rows else "it has no rows"
    split = split_in_path(name)
    images = finder.resolve(found.column(column), dirname(name), split)
    table = Named(found, column, images, (options.image_root or dirname(name)).strip("/"))
    few = 2 * sum(image is not None for image in table.found.images) < len(found.rows)
    if few and not is_surely_table(name) and not looks_like_files(found, column):
        return "most of its rows name no image"
    return table


def _without_strangers(found: Tables, options: DataOptions) -> Tables:
    """Leave out tables none of whose images exists, if others have some or the images lie in class folders; and, beside
    tables of splits, tables in no split that name other images."""
    there = [table for table in found.named if any(table.found.images) or table.found.tied]
    others = dict(found.others)
    if there or (found.in_folders and not options.file_column):
        others |= {table.sheet.name: "none of its images is there" for table in found.named if table not in there}
    else:
        there = list(found.named)
    has_train = any(table.split == "train" for table in there)
    inside = {image for table in there if has_train and table.split for image in table.found.images}
    apart = [table for table in there if inside and not table.split and inside.isdisjoint(table.found.images)]
    others |= {table.sheet.name: "its images are in no split" for table in apart}
    return replace(found, named=tuple(table for table in there if table not in apart), others=others)


def _in_class_folders(images: Sequence[str]) -> bool:
    """Whether the images lie in two or more folders that are surely classes: not those of patients or parts."""
    try:
        rows = roles.understood(Node.of(name for name in images if name.lower().endswith(IMAGE_ENDINGS)), "").rows
    except Question:
        return False
    labels = {row.label for row in rows if row.label}
    return len(labels) > 1 and 1.5 * len(labels) <= len(rows) and not all(map(is_piece, labels))
