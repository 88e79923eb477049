"""A rank set by hand and a promotion that is decided beside it know of each other."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, text

from distrib.services.context import SERVICE, Unit
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.ranks.promotion import decide_promotions
from distrib.store.locks import PROMOTIONS
from tests.world.documents import SELLER_TEN_PERCENT
from tests.world.processes import wait_until
from tests.world.world import NOW, World

PLAN: dict[str, Any] = SELLER_TEN_PERCENT | {
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "direct_recruits", "at_least": 2}},
        {"code": "top", "promote": {"metric": "personal_sales_minor", "window": "ever", "at_least": 1}},
    ],
}
_FIGURES_WAIT = text("SELECT count(*) FROM pg_locks WHERE relation = CAST('settlements' AS regclass) AND NOT granted")
_HAND_WAITS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock AND NOT granted")


def decide(world: World) -> None:
    """Decides what is signalled, in a transaction of its own."""
    with world.container.begin() as conn:
        terms = TermsBook(world.program, load_timeline(conn, world.program), world.policies)
        assert decide_promotions(Unit(conn, world.program, SERVICE, world.now()), terms, None)


def test_a_floor_set_while_a_promotion_is_decided_does_not_hide_the_rank_that_was_earned(
    world: World, owner: Engine
) -> None:
    world.publish(PLAN)
    world.join(("a", None), ("b", "a"), ("c", "a"))

    def waits_or_is_through(by_hand: Future[Any]) -> bool:
        return by_hand.done() or bool(holder.execute(_HAND_WAITS, {"lock": PROMOTIONS}).scalar_one())

    with ThreadPoolExecutor(2) as pool:
        with owner.begin() as holder:
            holder.execute(text("LOCK TABLE settlements IN ACCESS EXCLUSIVE MODE"))
            promotion = pool.submit(decide, world)
            wait_until(lambda: bool(holder.execute(_FIGURES_WAIT).scalar_one()), "ranks are read, figures are not yet")
            by_hand = pool.submit(world.set_rank, "a", "member", NOW)
            wait_until(lambda: waits_or_is_through(by_hand), "the rank by hand waits, or is set")
        promotion.result()
        by_hand.result()
    newest = world.rows(
        "SELECT r.rank FROM shop_ranks r JOIN shops s USING (program_id, shop_no) WHERE s.shop_id = 'a'"
        " ORDER BY r.effective_at DESC, r.seq DESC LIMIT 1"
    )
    assert [row.rank for row in newest] == ["owner"]
