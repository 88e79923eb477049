"""The plan language as a JSON Schema 2020-12, made of the tables that ``check_plan`` itself reads.

What it refuses ``check_plan`` refuses too; what it cannot say (ranks and rules that exist, the order of work,
ascending slabs) is left to ``check_plan``. A bound or a word that stands in a table must not be written here again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from distrib.domain.currencies import CURRENCIES
from distrib.domain.document import NAME
from distrib.domain.identifiers import ID_CHARACTERS, ID_NEVER, MAX_ID, MAX_TEXT
from distrib.domain.money import MAX_MINOR, MAX_SUM_MINOR, RATIO
from distrib.domain.plans import document as plan
from distrib.domain.plans import document_limits as limits
from distrib.domain.plans import document_rules as rules
from distrib.domain.plans.conditions import METRICS, WITH_LEVELS, WITH_MIN_RANK
from distrib.domain.plans.customer_conditions import STANDINGS
from distrib.domain.plans.rules import CHAIN, OF_BASE, PAYS, UPLINE
from distrib.domain.plans.schema_words import WORDS
from distrib.domain.texts import Text

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = Text("distrib plan")
_NULL: Schema = {"type": "null"}


def plan_schema() -> Schema:
    """Builds the schema of a plan document, for editors, forms and other tools.

    As in ``check_plan``, a key that may be absent may be null. Titles and descriptions are texts yet to be rendered.
    """
    document = _object(plan.KEYS, plan.REQUIRED, _plan_keys(), "plan", plan.DEFAULTS)
    return {
        "$schema": DIALECT,
        "title": TITLE,
        **document,
        "$defs": {
            "name": _text_like(NAME.pattern),
            "text": _text(MAX_TEXT),
            "ratio": {**_text_like(RATIO), "examples": ["0.125"]},
            "amount": _whole(0, MAX_MINOR),
            "rank": _object(plan.RANK_KEYS, plan.RANK_REQUIRED, _rank_keys(), "rank", plan.RANK_DEFAULTS),
            "condition": _condition(),
            "where": _object((*rules.WHERE, "not"), (), {**_where_keys(), "not": _ref("not")}, "where"),
            "not": _object(rules.WHERE, (), _where_keys(), "where"),
            "customer": _object(limits.CUSTOMER_KEYS, limits.CUSTOMER_REQUIRED, _customer_keys(), "customer"),
            "slab": _object(
                rules.SLAB_KEYS, rules.SLAB_KEYS, {"from_minor": _ref("amount"), "rate": _ref("ratio")}, "slab"
            ),
            "requires": _object(limits.REQUIRES_KEYS, (), _requires_keys(), "requires") | _requires_conditions(),
            "cap": _object(limits.CAP_KEYS, (), _cap_keys(), "cap") | _any_of(limits.CAP_KEYS),
            "pool": _object(limits.POOL_KEYS, limits.POOL_KEYS, _pool_keys(), "pool"),
            "rule": _object(rules.KEYS, rules.REQUIRED, _rule_keys(), "rule", rules.DEFAULTS) | _rule_conditions(),
        },
    }


def _plan_keys() -> Mapping[str, Schema]:
    choices = {key: {"enum": list(words)} for key, words in plan.CHOICES.items()}
    return {
        **choices,
        "code": _ref("name"),
        "title": _title(),
        "currency": {"enum": sorted(CURRENCIES)},
        "policy": _ref("name"),
        "hold_days": _whole(0, plan.MAX_HOLD_DAYS),
        "tiers": _whole(0, plan.MAX_TIERS),
        "order_cap": _ref("ratio"),
        "declarations": _declarations(),
        "ranks": _list(_ref("rank"), plan.MAX_RANKS, 0),
        "rank_map": _rank_map(),
        "rules": _list(_ref("rule"), rules.MAX_RULES),
        "pools": _list(_ref("pool"), limits.MAX_POOLS, 0),
    }


def _title() -> Schema:
    by_language = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": plan.MAX_TITLES,
        "propertyNames": {"pattern": _whole_of(plan.LANGUAGE)},
        "additionalProperties": _ref("text"),
    }
    return {"anyOf": [_ref("text"), by_language]}


def _declarations() -> Schema:
    keys = {
        **{key: _whole(0, most) for key, most in plan.DECLARED_NUMBERS.items()},
        **{key: {"type": "boolean"} for key in plan.DECLARED_TRUTHS},
        **{key: _ref("text") for key in plan.DECLARED_TEXTS},
    }
    return _object(tuple(keys), (), keys, "declarations")


def _rank_map() -> Schema:
    return {
        "type": "object",
        "maxProperties": plan.MAX_MAPPED,
        "propertyNames": {"pattern": _whole_of(plan.RANK)},
        "additionalProperties": _text_like(plan.RANK),
    }


def _rank_keys() -> Mapping[str, Schema]:
    return {
        "code": {**_text_like(plan.RANK), "not": {"const": rules.DEFAULT_FIGURE}},
        "promote": _ref("condition"),
        "keep": _ref("condition"),
        "grace": _whole(0, plan.MAX_GRACE),
    }


def _condition() -> Schema:
    """Builds a threshold, or one of ``all`` and ``any`` alone; how deep they nest a schema cannot say."""
    parts = _list(_ref("condition"), plan.MAX_CONDITIONS)
    branches = [_object((word,), (word,), {word: parts}, "condition") for word in ("all", "any")]
    keys = {
        "metric": {"enum": list(METRICS)},
        "levels": _whole(1, plan.MAX_LEVELS),
        "min_rank": _text_like(plan.RANK),
        "window": _text_like(plan.WINDOW),
        "at_least": _whole(0, MAX_SUM_MINOR),
    }
    leaf = _object(plan.CONDITION_KEYS, plan.CONDITION_REQUIRED, keys, "condition", plan.CONDITION_DEFAULTS)
    reads_a_team, counts_recruits = _reads(WITH_LEVELS), _reads(WITH_MIN_RANK)
    goes_with = [
        _if(reads_a_team, _given("levels"), _absent("levels")),
        _if({"not": counts_recruits}, _absent("min_rank")),
    ]
    return {"anyOf": [{**leaf, "allOf": goes_with}, *branches]}


def _reads(metric: str) -> Schema:
    return {"properties": {"metric": {"const": metric}}, "required": ["metric"]}


def _where_keys() -> Mapping[str, Schema]:
    sku = {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_ID,
        "pattern": f"^{ID_CHARACTERS}*$",
        "not": {"enum": list(ID_NEVER)},
    }
    return {
        "channel": _list({"enum": list(rules.CHANNELS)}, len(rules.CHANNELS)),
        "category": _list(_ref("text"), rules.MAX_NAMED),
        "sku": _list(sku, rules.MAX_NAMED),
        "customer": {"anyOf": [{"enum": list(STANDINGS)}, _ref("customer")]},
    }


def _customer_keys() -> Mapping[str, Schema]:
    return {
        "is": {"enum": list(STANDINGS)},
        "within_orders": _whole(1, limits.MAX_WITHIN_ORDERS),
        "within_days": _whole(1, limits.MAX_WINDOW_DAYS),
    }


def _rule_keys() -> Mapping[str, Schema]:
    return {
        "id": _ref("name"),
        "pay": {"enum": list(PAYS)},
        "tier": _whole(1, rules.MAX_TIER),
        "rate": _by_rank(_ref("ratio")),
        "amount_minor": _by_rank(_ref("amount")),
        "per": {"enum": list(rules.PERS)},
        "slabs": _list(_ref("slab"), rules.MAX_SLABS),
        "slab_mode": {"enum": list(rules.SLAB_MODES)},
        "of": {"anyOf": [{"enum": list(rules.OFS)}, _object(("rule",), ("rule",), {"rule": _ref("name")}, "of")]},
        "differential": {"const": True},
        "where": _ref("where"),
        "requires": _ref("requires"),
        "cap": _ref("cap"),
        "group": _text(rules.MAX_GROUP),
    }


def _requires_keys() -> Mapping[str, Schema]:
    return {
        "min_rank": _text_like(plan.RANK),
        "min_personal_sales_minor": _whole(0, MAX_SUM_MINOR),
        "window_days": _whole(1, limits.MAX_WINDOW_DAYS),
    }


def _requires_conditions() -> Schema:
    return {
        **_any_of(limits.REQUIRES_FIGURES),
        **_if(_given("window_days"), _given("min_personal_sales_minor")),
    }


def _cap_keys() -> Mapping[str, Schema]:
    return {key: _whole(0, MAX_SUM_MINOR) for key in limits.CAP_KEYS}


def _pool_keys() -> Mapping[str, Schema]:
    weights = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": _whole_of(plan.RANK)},
        "additionalProperties": _whole(0, limits.MAX_WEIGHT),
    }
    return {"id": _ref("name"), "rate": _ref("ratio"), "weights": weights}


def _by_rank(figure: Schema) -> Schema:
    ranks = {"pattern": _whole_of(plan.RANK)}
    by_rank = {"type": "object", "minProperties": 1, "propertyNames": ranks, "additionalProperties": figure}
    return {"anyOf": [figure, by_rank]}


def _rule_conditions() -> Schema:
    """Builds the conditions on which keys of a rule go together (``document_rules``)."""
    of_base = {"properties": {"of": {"enum": [OF_BASE, None]}}}
    by_rank = {"properties": {"rate": {"type": "object"}}, "required": ["rate"]}
    return {
        "oneOf": [_given(key) for key in rules.FIGURES],
        "allOf": [
            _if(_pays(UPLINE), _given("tier"), _absent("tier")),
            _if(_pays(CHAIN), {"allOf": [_given("differential"), by_rank, of_base]}, _absent("differential")),
            _if(_given("per"), _given("amount_minor")),
            _if(_given("slab_mode"), _given("slabs")),
            _if(_given("amount_minor"), of_base),
        ],
    }


def _pays(slot: str) -> Schema:
    return {"properties": {"pay": {"const": slot}}, "required": ["pay"]}


def _if(condition: Schema, then: Schema, otherwise: Schema | None = None) -> Schema:
    return {"if": condition, "then": then} | ({} if otherwise is None else {"else": otherwise})


def _given(key: str) -> Schema:
    """Builds the condition that a key is there, and not null, which is the same as absent."""
    return {"properties": {key: {"not": _NULL}}, "required": [key]}


def _any_of(keys: Collection[str]) -> Schema:
    """Builds the condition that at least one of these keys is given."""
    return {"anyOf": [_given(key) for key in keys]}


def _absent(key: str) -> Schema:
    return {"properties": {key: _NULL}}


def _object(
    known: Sequence[str],
    required: Collection[str],
    keys: Mapping[str, Schema],
    words: str,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> Schema:
    """Builds an object of these keys and no others, in the order of ``known``, with what each means and its default."""
    described = {key: {"description": WORDS[words][key], **_default(defaults, key), **keys[key]} for key in known}
    properties = {key: schema if key in required else _or_null(schema) for key, schema in described.items()}
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return made | ({"required": list(required)} if required else {})


def _default(defaults: Mapping[str, object], key: str) -> Schema:
    return {"default": defaults[key]} if key in defaults else {}


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _NULL]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    described = {key: schema[key] for key in ("description", "default") if key in schema}
    return described | {"anyOf": [{key: value for key, value in schema.items() if key not in described}, _NULL]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _list(items: Schema, most: int, least: int = 1) -> Schema:
    return {"type": "array", "minItems": least, "maxItems": most, "items": items}


def _text(most: int) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _text_like(pattern: str) -> Schema:
    return {"type": "string", "pattern": _whole_of(pattern)}


def _whole_of(pattern: str) -> str:
    r"""Anchors a pattern to the whole text, as ECMA-262 spells it: ``\w`` of any script, as in Python."""
    return f"^(?:{pattern})$".replace(r"\w", r"\p{L}\p{N}_")
