"""What the description says of parameters, by their names: what stands in a path or a query, once for all calls."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

WORDS: Final[dict[str, str]] = {
    "account": "An account: one of the program's own, or `payable:` and a shop's id.",
    "adjustment_id": "The adjustment, by the caller's id.",
    "as_of": "As of this instant; now, if not given.",
    "by": "How the span is cut.",
    "case_no": "The case, by its number.",
    "cause": "The order, batch, adjustment or pool that the transfers come from.",
    "channel": "How it would be paid out.",
    "code": "The plan, by its code.",
    "commission_id": "The commission, by the id that lists show.",
    "cursor": "Where the list goes on: the `next_cursor` of the page before.",
    "customer_id": "The customer, by the caller's id.",
    "days": "How many days from today on.",
    "delivery_id": "The delivery, by the id that lists show.",
    "design": "How the poster looks.",
    "detail": "A row per shop, or a row per commission.",
    "encoding": "How the characters of a CSV are encoded.",
    "evaluation": "Changes that the evaluation of this month made.",
    "event_id": "The event, by the caller's id.",
    "format": "What kind of file.",
    "from": "From when on, what happened at it included.",
    "id": "Those of one kind, by the id that a policy pack gives it.",
    "joined_from": "Shops that joined at this instant or later.",
    "key_id": "The key, by the part of it that may be shown.",
    "kind": "Those of one kind.",
    "language": "Of the words in it.",
    "levels": "How many levels down; a partner no deeper than the policy looks.",
    "limit": "How many entries a page has at most.",
    "min_minor": "Shops with less than this are not paid, in minor units.",
    "month": "Batches made in this month of the program's time zone.",
    "most": "How many shops at most, the nearest levels first.",
    "order_id": "Those of one order, by the caller's id.",
    "organiser_id": "About this organiser.",
    "part": "Which of several files, counted from 1.",
    "payout_id": "The batch, by the caller's id.",
    "penalty_id": "The penalty, by the caller's id.",
    "period": "A calendar month of the program's time zone.",
    "quarter": "A quarter of the calendar.",
    "question_id": "The question, by the caller's id.",
    "rank": "Shops of one rank, by its code.",
    "seal_no": "The seal, by its number.",
    "severity": "Findings of one severity.",
    "shop_id": "The shop, by the caller's id.",
    "simulation_id": "The simulation, by the id that it was given.",
    "since": "Findings of this instant or later.",
    "state": "Those that stand so.",
    "status": "Those that stand so.",
    "task_id": "The task, by the id that it was given.",
    "to": "Until when, what happened at it not included.",
    "type": "Events of one type.",
    "version": "The version of the plan, counted from 1.",
    "webhook_id": "The endpoint, by its id.",
    "withdrawal_id": "The withdrawal, by the caller's id.",
    "year": "A year of the calendar.",
}
"""What a parameter is where its own field says nothing else."""
_OF_CALLS: Final[dict[tuple[str, str], str]] = {
    ("list_refused_lines", "code"): "Those that were refused with one code.",
    ("get_funnel", "from"): "The first day.",
    ("get_funnel", "to"): "The day after the last.",
    ("list_payout_files", "format"): "What kind of file; that of the batch's channel, if not given.",
    ("export_payout", "format"): "What kind of file; that of the batch's channel, if not given.",
}
"""The same where a call means something of its own by the name."""


def describe_parameter(operation: str, parameter: Schema) -> None:
    """Says of a parameter what it is, and leaves ``null`` out: no text in a URL is null.

    Args:
        operation: its operationId; of a parameter in a path that several operations share, nothing.
        parameter: as marshmallow's fields describe it; changed in place.

    Raises:
        KeyError: a parameter that nobody described.
    """
    schema = parameter["schema"]
    name = parameter["name"]
    said = parameter.get("description") or _OF_CALLS.get((operation, name)) or WORDS[name]
    parameter["description"] = said[:1].upper() + said[1:] if said[:1].islower() else said
    schema.pop("description", None)
    if schema.get("default", "") is None:
        del schema["default"]
    if isinstance(schema.get("type"), list):
        [schema["type"]] = [kind for kind in schema["type"] if kind != "null"]
    if None in schema.get("enum", ()):
        schema["enum"] = [word for word in schema["enum"] if word is not None]
