"""What a role sees of an answer is what a list names: a field in no list is nobody's, and no list names what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import make_dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest

from distrib.api.calls.seeing import SEEN, seen_by_role
from distrib.api.calls.trailed import STATES, TRAILED_ROLES
from distrib.api.http.answers import Answer
from distrib.api.http.auth import ADMIN, MAY_CALL, PARTNER, roles_of
from distrib.api.resources import RESOURCES
from distrib.api.schemas.keys import KEY
from distrib.api.schemas.payees import PayeeSchema
from distrib.api.schemas.plans import PlanSchema
from distrib.api.schemas.ranks import NextRankSchema
from distrib.api.schemas.shops import SHOP, ShopSchema, TreeSchema
from distrib.api.schemas.visible import PARTNER_BELOW, ROLE_OF, Names, Visible, pick

DESCRIPTION: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8"))
BY_OPERATION = {
    operation["operationId"]: operation
    for path in DESCRIPTION["paths"].values()
    for method, operation in path.items()
    if method != "parameters"
}
LISTS = {
    id(names): pytest.param(names, id=f"{name}-{status}-{way}")
    for name, by_status in SEEN.items()
    for status, by_way in by_status.items()
    for way, names in by_way.items()
}.values()
"""Every list once, however many calls and roles it is for."""
COMPONENTS = DESCRIPTION["components"]["schemas"]
NOT_OURS = {"export_payout"}
"""What answers with a document whose keys somebody else decides on: the interface of a payout channel."""
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
    has_fields = as_objects and not any(map(iskeyword, values))
    return make_dataclass("View", values)(**values) if has_fields else values


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
        (PayeeSchema, "shop_id.nonsense"),
    ],
)
def test_a_list_that_names_what_the_schema_has_not_fails_where_it_is_written(schema: Any, name: str) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Visible(schema, {PARTNER: (name,)})


def test_a_list_that_names_an_object_as_a_whole_fails_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="top is a ShopSchema: a list says what of it is seen"):
        Visible(TreeSchema, {ADMIN: ("top", "is_cut")})
    with pytest.raises(ValueError, match="data is a TreeShopSchema"):
        Visible(TreeSchema, {ADMIN: ("top.id", "data")})


def test_what_holds_itself_shows_within_what_it_shows() -> None:
    names = Visible(NextRankSchema, {ADMIN: ("met", "conditions.kind", "conditions.parts")}).names[ADMIN]
    view = {"met": True, "conditions": [{"kind": "all", "parts": [{"kind": "figure", "parts": [], "have": 7}]}]}
    assert pick(view, names) == {
        "met": True,
        "conditions": [{"kind": "all", "parts": [{"kind": "figure", "parts": []}]}],
    }


def test_a_document_whose_keys_are_not_ours_is_shown_as_a_whole() -> None:
    names = Visible(PlanSchema, {ADMIN: ("code", "document")}).names[ADMIN]
    document = {"code": "two-level", "anything": {"at": "all"}}
    assert pick({"code": "two-level", "version": 1, "document": document}, names) == {
        "code": "two-level",
        "document": document,
    }


def test_no_operation_is_made_that_a_role_may_call_and_has_no_list_for() -> None:
    with pytest.raises(TypeError, match="get_shop may be called by admin, compliance, finance, operations, viewer"):
        seen_by_role("get_shop", _nothing, {200: Visible(ShopSchema, {PARTNER: ("id",)})})
    for name in ("get_shop", "list_shops", "revoke_key"):
        with pytest.raises(TypeError, match=f"{name} answers ShopSchema without saying who sees what"):
            seen_by_role(name, _nothing, {200: ShopSchema})


def test_what_no_list_is_for_is_not_answered() -> None:
    def handler(_call: Any, **_path: str) -> Answer:
        return Answer({"id": "key-1"}, 201)

    nothing: dict[int, Visible | None] = {204: None}
    for answers in (nothing, {200: KEY}):
        with pytest.raises(TypeError, match="get_key answers 201 with fields, and no list says what admin sees"):
            _seen(seen_by_role("get_key", handler, answers), ADMIN)


def test_every_operation_that_answers_with_json_has_a_list_for_every_role_that_may_call() -> None:
    assert RESOURCES
    answered = {
        name: {int(status) for status, answer in operation["responses"].items() if _json_of(answer) is not None}
        for name, operation in BY_OPERATION.items()
    }
    assert answered.keys() == MAY_CALL.keys()
    assert {name for name, statuses in answered.items() if statuses} - SEEN.keys() == NOT_OURS
    for name, by_status in SEEN.items():
        listed = {status: by_way.keys() for status, by_way in by_status.items() if by_way}
        assert listed.keys() == answered[name], name
        assert all(roles_of(name) <= ways for ways in listed.values()), name


def test_what_a_change_is_compared_with_is_seen_by_whoever_makes_it() -> None:
    for name, state_name in STATES.items():
        for by_way in SEEN[state_name].values():
            assert roles_of(name) & TRAILED_ROLES <= by_way.keys(), name


def test_a_list_names_what_the_description_has_and_all_of_it_is_seen_by_somebody() -> None:
    seen: set[tuple[str, str]] = set()
    for name, by_status in SEEN.items():
        for status, by_way in by_status.items():
            for names in by_way.values():
                seen |= set(_fields_seen(names, _json_of(BY_OPERATION[name]["responses"][str(status)])))
    components = {component for component, _ in seen}
    described = {(component, field) for component in components for field in COMPONENTS[component]["properties"]}
    assert seen == described


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
        pick({"pending": "secret"}, Names(pending=Names(id=None)))
    names = Names(pending=Names(id=None), plan=Names(id=None))
    assert pick({"pending": None, "plan": [{"id": 1, NEW: 2}]}, names) == {"pending": None, "plan": [{"id": 1}]}


def test_what_is_seen_as_a_whole_is_not_copied() -> None:
    names = Names(data=Names(id=None, plan=Names(code=None)), next_cursor=None)
    view = {"data": [{"id": "order-1", "plan": {"code": "two-level"}}], "next_cursor": None}
    assert pick(view, names) is view
    assert pick({**view, NEW: 1}, names) == view


def _nothing(_call: Any, **_path: str) -> Answer:
    return Answer(None, 204)


def _seen(see: Any, role: str) -> Any:
    call = make_dataclass("Asked", ["actor"])(make_dataclass("Somebody", ["role"])(role))
    return see(call).view


def _json_of(answer: Mapping[str, Any]) -> Any:
    """The schema of an answer in JSON; None of one that is no JSON, or a problem."""
    return answer.get("content", {}).get("application/json", {}).get("schema")


def _fields_seen(names: Names, schema: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """By its component each field that a list names; it has to be in one of the shapes that the answer may be."""
    shapes = {component: COMPONENTS[component]["properties"] for component in _shapes_in(schema)}
    for name, inner in names.items():
        fields = {component: fields[name] for component, fields in shapes.items() if name in fields}
        assert fields, (name, shapes.keys())
        yield from ((component, name) for component in fields)
        if inner is not None and depth < DEEPEST:
            yield from _fields_seen(inner, {"anyOf": [*fields.values()]}, depth + 1)


def _shapes_in(schema: Any) -> Iterator[str]:
    """The components that a value of a schema, or an entry of its list, may be."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    yield from _shapes_in(schema["items"]) if "items" in schema else ()
    for kind in ("anyOf", "allOf", "oneOf"):
        for alternative in schema.get(kind, ()):
            yield from _shapes_in(alternative)
