"""Tables as people have them: each is read as it is meant, or asked about, and every printed answer works."""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from condgen.data import merging, reading, table
from condgen.data.dataset import Dataset, Split
from condgen.data.listing import Listing
from condgen.data.store import Store
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question
from condgen.labels import Labels
from layouts.memory import Memory


def store(images: str, tables: Mapping[str, str | bytes], exclude: str = "") -> Memory:
    """images: names separated by spaces; a range such as a{0-9}.png is expanded."""
    names = list[str]()
    for word in images.split():
        start, brace, rest = word.partition("{")
        low, high = rest.split("}")[0].split("-") if brace else ("0", "0")
        names += [f"{start}{i}{rest.split('}')[1]}" for i in range(int(low), int(high) + 1)] if brace else [word]
    texts = {name: text if isinstance(text, bytes) else text.encode() for name, text in tables.items()}
    return Memory(names, exclude, texts)


def read(source: Store, **options: Any) -> Listing:
    chosen = DataOptions().with_overrides(options)
    assert table.fits(source, chosen)
    return merging.merged(table.read(source, chosen), chosen.merge)


def told(found: Listing) -> str:
    """The images of a listing as text: a.png=cat, or test:b.png=Hat+?Old with an unknown attribute."""
    words = []
    for image, part, value in zip(found.images, found.parts, found.values, strict=True):
        if found.labels.kind == "classes":
            label = found.labels.names[value]
        else:
            marks = {1: "", -1: "?"}
            pairs = zip(found.labels.names, value, strict=True)
            label = "+".join(marks[v] + name for name, v in pairs if v in marks)
        words.append(f"{part}:{image}={label}" if part else f"{image}={label}")
    return " ".join(words)


