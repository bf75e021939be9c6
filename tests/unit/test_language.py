"""Chinese help texts and messages: nothing is left without a translation, and none has outlived its English."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import docstring_parser
import pytest

from condgen import cli, language, settings
from condgen.cli.app import COMMANDS, completion
from condgen.cli.command import Command
from condgen.cli.generating import FIGURES, train
from condgen.data_options import AS_THEY_ARE

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "src/condgen/locales/zh/LC_MESSAGES/condgen.po"
EXAMPLE = re.compile(r"(bash: )?condgen .*")
"""A text that is a command."""


def entries() -> dict[str, tuple[str, str]]:
    """Kind and translation of each English text."""
    found = {}
    for block in CATALOGUE.read_text(encoding="utf-8").strip().split("\n\n")[1:]:
        kind = block.partition("\n")[0].removeprefix("#. ")
        english, chinese = (
            "".join(ast.literal_eval(line) for line in re.findall(r'^(?:msg\w+)? ?(".*")$', part, re.MULTILINE))
            for part in block.partition("\nmsgstr")[::2]
        )
        found[english] = (kind, chinese)
    return found


def help_texts() -> Iterator[str]:
    """What the help of every command shows, but for the settings of systems."""
    for command in [*COMMANDS.values(), *FIGURES.values(), Command(train), Command(completion)]:
        found = docstring_parser.parse(inspect.getdoc(command.function) or "")
        yield from (part for part in (found.short_description, found.long_description) if part)
        others = ("options", "settings", *command.help)
        yield from (each.description or "" for each in found.params if each.arg_name not in others)
    yield from (entry.help for entry in settings.of_config(AS_THEY_ARE))


def templates() -> set[str]:
    """Every text in the source, with {} for the values of an f-string."""
    nodes = (node for path in (ROOT / "src/condgen").rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes())))
    return {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in getattr(node, "values", [node]))
        for node in nodes
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }


def test_every_help_text_is_translated() -> None:
    known = entries()
    assert not [text for text in help_texts() if text not in known and not EXAMPLE.fullmatch(text)]


def test_every_message_is_still_one() -> None:
    known, there = entries(), templates()
    messages = [english for english, (kind, _) in known.items() if kind == "message"]
    assert not [english for english in messages if english not in there]
    assert len(messages) > 40


def test_translations_have_the_same_values_and_no_english() -> None:
    for english, (kind, chinese) in entries().items():
        assert english.count("{}") == len(re.findall(r"\{\d?\}", chinese)), english
        assert kind.startswith("word") or re.search("[\u4e00-\u9fff]", chinese), english


def test_the_compiled_catalogue_is_up_to_date() -> None:
    pytest.importorskip("babel")
    import importlib.util

    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools/translations.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.compiled(CATALOGUE) == CATALOGUE.with_suffix(".mo").read_bytes()


@pytest.mark.parametrize(
    ("variable", "value", "words", "wanted"),
    [
        ("CONDGEN_LANG", "", ["--lang", "zh"], "zh"),
        ("LANG", "zh_CN.UTF-8", [], "zh"),
        ("LANG", "zh_CN.UTF-8", ["--lang=en"], "en"),
        ("LANG", "fr_FR.UTF-8", [], "en"),
    ],
)
def test_the_language_of_messages_and_help(
    variable: str, value: str, words: list[str], wanted: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in (language.VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "")  # also restores what --lang chooses
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        cli.main(["train", "cave", *words])
    said = capsys.readouterr().err
    assert said.startswith(
        "condgen: 没有名为 'cave' 的模型；你是不是想用 'cvae'？" if wanted == "zh" else "condgen: unknown system 'cave'"
    )
    cli.main(["sample", "--help", *words])
    shown = capsys.readouterr().out
    assert ("按指定的标签生成图像" in shown, "Generate images of the requested labels" in shown) == (
        wanted == "zh", wanted == "en"
    )  # fmt: skip
