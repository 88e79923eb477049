"""A shop's transfers are found through one index entry an order, and are all there whatever else befell the order."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

UPLINE_TOO = {
    **SELLER_TEN_PERCENT,
    "code": "upline-too",
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
_COLUMNS = (
    "cause_no, seq, debit_account, credit_account, amount_minor, kind, event_no, tier, base_minor, rate_ppm,"
    " version_no, occurred_at, available_at, period, belongs_to_period, reverses_seq, line_id, rule_id, posting_no"
)
_BY_SHOP = f"""
SELECT s.shop_no, t.* FROM shops s CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM {{transfers}} x WHERE x.program_id = s.program_id AND x.shop_no = s.shop_no) t
WHERE s.program_id = :program ORDER BY s.shop_no, t.cause_no, t.seq
"""


@pytest.fixture
def sold(world: World) -> World:
    """Two orders of two lines; part of the first was given back."""
    world.publish(UPLINE_TOO)
    world.join(*chain("a", "b", "c"))
    world.earn(settled("e1", "o1", "b", line(10_000), line(5_000, "2")), settled("e2", "o2", "c", line(900)))
    world.earn(refunded("r1", "o1", {"1": 4_000}))
    return world


def test_of_what_an_order_earned_a_shop_one_transfer_has_an_entry(sold: World) -> None:
    rows = sold.rows(
        "SELECT o.order_id, s.shop_id, t.kind::text, count(*) AS transfers, count(t.is_first_of_shop) AS entries,"
        " min(t.seq) = min(t.seq) FILTER (WHERE t.is_first_of_shop) AS is_the_first FROM transfers t"
        " JOIN shops s USING (program_id, shop_no)"
        " JOIN orders o ON (o.program_id, o.order_no) = (t.program_id, t.cause_no)"
        " WHERE t.program_id = :program GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    assert [tuple(row) for row in rows] == [
        ("o1", "a", "earned", 2, 1, True),
        ("o1", "a", "reversed", 1, 1, True),
        ("o1", "b", "earned", 2, 1, True),
        ("o1", "b", "reversed", 1, 1, True),
        ("o2", "b", "earned", 1, 1, True),
        ("o2", "c", "earned", 1, 1, True),
    ]


def test_asked_for_by_shop_they_are_all_there_and_each_once(sold: World) -> None:
    by_shop = sold.rows(_BY_SHOP.format(transfers="shop_transfers"))
    assert by_shop == sold.rows(_BY_SHOP.format(transfers="transfers"))
    assert len(by_shop) == 8


@pytest.mark.tampers
def test_orders_posted_before_every_transfer_had_an_entry_are_found_as_well(sold: World) -> None:
    with sold.container.begin() as conn:
        conn.execute(text("RESET ROLE"))
        conn.execute(text("ALTER TABLE transfers DISABLE TRIGGER only_grows"))
        conn.execute(text("UPDATE transfers SET is_first_of_shop = true"))
    assert sold.rows(_BY_SHOP.format(transfers="shop_transfers")) == sold.rows(_BY_SHOP.format(transfers="transfers"))


@pytest.mark.parametrize(("mark", "kind"), [("NULL", "pool"), ("false", "earned")])
def test_no_transfer_can_be_posted_that_would_not_be_found(sold: World, mark: str, kind: str) -> None:
    with pytest.raises(IntegrityError, match="transfers_check"), sold.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind,"
                f" occurred_at, available_at, period, is_first_of_shop) SELECT :program, 999999, 1, -1, 1, 1, '{kind}',"
                f" now(), now(), 203001, {mark}"
            ),
            {"program": sold.program.program_id},
        )
