"""The catalogues hold every message of the code, in both languages, and are compiled from what stands in them."""

from __future__ import annotations

import string
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from distrib.languages import LANGUAGES
from tests.tools import catalogues

Key = tuple[str, str]


@pytest.fixture(scope="module")
def template() -> Catalog:
    """Every message in the code."""
    return catalogues.extracted()


def messages(catalogue: Catalog) -> dict[Key, Any]:
    """All but the header, by context and message."""
    return {(message.context or "", str(message.id)): message for message in catalogue if message.id}


def braces(text: str) -> set[str]:
    """The names and formats of the values that a text takes."""
    return {f"{name}:{spec}" for _, name, spec, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_of_the_code_has_a_translation_and_none_is_obsolete(template: Catalog, language: str) -> None:
    known = messages(catalogues.load(language))
    assert known.keys() == messages(template).keys()
    assert [key for key, message in known.items() if not message.string or message.fuzzy] == []
    assert not catalogues.load(language).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_are_as_the_tool_writes_them(template: Catalog, language: str) -> None:
    updated = catalogues.updated(template, language)
    assert catalogues.path_of(language, "po").read_bytes() == catalogues.po_of(updated)
    assert catalogues.path_of(language, "mo").read_bytes() == catalogues.mo_of(updated)


def test_english_says_the_messages_themselves() -> None:
    assert all(message.string == message.id for message in messages(catalogues.load("en")).values())


def test_chinese_takes_no_value_that_english_does_not_have() -> None:
    chinese = messages(catalogues.load("zh")).values()
    assert [message.id for message in chinese if not braces(message.string) <= braces(message.id)] == []


def test_a_message_is_found_with_its_context_in_tables_in_help_and_in_titles(template: Catalog) -> None:
    found = messages(template).keys()
    assert {
        ("", "is required"),
        ("api", "must be a list"),
        ("title", "Shop unknown"),
        ("", "There is no shop {id}."),
        ("", "Code of the program."),
        ("", "Readiness"),
    } <= found
