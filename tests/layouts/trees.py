"""Random layouts of labelled images, composed of kinds that people meet, each with its truth.

A layout is built from the inside out: classes with images; something inside the classes; splits around them; something
beside the splits; versions of the whole; folders around everything; strangers anywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

Label = tuple[str | None, str]
"""The split, or None, and the class of an image."""
WORDS = (
    "cat", "dog", "newt", "NORMAL", "PNEUMONIA", "n02085620-Chihuahua", "golden retriever", "猫", "Blond_Hair",
    "t-shirt", "apple_pie", "good", "broken", "other", "background", "A", "B", "Fist", "level.3", "naïve", "C++",
)  # fmt: skip
NUMBERS = tuple(map(str, range(12)))
NUMBERED = ("class0", "class1", "class2", "class_3", "Class 4", "class-05", "set1", "set2", "sample3", "file 4", "img5")
SPELLINGS = (
    ("train", "test"), ("train", "val", "test"), ("TRAIN", "TEST"), ("Training", "Testing"), ("train", "eval"),
    ("training_set", "test_set"), ("seg_train", "seg_test"), ("train_data", "test_data"), ("Train", "Validate"),
    ("trainset", "testset"), ("train_images", "val_images"), ("train", "holdout"), ("trainingSet", "testSet"),
    ("train2017", "val2017"), ("training", "validation", "testing"), ("pets_train", "pets_test"), ("trainval", "test"),
    ("imagesTr_train", "imagesTr_test"), ("训练集", "测试集"), ("train-32x32", "test-32x32"),
)  # fmt: skip
INSIDE = ("nothing",) * 4 + ("more folders", "a container", "a repeat", "folders of dates")
SPLIT = {"tr": "train", "le": "train", "va": "validation", "ev": "validation", "te": "test", "ho": "test"}
STRANGERS = (
    "LICENSE", "README.md", "readme.txt", "model.h5", "backup.zip", "notes.docx", "weights.pth", "clip.mp4",
    "labels_map.pbtxt", "run.py", ".DS_Store",
)  # fmt: skip


@dataclass
class Layout:
    """Files of a data set, the truth about its labelled images, and the kinds that it is composed of."""

    truth: dict[str, Label] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """Files that are not labelled images: loose or unlabelled ones, masks, notes."""
    kinds: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    """The bytes of those files that are tables."""

    def moved(self, move: Callable[[str], str]) -> None:
        self.truth = {move(name): label for name, label in self.truth.items()}
        self.others = [move(name) for name in self.others]
        self.contents = {move(name): text for name, text in self.contents.items()}

    @property
    def names(self) -> list[str]:
        return sorted([*self.truth, *self.others, *self.contents])


def layout(seed: int) -> Layout:
    chance = Random(seed)
    words = chance.sample(chance.choice((WORDS, WORDS, NUMBERS, NUMBERED)), chance.randint(2, 4))
    found = chance.choice(FORMS)(words, chance)
    if chance.random() < 0.4:
        around(found, chance)
    for _ in range(chance.choice((0, 0, 1, 2))):
        stranger(found, chance)
    return found


def images(folder: str, chance: Random, form: str = "{}.jpg", count: int | None = None) -> list[str]:
    number = chance.randint(0, 900)
    names = [form.format(number + place) for place in range(count or chance.randint(4, 7))]
    return [f"{folder}/{name}" if folder else name for name in names]


# --- forms


def classes(words: Sequence[str], chance: Random, split: str | None = None, inside: str | None = None) -> Layout:
    """A folder per class, and something in it."""
    found = Layout(kinds=["classes"])
    inside = inside or chance.choice(INSIDE)
    for word in words:
        folder = {"a container": f"{word}/images", "a repeat": f"{word}/{word}"}.get(inside, word)
        found.truth |= dict.fromkeys(images(folder, chance), (split, word))
        if inside == "folders of dates":
            found.truth = {name: label for name, label in found.truth.items() if not name.startswith(f"{word}/")}
            dates = [f"{word}/2019/{month:02d}" for month in range(1, chance.randint(2, 4))]
            found.truth |= {name: (split, word) for date in dates for name in images(date, chance)}
        if inside == "more folders" and chance.random() < 0.6:
            found.truth |= dict.fromkeys(images(f"{word}/more", chance, count=2), (split, word))
    if inside != "nothing":
        found.kinds.append(f"{inside} in classes")
    return found


def splits(words: Sequence[str], chance: Random) -> Layout:
    """Folders of splits around the folders of classes."""
    found, spelling = Layout(kinds=["splits"]), chance.choice(SPELLINGS)
    inner, inside = chance.choice(("",) * 4 + ("images/", "repeat")), chance.choice(INSIDE)
    for name in spelling:
        split = split_named(name)
        part = classes(words, chance, split, inside)
        prefix = f"{name}/{name}/" if inner == "repeat" else f"{name}/{inner}"
        found.truth |= {prefix + image: label for image, label in part.truth.items()}
        found.kinds += part.kinds[1:]
    found.kinds = list(dict.fromkeys(found.kinds + (["containers in splits"] if inner else [])))
    beside_splits(found, words, spelling, chance)
    return found


def plain_splits(words: Sequence[str], chance: Random) -> Layout:
    """Splits with nothing beside them."""
    while "beside" in " ".join((found := splits(words, chance)).kinds):
        pass
    return found


def beside_splits(found: Layout, words: Sequence[str], spelling: Sequence[str], chance: Random) -> None:
    kind = chance.choice((None, None, "unlabelled test images", "a copy inside", "folders of unknown use", "masks"))
    if kind:
        found.kinds.append(f"{kind} beside splits")
    if kind == "unlabelled test images":
        found.others += images(chance.choice(("pred", "test_unlabelled", "seg_pred/seg_pred", "unlabeled/all")), chance)
    elif kind == "a copy inside":
        found.others += [f"pets/{name}" for name in found.truth]
    elif kind == "folders of unknown use":
        folder = chance.choice(("unlabeled", "extra", "sample_submission", "old", "fold_2"))
        found.others += [name for word in words for name in images(f"{folder}/{word}", chance, count=3)]
    elif kind == "masks":
        found.others += [name for word in words for name in images(f"ground_truth/{word}", chance, count=3)]


def splits_with_other_classes(words: Sequence[str], chance: Random) -> Layout:
    """A class is missing in one split, or only in it."""
    found = Layout(kinds=["classes missing in a split"])
    train, test = chance.choice(((words, words[1:]), (words[1:], words), (words[:-1], words[1:])))
    for split, some in (("train", train), ("test", test)):
        for word in some:
            found.truth |= dict.fromkeys(images(f"{split}/{word}", chance), (split, word))
    return found


def only_train(words: Sequence[str], chance: Random) -> Layout:
    found, folder = classes(words, chance, "train"), chance.choice(("train", "training_set", "Train/images"))
    found.moved(lambda name: f"{folder}/{name}")
    found.kinds.append("only a training split")
    return found


def data_beside_figures(words: Sequence[str], chance: Random) -> Layout:
    """The data in one folder, and a few other images in another."""
    found, folder = classes(words, chance), chance.choice(("data", "images", "pets", "dataset"))
    found.moved(lambda name: f"{folder}/{name}")
    found.others += images(chance.choice(("docs", "figures", "docs/img", "assets/readme")), chance, "fig{}.png", 2)
    found.kinds.append("figures beside the data")
    return found


def containers_beside_each_other(words: Sequence[str], chance: Random) -> Layout:
    """images/train/cat and labels/train/cat, where the second has no images."""
    found = splits(words, chance)
    found.others += [name.replace(".jpg", ".txt").replace(".png", ".xml").join(("labels/", "")) for name in found.truth]
    found.moved(lambda name: name if name.startswith("labels/") else f"images/{name}")
    found.kinds.append("annotations in a tree of their own")
    return found


def splits_in_classes(words: Sequence[str], chance: Random) -> Layout:
    found, spelling = Layout(kinds=["splits in classes"]), chance.choice(SPELLINGS[:15])
    for word in words:
        for name in spelling:
            found.truth |= dict.fromkeys(images(f"{word}/{name}", chance), (split_named(name), word))
    return found


def split_and_class_in_one_name(words: Sequence[str], chance: Random) -> Layout:
    found, form = Layout(kinds=["split and class in one name"]), chance.choice(("{1}_{0}", "{0}_{1}", "{1}-{0}"))
    words = [word for word in words if not set("-_ .") & set(word)]
    for word in words if len(words) > 1 else ["cat", "dog"]:
        for name in ("train", "test"):
            found.truth |= dict.fromkeys(images(form.format(name, word), chance), (name, word))
    return found


def in_names(words: Sequence[str], chance: Random) -> Layout:
    """The label is in the name of the file; all images are in one folder, or in folders of splits."""
    words = [word for word in words if not word.isdigit()]
    words = words if len(words) > 1 else ["cat", "dog"]
    found, sign = Layout(kinds=["labels in file names"]), chance.choice("_.-")
    words = [word.replace(" ", "").replace(".", "") for word in words]
    folder = chance.choice(("", "images", "train", "UTK"))
    for word in dict.fromkeys(words):
        found.truth |= dict.fromkeys(images(folder, chance, f"{word}{sign}{{}}.jpg"), (None, word))
    if folder == "train" and chance.random() < 0.5:
        found.others += images("test1", chance)
    return found


def variants(words: Sequence[str], chance: Random) -> Layout:
    """Several folders with the same classes: versions of the images, masks, or parts. Only the first is meant."""
    found = chance.choice((classes, classes, plain_splits))(words, chance)
    first, *rest = chance.choice(
        (("raw", "resized"), ("images", "masks"), ("original", "augmented"), ("jpg", "thumbs"))
    )
    others = [f"{name}/{image}" for name in rest for image in found.truth]
    found.moved(lambda name: f"{first}/{name}")
    found.others += others
    found.kinds.append("versions or masks")
    return found


def parts(words: Sequence[str], chance: Random) -> Layout:
    """Several folders with the same classes, all of them meant."""
    found = Layout(kinds=["parts with the same classes"])
    for name in chance.choice((("fold1", "fold2", "fold3"), ("part_a", "part_b"), ("2019", "2020"), ("cam1", "cam2"))):
        found.truth |= {image: (None, word) for word in words for image in images(f"{name}/{word}", chance)}
    return found


def groups(words: Sequence[str], chance: Random) -> Layout:
    """Classes in folders of groups; the inner folders, or the outer ones, are the classes."""
    found, inner = Layout(kinds=["groups of classes"]), chance.random() < 0.5
    for number, word in enumerate([*words, "rest"]):
        for kind in ("x", "y"):
            name = f"{word}-{kind}{number}"
            found.truth |= dict.fromkeys(images(f"{word}/{name}", chance), (None, name if inner else word))
    return found


def names_of_other_things(words: Sequence[str], chance: Random) -> Layout:
    """Classes with names that look like other things, such as train among vehicles."""
    names = chance.choice(
        (["train", "bus", "car"], ["test", "control", "placebo"], ["raw", "cooked"], ["small", "giant"])
    )
    found = classes(names, chance)
    found.kinds = ["classes with names of other things"]
    found.others = []
    return found


FORMS = (classes,) * 3 + (splits,) * 5 + (
    splits_with_other_classes, only_train, data_beside_figures, containers_beside_each_other,
    splits_in_classes, split_and_class_in_one_name, in_names, variants, parts, groups, names_of_other_things,
)  # fmt: skip


# --- around and beside


def around(found: Layout, chance: Random) -> None:
    """Put folders around everything."""
    folders = "/".join(
        chance.sample(("archive", "data", "dataset", "images", "pets-master", "My Pets", "v1.0"), chance.randint(1, 2))
    )
    found.moved(lambda name: f"{folders}/{name}")
    found.kinds.append("folders around")


def stranger(found: Layout, chance: Random) -> None:
    """Add a file that is no labelled image, beside the class folders or in one of them."""
    folders = sorted({name.rpartition("/")[0] for name in found.truth})
    outer = "" if not all("/" in name for name in found.truth) else folders[0].split("/")[0]
    folder = chance.choice(("", outer, chance.choice(folders)))
    name = chance.choice((*STRANGERS, "preview.jpg", "sheet.png"))
    if name.endswith((".jpg", ".png")):
        if not all("/" in image for image in found.truth) or "labels in file names" in found.kinds:
            return
        folder = ""
    found.others.append(f"{folder}/{name}".lstrip("/"))
    found.kinds.append("strangers")


def split_named(name: str) -> str:
    if name in ("训练集", "测试集"):
        return "train" if name == "训练集" else "test"
    core = name.lower().split("_")[-1] if name.lower().startswith(("seg", "pets", "imagestr")) else name.lower()
    return SPLIT[core[:2]]
