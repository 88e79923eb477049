"""Snapshots of every version become the same columns, each text read once, forgotten ones again."""

from __future__ import annotations

import pytest

from distrib.columns.commissions.chunk import LEADER_ROW, NOBODY, OPENER_ROW
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.services.simulations import snapshot_columns
from distrib.services.simulations.snapshot_columns import SnapshotBook

FULL = Snapshot(
    Person(7, "gold", True, (1,)),
    (Person(5, "member", False), Person(3, "old", True)),
    is_self_purchase=True,
    leader=Person(9, "gold", True),
    opener=Person(4, "member", True),
    max_tiers=2,
)
FIRST_VERSION = b'[[7,"gold",1,[1]],[[5,"member",0],[3,"old",1]],1,[9,"gold",1],[4,"member",1],null,"",1,1,2]'
ALONE = Snapshot(None).to_json().encode()


@pytest.mark.parametrize("text", [FULL.to_json().encode(), FIRST_VERSION])
def test_people_stand_in_their_rows_whatever_version_wrote_them(text: bytes) -> None:
    ranks = {"gold": 0}
    people, is_self_purchase = SnapshotBook(ranks).people([ALONE, text, ALONE])
    assert people.shop_no[:, 1].tolist() == [7, 5, 3, *[NOBODY] * 7, 9, 4]
    assert (people.shop_no[:, 0] == NOBODY).all()
    assert [people.rank[row, 1] for row in (0, 1, 2, LEADER_ROW, OPENER_ROW)] == [
        ranks[rank] for rank in ("gold", "member", "old", "gold", "member")
    ]
    assert [bool(people.is_active[row, 1]) for row in (0, 1, 2)] == [True, False, True]
    assert is_self_purchase.tolist() == [False, True, False]


def test_as_many_as_are_kept_are_forgotten_together_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_columns, "MOST_KEPT", 2_000)
    book = SnapshotBook({})
    texts = [Snapshot(Person(number, "member", True)).to_json().encode() for number in range(1, 5_001)]
    for start in range(0, len(texts), 500):
        part = texts[start : start + 500]
        people, _ = book.people(part)
        assert people.shop_no[0].tolist() == list(range(start + 1, start + 501))
        again, _ = book.people(texts[start : start + 1])
        assert again.shop_no[0].tolist() == [start + 1]
