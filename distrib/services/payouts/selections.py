"""What a batch is of: all that is available, chosen shops, parts of balances, or withdrawals. No SQL may enter.

A selection names its shops; those that cannot be paid are refused by name. Parts of balances are a demand: where one
cannot be met, the whole batch is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.payouts.refusals import ExceedsAvailable, NothingAvailable, WithdrawalDecided, WithdrawalUnknown
from distrib.domain.payouts.withdrawals import APPROVED
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.store.network import shops as shop_rows
from distrib.store.payouts import candidates as rows
from distrib.store.payouts import withdrawals as withdrawal_rows
from distrib.store.payouts.batches import RefusedShop
from distrib.store.payouts.candidates import Candidate
from distrib.store.payouts.withdrawals import WithdrawalRow

ALL, SHOPS, AMOUNTS, WITHDRAWALS, CLOSING = "all", "shops", "amounts", "withdrawals", "closing"
SELECTIONS = (ALL, SHOPS, AMOUNTS, WITHDRAWALS, CLOSING)
SHOPS_CHUNK = 2_000
MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which shops a batch is of, and how much of each.

    Args:
        name: one of ``SELECTIONS``.
        numbers: the shops' numbers by id; None for every shop with money.
        amounts: by id how much, where it is not everything available.
        fees: by id what the shop bears.
        withdrawals: what the lines pay, where that is withdrawals.
    """

    name: str = ALL
    numbers: Mapping[str, int] | None = None
    amounts: Mapping[str, int] = field(default_factory=dict)
    fees: Mapping[str, int] = field(default_factory=dict)
    withdrawals: Sequence[WithdrawalRow] = ()

    def candidates(
        self, conn: Connection, program_id: int, up_to: datetime, now: datetime
    ) -> Iterator[list[Candidate]]:
        """Yields the selected shops that have money, by id, in chunks."""
        if self.numbers is None:
            yield from rows.candidates(conn, program_id, up_to, now, SHOPS_CHUNK)
        elif self.numbers:
            yield rows.candidates_of_shops(conn, program_id, list(self.numbers.values()), up_to, now)

    def without_money(self, seen: Iterable[int]) -> list[RefusedShop]:
        """The named shops that have no money, as refusals, given the numbers of those that have."""
        missing = set((self.numbers or {}).values()) - set(seen)
        return [RefusedShop(shop_no, NothingAvailable.code, 0) for shop_no in sorted(missing)]


def select(
    conn: Connection,
    program: Program,
    shop_ids: Sequence[str] | None,
    amounts: Mapping[str, int] | None,
    withdrawals: Sequence[str] | None,
) -> Selection:
    """Resolves what a batch is asked to be of; with nothing named, of everything.

    Args:
        conn: the unit of work, with the program's payouts locked where withdrawals are named.
        program: whose shops.
        shop_ids: the shops, each with all that is available.
        amounts: by shop how much of its balance; with ``shop_ids``, of some of those.
        withdrawals: approved withdrawals that no batch pays yet.

    Raises:
        Refusal: ``invalid`` with everything that is wrong.
    """
    problems = list(_shape_problems(shop_ids, amounts, withdrawals))
    if problems:
        raise Refusal("invalid", problems)
    if withdrawals is not None:
        return _of_withdrawals(conn, program, withdrawals)
    if shop_ids is None and amounts is None:
        return Selection()
    named = list(shop_ids if shop_ids is not None else amounts or ())
    known = shop_rows.by_ids(conn, program.program_id, named)
    for place, shop_id in enumerate(named):
        if shop_id not in known:
            pointer = _amount_of(shop_id) if shop_ids is None else f"/shop_ids/{place}"
            problems.append(Problem(pointer, ShopUnknown(id=shop_id).text))
    if problems:
        raise Refusal("invalid", problems)
    numbers = {shop_id: known[shop_id].shop_no for shop_id in named}
    return Selection(SHOPS if amounts is None else AMOUNTS, numbers, amounts or {})


def unmet(selection: Selection, refused: Sequence[RefusedShop]) -> Refusal | None:
    """Builds the refusal of a batch whose amounts cannot all be met, each by name; None where they can."""
    ids = {number: shop_id for shop_id, number in (selection.numbers or {}).items()}
    problems, codes, available_minor = [], set(), 0
    for row in refused:
        shop_id = ids.get(row.shop_no)
        if selection.name == AMOUNTS and shop_id is not None and shop_id in selection.amounts:
            code = ExceedsAvailable.code if row.code == NothingAvailable.code else row.code
            codes.add(code)
            available_minor += row.amount_minor
            words = Refusal(code, id=shop_id, available_minor=row.amount_minor).text
            problems.append(Problem(_amount_of(shop_id), words))
    if not problems:
        return None
    if codes == {ExceedsAvailable.code}:
        return ExceedsAvailable(available_minor=available_minor).listing(problems)
    return Refusal("invalid", problems)


def _amount_of(shop_id: str) -> str:
    """The pointer of a shop's amount, escaped as RFC 6901 says; an id has no ``/``."""
    return f"/amounts/{shop_id.replace('~', '~0')}"


def _shape_problems(
    shop_ids: Sequence[str] | None, amounts: Mapping[str, int] | None, withdrawals: Sequence[str] | None
) -> Iterator[Problem]:
    """Yields what is wrong with the selection by itself: empty, named twice, or what does not go together."""
    for pointer, named in (("/shop_ids", shop_ids), ("/amounts", amounts), ("/withdrawals", withdrawals)):
        if named is not None and not 1 <= len(named) <= MOST_NAMED:
            yield Problem(pointer, Text("must name 1 to {most}", most=MOST_NAMED))
    for pointer, listed in (("/shop_ids", shop_ids), ("/withdrawals", withdrawals)):
        seen = set[str]()
        for place, identifier in enumerate(listed or ()):
            if identifier in seen:
                yield Problem(f"{pointer}/{place}", Text("is named twice"))
            seen.add(identifier)
    chosen = None if shop_ids is None else set(shop_ids)
    for shop_id in amounts or ():
        if chosen is not None and shop_id not in chosen:
            yield Problem(_amount_of(shop_id), Text("is not among the shop_ids"))
    if withdrawals is not None and (shop_ids is not None or amounts is not None):
        yield Problem("/withdrawals", Text("goes without shop_ids and amounts: a withdrawal names both"))


def _of_withdrawals(conn: Connection, program: Program, withdrawals: Sequence[str]) -> Selection:
    """Resolves approved withdrawals to their shops; several of one shop are one line."""
    known = {row.withdrawal_id: row for row in withdrawal_rows.of_ids(conn, program.program_id, withdrawals)}
    problems = []
    for place, withdrawal_id in enumerate(withdrawals):
        row, words = known.get(withdrawal_id), None
        if row is None:
            words = WithdrawalUnknown(id=withdrawal_id).text
        elif row.state != APPROVED:
            words = WithdrawalDecided(id=withdrawal_id, state=row.state).text
        if words is not None:
            problems.append(Problem(f"/withdrawals/{place}", words))
    if problems:
        raise Refusal("invalid", problems)
    amounts: Counter[str] = Counter()
    fees: Counter[str] = Counter()
    for row in known.values():
        amounts[row.shop_id] += row.amount_minor
        fees[row.shop_id] += row.fee_minor
    numbers = {row.shop_id: row.shop_no for row in known.values()}
    return Selection(WITHDRAWALS, numbers, amounts, fees, list(known.values()))