AB = "a.png=cat b.png=dog"
COMMA = "file,label\na.png,cat\nb.png,dog\n"
FOUND: list[tuple[str, str, dict[str, str | bytes], str]] = [
    # encodings and delimiters
    ("a comma", "a.png b.png", {"l.csv": COMMA}, AB),
    ("a BOM and CRLF", "a.png b.png", {"l.csv": "\ufeff" + COMMA.replace("\n", "\r\n")}, AB),
    ("semicolons", "a.png b.png", {"l.csv": COMMA.replace(",", ";")}, AB),
    ("tabs in a .txt", "a.png b.png", {"l.txt": COMMA.replace(",", "\t")}, AB),
    ("bars", "a.png b.png", {"l.csv": COMMA.replace(",", "|")}, AB),
    ("UTF-16 with a mark", "a.png b.png", {"l.csv": COMMA.replace(",", "\t").encode("utf-16")}, AB),
    ("UTF-16 without", "a.png b.png", {"l.csv": COMMA.encode("utf-16-le")}, AB),
    ("cp1252", "a.png b.png", {"l.csv": COMMA.replace("cat", "Bär").encode("cp1252")}, "a.png=Bär b.png=dog"),
    ("GBK", "a.png b.png", {"l.csv": "文件,标签\na.png,猫咪\nb.png,小狗\n".encode("gbk")}, "a.png=猫咪 b.png=小狗"),
    ("Shift JIS", "a.png", {"l.csv": "file,label\na.png,ねこ\n".encode("shift_jis")}, "a.png=ねこ"),
    ("Excel's line of the delimiter", "a.png b.png", {"l.csv": "sep=;\n" + COMMA.replace(",", ";")}, AB),
    ("colons", "a.png b.png", {"l.txt": "a.png: cat\nb.png: dog\n"}, AB),
    ("empty columns at the end", "a.png b.png", {"l.csv": COMMA.replace("\n", ",,\n")}, AB),
    ("comments before the header", "a.png b.png", {"l.csv": "# made by hand\n" + COMMA}, AB),
    ("quoted commas", "a.png b.png", {"l.csv": 'file,label\na.png,"cat, big"\nb.png,"dog, big"\n'},
     "a.png=cat, big b.png=dog, big"),
    # formats
    ("a list of words", "a.png b.png", {"l.txt": "a.png 3\nb.png 7\n"}, "a.png=3 b.png=7"),
    ("a list of names with spaces", "a.png b.png",
     {"l.txt": "a.png 3\nb.png 7\n", "note.txt": "I like cats, and dogs."},
     "a.png=3 b.png=7"),
    ("a JSON list", "a.png b.png", {"l.json": '[{"file": "a.png", "label": "cat"}, {"file": "b.png", "label": "dog"}]'},
     AB),
    ("a JSON object", "a.png b.png", {"l.json": '{"a.png": "cat", "b.png": "dog"}'}, AB),
    ("a JSON object of lists", "a.png b.png", {"l.json": '{"cat": ["a.png"], "dog": ["b"]}'}, AB),
    ("a JSON object of columns", "a.png b.png", {"l.json": '{"file": ["a.png", "b.png"], "label": [3, 7]}'},
     "a.png=3 b.png=7"),
    ("JSON lines with nested values", "a.png b.png",
     {"m.jsonl": '{"file_name": "a.png", "label": "cat", "box": {"x": [[1]]}}\n{"file_name": "b.png", "label": "dog"}'},
     AB),
    # the column of files
    ("no header", "a.png b.png", {"l.csv": COMMA.split("\n", 1)[1]}, AB),
    ("no header, and the label first", "a.png b.png", {"l.csv": "cat,a.png\ndog,b.png\n"}, AB),
    ("pandas' index", "a.png b.png", {"l.csv": ",file,label\n0,a.png,cat\n1,b.png,dog\n"}, AB),
    ("a column of masks", "a.png b.png m/a.png m/b.png",
     {"l.csv": "mask,image,label\nm/a.png,a.png,cat\nm/b.png,b.png,dog\n"}, AB),
    # names of images
    ("names without ending", "t/a.jpg t/b.jpg", {"l.csv": "id,breed\na,cat\nb,dog\n"}, "t/a.jpg=cat t/b.jpg=dog"),
    ("dots in names without ending", "a.1.jpg a.2.jpg", {"l.csv": "id,breed\na.1,cat\na.2,dog\n"},
     "a.1.jpg=cat a.2.jpg=dog"),
    ("another ending", "a.png b.png", {"l.csv": COMMA.replace(".png", ".jpg")}, AB),
    ("another case", "A.PNG b.png", {"l.csv": COMMA}, "A.PNG=cat b.png=dog"),
    ("lost zeros", "001.png 002.png", {"l.csv": "id,label\n1,cat\n2,dog\n"}, "001.png=cat 002.png=dog"),
    ("images in a subfolder", "x/images/a.png x/images/b.png",
     {"l.csv": COMMA}, "x/images/a.png=cat x/images/b.png=dog"),
    ("the table in another folder", "images/a.png images/b.png", {"annotations/l.csv": COMMA},
     "images/a.png=cat images/b.png=dog"),
    ("absolute paths", "t/a.png t/b.png",
     {"l.csv": COMMA.replace("\na", "\n/home/me/d/t/a").replace("\nb", "\n/home/me/d/t/b")},
     "t/a.png=cat t/b.png=dog"),
    ("a drive and backslashes", "t/a.png", {"l.csv": "file,label\nC:\\d\\t\\a.png,cat\n"}, "t/a.png=cat"),
    ("from the folder above", "a.png b.png", {"l.csv": COMMA.replace("\na", "\nd/a").replace("\nb", "\nd/b")}, AB),
    ("equal names in folders", "x/0.png y/0.png", {"l.csv": "file,label\nx/0.png,cat\ny/0.png,dog\n"},
     "x/0.png=cat y/0.png=dog"),
    ("images of the table's split come first", "train/0.png test/0.png",
     {"train.csv": "id,label\n0,cat\n", "test.csv": "id,label\n0,dog\n"}, "test:test/0.png=dog train:train/0.png=cat"),
    # splits
    ("a column of splits", "a.png b.png", {"l.csv": "file,label,Split\na.png,cat,train\nb.png,dog,val\n"},
     "train:a.png=cat validation:b.png=dog"),
    ("is_valid, as fastai writes", "a.png b.png", {"l.csv": "name,label,is_valid\na.png,cat,False\nb.png,dog,True\n"},
     "train:a.png=cat validation:b.png=dog"),
    ("a table train.csv alone is no split", "a.png b.png", {"train.csv": COMMA}, AB),
    ("a sample submission", "train/a.png train/b.png test/c.png",
     {"train.csv": COMMA, "sample_submission.csv": "file,label\nc.png,cat\n", "test.csv": "file\nc.png\n"},
     "train/a.png=cat train/b.png=dog"),
    ("a table per split's folder", "train/a.png valid/b.png",
     {"train/_classes.csv": "filename, cat, dog\na.png, 1, 0\n",
      "valid/_classes.csv": "filename, cat, dog\nb.png, 0, 1\n"},
     "train:train/a.png=cat validation:valid/b.png=dog"),
    ("splits by the folders of the images", "train/a.png test/b.png",
     {"l.csv": "file,label\ntrain/a.png,cat\ntest/b.png,dog\n"}, "train:train/a.png=cat test:test/b.png=dog"),
    ("lists of splits beside a table", "i/a.png i/b.png", {"l.csv": COMMA, "train.txt": "a\n", "test.txt": "b\n"},
     "train:i/a.png=cat test:i/b.png=dog"),
    ("GTSRB", "Train/0/a.png Train/1/b.png Test/c.png Meta/0.png Train/1/d.png Train/0/e.png",
     {"Train.csv": "Width,Height,ClassId,Path\n27,26,0,Train/0/a.png\n27,26,1,Train/1/b.png\n27,26,1,Train/1/d.png\n"
                   "27,26,0,Train/0/e.png\n",
      "Test.csv": "Width,Height,ClassId,Path\n27,26,1,Test/c.png\n", "Meta.csv": "Path,ClassId\nMeta/0.png,0\n"},
     "test:Test/c.png=1 train:Train/0/a.png=0 train:Train/1/b.png=1 train:Train/1/d.png=1 train:Train/0/e.png=0"),
    ("CelebA from Kaggle", "img/img/a.jpg img/img/b.jpg",
     {"list_attr_celeba.csv": "image_id,Smiling,Male\na.jpg,-1,1\nb.jpg,1,1\n",
      "list_eval_partition.csv": "image_id,partition\na.jpg,0\nb.jpg,2\n",
      "list_bbox_celeba.csv": "image_id,x_1,y_1,width,height\na.jpg,1,1,1,1\nb.jpg,1,2,3,4\n"},
     "train:img/img/a.jpg=Male test:img/img/b.jpg=Smiling+Male"),
    ("Food-101", "images/cat/1.jpg images/cat/2.jpg images/dog/1.jpg images/dog/2.jpg",
     {"meta/train.json": '{"cat": ["cat/1"], "dog": ["dog/1"]}', "meta/train.txt": "cat/1\ndog/1\n",
      "meta/test.json": '{"cat": ["cat/2"], "dog": ["dog/2"]}', "meta/classes.txt": "cat\ndog\n"},
     "test:images/cat/2.jpg=cat test:images/dog/2.jpg=dog train:images/cat/1.jpg=cat train:images/dog/1.jpg=dog"),
    ("a test table without labels is no split", "t/a.png t/b.png t/c.png",
     {"train.csv": "id,A,B,C\na,1,0,0\nb,0,0,1\n", "test.csv": "id\nc\n"}, "t/a.png=A t/b.png=C"),
    ("NIH's chest X-rays", "images_001/images/a.png images_002/images/b.png images_002/images/c.png",
     {"Data_Entry.csv": "Image Index,Finding Labels,Patient Age,OriginalImage[Width,Height],\n"
                        "a.png,Mass,58,2682,2749,\nb.png,Mass|Hernia,58,2894,2729,\nc.png,No Finding,81,2500,2048,\n",
      "train_val_list.txt": "a.png\nb.png\n", "test_list.txt": "c.png\n",
      "BBox_List.csv": "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Mass,1,2,3,4\n"},
     "train:images_001/images/a.png=Mass train:images_002/images/b.png=Hernia+Mass "
     "test:images_002/images/c.png=No Finding"),
    # values
    ("numbers with .0", "a.png b.png", {"l.csv": "file,label\na.png,0.0\nb.png,1.0\n"}, "a.png=0 b.png=1"),
    ("01 is not 1", "a.png b.png", {"l.csv": "file,label\na.png,01\nb.png,1\n"}, "a.png=01 b.png=1"),
    ("missing values", "a{0-4}.png", {"l.csv": "file,label\na0.png,cat\na1.png,nan\na2.png,\na3.png,NA\na4.png,dog\n"},
     "a0.png=cat a4.png=dog"),
    ("one column of yes and no", "a.png b.png c.png", {"l.csv": "file,Hat\na.png,yes\nb.png,no\nc.png,\n"},
     "a.png=Hat b.png=not Hat"),
    ("attributes", "a.png b.png", {"l.csv": "file,Hat,Old\na.png,1,\nb.png,0,1\n"}, "a.png=Hat+?Old b.png=Old"),
    ("one-hot columns", "a.png b.png c.png",
     {"l.csv": "image,MEL,NV,BCC\na,1.0,0.0,0.0\nb,0.0,0.0,1.0\nc,0.0,1.0,0.0\n"},
     "a.png=MEL b.png=BCC c.png=NV"),
    ("CheXpert", "p{0-3}.jpg",
     {"train.csv": "Path,Sex,Age,Frontal/Lateral,Edema,Pneumonia\nCheX/p0.jpg,Male,60,Frontal,1.0,\n"
                   "CheX/p1.jpg,Female,61,Frontal,0.0,-1.0\nCheX/p2.jpg,Male,62,Lateral,,1.0\nCheX/p3.jpg,Male,63,Frontal,-1.0,0.0\n"},
     "p0.jpg=Edema+?Pneumonia p1.jpg=?Pneumonia p2.jpg=?Edema+Pneumonia p3.jpg=?Edema"),
    ("several labels, with bars", "a.png b.png c.png",
     {"l.csv": "file,Finding Labels\na,cat|dog\nb,dog\nc,No Finding\n"},
     "a.png=cat+dog b.png=dog c.png=No Finding"),
    ("several labels, with spaces", "a{0-4}.png",
     {"l.csv": "image,labels\na0,scab\na1,rust\na2,scab rust\na3,rust spot\na4,spot\n"},
     "a0.png=scab a1.png=rust a2.png=rust+scab a3.png=rust+spot a4.png=spot"),
    ("words of two words", "a.png b.png c.png", {"l.csv": "image,label\na,hot dog\nb,dog\nc,hot air balloon\n"},
     "a.png=hot dog b.png=dog c.png=hot air balloon"),
    ("several numbers", "a.png b.png", {"l.csv": "id,attribute_ids\na,14 61 83\nb,3 61\n"},
     "a.png=14+61+83 b.png=3+61"),
    ("a list of lists in JSON", "a.png b.png", {"l.json": '{"a.png": ["x", "y"], "b.png": ["y"]}'},
     "a.png=x+y b.png=y"),
    ("an odd quote", "a.png b.png", {"l.tsv": 'file\tlabel\na.png\t5" pipe\nb.png\tdog\n'}, 'a.png=5" pipe b.png=dog'),
    ("several labels in lists", "a.png b.png",
     {"m.jsonl": '{"file": "a", "label": ["x", "y"]}\n{"file": "b", "label": ["y"]}'},
     "a.png=x+y b.png=y"),
    ("lists as pandas writes them", "a.png b.png", {"l.csv": "file,label\na,\"['x', 'y']\"\nb,\"['y']\"\n"},
     "a.png=x+y b.png=y"),
    # other columns
    ("a label beside others", "a.png b.png",
     {"l.csv": "file,label,age,city\na.png,cat,3,Rome\nb.png,dog,4,Bern\n"}, AB),
    ("a diagnosis beside others", "a.png b.png",
     {"l.csv": "image_id,dx,sex,localization\na,mel,male,back\nb,nv,female,ear\n"},
     "a.png=mel b.png=nv"),
    ("class numbers and names", "a.png b.png", {"l.csv": "file,class_id,class\na.png,1,cat\nb.png,0,dog\n"}, AB),
    ("facts that are no labels", "a.png b.png",
     {"l.csv": "file,kind,url,width\na.png,cat,http://x/1,3\nb.png,dog,http://x/2,4\n"}, AB),
    ("equal rows", "a.png b.png", {"l.csv": COMMA + "a.png,cat\n"}, AB),
    ("one row per box", "a.png b.png", {"l.csv": "file,xmin,class\na.png,3,cat\na.png,9,cat\nb.png,1,dog\n"}, AB),
    ("images in no row", "a.png b.png c.png", {"l.csv": COMMA}, AB),
]  # fmt: skip


