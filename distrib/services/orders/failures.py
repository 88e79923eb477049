"""Why an event waits or failed, in the words of its code. Nothing that decides it may enter."""

from __future__ import annotations

import json
from dataclasses import dataclass

from distrib.domain.errors import CODES, Refusal
from distrib.languages import CHINESE, ENGLISH, render


@dataclass(frozen=True, slots=True)
class FailureView:
    """The code of an event that waits or failed, and its text in both languages."""

    code: str
    detail: str
    detail_zh: str


def failure_of(code: str | None, status: str, params: str | None) -> FailureView | None:
    """The failure of an event by its code, its status and the code's parameters in JSON; None of what is well."""
    if code is None or status == "done":
        return None
    refusal = Refusal(code if code in CODES else "poison", **json.loads(params or "{}"))
    return FailureView(code, render(refusal.text, ENGLISH), render(refusal.text, CHINESE))
