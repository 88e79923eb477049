"""How a file of records is written: its encoding, and the columns that mean nothing here; with the options that say so.

A file is read by lines of bytes, so that a record is read again by its place; an encoding whose line ends are other
bytes than those of ASCII (UTF-16) cannot be read so, and is refused by name.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from distrib.cli.output import in_both
from distrib.domain.texts import Text

UTF_8 = "utf-8"
_ASCII = "\r\n,;\"'{}09azAZ"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What an XLSX (ZIP) and an XLS (compound file) begin with."""
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FileShape:
    """The encoding of a file, by its name in Python, and the columns that are left aside."""

    encoding: str = UTF_8
    ignored: frozenset[str] = frozenset()

    @property
    def mark(self) -> bytes:
        """The byte order mark that a file of this encoding may begin with; empty where it has none."""
        try:
            return "\ufeff".encode(self.encoding)
        except UnicodeEncodeError:
            return b""


def encoding_named(name: str) -> str | None:
    """Finds the encoding of a name; None for what is none, or none that is read by lines.

    >>> encoding_named("GB18030"), encoding_named("utf-8-sig"), encoding_named("utf-16"), encoding_named("klingon")
    ('gb18030', 'utf-8', None, None)
    """
    try:
        python_name = codecs.lookup(name).name.removesuffix("-sig")
        return python_name if _ASCII.encode(python_name) == _ASCII.encode("ascii") else None
    except (LookupError, ValueError):
        return None


def unreadable_start(start: bytes) -> Text | None:
    """Says what a file is that begins so and cannot be read; None for what may be text."""
    if start.startswith(_WORKBOOKS):
        return Text("is a workbook; save it as CSV UTF-8")
    if start.startswith(_WIDE):
        return Text("is UTF-16; save it as CSV UTF-8")
    return None


def shape_options(command: _F) -> _F:
    """``--encoding`` and ``--ignore-columns``: how the file is written."""
    encoding = click.option(
        "--encoding",
        callback=_encoding,
        help="Encoding of FILE, such as gb18030 (what Chinese Excel saves as CSV); UTF-8 if not given.",
    )
    return encoding(ignored_option(command))


def ignored_option(command: _F) -> _F:
    """``--ignore-columns``: what of the file is left aside."""
    return click.option(
        "--ignore-columns",
        "ignored",
        multiple=True,
        metavar="NAMES",
        callback=_names,
        help="Columns that are left aside, with commas between; may be given again.",
    )(command)


def _encoding(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    encoding = encoding_named(name)
    if encoding is None:
        words = Text("{name} is no encoding of text that is read by lines; use utf-8, gb18030, big5 …", name=name)
        raise click.BadParameter(in_both(words))
    return encoding


def _names(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip() for names in given for name in names.split(",") if name.strip())
