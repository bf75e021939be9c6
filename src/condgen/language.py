"""The language of help texts and messages: English, or Chinese by --lang zh, CONDGEN_LANG or the locale.

The translations are in locales/zh/LC_MESSAGES/condgen.po, for the standard library's gettext; tools/translations.py
compiles them. A message with values is an entry with a {} for each value. It is translated when it is printed, so that
code which raises an error need not know the language, and programs always see English in exceptions.
"""

import gettext
import os
import re
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
VARIABLE = "CONDGEN_LANG"
LOCALES = Path(__file__).with_name("locales")


def chosen() -> str:
    """The language: $CONDGEN_LANG, or that of the locale; English if there is no translation into it."""
    for name in (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG"):
        if found := os.environ.get(name):
            return next((known for known in LANGUAGES if found.lower().startswith(known)), "en")
    return "en"


def translated(text: str) -> str:
    """A fixed text in the chosen language; the text itself if it has no translation."""
    return text if chosen() == "en" else _translations(chosen()).gettext(text)


def message(text: str) -> str:
    """A message in the chosen language, of which the values and what has no translation stay as they are."""
    if chosen() == "en" or not text:
        return text
    if (found := translated(text)) != text:
        return found
    for pattern, translation in _templates(chosen()):
        if match := pattern.fullmatch(text):
            return translation.format(*map(message, match.groups()))
    return text


@cache
def _translations(language: str) -> gettext.NullTranslations:
    return gettext.translation("condgen", LOCALES, [language], fallback=True)


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Patterns for the messages with values, and their translations; the longest first, as it is the most specific."""
    entries: dict[str, str] = vars(_translations(language)).get("_catalog", {})
    found = [(each, text) for each, text in entries.items() if "{}" in each]
    found.sort(key=lambda entry: len(entry[0]), reverse=True)
    return [(re.compile("(.*?)".join(map(re.escape, each.split("{}"))), re.DOTALL), text) for each, text in found]
