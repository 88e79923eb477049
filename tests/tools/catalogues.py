"""``python -m tests.tools.catalogues``: brings distrib/languages up to date with the messages in the code.

Extracts every message, those of the committed description of the API and the sources of the policy packs too, keeps the
translations there are, drops what nothing says any more, compiles; ends with 1 and the list where a translation is
missing. English translates itself.
"""

from __future__ import annotations

import ast
import io
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from distrib.api.openapi.pages import CONTEXT
from distrib.api.openapi.reading import nouns_of, texts_of
from distrib.languages import CHINESE, DIRECTORY, ENGLISH, LANGUAGES
from distrib.services.plans.words import SOURCE

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = "docs/openapi.json"
PACKS = ROOT / "config" / "policies"
MAPPING = ROOT / "config" / "babel.cfg"
TEXTS = ("Text", "_")
"""What a literal message stands in: ``Text(message, context)``."""
KEYWORDS = {**DEFAULT_KEYWORDS, "both": None}
"""What a template says a message by."""
SAID = "Said"
"""What the message of a refusal stands in, with its Chinese."""
TITLE = "title"
"""The context of the titles of error codes: a code in words, which no literal says."""
Found = tuple[int, str, str | tuple[str, str], list[str]]
_WIDTH = 120
_FIXED = datetime(2026, 1, 1, tzinfo=UTC)
"""No date of making stands in a catalogue: it would differ each time."""


def main() -> int:
    """Updates and compiles both catalogues."""
    template = extracted()
    missing = []
    for language in LANGUAGES:
        catalogue = updated(template, language)
        missing += [
            f"{language}: {message.context or ''} {message.id!r}" for message in catalogue if not message.string
        ]
        path_of(language, "po").write_bytes(po_of(catalogue))
        path_of(language, "mo").write_bytes(mo_of(catalogue))
    sys.stderr.writelines(f"{line}\n" for line in missing)
    return 1 if missing else 0


def extracted() -> Catalog:
    """Every message in the code and in the description of the API, with the files that it stands in."""
    with MAPPING.open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    template = _empty(ENGLISH)
    found = sorted(extract_from_dir(ROOT / "distrib", methods, options, KEYWORDS), key=lambda one: one[:2])
    for name, _, message, _, context in found:
        template.add(message, None, [(f"distrib/{name}", 1)], context=context)
    for text in _described():
        template.add(text, None, [(DESCRIPTION, 1)], context=CONTEXT)
    for path in sorted(PACKS.glob("*.yaml")):
        for source in _sources(yaml.safe_load(path.read_text("utf-8"))):
            template.add(source, None, [(f"config/policies/{path.name}", 1)], context=SOURCE)
    return template


def _sources(pack: Mapping[str, Any]) -> Iterator[str]:
    """Where a policy pack and each of its rules come from."""
    return (part["source"] for part in (pack, *pack.get("findings", ()), *pack.get("monitors", ())))


def _described() -> Iterator[str]:
    """What the pages of the API say in the words of its description."""
    document = json.loads((ROOT / DESCRIPTION).read_text("utf-8"))
    return (text for text in texts_of(nouns_of(document).values()) if text)


def updated(template: Catalog, language: str) -> Catalog:
    """The messages of the template with the translations that the language's catalogue has."""
    known, beside = load(language), said()
    catalogue = _empty(language)
    for message in _messages(template):
        before = known.get(message.id, context=message.context)
        string = message.id if language == ENGLISH else before.string if before is not None else ""
        if language == CHINESE and not message.context:
            string = beside.get(message.id, string)
        catalogue.add(message.id, string, sorted(set(message.locations)), context=message.context)
    return catalogue


@cache
def said() -> Mapping[str, str]:
    """The Chinese of the messages that stand beside it in the code: those of refusals, ``Said(english, chinese)``."""
    found = {}
    for path in sorted((ROOT / "distrib").rglob("refusals.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name_of(node.func) == SAID:
                english, chinese = map(_literal, node.args)
                found[english or ""] = chinese or ""
    return found


def load(language: str) -> Catalog:
    """The catalogue as it stands; an empty one where there is none yet."""
    path = path_of(language, "po")
    return read_po(io.BytesIO(path.read_bytes()), language) if path.exists() else _empty(language)


def path_of(language: str, kind: str) -> Path:
    """Where a language's catalogue stands, written (``po``) or compiled (``mo``)."""
    return DIRECTORY / language / "LC_MESSAGES" / f"messages.{kind}"


def po_of(catalogue: Catalog) -> bytes:
    """The catalogue as people write it; files are named without lines, which change too often."""
    file = io.BytesIO()
    write_po(file, catalogue, width=_WIDTH, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def mo_of(catalogue: Catalog) -> bytes:
    """The catalogue as programs read it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def messages_of_python(
    file: BinaryIO, keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """The messages of a module: in ``Text``, in the table of error codes, and in what click shows as help."""
    tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _messages_of_call(node)
        elif isinstance(node, ast.FunctionDef) and _is_command(node):
            yield from ((node.lineno, "_", paragraph, []) for paragraph in _paragraphs(node))
        elif isinstance(node, ast.Dict):
            yield from _titles(node)
        elif isinstance(node, ast.ClassDef):
            yield from _title_of_class(node)


def _messages_of_call(call: ast.Call) -> Iterator[Found]:
    name = _name_of(call.func)
    literals = [_literal(argument) for argument in call.args]
    alone = {"Code": literals[1:2], SAID: literals[:1]}
    padded: list[str | None] = [*alone.get(name, literals), None, None]
    message, context = padded[:2]
    if name in (*TEXTS, *alone) and message:
        yield (call.lineno, "pgettext", (context, message), []) if context else (call.lineno, "_", message, [])
    for keyword in call.keywords:
        help_text = _literal(keyword.value) if keyword.arg == "help" else None
        if help_text is not None:
            yield call.lineno, "_", help_text, []


def _titles(table: ast.Dict) -> Iterator[Found]:
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(value, ast.Call) and _name_of(value.func) == "Code" and isinstance(key, ast.Constant):
            yield value.lineno, "pgettext", (TITLE, _in_words(str(key.value))), []


def _title_of_class(refusal: ast.ClassDef) -> Iterator[Found]:
    for keyword in refusal.keywords:
        code = _literal(keyword.value) if keyword.arg == "code" else None
        if code is not None:
            yield refusal.lineno, "pgettext", (TITLE, _in_words(code)), []


def _in_words(code: str) -> str:
    return code.replace("_", " ").capitalize()


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_command(function: ast.FunctionDef) -> bool:
    decorators = (one.func if isinstance(one, ast.Call) else one for one in function.decorator_list)
    return any(isinstance(one, ast.Attribute) and one.attr in {"command", "group"} for one in decorators)


def _paragraphs(function: ast.FunctionDef) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in (ast.get_docstring(function) or "").split("\n\n")]


def _name_of(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _messages(catalogue: Catalog) -> Iterable[Any]:
    """All but the header."""
    return [message for message in catalogue if message.id]


def _empty(language: str) -> Catalog:
    return Catalog(
        language,
        project="distrib",
        version="",
        header_comment="# What distrib says to people, by its English message: tests/tools/catalogues.py.",
        creation_date=_FIXED,
        revision_date=_FIXED,
        last_translator="",
        language_team=language,
        copyright_holder="",
        charset="utf-8",
        fuzzy=False,
    )


if __name__ == "__main__":
    sys.exit(main())