HEADS = ("id", "Image Index", "image_name", "Path", "ImageID", "img", "whatever")
FOUND += [(f"a column {head!r}", "a.png b.png", {"l.csv": COMMA.replace("file", head)}, AB) for head in HEADS]


@pytest.mark.parametrize(("images", "tables", "wanted"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_a_table_is_read_as_it_is_meant(images: str, tables: dict[str, str | bytes], wanted: str) -> None:
    assert told(read(store(images, tables))) == wanted


COCO = '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "bbox": [0, 0, 2, 2]}]}'
EVERY = "a{0-39}.png"
"""Forty images."""


def rows(head: str, *columns: Callable[[int], object]) -> dict[str, str | bytes]:
    """A table of the forty images, with these columns after the first."""
    lines = (",".join([f"a{i}.png", *(str(column(i)) for column in columns)]) for i in range(40))
    return {"l.csv": f"{head}\n" + "\n".join(lines)}


def animal(i: int) -> str:
    return ("cat", "dog")[i % 2]


ASKED: list[tuple[str, str, dict[str, str | bytes], dict[str, Any], str]] = [
    ("two columns of labels", EVERY, rows("file,label,category", animal, lambda i: i % 3), {}, "2 columns of labels"),
    ("two columns of words", EVERY, rows("file,colour,shape", animal, lambda i: "xyz"[i % 3]), {}, "which column"),
    ("one attribute beside words", EVERY, rows("file,Hat,city",
      lambda i: i % 2, lambda i: "xyz"[i % 3]), {}, "which col"),
    ("attributes beside words", EVERY, rows("file,Hat,Old,city", lambda i: i % 2, lambda i: i % 4 // 2, animal), {},
     "which column"),
    ("measurements", EVERY, rows("file,age", lambda i: 20.5 + i), {}, "seem to be measurements"),
    ("whole numbers of years", EVERY, rows("file,age", lambda i: 20 + i // 2), {}, "seem to be measurements"),
    ("numbers with gaps", EVERY, rows("file,label", lambda i: 7 * i), {}, "seem to be measurements"),
    ("captions", EVERY, rows("file,text", lambda i: f"a photo of {animal(i)} {i}"), {}, "holds sentences"),
    ("folds", "a.png b.png", {"train.csv": COMMA, "valid.csv": COMMA}, {}, "2 images, .* two splits"),
    ("a row per label", "a.png b.png", {"l.csv": COMMA + "a.png,dog\n"}, {}, "1 images have several labels"),
    ("many labels per cell", EVERY, rows("file,tags", lambda i: f"{'xy'[i % 2]} {'uvw'[i % 3]}"), {}, "one class, or"),
    ("pairs of numbers", EVERY, rows("file,label", lambda i: f'"{i % 3},{(i + 1) % 3}"'), {}, "one class, or several"),
    ("-1 beside classes", EVERY, rows("file,label", lambda i: i % 4 - 1), {}, "rows have -1 in column 'label'"),
    ("two subjects", EVERY, rows("file,genus,species", animal, lambda i: "xyz"[i % 3]), {}, "which column"),
    ("a face's age and sex", EVERY, rows("file,age,sex", lambda i: i % 3, animal), {}, "no column is called label"),
    ("one of words and sex", EVERY, rows("file,origin,sex", lambda i: "xyz"[i % 3], animal), {}, "which column"),
    ("a name per image", EVERY, rows("file,label", lambda i: f"name{i}x"), {}, "are hardly classes"),
    ("only facts", EVERY, rows("file,sex,age", animal, lambda i: 20.5 + i), {}, "no column is called label"),
    ("exactly one of two in few rows", "a.png b.png", {"l.csv": "file,Hat,Bald\na.png,1,0\nb.png,0,1\n"}, {},
     "classes or attributes"),
    ("bars that may be a name", "a.png b.png", {"l.csv": "file,label\na.png,cat;big\nb.png,dog\n"}, {},
     "one class, or several"),
    ("spaces that may separate", "a.png b.png c.png",
     {"l.csv": "file,label\na.png,hot dog\nb.png,dog\nc.png,hot\n"}, {},
     "one class, or several"),
    ("a frequent none", EVERY, rows("file,label", lambda i: ("none", "hat", "cap")[i % 3]), {}, "have 'none'"),
    ("images in two folders", "images/a.png masks/a.png images/b.png masks/b.png", {"l.csv": COMMA}, {}, "may be"),
    ("images in two formats", "a.png a.jpg b.png b.jpg", {"l.csv": "id,label\na,cat\nb,dog\n"}, {}, "may be"),
    ("two columns of files", "l/a.png l/b.png r/c.png r/d.png",
     {"t.csv": "left,right,label\nl/a.png,r/c.png,cat\nl/b.png,r/d.png,dog\n"}, {}, "both name images"),
    ("two tables that differ", "a.png b.png", {"l.csv": COMMA, "old.csv": COMMA.replace("dog", "cat")}, {},
     "different values in 'label'"),
    ("COCO", "images/a.png images/b.png", {"train/a.coco.json": COCO}, {}, "boxes or outlines in COCO's format"),
    ("class folders and another label", "x/a.png x/b.png y/c.png y/d.png",
     {"l.csv": "file,who\nx/a.png,Ann\nx/b.png,Bob\ny/c.png,Ann\ny/d.png,Bob\n"}, {}, "in folders"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("images", "tables", "options", "doubt"), [row[1:] for row in ASKED], ids=[r[0] for r in ASKED]
)
def test_what_is_doubtful_is_asked_and_each_answer_settles_it(
    images: str, tables: dict[str, str | bytes], options: dict[str, Any], doubt: str
) -> None:
    source = store(images, tables)
    with pytest.raises(Question, match=doubt) as asked:
        read(source, **options)
    assert asked.value.answers
    for answer in asked.value.answers:
        words = shlex.split(answer)
        if "=" in words[0]:
            words = words[0].split("=", 1)
        given = {word[2:].replace("-", "_"): value for word, value in zip(words[::2], words[1::2], strict=True)}
        source = store(images, tables, given.get("exclude", ""))
        if table.fits(source, DataOptions().with_overrides(options | given)):
            assert read(source, **options, **given).images, answer
        else:
            assert given.get("kind") == "none" or "exclude" in given, answer


SAID: list[tuple[str, str, dict[str, str | bytes], dict[str, Any], str, str]] = [
    ("spellings", "a.png b.png c.png", {"l.csv": "file,label\na,Cat\nb,cat \nc,CAT\n"}, {},
     "a.png=Cat b.png=cat c.png=CAT", "--merge similar"),
    ("a misspelling", EVERY, rows("file,label", lambda i: "persain" if i == 7 else "persian" if i % 2 else "siamese"),
     {}, "", "'persain' may be a misspelling of 'persian'; --merge persain=persian"),
    ("similar names merged", "a.png b.png c.png", {"l.csv": "file,label\na,Big Cat\nb,big_cat\nc,Big Cat\n"},
     {"merge": "similar"}, "a.png=Big Cat b.png=Big Cat c.png=Big Cat", "changed 1 of 2 labels"),
    ("labels merged", "a.png b.png c.png", {"l.csv": "file,label\na,cat\nb,kitty\nc,dog\n"},
     {"merge": "kitty=cat,dog="}, "a.png=cat b.png=cat", "2 of 3 labels"),
    ("labels exchanged", "a.png b.png", {"l.csv": COMMA}, {"merge": "cat=dog,dog=cat"},
     "a.png=dog b.png=cat", "2 of 2"),
    ("attributes merged", "a.png b.png", {"l.csv": "file,Hat,Cap,Old\na,1,0,\nb,,0,1\n"}, {"merge": "Cap=Hat"},
     "a.png=Hat+?Old b.png=Old", "1 of 3"),
    ("missing values", "a.png b.png c.png", {"l.csv": "file,label\na,cat\nb,nan\nc,\n"}, {}, "a.png=cat",
     r"2 images without a value in column 'label' \(or with 'nan'; --merge nan=nan keeps it\), such as 'b.png'"),
    ("a class called nan", "a.png b.png", {"l.csv": "file,label\na,cat\nb,nan\n"}, {"merge": "nan=nan"},
     "a.png=cat b.png=nan", ""),
    ("one-hot as attributes", "a.png b.png c.png", {"l.csv": "file,A,B,C\na,1,0,0\nb,0,1,0\nc,0,0,1\n"},
     {"kind": "attributes"}, "a.png=A b.png=B c.png=C", ""),
    ("one-hot as classes", "a.png b.png c.png", {"l.csv": "file,A,B,C\na,1,0,0\nb,0,1,0\nc,0,0,1\n"}, {},
     "a.png=A b.png=B c.png=C", "exactly one of A, B, C"),
    ("an encoding", "a.png b.png", {"l.csv": COMMA.replace("cat", "Bär").encode("cp1252")}, {},
     "a.png=Bär b.png=dog", "read as cp1252, such as 'a.png,Bär'"),
    ("uncertain values", "a.png b.png c.png", {"l.csv": "file,A,B\na,1,-1\nb,0,\nc,1,1\n"}, {},
     "a.png=A+?B b.png=?B c.png=A+B", "1 values are -1 beside 1 and 0"),
    ("images in no row", "a.png b.png c.png", {"l.csv": COMMA}, {}, AB, "1 images are in no table, such as 'c.png'"),
    ("equal rows", "a.png b.png", {"l.csv": COMMA + "a.png,cat\n"}, {}, AB, "1 rows repeat"),
    ("a sample submission", "a.png b.png", {"l.csv": COMMA, "submission.csv": COMMA}, {}, AB, "sample submission"),
    ("a table of classes", "a.png b.png", {"l.csv": COMMA, "classes.csv": "number,word\n0,cat\n"}, {}, AB,
     "classes.csv is not used; no column names images"),
    ("a spreadsheet", "a.png b.png", {"l.csv": COMMA, "l.xlsx": b"PK"}, {}, AB, "it is a spreadsheet"),
    ("other columns", "a.png b.png", {"l.csv": "file,label,town\na,cat,Rome\nb,dog,Bern\n"}, {}, AB,
     "the label is 'label'; 'town' is not used"),
    ("class folders and other classes", "x/a.png x/b.png y/c.png y/d.png",
     {"l.csv": "file,label\nx/a.png,cat\nx/b.png,dog\ny/c.png,cat\ny/d.png,dog\n"}, {},
     "x/a.png=cat x/b.png=dog y/c.png=cat y/d.png=dog", "folders of the images are no classes"),
    ("class folders and the same classes", "x/a.png x/b.png y/c.png y/d.png",
     {"l.csv": "file,label\nx/a.png,X\nx/b.png,X\ny/c.png,Y\ny/d.png,Y\n"}, {},
     "x/a.png=X x/b.png=X y/c.png=Y y/d.png=Y", ""),
    ("one column that varies", "a.png b.png", {"l.csv": "file,Hat,city\na,1,Rome\nb,0,Rome\n"}, {},
     "a.png=Hat b.png=not Hat", "the label is 'Hat'; 'city' is not used"),
    ("a chosen column", "a.png b.png", {"l.csv": "file,label,town\na,cat,Rome\nb,dog,Bern\n"}, {"label_column": "Town"},
     "a.png=Rome b.png=Bern", ""),
    ("two chosen columns", "a.png b.png", {"l.csv": "file,kind,town\na,cat,Rome\nb,dog,Bern\n"},
     {"label_column": "kind,town"}, "a.png=cat Rome b.png=dog Bern", "kind and town together"),
    ("chosen attributes", "a.png b.png", {"l.csv": "file,kind,Hat,Old\na,cat,1,0\nb,dog,0,0\n"},
     {"attributes": "Hat"}, "a.png=Hat b.png=", ""),
    ("a chosen column of files", "a.png b.png x/a.png x/b.png",
     {"l.csv": "image,crop,label\na.png,x/a.png,cat\nb.png,x/b.png,dog\n"}, {"file_column": "crop"},
     "x/a.png=cat x/b.png=dog", "2 images are in no table"),
    ("a chosen folder", "a.png b.png x/a.png x/b.png", {"l.csv": COMMA}, {"image_root": "x"},
     "x/a.png=cat x/b.png=dog", ""),
    ("an excluded table", "a.png b.png", {"l.csv": COMMA, "old.csv": COMMA.replace("dog", "cat")},
     {"exclude": "old*"}, AB, ""),
    ("several labels as attributes", "a.png b.png", {"l.csv": "file,label\na,red dog\nb,dog\n"},
     {"kind": "attributes"}, "a.png=dog+red b.png=dog", "separated by spaces"),
    ("a class as an attribute", "a.png b.png", {"l.csv": COMMA}, {"kind": "attributes"}, AB, "one per image"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("images", "tables", "options", "wanted", "said"), [row[1:] for row in SAID], ids=[row[0] for row in SAID]
)
def test_what_was_understood_is_said(
    images: str, tables: dict[str, str | bytes], options: dict[str, Any], wanted: str, said: str
) -> None:
    found = read(store(images, tables, options.get("exclude", "")), **options)
    assert not wanted or told(found) == wanted
    if said:
        assert re.search(said, "\n".join(found.remarks)), found.remarks
    else:
        assert not [remark for remark in found.remarks if "--merge changed" not in remark], "nothing else to say"


REFUSED: list[tuple[str, str, dict[str, str | bytes], dict[str, Any], str]] = [
    ("only a spreadsheet", "a.png", {"l.xlsx": b"PK"}, {}, "save it as CSV. Images are called as 'a.png'"),
    ("no column of images", "a.png b.png", {"l.csv": "one,two\n1,2\n3,4\n"}, {}, "no column names images"),
    ("binary", "a.png", {"l.csv": bytes(range(256))}, {}, "a table that cannot be used"),
    ("an unknown column of labels", "a.png b.png", {"l.csv": COMMA}, {"label_column": "labl"}, "did you mean 'label'"),
    ("an unknown column of files", "a.png b.png", {"l.csv": COMMA}, {"file_column": "fil"}, "did you mean 'file'"),
    ("no label", "a.png b.png",
     {"l.csv": "file,label\na.png,\nb.png,nan\n"}, {}, "no row has a value in the column 'label'"),
    ("a byte that is no UTF-8", "a.png b.png", {"l.csv": COMMA.replace("cat", "Bär Käse").encode() + b"\xff"}, {},
     "line 4: a byte that is no UTF-8"),
    ("an unknown folder", "x/a.png", {"l.csv": COMMA}, {"image_root": "y"}, "unknown folder of images 'y'"),
    ("two columns of one name", "a.png", {"l.csv": "file,x,x\na.png,1,0\n"}, {}, "line 1: two columns of one name"),
    ("a ragged row", "a.png b.png",
     {"l.csv": COMMA + "c.png,cat,dog\n"}, {}, "line 4: 3 cells where the first line has 2"),
    ("a typo among attributes", EVERY, rows("file,Hat,Old",
      lambda i: i % 2, lambda i: "maybe" if i == 3 else i // 9 % 2),
     {}, "row 4, Old: wanted 1 or 0"),
    ("classes that are not", "a.png b.png", {"l.csv": "file,A,B\na,1,1\nb,0,1\n"}, {"kind": "classes"},
     "1 of 2 rows, such as row 1, do not have exactly one"),
    ("words as attributes", "a.png b.png",
     {"l.csv": "file,A,B\na,1,x\nb,0,y\n"}, {"kind": "attributes", "label_column": "A,B"},
     "column 'B' has values such as 'x'"),
    ("vectors in a cell", "a.png b.png",
     {"l.csv": 'file,label\na,"[0, 1, 0]"\nb,"[1, 0, 0]"\n'}, {}, "give each number a col"),
    ("a merge of nothing", "a.png b.png", {"l.csv": COMMA}, {"merge": "bird=cat"}, "unknown label in --merge 'bird'"),
    ("a merge without sign", "a.png b.png", {"l.csv": COMMA}, {"merge": "cat"}, "pairs OLD=NEW"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("images", "tables", "options", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_mistakes_in_tables_are_one_line(
    images: str, tables: dict[str, str | bytes], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(CondgenError, match=says) as error:
        read(store(images, tables), **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("head", "cells"), [("file_name,text", "a cat, small"), ("file_name,width,height,license", "16,16,cc0")]
)
def test_class_folders_beside_a_table_without_labels(head: str, cells: str) -> None:
    lines = "\n".join(f'{n},"{cells} {n}"' if "text" in head else f"{n},{cells}" for n in ("x/a.png", "y/b.png"))
    source = store("x/a.png x/c.png y/b.png y/d.png", {"metadata.csv": f"{head}\n{lines}"})
    assert not table.fits(source, DataOptions())
    assert [name for name, _ in table.unused(source, DataOptions())] == ["metadata.csv"]


def test_annotations_beside_class_folders_are_named() -> None:
    found = reading.from_store(store("x/a.png x/c.png y/b.png y/d.png", {"a.json": COCO}))
    assert found.layout == "folders"
    assert found.remarks == ("a.json is not used; it has boxes or outlines in COCO's format, not a label per image.",)


@pytest.mark.parametrize("names", ["x/a.png x/c.png y/b.png y/d.png", "a.png b.png", "train_X.bin train_y.bin"])
@pytest.mark.parametrize("option", ["label_column", "file_column"])
def test_a_column_of_a_source_without_tables_is_refused(names: str, option: str) -> None:
    with pytest.raises(CondgenError, match=f"--{option.replace('_', '-')} 'breed' names a column of a table, but "):
        reading.from_store(store(names, {}), DataOptions().with_overrides({option: "breed"}))
    with pytest.raises(CondgenError, match="but 'mnist' has none; leave it out"):
        reading.read("mnist", DataOptions().with_overrides({option: "breed"}))


def test_conflicting_rows_and_missing_images_are_named() -> None:
    tables = rows("file,label", animal)
    found = read(store(EVERY, {"l.csv": f"{tables['l.csv']!s}\na0.png,dog\nz.png,dog\n"}))
    assert found.odd == {"a0.png": "has other labels in l.csv, line 42, than in l.csv, line 2"}
    assert told(found).split()[0] == "a1.png=dog"
    assert found.images[-1] == "z.png", "it is looked for when images are read, and then is missing"


def test_the_structure_names_each_table_and_column() -> None:
    tables: dict[str, str | bytes] = {
        "labels.csv": "id_code,diagnosis,age\na,2,31\nb,4,32\n",
        "parts.csv": "id_code,split\na,train\nb,test\n",
    }
    found = read(store("train_images/a.jpg train_images/b.jpg", tables))
    assert dict(found.structure) == {
        "labels.csv: id_code": "the image files; .jpg is added; inside train_images/",
        "parts.csv: id_code": "the image files; .jpg is added; inside train_images/",
        "labels.csv: diagnosis": "the class of each image",
        "parts.csv: split": "the split of each image",
        "labels.csv: age": "not used",
    }


def test_a_data_set_of_arrays_is_merged_too() -> None:
    split = Split(np.zeros((3, 2, 2, 1), np.uint8), np.array([0, 1, 2]))
    found = merging.merged(Dataset("d", Labels(("Cat", "cat", "dog")), split, split), "similar,dog=")
    assert (found.labels.names, found.train.labels.tolist(), len(found.train.images)) == (("cat",), [0, 0], 2)
