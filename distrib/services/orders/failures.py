"""Why an event waits or failed, in the words of its code. Nothing that decides it may enter."""

from __future__ import annotations

import json
from dataclasses import dataclass

from distrib.domain.errors import CODES, Refusal
from distrib.domain.orders import refusals as of_orders
from distrib.domain.plans import refusals as of_plans
from distrib.domain.settlement import refusals as of_settlement
from distrib.languages import CHINESE, ENGLISH, render

ROOMS = (of_orders, of_plans, of_settlement)
"""Where the refusals are that an event can fail by: their codes are known once these are read."""


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
    refusal = Refusal(code if code in CODES else of_orders.Poison.code, **json.loads(params or "{}"))
    return FailureView(code, render(refusal.text, ENGLISH), render(refusal.text, CHINESE))
