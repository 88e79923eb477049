"""What is done with one shop: state, place, rank, its owner's link, and the look at whom it is paid through."""

from __future__ import annotations

from flask import Blueprint

from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text


def shop_action_pages(blueprint: Blueprint) -> None:
    """Adds what the forms of a shop's card do."""

    @page(blueprint, "/shops/<shop_id>/status", needs="set_status", post=True, entry="shops")
    def set_shop_status(visit: Visit, shop_id: str) -> Done:
        body = {"status": visit.form.get("status", ""), "reason": _typed(visit, "reason")}
        visit.call("set_status", body=body, shop_id=shop_id)
        return _done(visit, shop_id, Text("The state of {shop} was changed.", shop=shop_id))

    @page(blueprint, "/shops/<shop_id>/rank", needs="set_rank", post=True, entry="shops")
    def set_shop_rank(visit: Visit, shop_id: str) -> Done:
        body = {"rank": visit.form.get("rank") or None, "reason": _typed(visit, "reason")}
        visit.call("set_rank", body=body, shop_id=shop_id)
        return _done(visit, shop_id, Text("The rank of {shop} was set.", shop=shop_id))

    @page(blueprint, "/shops/<shop_id>/move", needs="move_shop", post=True, entry="shops")
    def move_shop_page(visit: Visit, shop_id: str) -> Done:
        if _typed(visit, "typed") != shop_id:
            raise Refusal("invalid", [Problem("typed", Text("type the shop's id {id} to move it", id=shop_id))])
        body = {"sponsor_id": _typed(visit, "sponsor_id") or None, "reason": _typed(visit, "reason")}
        visit.call("move_shop", body=body, shop_id=shop_id)
        return _done(visit, shop_id, Text("{shop} was moved with all below it.", shop=shop_id))

    @page(blueprint, "/shops/<shop_id>/payee", needs="get_payee", post=True, entry="shops")
    def show_payee(visit: Visit, shop_id: str) -> HtmlPage:
        return HtmlPage("console/payee_part.html", {"payee": visit.call("get_payee", shop_id=shop_id)})

    @page(blueprint, "/shops/<shop_id>/link", needs="create_shop_session", post=True, entry="shops")
    def make_owner_link(visit: Visit, shop_id: str) -> HtmlPage:
        return HtmlPage("console/owner_link_part.html", {"link": visit.call("create_shop_session", shop_id=shop_id)})


def _typed(visit: Visit, name: str) -> str:
    return visit.form.get(name, "").strip()


def _done(visit: Visit, shop_id: str, words: Text) -> Done:
    return Done(visit.url("shop", shop_id=shop_id), words)
