"""The network: an outline that opens branch by branch, the picture of a subtree, and how deep and large its tree is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from flask import Blueprint, Response, json

from distrib.console.cells import SHOP_STATES, state_badge
from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.pages.ladder import rank_codes
from distrib.console.shop_choice import ShopChoice, shop_meant
from distrib.console.site import current_site
from distrib.domain.errors import Refusal
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.policies.monitors import TREE
from distrib.domain.policies.policy import Policy
from distrib.domain.texts import Text
from distrib.services.policies import pack_on

BRANCH: Final = 200
"""Shops of a branch that are listed at once."""
_PERSONS, _AT_LEAST = "persons", "at_least"


class Measure(NamedTuple):
    """How large a tree is beside what the policy pack says of it, in words, with the tone of them."""

    name: str
    figure: str
    words: str
    tone: str
    mark: str


class Opened(NamedTuple):
    """A shop of the chain that is open in the outline, the one inside which the next stands."""

    shop: Mapping[str, Any]
    is_chosen: bool


def network_pages(blueprint: Blueprint) -> None:
    """Adds the outline, its branches and what the picture is drawn of."""

    @page(blueprint, "/network", needs="list_downline")
    def network(visit: Visit) -> HtmlPage:
        typed = visit.query.get("shop", "").strip()
        choice = shop_meant(visit, typed, {}) if typed else ShopChoice("")
        outline = _outline(visit, "" if choice.fits else choice.shop_id)
        return HtmlPage(
            "console/network.html",
            {**outline, "asked": typed, "fits": choice.fits, "has_more": choice.has_more},
        )

    @page(blueprint, "/network/roots", needs="list_downline", entry="network")
    def network_roots(visit: Visit) -> HtmlPage:
        return HtmlPage("console/branch_part.html", {"branch": _roots(visit)})

    @page(blueprint, "/network/<shop_id>/branch", needs="list_downline", entry="network")
    def network_branch(visit: Visit, shop_id: str) -> HtmlPage:
        return HtmlPage("console/branch_part.html", {"branch": _branch(visit, shop_id)})

    @page(blueprint, "/network/<shop_id>/summary", needs="list_downline", entry="network")
    def network_summary(visit: Visit, shop_id: str) -> HtmlPage:
        shop = visit.call("get_shop", shop_id=shop_id)
        balance = visit.call("get_balance", shop_id=shop_id)
        return HtmlPage(
            "console/shop_summary_part.html", {"shop": shop, "balance": balance, "state": _state(visit, shop)}
        )

    @page(blueprint, "/network/<shop_id>/tree", needs="get_tree", entry="network")
    def network_tree(visit: Visit, shop_id: str) -> Response:
        tree = visit.call("get_tree", shop_id=shop_id)
        answer = Response(json.dumps(_drawn(visit, tree)), content_type="application/json")
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


def _outline(visit: Visit, shop_id: str) -> dict[str, Any]:
    """The outline open as far as the chosen shop; with none chosen, the roots and the picture of the first."""
    policy = _policy(visit)
    if not shop_id:
        roots = _roots(visit)
        first = roots["shops"][0]["id"] if roots["shops"] else ""
        values: dict[str, Any] = {"opened": [], "branch": roots, "missing": False, "chosen": first, "root": first}
        return {**values, **_about(visit, policy, first)}
    try:
        shop = visit.call("get_shop", shop_id=shop_id)
    except Refusal as refusal:
        if refusal.code != ShopUnknown.code:
            raise
        return {**_outline(visit, ""), "missing": True}
    above = list(reversed(visit.call("list_upline", query={"limit": "500"}, shop_id=shop_id)["data"]))
    opened = [Opened(entry, False) for entry in above] + [Opened(shop, True)]
    root = opened[0].shop["id"]
    values = {"opened": opened, "branch": _branch(visit, shop_id), "missing": False, "chosen": shop_id, "root": root}
    return {**values, **_about(visit, policy, root)}


def _about(visit: Visit, policy: Policy, root: str) -> dict[str, Any]:
    return {
        "measures": _measures(visit, policy, root) if root else [],
        "legend": [{"code": code, "letter": letter} for code, letter in _letters(rank_codes(visit)).items()],
        "cap": policy.max_tree_levels or 0,
    }


def _roots(visit: Visit) -> dict[str, Any]:
    query = {"level": "1", "limit": str(BRANCH), "cursor": visit.query.get("cursor", ""), "sort": "joined"}
    answer = visit.call("list_shops", query=query)
    follows = answer["next_cursor"]
    return {"shops": answer["data"], "next": visit.url("network_roots", cursor=follows) if follows else ""}


def _branch(visit: Visit, shop_id: str) -> dict[str, Any]:
    query = {"levels": "1", "limit": str(BRANCH), "cursor": visit.query.get("cursor", "")}
    answer = visit.call("list_downline", query=query, shop_id=shop_id)
    follows = answer["next_cursor"]
    address = visit.url("network_branch", shop_id=shop_id, cursor=follows) if follows else ""
    return {"shops": answer["data"], "next": address}


def _policy(visit: Visit) -> Policy:
    program = visit.desk.program
    return pack_on(current_site().policies, program.policy, program.day_of(visit.desk.now))


def _measures(visit: Visit, policy: Policy, root: str) -> Sequence[Measure]:
    """Depth and size of the whole tree of a root: counted by the list of shops, which holds at any size."""
    answer = visit.call("list_shops", query={"root": root, "limit": "1"})
    return [_depth(visit, policy.max_tree_levels, root), _size(visit, policy, answer)]


def _depth(visit: Visit, cap: int | None, root: str) -> Measure:
    name = visit.say(Text("Depth"))
    if cap is None:
        return Measure(name, "", visit.say(Text("the policy pack bounds no depth")), "", "")
    answer = visit.call("list_shops", query={"root": root, "level": str(cap + 1), "limit": "1"})
    if not answer["count"]:
        words = Text("within the {cap} levels of the policy pack", cap=cap)
        return Measure(name, "", visit.say(words), "green", "check")
    count = visit.reader.number(answer["count"])
    words = Text(
        "deeper than the {cap} levels of the policy pack: {count} at level {level}", cap=cap, count=count, level=cap + 1
    )
    return Measure(name, "", visit.say(words), "red", "alert-triangle")


def _size(visit: Visit, policy: Policy, answer: Mapping[str, Any]) -> Measure:
    """How many shops, and the highest number that the pack watches for and the tree reaches."""
    count: int = answer["count"]
    figure = visit.reader.number(count)
    if answer["count_is_estimate"]:
        figure = visit.say(Text("about {count}", count=figure))
    figure, name = visit.say(Text("{count} shops", count=figure)), visit.say(Text("Size"))
    watched = sorted(
        bound.figure
        for monitor in policy.monitors
        if monitor.scope == TREE
        for bound in monitor.bounds
        if bound.measure == _PERSONS and bound.kind == _AT_LEAST
    )
    reached = [number for number in watched if number <= count]
    if not watched:
        return Measure(name, figure, visit.say(Text("the policy pack watches no size")), "", "")
    if not reached:
        words = Text("below the {number} that the policy pack watches for", number=visit.reader.number(watched[0]))
        return Measure(name, figure, visit.say(words), "green", "check")
    words = Text("has reached the {number} that the policy pack watches for", number=visit.reader.number(reached[-1]))
    return Measure(name, figure, visit.say(words), "amber", "alert-triangle")


def _drawn(visit: Visit, tree: Mapping[str, Any]) -> dict[str, Any]:
    """What the picture is drawn of: shops by place of their sponsor in the list, the top first."""
    letters = _letters(rank_codes(visit))
    places = {tree["top"]["id"]: 0} | {row["id"]: place for place, row in enumerate(tree["data"], start=1)}
    shops = [_node(letters, tree["top"], -1)]
    shops += [_node(letters, row, places[row["sponsor_id"]]) for row in tree["data"]]
    shown = visit.reader.number(len(shops))
    words = Text("{count} shops", count=shown)
    if tree["is_cut"]:
        words = Text("the nearest {count} shops; there are more", count=shown)
    return {
        "shops": shops,
        "is_cut": tree["is_cut"],
        "cap": _policy(visit).max_tree_levels or 0,
        "words": visit.say(words),
    }


def _node(letters: Mapping[str, str], row: Mapping[str, Any], sponsor: int) -> dict[str, Any]:
    rank = row["rank"]
    return {
        "id": row["id"],
        "name": row["name"] or "",
        "sponsor": sponsor,
        "level": row["level"],
        "rank": list(letters).index(rank) if rank in letters else -1,
        "letter": letters.get(rank, ""),
        "is_active": row["status"] == "active",
        "recruits": row["direct_recruits"],
    }


def _letters(codes: Sequence[str]) -> dict[str, str]:
    """A letter for each rank: the first of its code that no lower rank has.

    >>> _letters(["member", "owner", "manager", "m"])
    {'member': 'M', 'owner': 'O', 'manager': 'A', 'm': 'M'}
    """
    letters: dict[str, str] = {}
    for code in codes:
        free = (letter for letter in code.upper() if letter.isalnum() and letter not in letters.values())
        letters[code] = next(free, code[0].upper())
    return letters


def _state(visit: Visit, shop: Mapping[str, Any]) -> Any:
    return state_badge(SHOP_STATES, shop["status"], visit.reader.language)
