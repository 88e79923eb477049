"""config/plan.schema.json is what the language says, and never refuses what ``check_plan`` takes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from distrib.cli import cli
from distrib.domain.plans.document import DEFAULT_RANK, check_plan
from distrib.domain.plans.plan import compile_plan
from distrib.services.plans.words import schema_for_editors
from distrib.services.yaml_documents import read_yaml

ROOT = Path(__file__).parents[4]
SCHEMA_FILE = ROOT / "config" / "plan.schema.json"
SAMPLES = sorted((ROOT / "config" / "plans").glob("*.yaml"))
CASES = sorted((ROOT / "tests" / "cases").glob("*.json"))
ACCEPTS = jsonschema_rs.Draft202012Validator(schema_for_editors()).is_valid

SELLER: dict[str, Any] = {"id": "s", "pay": "seller", "rate": "0.1"}
SOUND: dict[str, Any] = {
    "code": "p",
    "title": {"zh": "方案"},
    "currency": "CNY",
    "base": "list",
    "hold_days": 7,
    "tiers": 2,
    "order_cap": "0.3",
    "declarations": {"entry_fee_minor": 0, "entry_purchase": False, "organiser": "x"},
    "ranks": [
        {"code": "member"},
        {
            "code": "金牌",
            "promote": {
                "all": [
                    {"metric": "team_sales_minor", "levels": 2, "at_least": 5},
                    {"metric": "active_recruits", "min_rank": "member", "at_least": 5},
                ]
            },
            "keep": {"metric": "customers", "window": "month", "at_least": 1},
            "grace": 1,
        },
    ],
    "rank_map": {"铂金": "金牌"},
    "rules": [
        {
            **SELLER,
            "where": {"sku": ["A"], "not": {"channel": ["retail"], "customer": "returning"}},
            "cap": {"per_month_minor": 9},
        },
        {
            "id": "t",
            "pay": "seller",
            "amount_minor": {"金牌": 5, "default": 1},
            "group": "g",
            "where": {"customer": {"is": "new", "within_orders": 3, "within_days": 30}},
        },
        {"id": "u", "pay": "upline", "tier": 1, "slabs": [{"from_minor": 0, "rate": "1.0"}], "slab_mode": "whole"},
        {"id": "o", "pay": "opener", "rate": "1", "of": {"rule": "s"}, "requires": {"min_rank": "member"}},
        {"id": "c", "pay": "chain", "differential": True, "rate": {"金牌": "0.1"}, "of": "base"},
    ],
    "pools": [{"id": "p", "rate": "0.02", "weights": {"金牌": 2, "member": 1}}],
}
REMOVED = object()


def changed(*changes: tuple[Iterable[str | int], object]) -> dict[str, Any]:
    """The sound plan with other values at these places."""
    document: Any = copy.deepcopy(SOUND)
    for (*places, last), value in changes:
        holder = document
        for place in places:
            holder = holder[place]
        if value is REMOVED:
            del holder[last]
        else:
            holder[last] = value
    assert isinstance(document, dict)
    return document


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


PLACES = [place for place in places(SOUND) if place]
KEYS = sorted({key for place in PLACES for key in place if isinstance(key, str)} | {"differential", "window"})
strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
apt = st.sampled_from(
    ["s", "t", "base", "remaining", "0.5", "1.5", "default", "member", "chain", "upline", "month", "30d", 0, 1, 3, 4]
)


def test_the_file_is_what_the_command_prints_today() -> None:
    printed = CliRunner().invoke(cli, ["plan", "schema"])
    assert printed.exit_code == 0
    assert printed.stdout == SCHEMA_FILE.read_text("utf-8"), "run: distrib plan schema > config/plan.schema.json"


def test_the_schema_is_one_by_its_own_dialect() -> None:
    jsonschema_rs.meta.validate(schema_for_editors())
    assert ACCEPTS(SOUND)
    assert check_plan(SOUND) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_plan_fits_the_schema(path: Path) -> None:
    assert ACCEPTS(read_yaml(path.read_text("utf-8")))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_schema_takes_a_published_case_exactly_when_its_keys_are_built(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))["plan"]
    assert ACCEPTS(document) is (check_plan(document) == [])


@given(st.lists(st.tuples(st.sampled_from(PLACES), strange | apt | st.just(REMOVED)), min_size=1, max_size=2))
def test_what_the_schema_refuses_check_plan_refuses_too(changes: list[tuple[tuple[str | int, ...], object]]) -> None:
    try:
        document = changed(*changes)
    except (KeyError, IndexError, TypeError):  # the first change took away where the second would be
        document = changed(changes[0])
    if check_plan(document) == []:
        assert ACCEPTS(document)


@given(st.sampled_from([place for place in PLACES if isinstance(place[-1], str)]))
def test_a_key_that_is_null_is_as_good_as_absent_to_both(place: tuple[str | int, ...]) -> None:
    document = changed((place, None))
    if check_plan(document) == []:
        assert ACCEPTS(document)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("code",), REMOVED),
        (("code",), None),
        (("code",), "No Good"),
        (("code",), "x" * 41),
        (("colour",), "red"),
        (("title",), ""),
        (("title",), {}),
        (("title",), {"a language": "x"}),
        (("title",), "x" * 256),
        (("currency",), "RMB"),
        (("base",), "cost"),
        (("rounding",), "up"),
        (("round_per",), "earner"),
        (("rules", 0, "per"), "order"),
        (("rules", 1, "per"), "line"),
        (("tiers",), 4),
        (("tiers",), -1),
        (("tiers",), "1"),
        (("tiers",), True),
        (("hold_days",), 181),
        (("order_cap",), 0.3),
        (("order_cap",), "1.1"),
        (("order_cap",), "0.1234567"),
        (("rules",), []),
        (("rules",), REMOVED),
        (("declarations", "motto"), "x"),
        (("declarations", "entry_fee_minor"), 10**12 + 1),
        (("declarations", "entry_purchase"), 1),
        (("declarations", "organiser"), ""),
        (("ranks",), [{}]),
        (("ranks", 0, "code"), "a b"),
        (("ranks", 0, "code"), "default"),
        (("ranks", 0, "keep"), {}),
        (("ranks", 1, "promote"), {"all": []}),
        (("ranks", 1, "promote"), {"metric": "customers", "at_least": 1, "min_rank": "member"}),
        (("ranks", 1, "promote"), {"metric": "profit", "at_least": 1}),
        (("ranks", 1, "grace"), 121),
        (("ranks", 1, "grace"), "1"),
        (("ranks", 1, "keep", "metric"), REMOVED),
        (("rank_map",), []),
        (("pools",), {}),
        (("ranks",), {}),
        (("rank_map",), {"a b": "member"}),
        (("rank_map",), {"old": None}),
        (("rank_map",), {"old": "a b"}),
        (("ranks", 1, "promote"), {"metric": "personal_orders"}),
        (("ranks", 1, "promote"), {"metric": "personal_orders", "at_least": 1, "levels": 1}),
        (("ranks", 1, "promote"), {"metric": "personal_orders", "at_least": 1, "window": "0d"}),
        (("ranks", 1, "promote"), {"metric": "team_sales_minor", "at_least": 1}),
        (("ranks", 1, "promote"), {"metric": "team_sales_minor", "at_least": 1, "levels": 4}),
        (("rules", 0, "id"), REMOVED),
        (("rules", 0, "pay"), "nobody"),
        (("rules", 0, "tier"), 1),
        (("rules", 0, "rate"), REMOVED),
        (("rules", 0, "rate"), 0.1),
        (("rules", 0, "rate"), {}),
        (("rules", 0, "rate"), {"member": None}),
        (("rules", 0, "amount_minor"), 5),
        (("rules", 0, "of"), "all"),
        (("rules", 0, "of"), {"rule": "X Y"}),
        (("rules", 0, "of"), {}),
        (("rules", 0, "slab_mode"), "whole"),
        (("rules", 0, "differential"), True),
        (("rules", 0, "cap"), {}),
        (("rules", 0, "requires"), {}),
        (("rules", 0, "cap", "per_month_minor"), -1),
        (("rules", 0, "cap", "per_month_minor"), None),
        (("rules", 3, "requires", "window_days"), 30),
        (("rules", 3, "requires"), {"window_days": 30}),
        (("rules", 3, "requires"), {"min_personal_sales_minor": 1, "window_days": 0}),
        (("pools",), [{}]),
        (("pools", 0, "weights"), {}),
        (("pools", 0, "weights", "member"), -1),
        (("pools", 0, "rate"), 0.02),
        (("pools", 0, "id"), REMOVED),
        (("rules", 0, "group"), "x" * 65),
        (("rules", 0, "where"), {"colour": ["red"]}),
        (("rules", 0, "where"), {"sku": []}),
        (("rules", 0, "where"), {"sku": ["a/b"]}),
        (("rules", 0, "where"), {"sku": [".."]}),
        (("rules", 0, "where"), {"channel": ["wholesale"]}),
        (("rules", 0, "where"), {"not": {"not": {}}}),
        (("rules", 1, "of"), "remaining"),
        (("rules", 1, "amount_minor"), 1.5),
        (("rules", 2, "tier"), REMOVED),
        (("rules", 2, "tier"), 0),
        (("rules", 2, "tier"), 4),
        (("rules", 2, "slabs"), []),
        (("rules", 2, "slabs"), [{"from_minor": 0}]),
        (("rules", 2, "slabs"), [{"from_minor": 1}]),
        (("rules", 2, "slab_mode"), "half"),
        (("rules", 2, "slabs"), [{"from_minor": 0, "rate": "0"}, {"from_minor": -1, "rate": "0"}]),
        (("rules", 4, "differential"), False),
        (("rules", 4, "differential"), REMOVED),
        (("rules", 4, "rate"), "0.1"),
        (("rules", 4, "of"), "remaining"),
    ],
)
def test_the_schema_tells_an_editor_of_every_slip_a_schema_can_see(place: tuple[str | int, ...], value: object) -> None:
    document = changed((place, value))
    assert check_plan(document)
    assert not ACCEPTS(document)


def test_every_key_has_words_beside_it() -> None:
    def objects(schema: Any) -> Iterable[dict[str, Any]]:
        if isinstance(schema, dict):
            if schema.get("additionalProperties") is False:
                yield schema["properties"]
            schema = list(schema.values())
        for item in schema if isinstance(schema, list) else ():
            yield from objects(item)

    silent = [
        key for keys in objects(schema_for_editors()) for key, value in keys.items() if not value.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize(("heading", "name"), [("## Keys", None), ("## Rules", "rule")])
def test_the_page_on_plans_lists_the_keys_of_the_schema_and_no_others(heading: str, name: str | None) -> None:
    section = (ROOT / "docs" / "plan.md").read_text("utf-8").split(heading + "\n")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    schema = schema_for_editors()
    properties = schema["properties"] if name is None else schema["$defs"][name]["properties"]
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == set(properties)


def test_a_rank_is_named_in_any_script() -> None:
    names = [DEFAULT_RANK, "店主", "Gérant", "مدير", "zażółć_1-2"]
    ranked = [{"code": name} for name in names]
    assert ACCEPTS(changed((("ranks",), [*ranked, {"code": "金牌"}])))


def test_the_description_of_the_service_says_of_plans_what_the_schema_says() -> None:
    described = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["components"]["schemas"]
    assert set(described["PlanDocument"]["properties"]) == set(schema_for_editors()["properties"])
    whole = {"$ref": "#/components/schemas/PlanDocument", "components": {"schemas": described}}
    accepts = jsonschema_rs.Draft202012Validator(whole).is_valid
    assert accepts(SOUND)
    assert not accepts({**SOUND, "rules": [{**SELLER, "rate": 0.1}]})


def test_a_default_that_the_schema_tells_is_what_an_absent_key_means() -> None:
    schema = schema_for_editors()
    inner = (("ranks", 1, "promote", "all", 0), ("ranks", 1), ("rules", 2), ("rules", 1), ("rules", 0), ())
    goes_with = {"slab_mode": ("rules", 2), "per": ("rules", 1)}
    defaults = 0
    for place, part in zip(inner, ("condition", "rank", "rule", "rule", "rule", None), strict=True):
        definition = schema if part is None else schema["$defs"][part]
        properties = definition["properties"] if "properties" in definition else definition["anyOf"][0]["properties"]
        for key, described in properties.items():
            if "default" not in described or place != goes_with.get(key, place):
                continue
            defaults += 1
            absent, given_it = (changed(((*place, key), None)), changed(((*place, key), described["default"])))
            assert replace(compile_plan(absent), document={}) == replace(compile_plan(given_it), document={})
    assert defaults == 14
