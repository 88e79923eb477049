"""The pages that stand in both languages say the same: the same parts, code to the letter, tables row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"
TRANSLATED = sorted(page.name.removesuffix(".zh.md") for page in DOCS.glob("*.zh.md"))
WANTED = {"README", "quickstart", "plan", "statements", "payouts", "compliance", "operations"}
BLOCK = re.compile(r"^ {0,3}```[^\n]*\n.*?^ {0,3}```$|(?:^    [^\n]*\n)+(?=\n)", re.DOTALL | re.MULTILINE)
"""What is set apart as code, by a fence or by four spaces."""
HAN = re.compile(r"[\u4e00-\u9fff]")

both = pytest.mark.parametrize("name", TRANSLATED)


def pages(name: str) -> tuple[str, str]:
    """A page in English and in Chinese."""
    english, chinese = ((DOCS / f"{name}{ending}").read_text("utf-8") for ending in (".md", ".zh.md"))
    return english, chinese


def blocks(text: str) -> list[str]:
    """The code of a page; comments in a shell are words, too."""
    return [re.sub(r"(^|\s)# .*", "", block) for block in BLOCK.findall(text)]


def outline(text: str) -> list[str]:
    """The level of each heading and the columns of each row of a table, in their order."""
    lines = BLOCK.sub("", text).splitlines()
    kept = (re.match(r"#{1,6} |\|.*\|$", line) for line in lines)
    return [f"row {row_cells(found[0])}" if found[0].startswith("|") else found[0] for found in kept if found]


def row_cells(row: str) -> int:
    """How many cells a row has."""
    return len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) - 1


def prose(text: str) -> str:
    """What is neither code nor a name."""
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", BLOCK.sub("", text))


def test_every_page_that_is_to_be_in_both_languages_is() -> None:
    assert set(TRANSLATED) == WANTED


@both
def test_a_page_has_the_same_code_in_both_languages(name: str) -> None:
    english, chinese = (blocks(text) for text in pages(name))
    assert english == chinese


@both
def test_a_page_has_the_same_headings_and_tables_in_both_languages(name: str) -> None:
    english, chinese = (outline(text) for text in pages(name))
    assert english == chinese


@both
def test_a_page_names_the_same_keys_calls_and_commands_in_both_languages(name: str) -> None:
    english, chinese = (set(re.findall(r"`([^`]+)`", " ".join(BLOCK.sub("", text).split()))) for text in pages(name))
    assert {span for span in english - chinese if "'s " not in span} == set()  # a formula may have words


@both
def test_every_paragraph_of_a_chinese_page_is_in_chinese(name: str) -> None:
    _, chinese = pages(name)
    for paragraph in re.split(r"\n\n", prose(chinese)):
        words = re.sub(r"[^A-Za-z\u4e00-\u9fff]", "", paragraph)
        if len(words) > 60 and not paragraph.startswith("|"):
            assert len(HAN.findall(words)) > len(words) / 4, paragraph
