"""The words of plans, findings and explanations for people: one table for the command line and the console.

What a code means is decided elsewhere.
"""

from __future__ import annotations

from typing import Final

from distrib.domain.json_values import Json
from distrib.domain.plans.schema import TITLE, Schema, plan_schema
from distrib.domain.texts import Text
from distrib.languages import render_both, render_found

REASONS: dict[str, Text] = {
    "paid": Text("paid", "reason"),
    "no_upline": Text("nobody sits there"),
    "inactive": Text("not active then"),
    "rank_not_in_rate": Text("the rank has no rate"),
    "requires_not_met": Text("requirements not met"),
    "tier_cap": Text("beyond the tiers allowed"),
    "self_purchase": Text("own purchase"),
    "no_difference": Text("no difference in rate"),
    "rule_cap": Text("cap of the rule"),
    "order_cap": Text("cap of the order"),
    "entry_sku": Text("entry line"),
    "policy": Text("forbidden by the pack"),
    "order_cancelled": Text("the order was cancelled"),
    "group_failed": Text("its group failed"),
    "no_shop": Text("no shop sold it"),
    "nobody_earned": Text("no rule paid anybody"),
}
"""Why a seat was paid or not, by the reason code of an explanation."""
SEVERITIES: dict[str, Text] = {
    "refuse": Text("refused"),
    "sign_off": Text("needs a sign-off"),
    "alert": Text("alert"),
    "info": Text("for information"),
}
"""What a finding of a policy pack does to a plan."""
SOURCE: Final = "source"
"""In the catalogues, the context of where a rule of a policy pack comes from."""


def source_in(source: str, language: str) -> str:
    """Words where a rule of a policy pack comes from: a law by its own name, what is said of it in the language.

    A source that a local override brought is as it stands there.
    """
    return render_found(source, SOURCE, language)


def schema_for_editors() -> Schema:
    """Builds the schema of a plan document as JSON, what it says of each key in both languages."""
    return {key: _in_both(value) for key, value in plan_schema().items()}


def _in_both(part: object) -> Json:
    """Renders every text of a schema: the title's two halves parted by a slash, sentences by a space."""
    if isinstance(part, dict):
        return {key: _in_both(value) for key, value in part.items()}
    if isinstance(part, Text):
        return render_both(part, " / " if part == TITLE else " ")
    if isinstance(part, list):
        return [_in_both(inner) for inner in part]
    return part if part is None or isinstance(part, bool | int | str) else str(part)
