"""``python -m tests.tools.site DIR``: the documentation as a site, in English and Chinese; every link is checked.

MkDocs takes pages from one directory alone: those beside ``docs`` are brought there under names of their own, and links
go along. A link that leads nowhere, in whichever language, ends it with 1.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {
    "README.md": "project.md",
    "README.zh-CN.md": "project.zh.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "clients/python/README.md": "client-python.md",
    "LICENSE": "license.txt",
}
"""Pages outside docs, and what they are called there."""
_LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
_OTHER_LANGUAGE = re.compile(
    r" This index in \[中文\]\([^)]*\)\.| · \[中文\]\([^)]*\)| \(\[中文\]\([^)]*\)\)"
    r"| ?\[(?:中文说明|English)\]\([^)]*\)"
)
"""Links from a page to itself in the other language: the site has a switch for that."""


def main(arguments: list[str]) -> int:
    """Builds the site in a directory; returns 1 where a link leads nowhere, 2 for wrong use."""
    if len(arguments) != 1:
        sys.stderr.write("python -m tests.tools.site DIR\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    with TemporaryDirectory(prefix="distrib-site-") as directory:
        gather(Path(directory))
        config = load_config(
            str(ROOT / "mkdocs.yml"), docs_dir=directory, site_dir=str(Path(arguments[0]).absolute()), strict=True
        )
        try:
            config.plugins.on_startup(command="build", dirty=False)
            build(config)
        except Abort as refused:
            sys.stderr.write(f"{refused}\n")
            return 1
        finally:
            config.plugins.on_shutdown()
    return 0


def gather(place: Path) -> None:
    """Copies every page to a directory, with links that hold there."""
    shutil.copytree(ROOT / "docs", place, dirs_exist_ok=True)
    for name, called in BESIDE.items():
        shutil.copy2(ROOT / name, place / called)
    called_back = {called: ROOT / name for name, called in BESIDE.items()}
    for page in sorted(place.rglob("*.md")):
        inside = page.relative_to(place)
        source = called_back.get(str(inside), ROOT / "docs" / inside)
        text = linked(page.read_text("utf-8"), source, page, place)
        english = source.with_name(source.name.replace(".zh.md", ".md"))
        if english != source:
            text = with_anchors_of(english.read_text("utf-8"), text)
        page.write_text(text, "utf-8")


def with_anchors_of(english: str, chinese: str) -> str:
    """A Chinese page whose parts have the anchors of the English one too: pages without a translation link to those."""
    lines = chinese.splitlines()
    places = zip(headings(lines), headings(english.splitlines()), strict=True)
    anchors = {here: english.splitlines()[there] for here, there in places}
    return "\n".join(
        f'<a id="{anchor(anchors[number])}"></a>\n\n{line}' if number in anchors else line
        for number, line in enumerate(lines)
    )


def headings(lines: Sequence[str]) -> Iterator[int]:
    """The numbers of the lines that are headings of parts, and in no block of code."""
    is_code = False
    for number, line in enumerate(lines):
        is_code ^= line.lstrip().startswith("```")
        if not is_code and re.match("##+ ", line):
            yield number


def anchor(heading: str) -> str:
    """The anchor that the site gives to a heading.

    >>> anchor("### `margin`: a share of what was earned")
    'margin-a-share-of-what-was-earned'
    """
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def linked(text: str, source: Path, page: Path, place: Path) -> str:
    """A page's text with its links led to where what they name was brought."""

    def lead(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        if re.match(r"[a-z]+:", target):
            return found[0]
        return f"]({'../' * depth}{brought((source.parent / target).resolve(), place)}{anchor})"

    depth = len(page.relative_to(place).parts) - 1
    return _LINK.sub(lead, _OTHER_LANGUAGE.sub("", text))


def brought(target: Path, place: Path) -> str:
    """Where a file of the repository lies among the pages; what is no page is brought there too.

    A page in another language is named as the page itself: the site finds the reader's.
    """
    name = str(target.relative_to(ROOT))
    if name in BESIDE:
        return BESIDE[name].replace(".zh.md", ".md")
    if name.startswith("docs/"):
        return name.removeprefix("docs/").replace(".zh.md", ".md")
    copy = place / "files" / target.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copy2(target, copy)
    return f"files/{target.name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
