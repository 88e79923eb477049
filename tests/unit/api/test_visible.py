"""What a role sees of an answer is what a list names: a field in no list is nobody's, and no list names what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest

from distrib.api.calls.seeing import SEEN, seen_by_role
from distrib.api.http.answers import Answer
from distrib.api.http.auth import ADMIN, MAY_CALL, PARTNER, roles_of
from distrib.api.resources import RESOURCES
from distrib.api.schemas.payees import PayeeSchema
from distrib.api.schemas.shops import SHOP, ShopSchema
from distrib.api.schemas.visible import PARTNER_BELOW, ROLE_OF, Names, Visible, pick

DESCRIPTION: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8"))
BY_OPERATION = {
    operation["operationId"]: operation
    for path in DESCRIPTION["paths"].values()
    for method, operation in path.items()
    if method != "parameters"
}
LISTS = [
    pytest.param(names, id=f"{name}-{status}-{way}")
    for name, by_status in SEEN.items()
    for status, by_way in by_status.items()
    for way, names in by_way.items()
]
DEEPEST = 3
NEW = "a_field_that_is_new"


def view_of(names: Names, *, as_objects: bool, depth: int = 0) -> Any:
    """A view with every field of a list, each object and each entry of a list with one more."""
    values: dict[str, Any] = {NEW: "secret"}
    for name, inner in names.items():
        deep = inner is not None and depth < DEEPEST
        values[name] = [view_of(inner, as_objects=as_objects, depth=depth + 1)] if deep and inner is not None else name
        if inner is not None and not deep:
            values[name] = None
    return make_dataclass("View", values)(**values) if as_objects else values


def paths_of(names: Names, within: str = "", depth: int = 0) -> Iterator[str]:
    """What a list shows, to the bottom; of an object that holds itself some levels."""
    for name, inner in names.items():
        if inner is None or depth > DEEPEST:
            yield f"{within}{name}"
        else:
            yield from paths_of(inner, f"{within}{name}.", depth + 1)


@pytest.mark.parametrize("as_objects", [False, True])
@pytest.mark.parametrize("names", LISTS)
def test_a_field_that_no_list_names_is_shown_to_nobody(names: Names, as_objects: bool) -> None:
    seen = pick(view_of(names, as_objects=as_objects), names)
    assert NEW not in json.dumps(seen)
    assert seen.keys() == names.keys()


def test_what_a_handler_answers_beyond_the_list_goes_to_nobody() -> None:
    def handler(_call: Any, **_path: str) -> Answer:
        return Answer({"id": "shop-7", "attributes": {"phone": "1"}, "organiser_id": "o", NEW: "secret"})

    see = seen_by_role("change_shop", handler, {200: SHOP})
    assert _seen(see, "finance") == {"id": "shop-7", "organiser_id": "o"}
    assert _seen(see, "partner") == {"id": "shop-7", "attributes": {"phone": "1"}}
    assert _seen(see, "viewer") == {"id": "shop-7", "attributes": {"phone": "1"}, "organiser_id": "o"}


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (ShopSchema, "nonsense"),
        (ShopSchema, "attributes.nonsense"),
        (PayeeSchema, "pending.nonsense"),
        (PayeeSchema, "nonsense.id"),
    ],
)
def test_a_list_that_names_what_the_schema_has_not_fails_where_it_is_written(schema: Any, name: str) -> None:
    with pytest.raises((ValueError, KeyError), match="nonsense"):
        Visible(schema, {PARTNER: (name,)})


def test_no_operation_is_made_that_a_role_may_call_and_has_no_list_for() -> None:
    with pytest.raises(TypeError, match="get_shop may be called by admin, compliance, finance, operations, viewer"):
        seen_by_role("get_shop", _nothing, {200: Visible(ShopSchema, {PARTNER: ("id",)})})
    with pytest.raises(TypeError, match="get_shop answers ShopSchema without saying who sees what"):
        seen_by_role("get_shop", _nothing, {200: ShopSchema})
    assert seen_by_role("list_shops", _nothing, {200: ShopSchema}) is _nothing


def test_every_operation_that_a_partner_may_call_has_lists_or_answers_with_a_file() -> None:
    assert RESOURCES
    files = {"export_statements", "get_poster", "get_qr_code"}
    assert {name for name in MAY_CALL if PARTNER in MAY_CALL[name]} - SEEN.keys() == files
    for name, by_status in SEEN.items():
        for by_way in by_status.values():
            assert roles_of(name) <= by_way.keys(), name


def test_the_description_says_by_role_what_is_seen_and_only_where_not_all_see_the_same() -> None:
    for name, operation in BY_OPERATION.items():
        ways = [
            {way: set(paths_of(names)) for way, names in by_way.items() if ROLE_OF.get(way, way) in MAY_CALL[name]}
            for by_way in SEEN.get(name, {}).values()
            if by_way
        ]
        said: Mapping[str, list[str]] = operation.get("x-visible", {})
        differ = any(len(set(map(frozenset, by_way.values()))) > 1 for by_way in ways)
        assert bool(said) == differ, name
        for by_way in ways if differ else []:
            assert said.keys() == by_way.keys(), name
            for way, paths in by_way.items():
                assert all(any(f"{path}.".startswith(f"{listed}.") for listed in said[way]) for path in paths), name
                assert all(any(f"{path}.".startswith(f"{listed}.") for path in paths) for listed in said[way]), name


def test_the_description_says_in_words_what_a_role_does_not_see() -> None:
    assert BY_OPERATION["explain_order"]["description"].endswith("by `partner`: all but `customer_id`.")
    assert "by `partner-below`: only `id`, `name`, " in BY_OPERATION["get_shop"]["description"]
    assert "Fields seen" not in BY_OPERATION["list_shops"]["description"]
    assert BY_OPERATION["get_shop"]["x-visible"].keys() == {ADMIN, "finance", PARTNER, PARTNER_BELOW}


def test_what_is_no_object_is_not_let_through_in_the_place_of_one() -> None:
    with pytest.raises(TypeError, match="a str has no fields"):
        pick({"pending": "secret"}, {"pending": {"id": None}})
    assert pick({"pending": None, "plan": [{"id": 1, NEW: 2}]}, {"pending": {"id": None}, "plan": {"id": None}}) == {
        "pending": None,
        "plan": [{"id": 1}],
    }


def _nothing(_call: Any, **_path: str) -> Answer:
    return Answer(None, 204)


def _seen(see: Any, role: str) -> Any:
    call = make_dataclass("Asked", ["actor"])(make_dataclass("Somebody", ["role"])(role))
    return see(call).view
