"""The pages hold together: links, anchors, indexes, named paths and commands, and the README in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from PIL import Image

import distrib
from distrib.cli import cli
from distrib.services.orders.codec import decode_event
from distrib.services.orders.views import ORDER_STATUSES
from distrib.services.plans.words import REASONS
from tests.tools.screenshots import LANGUAGES, MOST_BYTES, PICTURES, SHOWN, picture_of

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
ROOMS = ("config", "deploy", "distrib", "docs", "tests", "workers")
SAID_OF_ORDERS = {"order_cancelled", "group_failed", "no_shop", "nobody_earned"}
"""Reasons that concern a whole order, beside those of a person."""
LOCAL_PACKS = "config/policies/local"
"""Made by whoever runs the service."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def text_of(page: Path) -> str:
    """A page as it stands."""
    return page.read_text("utf-8")


def prose_of(page: Path) -> str:
    """A page without its fenced blocks, in which neither headings nor links count."""
    return re.sub(r"^( *)```.*?^\1```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def headings_of(page: Path) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(len(marks), words) for marks, words in re.findall(r"^(#{1,6}) (.+)$", prose_of(page), re.MULTILINE)]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a heading gets: small letters, hyphens, a number where it comes twice."""
    anchors: set[str] = set()
    for _, words in headings_of(page):
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        anchors.add(slug if slug not in anchors else f"{slug}-1")
    return anchors


def links_of(page: Path) -> list[str]:
    """The targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(page))


def blocks_of(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text_of(page), re.DOTALL | re.MULTILINE)


def spans_of(page: Path) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", prose_of(page)))


@pages
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


@pages
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return
    for span in spans_of(page):
        if re.fullmatch(rf"(?:{'|'.join(ROOMS)})/[a-z0-9_./-]+", span) and span.removesuffix("/") != LOCAL_PACKS:
            assert (ROOT / span).exists(), span


def test_every_module_that_the_architecture_points_to_is_there() -> None:
    named = re.findall(r"`(distrib/[a-z/]+)`, module `(\w+)`", text_of(DOCS / "architecture.md"))
    assert len(named) >= 8
    for room, module in named:
        assert (ROOT / room / f"{module}.py").exists(), (room, module)


@pages
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    for span in [*spans_of(page), *"\n".join(blocks_of(page, "sh")).splitlines()]:
        for words in re.findall(r"(?<![\w/.-])(?:\.venv/bin/)?distrib ((?:[a-z][a-z0-9-]*(?: |$))+)", span):
            assert_command(words.split())


def assert_command(words: list[str]) -> None:
    """The first word names a command, and where that is a group, so does the second."""
    context = click.Context(cli)
    command = cli.get_command(context, words[0])
    assert command is not None, words
    if isinstance(command, click.Group) and len(words) > 1:
        assert command.get_command(context, words[1]) is not None, words


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links_of(DOCS / "README.md")}
    decided = {(DOCS / "adr" / link).resolve() for link in links_of(DOCS / "adr" / "README.md")}
    assert {page for page in PAGES if page.parent == DOCS} - listed == {DOCS / "README.md"}
    assert set(DECISIONS) == decided


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_its_context_what_is_decided_and_what_follows(page: Path) -> None:
    number, title = re.fullmatch(r"# (\d+)\. (.+)", text_of(page).splitlines()[0]).groups()  # type: ignore[union-attr]
    assert int(number) == int(page.stem[:4])
    assert title
    said = re.findall(r"^\*\*(Context|Decision|Consequence)s?[.:]?\*\*", text_of(page), re.MULTILINE)
    assert said == ["Context", "Decision", "Consequence"]


def test_the_chinese_readme_has_the_same_headings_blocks_tables_and_links() -> None:
    assert [level for level, _ in headings_of(README)] == [level for level, _ in headings_of(CHINESE)]
    assert list(commands_of(README)) == list(commands_of(CHINESE))
    rows = [len(re.findall(r"^\|", prose_of(page), re.MULTILINE)) for page in (README, CHINESE)]
    assert rows[0] == rows[1]
    here, there = ([link for link in links_of(page) if not link.startswith("README")] for page in (README, CHINESE))
    assert [link.replace(".en.png", ".zh.png") for link in here] == [link.replace(".zh.md", ".md") for link in there]
    assert len(spans_of(README)) == len(spans_of(CHINESE))


def test_the_pictures_of_the_readme_are_those_that_the_command_takes_and_small() -> None:
    shown = {picture_of(name, language) for name in SHOWN for language in LANGUAGES}
    links = {ROOT / link for page in (README, CHINESE) for link in links_of(page) if "/images/" in link}
    assert links == shown
    assert set(PICTURES.iterdir()) == shown
    for picture in shown:
        assert picture.stat().st_size < MOST_BYTES, picture.name
        with Image.open(picture) as opened:
            assert opened.width >= 375, picture.name


def commands_of(page: Path) -> Iterator[str]:
    """The commands of a page's shell blocks without what is said beside them."""
    for line in "\n".join(blocks_of(page, "sh")).splitlines():
        command = re.sub(r"(^|\s)#.*", "", line).strip()
        if command:
            yield command


def test_both_readmes_show_the_same_figures_of_the_demo() -> None:
    figures = [re.findall(r"\d[\d,]*\d\.\d+|\d+", "".join(blocks_of(page, "text"))) for page in (README, CHINESE)]
    assert figures[0] == figures[1]
    assert figures[0].count("2,500,315.63") == 2


def test_the_glossary_says_each_word_once_with_its_chinese_and_its_room() -> None:
    words = [word for row in glossary() for word in row[0].split(", ")]
    terms = [word for row in glossary()[: -len(verbs())] for word in row[0].split(", ")]
    assert len(terms) == len(set(terms))
    assert len(words) > 100
    for row in glossary():
        assert re.search(r"[\u4e00-\u9fff]", row[1]), row
        for room in re.findall(r"`([^`]+)`", row[3]):
            assert (ROOT / "distrib" / room).exists(), row


def glossary() -> list[list[str]]:
    """The rows of the glossary: word, Chinese, meaning, room."""
    rows = re.findall(r"^\| (.+) \|$", text_of(DOCS / "glossary.md"), re.MULTILINE)
    cells = [row.split(" | ") for row in rows]
    return [row for row in cells if row[0] not in ("word", "verb")]


def verbs() -> list[str]:
    """The rows of the last table."""
    last = text_of(DOCS / "glossary.md").rpartition("\n## ")[2]
    return re.findall(r"^\| (.+) \|$", last, re.MULTILINE)[1:]


def test_the_words_of_the_readme_are_those_of_the_glossary() -> None:
    known = {word for row in glossary() for word in row[0].split(", ")}
    for page in (README, CHINESE):
        section = text_of(page).split("\n## ")[-2]
        rows = re.findall(r"^\| ([a-z, ]+) \| (.+?) \|", section, re.MULTILINE)
        words = {word for words, _ in rows if words != "word" for word in words.split(", ")}
        assert len(words) > 15
        assert words - known == set()


def test_the_changelog_has_this_version_by_noun() -> None:
    versions = re.split(r"^## ", text_of(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)[1:]
    names = [version.splitlines()[0] for version in versions]
    assert names[0] == "[Unreleased]"
    released = next(version for version in versions if version.startswith(f"[{distrib.__version__}] - "))
    nouns = re.findall(r"^### (.+)$", released, re.MULTILINE)
    assert len(nouns) == len(set(nouns)) >= 10
    assert not {"Added", "Changed", "Fixed", "Removed"} & set(nouns)


def test_the_page_on_the_api_lists_every_call_with_its_roles_and_no_other() -> None:
    calls = re.findall(r"^\| `([A-Z]+) (/v1/\S+)` \| ([a-z, ]+) \| .+ \|$", text_of(DOCS / "api.md"), re.MULTILINE)
    listed = {(method, path): roles for method, path, roles in calls}
    assert len(listed) == len(calls)
    described = {
        (method.upper(), path): roles_of(operation)
        for path, operations in json.loads(text_of(DOCS / "openapi.json"))["paths"].items()
        for method, operation in operations.items()
        if method.upper() in METHODS
    }
    assert listed == described


def test_the_events_of_the_page_on_orders_are_accepted_as_they_stand() -> None:
    (block,) = blocks_of(DOCS / "orders.md", "json")
    event = decode_event(json.loads(block), datetime(2026, 3, 10, tzinfo=UTC))
    assert event is not None
    assert (event.type, event.order_id) == ("order.settled", "o-1")


def test_the_page_on_orders_lists_every_status_and_every_reason() -> None:
    shown = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| ([^|]+) \|", text_of(DOCS / "orders.md"), re.MULTILINE)
    words = {word for names, _ in shown for word in re.findall(r"`([a-z_]+)`", names)}
    assert set(ORDER_STATUSES) | (set(REASONS) - SAID_OF_ORDERS) <= words


def roles_of(operation: dict[str, list[str]]) -> str:
    """The roles as the page says them."""
    roles = operation["x-roles"]
    return "all" if len(roles) == 4 else ", ".join(roles)


def test_the_picture_is_told_in_words_and_readable_by_night() -> None:
    root = ElementTree.fromstring(text_of(DOCS / "way-of-a-fact.svg"))
    svg = "{http://www.w3.org/2000/svg}"
    assert (root.findtext(f"{svg}title") or "").strip()
    assert (root.findtext(f"{svg}desc") or "").strip()
    assert "prefers-color-scheme: dark" in (root.findtext(f"{svg}style") or "")
