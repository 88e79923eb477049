"""What a reader enters to try a plan: the fields, what stands in them to begin with, and what is wrong with them.

Reads text into the values of a trial; what a trial comes to is computed by the services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from distrib.console.language import Say
from distrib.domain.amounts import read_amount, show_amount
from distrib.domain.currencies import decimals_of
from distrib.domain.events import OrderLine
from distrib.domain.identifiers import is_identifier, is_storable_text
from distrib.domain.money import MAX_MINOR
from distrib.domain.plans.customer_conditions import NEW, STANDINGS
from distrib.domain.plans.document_rules import CHANNELS
from distrib.domain.plans.plan import Plan
from distrib.services.plans.trials import SEATS, SELLER, Stand, Trial, suggest_channel, suggest_people

AMOUNTS = ("paid", "list", "cost")
FIELDS = (*AMOUNTS, "quantity", "category", "sku", "channel", "customer", "entry", "self")
STATES = ("active", "inactive")
SALES = ("met", "unmet")
UNKNOWN = "unknown"
"""The customer of an order that names none."""
BUYERS = (*STANDINGS, UNKNOWN)
MAX_QUANTITY = 1_000_000
_BEGIN_WITH = {
    "quantity": "1",
    "category": "",
    "sku": "A-1",
    "list": "",
    "cost": "",
    "customer": NEW,
    "entry": "",
    "self": "",
}
_PAID_UNITS, _COST_UNITS = 200, 120

_T = TypeVar("_T")


def field_of(seat: str, what: str) -> str:
    """Names a field about one seat: ``rank``, ``state`` or ``sales``."""
    return f"{seat}.{what}"


def entered(plan: Plan | None, form: Mapping[str, str]) -> dict[str, str]:
    """Fills every field: with what was sent, or else with what there is to begin with."""
    begin = _BEGIN_WITH | _suggested(plan)
    sent = {name: form[name] for name in begin if name in form}
    return begin | sent


def _suggested(plan: Plan | None) -> dict[str, str]:
    stands = {} if plan is None else suggest_people(plan)
    people = {field_of(seat, "rank"): stands[seat].rank if seat in stands else "" for seat in SEATS}
    for seat in SEATS:
        people |= {field_of(seat, "state"): STATES[0], field_of(seat, "sales"): SALES[0]}
    if plan is None:
        return people | {"paid": f"{_PAID_UNITS}", "channel": CHANNELS[0]}
    unit = 10 ** decimals_of(plan.currency)
    cost = show_amount(_COST_UNITS * unit, plan.currency) if plan.base == "margin" else ""
    paid = show_amount(_PAID_UNITS * unit, plan.currency)
    return people | {"paid": paid, "cost": cost, "channel": suggest_channel(plan)}


def read_trial(plan: Plan, values: Mapping[str, str], say: Say) -> tuple[Trial | None, list[str]]:
    """Reads the trial that the fields describe, or everything that is wrong with them."""
    wrong: list[str] = []

    def need(name: str, value: _T | None, words: str, **params: object) -> _T | None:
        if value is None:
            wrong.append(say(words, field=say(name), entered=values[name][:40], **params))
        return value

    def optional(name: str, read: Callable[[str], _T | None], words: str) -> _T | None:
        return need(name, read(values[name]), words, currency=plan.currency) if values[name].strip() else None

    def amount(text: str) -> int | None:
        return _bounded(read_amount(text, plan.currency), 0, MAX_MINOR)

    paid = need("paid", amount(values["paid"]), "wrong.amount", currency=plan.currency)
    quantity = need("quantity", _whole(values["quantity"]), "wrong.quantity")
    sku = need("sku", values["sku"].strip() if is_identifier(values["sku"].strip()) else None, "wrong.text")
    channel = need("channel", values["channel"] if values["channel"] in CHANNELS else None, "wrong.text")
    listed, cost = (optional(name, amount, "wrong.amount") for name in ("list", "cost"))
    category = optional("category", lambda text: text.strip() if is_storable_text(text) else None, "wrong.text")
    if wrong or paid is None or quantity is None or sku is None or channel is None:
        return None, wrong
    line = OrderLine("1", sku, quantity, paid, listed, cost, category, bool(values["entry"]))
    buyer = values["customer"] if values["customer"] in BUYERS else NEW
    customer = None if buyer == UNKNOWN else buyer
    return Trial(line, channel, people_of(plan, values), bool(values["self"]), customer), []


def people_of(plan: Plan, values: Mapping[str, str]) -> dict[str, Stand]:
    """Reads who stands around the order; an unknown rank is the lowest, and a shop always sells."""
    people: dict[str, Stand] = {}
    for seat in SEATS:
        rank = values[field_of(seat, "rank")]
        if not rank and seat != SELLER:
            continue
        known = rank if rank in plan.rank_indexes else plan.lowest_rank
        is_active = values[field_of(seat, "state")] != "inactive"
        people[seat] = Stand(known, is_active, values[field_of(seat, "sales")] != "unmet")
    return people


def _whole(text: str) -> int | None:
    digits = text.strip().replace(",", "")
    is_short = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_QUANTITY))
    return _bounded(int(digits), 1, MAX_QUANTITY) if is_short else None


def _bounded(number: int | None, least: int, most: int) -> int | None:
    return number if number is not None and least <= number <= most else None
