"""Whatever a document looks like, checking it answers problems, and a sound one compiles."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.plans.document import canonical_json, check_plan
from distrib.domain.plans.plan import compile_plan

SOUND: dict[str, Any] = {
    "code": "p",
    "title": {"zh": "方案"},
    "currency": "CNY",
    "tiers": 2,
    "round_per": "order",
    "order_cap": "0.3",
    "declarations": {"entry_fee_minor": 0, "minimum_age": 18},
    "ranks": [
        {"code": "member"},
        {"code": "gold", "promote": {"all": [{"metric": "team_sales_minor", "levels": 2, "at_least": 5}]}},
    ],
    "rules": [
        {"id": "s", "pay": "seller", "rate": {"gold": "0.2", "default": "0.1"}, "where": {"not": {"sku": ["A"]}}},
        {
            "id": "n",
            "pay": "seller",
            "rate": "0.3",
            "group": "n",
            "where": {"customer": {"is": "new", "within_days": 3}},
        },
        {"id": "u", "pay": "upline", "tier": 1, "slabs": [{"from_minor": 0, "rate": "0.1"}], "of": {"rule": "s"}},
        {"id": "d", "pay": "chain", "differential": True, "rate": {"gold": "0.1"}},
        {"id": "o", "pay": "seller", "amount_minor": {"gold": 5}, "per": "order", "group": "o"},
    ],
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.booleans() | st.none(), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in paths(item, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The sound plan with something else in one or two places."""
    document = json.loads(json.dumps(SOUND))
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(paths(document)))
        if not place:
            return draw(anything)
        holder = document
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = draw(
            anything | st.sampled_from(["s", "u", "d", "remaining", "0.5", "gold", "chain", 0, 1, 3])
        )
    return document


@given(damaged())
def test_a_damaged_plan_is_told_its_problems_or_compiles(document: Any) -> None:
    problems = check_plan(document)
    assert all(problem.detail and isinstance(problem.pointer, str) for problem in problems)
    if not problems:
        plan = compile_plan(document)
        text = canonical_json(document)
        assert compile_plan(json.loads(text)).rules == plan.rules
        assert canonical_json(json.loads(text)) == text


@given(st.permutations(sorted(SOUND)))
def test_the_canonical_text_does_not_depend_on_the_order_of_keys(keys: list[str]) -> None:
    assert canonical_json({key: SOUND[key] for key in keys}) == canonical_json(SOUND)
