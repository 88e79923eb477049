"""Text as a cell of a CSV file: the mark that keeps a spreadsheet from running it, put on and taken off again.

A spreadsheet runs a cell that begins with one of ``FORMULA_STARTS`` (OWASP, "CSV Injection"); a ``'`` before it says
that it is text. So that each text has a cell of its own, a text that looks marked already gets one mark more: what is
read back is what was written, for keys as for eyes. A cell of an XLSX workbook has a type and needs no mark.
"""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a formula, or a way to one, begins with (OWASP, "CSV Injection"); one character each."""
MARK = "'"


def neutralised(text: str) -> str:
    """Marks a text where a spreadsheet would run it; answers the cell.

    >>> neutralised("=1+1"), neutralised("+8613800138000"), neutralised("李雷")
    ("'=1+1", "'+8613800138000", '李雷')
    >>> neutralised("'=1+1")
    "''=1+1"
    """
    return f"{MARK}{text}" if text.lstrip(MARK).startswith(FORMULA_STARTS) else text


def restored(text: str) -> str:
    """Takes the mark off a cell again; answers the text, also of a cell that has none.

    The inverse of ``neutralised`` for every text; a spreadsheet that drops the mark on its way changes nothing.

    >>> restored("'+8613800138000"), restored("+8613800138000"), restored("'tis")
    ('+8613800138000', '+8613800138000', "'tis")
    """
    return text[len(MARK) :] if text.startswith(MARK) and neutralised(text) != text else text
