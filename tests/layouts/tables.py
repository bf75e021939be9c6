"""Random data sets of images and tables, composed of kinds that people meet, each with its truth.

A data set has images, a way in which tables name them, a form of tables, and additions: columns, rows, other images.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from layouts.trees import NUMBERS, WORDS, Label, Layout, around, stranger

Rows = list[dict[str, str]]
HEADS = (
    ("file", "label"), ("filename", "class"), ("image", "category"), ("image_id", "target"), ("id", "breed"),
    ("Image Index", "Finding Labels"), ("id_code", "diagnosis"), ("path", "species"), ("img", "y"),
    ("fname", "emotion"), ("文件", "标签"), ("image_path", "class_name"), ("img_name", "labels"),
)  # fmt: skip
UNKNOWN_HEADS = (("foo", "bar"), ("a", "b"), ("Datei", "Sorte"), ("what", "which"), ("nom", "espece"))
FORMATS = ("comma",) * 4 + ("semicolon", "tab", "bar", "JSON", "JSON lines")
COLOURS = ("red", "green", "grey")
SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ("utf-8",) * 4 + ("utf-8-sig", "utf-16", "cp1252")
FOLDERS = ("", "", "images", "imgs/", "train_images", "data/images", "JPEGImages", "pics/2019")
NAMES = ("{}", "img_{}", "{:05}", "IMG {}", "ISIC_{:07}", "DSC{:04}.a", "{}_b")
PLACES = ("labels", "labels", "data", "train_labels", "annotations/list", "meta/metadata", "pets")


@dataclass
class Draft:
    """A data set before its tables are written."""

    chance: Random
    words: Sequence[str]
    label_of: dict[str, str] = field(default_factory=dict)
    """The class of each image, by path."""
    split_of: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    tables: dict[str, Rows] = field(default_factory=dict)
    """Rows of each table, by a path without ending."""
    kinds: list[str] = field(default_factory=list)
    head: bool = True
    unlabelled: set[str] = field(default_factory=set)
    """Images that have rows without labels."""

    def layout(self) -> Layout:
        truth: dict[str, Label] = {
            name: (self.split_of.get(name), word) for name, word in self.label_of.items() if name not in self.unlabelled
        }
        others = [*self.others, *self.unlabelled]
        return Layout(truth, others, self.kinds, written(self.tables, self.head, self.chance, self.kinds))


def table_layout(seed: int) -> Layout:
    chance = Random(seed)
    words = chance.sample(chance.choice((WORDS, WORDS, NUMBERS)), chance.randint(2, 4))
    found = chance.choice(FORMS)(words, chance).layout()
    if chance.random() < 0.4:
        around(found, chance)
    if chance.random() < 0.3:
        stranger(found, chance)
    return found


# --- images, and how tables name them


def draft(words: Sequence[str], chance: Random, kind: str, folder: str | None = None) -> Draft:
    """Images of these classes in one folder, or in two."""
    found = Draft(chance, words, kinds=[kind])
    folder = chance.choice(FOLDERS) if folder is None else folder
    name, ending = chance.choice(NAMES), chance.choice((".jpg", ".png", ".jpeg", ".JPG"))
    numbers = chance.sample(range(10_000), chance.randint(max(12, 2 * len(words)), 40))
    parts = chance.random() < 0.15
    for at, number in enumerate(numbers):
        part = f"part_{1 + at % 2}" if parts else ""
        path = "/".join(filter(None, (folder.strip("/"), part, name.format(number) + ending)))
        found.label_of[path] = words[at % len(words)]
    if parts:
        found.kinds.append("images in several folders")
    return found


def spelling(found: Draft) -> Callable[[str], str]:
    """How tables write the names of images."""
    has_folders = any("/" in name for name in found.label_of)
    kinds = ["paths", "names", "names without ending", "absolute paths", "backslashes", "paths from elsewhere"]
    kind = found.chance.choice(kinds if has_folders else kinds[1:4])
    found.kinds.append(f"{kind} in tables")
    writers: dict[str, Callable[[str], str]] = {
        "paths": str,
        "names": name_of,
        "names without ending": lambda name: name_of(name).rpartition(".")[0],
        "absolute paths": "/home/me/pets/{}".format,
        "backslashes": lambda name: "C:\\pets\\" + name.replace("/", "\\"),
        "paths from elsewhere": "../input/pets/{}".format,
    }
    return writers[kind]


# --- forms


def one_table(words: Sequence[str], chance: Random) -> Draft:
    found = draft(words, chance, "one table")
    file, label = chance.choice(HEADS)
    write = spelling(found)
    rows = [{file: write(name), label: word} for name, word in found.label_of.items()]
    found.tables[chance.choice(PLACES)] = rows
    add(found, rows, file, label)
    return found


def unknown_heads(words: Sequence[str], chance: Random) -> Draft:
    words = chance.sample(WORDS, len(words))
    found = draft(words, chance, "unknown column names")
    (file, label), write = chance.choice(UNKNOWN_HEADS), spelling(found)
    rows = [{file: write(name), label: word} for name, word in found.label_of.items()]
    found.tables[chance.choice(PLACES)] = rows
    if chance.random() < 0.5:
        add(found, rows, file, label)
    return found


def no_head(words: Sequence[str], chance: Random) -> Draft:
    found = draft(words, chance, "no header")
    found.head, write = False, spelling(found)
    found.tables[chance.choice(PLACES)] = [{"0": write(name), "1": word} for name, word in found.label_of.items()]
    return found


def one_hot(words: Sequence[str], chance: Random) -> Draft:
    words = chance.sample(WORDS, chance.randint(2, 5))
    found = draft(words, chance, "one-hot columns")
    file, write = chance.choice(HEADS)[0], spelling(found)
    on, off = chance.choice((("1", "0"), ("1.0", "0.0"), ("True", "False")))
    found.tables[chance.choice(PLACES)] = [
        {file: write(name)} | {each: on if each == word else off for each in words}
        for name, word in found.label_of.items()
    ]
    return found


def joined(words: Sequence[str], chance: Random) -> Draft:
    """A table of labels, and one of splits."""
    found = draft(words, chance, "labels and splits in two tables")
    (file, label), write = chance.choice(HEADS), spelling(found)
    assign_splits(found)
    column, spelled = chance.choice(
        (
            ("split", {"train": "train", "test": "test"}),
            ("partition", {"train": "0", "test": "2"}),
            ("subset", {"train": "Training", "test": "Testing"}),
            ("set", {"train": "TRAIN", "test": "TEST"}),
        )
    )
    found.tables["labels"] = [{file: write(name), label: word} for name, word in found.label_of.items()]
    found.tables["partition"] = [{file: write(name), column: spelled[part]} for name, part in found.split_of.items()]
    return found


def split_column(words: Sequence[str], chance: Random) -> Draft:
    found = draft(words, chance, "a column of splits")
    (file, label), write = chance.choice(HEADS), spelling(found)
    assign_splits(found, ("train", "validation", "test"))
    rows = [{file: write(name), label: word, "split": found.split_of[name]} for name, word in found.label_of.items()]
    found.tables[chance.choice(PLACES)] = rows
    return found


def split_tables(words: Sequence[str], chance: Random) -> Draft:
    """A table per split; the images are in one folder, or in one per split."""
    found = draft(words, chance, "a table per split", chance.choice(("", "images")))
    names = chance.choice(
        (("train", "test"), ("train", "val"), ("train_labels", "test_labels"), ("Training_set", "Testing_set"),
         ("labels_train", "labels_valid"))
    )  # fmt: skip
    splits = {name: "test" if "est" in name else "validation" if "val" in name else "train" for name in names}
    assign_splits(found, tuple(splits.values()))
    if chance.random() < 0.4:
        moved = {name: f"{found.split_of[name]}/{name}" for name in found.label_of}
        found.label_of = {moved[name]: word for name, word in found.label_of.items()}
        found.split_of = {moved[name]: part for name, part in found.split_of.items()}
        found.kinds.append("images in folders of splits")
    (file, label), write = chance.choice(HEADS), spelling(found)
    for table, part in splits.items():
        rows = {name: word for name, word in found.label_of.items() if found.split_of[name] == part}
        found.tables[table] = [{file: write(name), label: word} for name, word in rows.items()]
    return found


def classes_and_metadata(words: Sequence[str], chance: Random) -> Draft:
    """A folder per class, and a table that says other things about the images."""
    found = draft(words, chance, "class folders and a table without labels", "")
    found.label_of = {f"{word}/{name.rpartition('/')[2]}": word for name, word in found.label_of.items()}
    write, file = spelling(found), chance.choice(HEADS)[0]
    facts: Sequence[tuple[str, Callable[[int], str]]] = (
        ("width", lambda i: str(64 + i)), ("license", lambda i: "CC-BY"), ("url", lambda i: f"https://x.org/{i}.jpg"),
        ("height", lambda i: str(64 + i % 3)), ("caption", lambda i: f"one of the animals, number {i}, in the garden"),
    )  # fmt: skip
    some = chance.sample(facts, chance.randint(1, 3))
    found.tables[chance.choice(("metadata", "images", "info"))] = [
        {file: write(name)} | {head: value(i) for head, value in some} for i, name in enumerate(found.label_of)
    ]
    return found


def classes_and_other_labels(words: Sequence[str], chance: Random) -> Draft:
    """A folder per class, and a table with another label; the folders are meant."""
    found = draft(words, chance, "class folders and a table with another label", "")
    found.label_of = {f"{word}/{name.rpartition('/')[2]}": word for name, word in found.label_of.items()}
    write, file = spelling(found), chance.choice(HEADS)[0]
    found.tables["metadata"] = [{file: write(name), "colour": chance.choice(COLOURS)} for name in found.label_of]
    return found


def competition(words: Sequence[str], chance: Random) -> Draft:
    """A table of the training images; the images of the test folder have no labels."""
    found = draft(words, chance, "a competition: test images without labels", chance.choice(("train", "train_images")))
    (file, label), write = chance.choice(HEADS), spelling(found)
    found.tables[chance.choice(("train", "train_labels", "labels"))] = [
        {file: write(name), label: word} for name, word in found.label_of.items()
    ]
    ending = next(iter(found.label_of)).rpartition(".")[2]
    found.others += [f"test/new{number}.{ending}" for number in range(8)]
    if chance.random() < 0.5:
        found.tables["sample_submission"] = [{file: f"new{i}.{ending}", label: words[0]} for i in range(8)]
    return found


def same_names_in_splits(words: Sequence[str], chance: Random) -> Draft:
    """The images of both splits have the same names, in a folder each; their tables lie beside or inside these."""
    found = Draft(chance, words, kinds=["the same names in both splits"])
    file, label = chance.choice(HEADS)
    places = chance.choice(({"train": "train", "test": "test"}, {"train": "train/labels", "test": "test/labels"}))
    ending = chance.choice(("", ".jpg"))
    for part, table in places.items():
        rows: Rows = []
        for number in range(12):
            word = found.label_of[f"{part}/{number}.jpg"] = chance.choice(words)
            found.split_of[f"{part}/{number}.jpg"] = part
            rows.append({file: f"{number}{ending}", label: word})
        found.tables[table] = rows
    return found


def numbers_and_names(words: Sequence[str], chance: Random) -> Draft:
    words = chance.sample(WORDS, len(words))
    found = draft(words, chance, "class numbers and class names")
    file, write = chance.choice(HEADS)[0], spelling(found)
    number, name = chance.choice((("class_id", "class_name"), ("label", "label_name"), ("target", "category")))
    found.tables[chance.choice(PLACES)] = [
        {file: write(image), number: str(words.index(word)), name: word} for image, word in found.label_of.items()
    ]
    return found


def boxes(words: Sequence[str], chance: Random) -> Draft:
    """One or two rows per image, with boxes; both have the class of the image."""
    found = draft(words, chance, "rows of boxes")
    write, corner = spelling(found), chance.choice((("xmin", "ymin", "xmax", "ymax"), ("x", "y", "w", "h")))
    file = chance.choice(("filename", "image", "image_id"))
    found.tables[chance.choice(PLACES)] = [
        {file: write(name)} | {side: str(chance.randint(0, 99)) for side in corner} | {"class": word}
        for name, word in found.label_of.items()
        for _ in range(chance.randint(1, 2))
    ]
    return found


def lost_zeros(words: Sequence[str], chance: Random) -> Draft:
    """Names of images with zeros before their numbers, which a spreadsheet dropped in the table."""
    found = Draft(chance, words, kinds=["numbers that lost their zeros"])
    folder, (file, label) = chance.choice(("", "images/")), chance.choice(HEADS)
    numbers = chance.sample(range(5000), 20)
    found.label_of = {f"{folder}{number:06}.png": words[i % len(words)] for i, number in enumerate(numbers)}
    found.tables[chance.choice(PLACES)] = [
        {file: str(number), label: word} for number, word in zip(numbers, found.label_of.values(), strict=True)
    ]
    return found


FORMS = (one_table,) * 4 + (
    unknown_heads, no_head, one_hot, joined, split_column, split_tables, classes_and_metadata,
    classes_and_other_labels, competition, same_names_in_splits, numbers_and_names, boxes, lost_zeros,
)  # fmt: skip


def assign_splits(found: Draft, splits: Sequence[str] = ("train", "test")) -> None:
    """A split per image; the first ones have one each, so that no split is empty."""
    for at, name in enumerate(found.label_of):
        found.split_of[name] = splits[at] if at < len(splits) else found.chance.choice((splits[0], *splits))


# --- additions


def add(found: Draft, rows: Rows, file: str, label: str) -> None:
    """Add a few columns, rows and images. The classes stay the same."""
    chance = found.chance
    for addition in chance.sample(ADDITIONS, chance.choice((0, 1, 1, 2))):
        addition(found, rows, file, label)


def index_column(found: Draft, rows: Rows, file: str, label: str) -> None:
    name, start = found.chance.choice((("", 0), ("index", 0), ("id_", 1), ("Unnamed: 0", 0)))
    for at, row in enumerate(rows):
        cells = {name: str(at + start), **row}
        row.clear()
        row.update(cells)
    found.kinds.append("a column that counts the rows")


def sizes(found: Draft, rows: Rows, file: str, label: str) -> None:
    for row in rows:
        row |= {"width": str(found.chance.choice((64, 128))), "height": "64", "source": "zoo"}
    found.kinds.append("columns about other things")


def other_words(found: Draft, rows: Rows, file: str, label: str) -> None:
    for row in rows:
        row["colour"] = found.chance.choice(COLOURS)
    found.kinds.append("another column of words")


def missing_labels(found: Draft, rows: Rows, file: str, label: str) -> None:
    word = found.chance.choice(("", "nan", "NA", "?"))
    for name, row in [*zip(found.label_of, rows, strict=False)][-2:]:
        row[label] = word
        found.unlabelled.add(name)
    found.kinds.append("rows without a label")


def missing_images(found: Draft, rows: Rows, file: str, label: str) -> None:
    example = rows[0]
    rows.append({**example, file: example[file].replace(name_of(example[file]), f"gone{name_of(example[file])}")})
    found.kinds.append("rows whose image is missing")


def name_of(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def images_without_rows(found: Draft, rows: Rows, file: str, label: str) -> None:
    folder, _, name = next(iter(found.label_of)).rpartition("/")
    found.others += [f"{folder}/extra{i}.{name.rpartition('.')[2]}".lstrip("/") for i in range(3)]
    found.kinds.append("images without a row")


def repeated_rows(found: Draft, rows: Rows, file: str, label: str) -> None:
    rows += [dict(row) for row in rows[:2]]
    found.kinds.append("repeated rows")


def a_table_of_classes(found: Draft, rows: Rows, file: str, label: str) -> None:
    found.tables["classes"] = [{"number": str(at), "word": word} for at, word in enumerate(found.words)]
    found.kinds.append("a table that names no image")


def a_submission(found: Draft, rows: Rows, file: str, label: str) -> None:
    found.tables["sample_submission"] = [{file: row[file], label: found.words[0]} for row in rows[:5]]
    found.kinds.append("a sample submission")


ADDITIONS = (
    index_column, sizes, other_words, missing_labels, missing_images, images_without_rows, repeated_rows,
    a_table_of_classes, a_submission,
)  # fmt: skip


# --- files


def written(tables: Mapping[str, Rows], head: bool, chance: Random, kinds: list[str]) -> dict[str, bytes]:
    """The files of tables, all in one format and encoding."""
    format, encoding = chance.choice(FORMATS if head else tuple(SIGNS)), chance.choice(ENCODINGS)
    text = "".join(cell for rows in tables.values() for row in rows for cells in row.items() for cell in cells)
    if encoding == "cp1252" and not text.isascii() and any(ord(sign) > 255 for sign in text):
        encoding = "utf-8"
    if format.startswith("JSON"):
        encoding = "utf-8"
    kinds += [f"delimiter: {format}" if format in SIGNS else format] * (format != "comma")
    kinds += [f"encoding: {encoding}"] * (encoding != "utf-8")
    end = chance.choice(("\n", "\r\n"))
    of_text = chance.choice((".csv", ".csv", ".txt"))
    ending = {"tab": ".tsv", "JSON": ".json", "JSON lines": ".jsonl"}.get(format, of_text)
    return {name + ending: as_text(rows, format, head, end).encode(encoding) for name, rows in tables.items()}


def as_text(rows: Rows, format: str, head: bool, end: str) -> str:
    if format == "JSON":
        return json.dumps(rows, ensure_ascii=False)
    if format == "JSON lines":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=SIGNS[format], lineterminator=end)
    writer.writerows([[*rows[0]]] * head + [[*row.values()] for row in rows])
    return file.getvalue()
