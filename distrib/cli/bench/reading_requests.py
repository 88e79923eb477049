"""Every GET that the description of the service knows, with each of its filters alone and any two of them together.

Made from the OpenAPI document itself: a new GET or filter is asked for with the next run, and one whose values nobody
has given stops the bench by name. What reads whole files stands in a list with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any
from urllib.parse import urlencode

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.platform_world.shape import PlatformWorld, shop_id
from distrib.domain.texts import Text

PAGING = ("limit", "cursor")
LIMIT = 100
WHOLE_FILES = {
    "/v1/statements/{period}/export": "a file of the whole month, streamed: bench export",
    "/v1/statements/{period}/export/manifest": "digests of the month's files, which are read whole while it is open",
    "/v1/ledger/seals/{seal_no}/content": "every transfer of a seal, streamed",
    "/v1/payouts/{payout_id}/export": "the channel's file of a whole batch",
    "/v1/payouts/reports/platform": "a report on all payees of a quarter",
    "/v1/payouts/reports/us-1099": "a report on all payees of a year",
    "/v1/shops/{shop_id}/poster.png": "a picture, whose texts and article belong together",
    "/v1/trail/export": "a month of the trail, streamed",
    "/v1/compliance/report": "the structure of the whole tree, worked out anew",
    "/v1/program/retention": "a month by month figure of all shops",
}
"""What reads everything by its nature, and why."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """One request: its path with values, and its query but for the page."""

    name: str
    path: str
    query: Mapping[str, str]
    is_list: bool

    def url(self, cursor: str | None = None) -> str:
        """The address to ask for, of the first page or of the one after ``cursor``."""
        query = dict(self.query)
        if self.is_list:
            query["limit"] = str(LIMIT)
        if cursor is not None:
            query["cursor"] = cursor
        return self.path + (f"?{urlencode(query)}" if query else "")


def values_of(world: PlatformWorld) -> dict[str, tuple[str, ...]]:
    """What stands for each parameter, by its name: of the large shop and of a common one where both can be."""
    middle = world.orders // 2 // 50 * 50 + 7
    large, common = shop_id(world.largest_shop), shop_id(world.seller(middle))
    order = f"o-{middle:08d}"
    nothing = ("none-there",)
    return {
        "shop_id": (large, common),
        "order_id": (order,),
        "event_id": (f"evt-{middle:08d}",),
        "customer_id": (f"c-{world.customers // 2:08d}",),
        "code": ("bench",),
        "version": ("1",),
        "period": ("2024-02", "2024-03"),
        "account": (f"payable:{large}", "expense", "clearing"),
        "cause": (f"order:{order}",),
        "from": ("2024-02-10T08:00:00Z",),
        "to": ("2024-02-11T08:00:00Z",),
        "since": ("2024-02-10T08:00:00Z",),
        "as_of": ("2024-02-10T08:00:00Z",),
        "levels": ("2", "9"),
        "q": (common, "shop", "no-shop"),
        "rank": ("member", "no-rank"),
        "level": ("1", "4"),
        "month": ("2026-11",),
        "evaluation": ("2024-03",),
        "days": ("30", "180"),
        "root": (shop_id(1), shop_id(world.roots)),
        "joined_from": ("2024-01-01T00:00:00Z",),
        "joined_to": ("2024-01-10T00:00:00Z",),
        "scale": ("4",),
        "most": ("50", "2000"),
        "min_minor": ("1",),
        "seal_no": ("1",),
        "case_no": ("1",),
        "id": nothing,
        **{
            f"{noun}_id": nothing
            for noun in (
                "key",
                "adjustment",
                "payout",
                "withdrawal",
                "webhook",
                "delivery",
                "penalty",
                "commission",
                "question",
                "task",
                "simulation",
            )
        },
        "rule": ("seller", "no-rule"),
        "reason": ("order_cap",),
        "candidate": ("1",),
        "actor": ("cli",),
        "operation": ("put_payee",),
        "subject": (large,),
        "organiser_id": nothing,
    }


def requests_of(description: Mapping[str, Any], world: PlatformWorld) -> Iterator[PageRead]:
    """Yields every request of the description on a program of that shape.

    Raises:
        BenchFailed: a parameter of whose values nothing is known, by name.
    """
    values = values_of(world)
    for path, operations in description["paths"].items():
        if "get" not in operations or path in WHOLE_FILES:
            continue
        given = [*operations.get("parameters", ()), *operations["get"].get("parameters", ())]
        places = {parameter["name"]: parameter for parameter in given if parameter["in"] == "path"}
        filters = {parameter["name"]: parameter for parameter in given if parameter["in"] == "query"}
        is_list = "cursor" in filters
        options = {name: _options(path, filters[name], values) for name in filters if name not in PAGING}
        required = [name for name in options if filters[name].get("required")]
        for chosen in product(*(_options(path, parameter, values) for parameter in places.values())):
            filled = path.format(**dict(zip(places, chosen, strict=True)))
            for query in _queries(options, required):
                words = " ".join(f"{name}={value}" for name, value in query.items())
                yield PageRead(f"{filled} {words}".strip(), filled, query, is_list)


def _queries(options: Mapping[str, tuple[str, ...]], required: list[str]) -> Iterator[dict[str, str]]:
    """No filter, each alone, and any two together, with all of their values; always with what is required."""
    optional = [name for name in options if name not in required]
    for count in range(3):
        for names in combinations(optional, count):
            asked = [*required, *names]
            for chosen in product(*(options[name] for name in asked)):
                yield dict(zip(asked, chosen, strict=True))


def _options(path: str, parameter: Mapping[str, Any], values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    listed = parameter.get("schema", {}).get("enum")
    if listed:
        return tuple(str(value) for value in listed if value is not None)
    if parameter["name"] not in values:
        raise BenchFailed(Text("No value is known for {name} of GET {path}", name=parameter["name"], path=path))
    return values[parameter["name"]]
