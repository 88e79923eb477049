"""What is typed of payouts and withdrawals, read and checked as the API checks it. No service may enter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.money import MAX_MINOR
from distrib.domain.texts import Text

_AMOUNT = re.compile(r"(?P<shop>.+)=(?P<minor>[1-9][0-9]{0,12})", re.ASCII)


def amounts_of(words: Sequence[str]) -> dict[str, int] | None:
    """Reads ``SHOP=MINOR`` as amounts by shop; None where nothing was given.

    Raises:
        Refusal: ``invalid`` with every word that is none, and every shop named twice.

    >>> amounts_of(["a=500", "b=1"])
    {'a': 500, 'b': 1}
    """
    problems, amounts = [], dict[str, int]()
    for word in words:
        match = _AMOUNT.fullmatch(word)
        if match is None or not is_identifier(match["shop"]) or int(match["minor"]) > MAX_MINOR:
            problems.append(Problem(f"--amount {word}", Text("must be a shop, '=' and 1 to {most}", most=MAX_MINOR)))
        elif match["shop"] in amounts:
            problems.append(Problem(f"--amount {word}", Text("is named twice")))
        else:
            amounts[match["shop"]] = int(match["minor"])
    if problems:
        raise Refusal("invalid", problems)
    return amounts or None


def reason_of(text: str) -> str:
    """Checks a reason that is typed; raises ``invalid`` where it is none."""
    if not is_storable_text(text) or not text.strip() or len(text) > MAX_TEXT:
        raise Refusal("invalid", [Problem("--reason", Text("must have 1 to {most} characters", most=MAX_TEXT))])
    return text
