"""The chain of seals: what it covers, that nothing slips past it, and that it breaks where it was touched."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger import seals
from distrib.services.ledger.seals import seal_content, verify_chain
from distrib.store.ledger import seals as rows
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.processes import wait_until
from tests.world.world import World, chain

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def sealed(world: World) -> World:
    """Two shops, three seals: sales, a refund, and a sale more."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", '店铺"b\\'))
    world.earn(settled("e1", "o1", "a", line(10_000)), settled("e2", "o2", '店铺"b\\', line(5_000, "行 1")))
    assert seal(world) == 2
    world.earn(refunded("r1", "o1", {"1": 4_000}))
    assert seal(world) == 1
    world.earn(settled("e3", "o3", "a", line(700)))
    assert seal(world) == 1
    return world


def seal(world: World) -> int | None:
    """How many transfers a new seal covers; None where there is nothing to seal."""
    with world.container.begin() as conn:
        made = seals.seal_now(Unit(conn, world.program, COMMAND_LINE, NOW))
    return None if made is None else int(made.transfers)


def broken(world: World) -> list[tuple[object, object]]:
    """The seals that do not hold, and why."""
    with world.container.begin() as conn:
        return [(row["seal_no"], row["what"]) for row in verify_chain(conn, world.program).rows]


def test_an_empty_ledger_has_nothing_to_seal(world: World) -> None:
    assert seal(world) is None
    assert broken(world) == []


def test_what_is_sealed_once_is_not_sealed_again(sealed: World) -> None:
    assert seal(sealed) is None
    assert broken(sealed) == []


def test_each_seal_takes_in_the_digest_before_it(sealed: World) -> None:
    with sealed.container.begin() as conn:
        first, second, third = seals.list_seals(conn, sealed.program, None, 10)[0]
    assert (first.previous_digest, first.after_posting) == (None, -1)
    assert (second.previous_digest, third.previous_digest) == (first.digest, second.digest)
    assert (second.after_posting, third.after_posting) == (first.through_posting, second.through_posting)
    assert [row.total_minor for row in (first, second, third)] == [1_500, 400, 70]


def test_a_third_party_works_a_digest_out_from_the_documented_form(sealed: World) -> None:
    with sealed.container.begin() as conn:
        first = seals.find_seal(conn, sealed.program, 1)
        content = b"".join(seal_content(conn, sealed.program, 1))
    assert hashlib.sha256(content).hexdigest() == first.digest
    lines = content.decode().splitlines()
    assert [json.dumps(json.loads(text), ensure_ascii=False) for text in lines] == lines
    head, *transfers, tail = [json.loads(text) for text in lines]
    assert head == ["distrib-seal-1", "test", 1, None, -1, first.through_posting]
    assert tail == [2, 1_500]
    assert [row[3:7] for row in transfers] == [
        ["earned", "expense", "payable:a", 1_000],
        ["earned", "expense", 'payable:店铺"b\\', 500],
    ]
    assert [row[12] for row in transfers] == ["1", "行 1"]
    assert transfers[0][7] == (PAID + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE kind = 'reversed'",
            [(2, "the transfers are not those that were sealed")],
        ),
        (
            "UPDATE transfers SET rule_id = 'other' WHERE amount_minor = 1000",
            [(1, "the transfers are not those that were sealed")],
        ),
        (
            "DELETE FROM transfers WHERE amount_minor = 70",
            [(3, "the transfers are not those that were sealed")],
        ),
        (
            "UPDATE transfers SET posting_no = 1 WHERE amount_minor = 70",
            [(1, "the transfers are not those that were sealed"), (3, "the transfers are not those that were sealed")],
        ),
        (
            "DELETE FROM seals WHERE seal_no = 2",
            [(3, "does not follow the seal before it"), (3, "the transfers are not those that were sealed")],
        ),
        (
            "DELETE FROM seals WHERE seal_no = 1",
            [(2, "does not follow the seal before it"), (2, "the transfers are not those that were sealed")],
        ),
        (
            "UPDATE seals SET digest = sha256('x') WHERE seal_no = 3",
            [(3, "the transfers are not those that were sealed")],
        ),
        ("UPDATE seals SET transfers = 9 WHERE seal_no = 3", [(3, "count or total were changed")]),
        (
            "UPDATE shops SET shop_id = 'c' WHERE shop_id = 'a'",
            [(number, "the transfers are not those that were sealed") for number in (1, 2, 3)],
        ),
    ],
)
def test_the_seal_that_was_touched_is_named(
    sealed: World, owner: Engine, statement: str, expected: list[tuple[int, str]]
) -> None:
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        assert conn.execute(text(statement)).rowcount, statement
    assert broken(sealed) == expected


def test_a_transfer_committed_late_is_in_a_seal_however_low_its_number(sealed: World) -> None:
    """The transaction with the lower number commits after the one with the higher; the seal waits for it."""
    sealed.post(settled("late", "o8", "a", line(300)))
    versions: list[int | None] = []
    with sealed.container.begin() as slow:
        slow.execute(
            text(
                "INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind,"
                " occurred_at, available_at, period)"
                " SELECT program_id, 0, 1, -1, shop_no, 5, 'earned', :at, :at, 202603 FROM shops WHERE shop_id = 'a'"
            ),
            {"at": PAID},
        )
        sealed.drain()
        sealer = threading.Thread(target=lambda: versions.append(seal(sealed)))
        sealer.start()
        wait_until(
            lambda: bool(
                sealed.rows(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 7145228 AND objid = :program"
                )
            ),
            "the sealer has begun",
        )
        assert versions == []
        slow.rollback()
    sealer.join(30)
    assert versions == [1]
    assert broken(sealed) == []


def test_two_who_seal_at_once_make_one_seal(sealed: World) -> None:
    sealed.earn(settled("e4", "o4", "a", line(900)))
    with sealed.container.begin() as first:
        assert rows.lock_chain(first, sealed.program.program_id)
        assert seal(sealed) is None
    assert seal(sealed) == 1


def test_what_is_posted_at_once_has_one_number_and_each_batch_its_own(sealed: World) -> None:
    numbers = sealed.rows("SELECT posting_no, count(*) FROM transfers GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in numbers] == [(1, 2), (2, 1), (3, 1)]


def test_a_day_that_is_over_is_due_and_only_where_there_is_something(world: World) -> None:
    def due(now: datetime) -> list[int]:
        with world.container.begin() as conn:
            return seals.programs_to_seal(conn, now)

    now = world.container.now()
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    assert due(now + timedelta(days=2)) == []
    world.earn(settled("e1", "o1", "a", line(100)))
    assert due(now) == []
    assert due(now + timedelta(days=1)) == [world.program.program_id]
    assert seal(world) == 1
    assert due(now + timedelta(days=1)) == []
