"""The Korean catalog has every sentence of the project, and no sentence lost its figures."""

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

Key = tuple[str | None, str]

APPS = ("accounts", "generation", "metering", "shortsproject")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}|</?[a-z]+>")


def python_source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def template_source(path: Path) -> str:
    """The template as the Python that Django makes of it; indentation would mean blocks there."""
    code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    return "\n".join(line.strip() for line in code.splitlines())


def sources() -> Iterator[tuple[Path, str]]:
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            yield path, python_source(path)
    for suffix in ("html", "txt"):
        for path in sorted((settings.BASE_DIR / "templates").rglob(f"*.{suffix}")):
            yield path, template_source(path)


@cache
def used() -> dict[Key, str]:
    """Every sentence of the code and the templates, by context and text, and where it is used."""
    found: dict[Key, str] = {}
    for path, source in sources():
        where = str(path.relative_to(settings.BASE_DIR))
        code = BytesIO(source.encode())
        for _, text, _, context in extract("python", code, KEYWORDS, options={"encoding": "utf-8"}):
            found[context, text if isinstance(text, str) else text[0]] = where
    return found


@cache
def korean() -> dict[Key, Message]:
    path = settings.BASE_DIR / "shortsproject/locale/ko/LC_MESSAGES/django.po"
    catalog = read_po(path.open("rb"), locale="ko")
    return {
        (message.context, message.id if isinstance(message.id, str) else message.id[0]): message
        for message in catalog
        if message.id
    }


def texts(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_the_search_finds_sentences_of_every_kind() -> None:
    known = used()

    assert known[None, "Too many videos under way"] == "generation/refusals.py"
    totals = "templates/generation/studio/totals.html"
    assert known[None, "Make the video"] == "templates/generation/studio/send.html"
    assert known[None, "enough left for %(times)s such video"] == totals
    assert known["ledger entry", "resolution"] == "metering/models/entry.py"


def test_every_sentence_is_translated() -> None:
    missing = {key: where for key, where in used().items() if key not in korean()}
    empty = [key for key, message in korean().items() if not all(texts(message))]

    assert missing == {}
    assert empty == []


def test_no_translation_is_a_guess() -> None:
    assert [key for key, message in korean().items() if message.fuzzy] == []


def test_no_translation_is_left_over() -> None:
    assert sorted(korean().keys() - used().keys(), key=str) == []


def test_every_translation_keeps_its_figures_and_tags() -> None:
    def kept(message: Message) -> bool:
        source = message.id if isinstance(message.id, str) else message.id[-1]
        wanted = sorted(PLACEHOLDER.findall(source))
        return all(sorted(PLACEHOLDER.findall(text)) == wanted for text in texts(message))

    assert [key for key, message in korean().items() if not kept(message)] == []


@pytest.mark.parametrize("text", ["No tokens were taken.", "Your video is ready"])
def test_a_sentence_is_shown_in_korean(text: str) -> None:
    message = korean()[None, text]

    assert re.search(r"[가-힣]+(니다|주세요)\.?$", texts(message)[0])
