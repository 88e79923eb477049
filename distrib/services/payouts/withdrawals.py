"""Withdrawals (提现): a shop asks for its money, a person approves or refuses, a batch pays it. No SQL may enter.

Asking reserves nothing: an amount has to be there less what else the shop asked for, and is looked at again when it is
approved and when a batch takes it. From the batch on a withdrawal goes the way of its line. The fee is posted when the
line is paid, out of the line's own amount, so that a line that fails has cost the shop nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.ledger import EXPENSE
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.payouts.refusals import (
    ExceedsAvailable,
    PayeeMissing,
    ShopClosed,
    ShopFrozen,
    WithdrawalDecided,
    WithdrawalsOff,
    WithdrawalUnknown,
)
from distrib.domain.payouts.results import PAID, RETURNED
from distrib.domain.payouts.withdrawals import (
    APPROVED,
    CANCELLED,
    REFUSED,
    REQUESTED,
    WithdrawalRules,
    withdrawal_misfits,
)
from distrib.domain.refusals import IdConflict
from distrib.services.context import Actor, Program, Unit, period_bounds
from distrib.services.idempotency import digest_of
from distrib.services.payouts.batches import posting_time
from distrib.services.payouts.withdrawal_messages import WithdrawalView, tell_withdrawals, withdrawal_view
from distrib.services.programs.persons import check_second_person
from distrib.store.ledger import postings
from distrib.store.ledger.postings import Entry
from distrib.store.network import shops
from distrib.store.network.shops import KnownShop
from distrib.store.payouts import batches, candidates, payee_versions
from distrib.store.payouts import withdrawals as rows
from distrib.store.payouts.candidates import Candidate
from distrib.store.payouts.withdrawals import DecidedWithdrawal, NewWithdrawal, ShopWithdrawals, WithdrawalRow
from distrib.store.recorded import Part

_FEE_SEQ, _FEE_BACK_SEQ = 1, 2
"""The numbers of a fee's transfer and of the one that gives it back: the ledger's key refuses either twice."""


@dataclass(frozen=True, slots=True)
class WithdrawalDraft:
    """A withdrawal as it is asked for; ``amount_minor`` has the fee in it."""

    id: str
    shop_id: str
    amount_minor: int


def request_withdrawal(unit: Unit, draft: WithdrawalDraft) -> tuple[WithdrawalView, bool]:
    """Records what a shop asks for, under the program's rules of today; answers it, and whether it is new.

    The same asked again answers as it stands.

    Raises:
        Refusal: ``id_conflict``, ``withdrawals_off``, ``shop_unknown``, ``shop_frozen``, ``shop_closed``,
            ``payee_missing``, a code of ``withdrawal_misfits``, or ``invalid`` with several of them.
    """
    shop = shops.lock(unit.conn, unit.program_id, draft.shop_id) if is_identifier(draft.shop_id) else None
    if shop is None:
        raise ShopUnknown(id=draft.shop_id)
    digest = digest_of({"shop": draft.shop_id, "amount": draft.amount_minor})
    known = _known(unit.conn, unit.program, draft.id)
    if known is not None:
        if known.digest != digest:
            raise IdConflict(id=draft.id)
        return withdrawal_view(unit.program, known), False
    rules = unit.program.withdrawals
    if rules is None:
        raise WithdrawalsOff()
    _check(unit, rules, shop, draft.amount_minor)
    asked = NewWithdrawal(draft.id, digest, shop.shop_no, draft.amount_minor, rules.fee_minor)
    if not rows.insert_withdrawal(unit.conn, unit.program_id, asked, unit.recorded):
        raise IdConflict(id=draft.id)
    row = _find(unit.conn, unit.program, draft.id)
    tell_withdrawals(unit.conn, unit.program, [row], unit.now)
    return withdrawal_view(unit.program, row), True


def approve_withdrawal(unit: Unit, withdrawal_id: str) -> WithdrawalView:
    """Approves a withdrawal, so that a batch may take it; approved again it stays as it stands.

    Raises:
        Refusal: ``withdrawal_unknown``, what ``check_second_person`` raises, ``withdrawal_decided`` where it was
            refused or cancelled, ``shop_frozen``, ``shop_closed``, ``payee_missing``, or ``exceeds_available`` where
            the money is no longer there.
    """
    row = _locked(unit.conn, unit.program, withdrawal_id)
    check_second_person(unit, row.requested_by, is_decided=row.state != REQUESTED)
    if row.state in (REFUSED, CANCELLED):
        raise WithdrawalDecided(id=withdrawal_id, state=row.state)
    if row.state == REQUESTED:
        as_of, _ = posting_time(unit)
        candidate = _payable(unit.as_of(as_of), row.shop_no, row.shop_id)
        available = _amount_of(candidate) - _so_far(unit, row.shop_no).approved_minor
        if row.amount_minor > available:
            raise ExceedsAvailable(available_minor=max(0, available))
        decided = DecidedWithdrawal(row.withdrawal_no, APPROVED, None)
        rows.insert_decision(unit.conn, unit.program_id, decided, unit.recorded)
        tell_withdrawals(unit.conn, unit.program, [_find(unit.conn, unit.program, withdrawal_id)], unit.now)
    return withdrawal_view(unit.program, _find(unit.conn, unit.program, withdrawal_id))


def refuse_withdrawal(unit: Unit, withdrawal_id: str, reason: str) -> WithdrawalView:
    """Refuses a withdrawal with a reason that the shop reads, approved or not, as long as no batch pays it.

    Raises:
        Refusal: ``withdrawal_unknown``, or ``withdrawal_decided`` where it ended otherwise or a batch pays it.
    """
    return _end(unit, withdrawal_id, REFUSED, reason)


def cancel_withdrawal(unit: Unit, withdrawal_id: str) -> WithdrawalView:
    """Takes a withdrawal back before a batch pays it: by the shop that asked, or for it.

    Raises:
        Refusal: ``withdrawal_unknown``, also for another shop's key, or ``withdrawal_decided``.
    """
    _own(_find(unit.conn, unit.program, withdrawal_id), unit.actor)
    return _end(unit, withdrawal_id, CANCELLED, None)


def get_withdrawal(unit: Unit, withdrawal_id: str) -> WithdrawalView:
    """Reads one withdrawal by id; raises ``withdrawal_unknown``, also for another shop's key."""
    row = _find(unit.conn, unit.program, withdrawal_id)
    _own(row, unit.actor)
    return withdrawal_view(unit.program, row)


def list_withdrawals(
    unit: Unit, shop_id: str | None, state: str | None, before: int | None, limit: int
) -> tuple[list[WithdrawalView], int | None]:
    """Lists withdrawals, the newest first, and before what number the next page begins."""
    listed = rows.list_withdrawals(unit.conn, unit.program_id, shop_id, state, Part(before or 2**62, limit + 1))
    page = listed[:limit]
    return [withdrawal_view(unit.program, row) for row in page], page[-1].withdrawal_no if len(listed) > limit else None


class SettledLine(NamedTuple):
    """What was said of a shop's line, paid, failed or returned, and when it counts."""

    shop_no: int
    status: str
    occurred_at: datetime


def settle_withdrawals(
    conn: Connection, program: Program, payout_no: int, lines: Sequence[SettledLine], recorded_at: datetime
) -> None:
    """Posts the fees of the withdrawals that lines paid, gives back those of lines that came back, and tells of all.

    A fee counts on the day of its payment, what is given back of it on that of the return.
    """
    of_shop = {line.shop_no: line for line in lines}
    settled = rows.of_lines(conn, program.program_id, payout_no, list(of_shop))
    with_fee = [(row, of_shop[row.shop_no]) for row in settled if row.fee_minor]
    entries = [_fee_entry(program, row, line) for row, line in with_fee if line.status in (PAID, RETURNED)]
    postings.post_entries(conn, program.program_id, entries)
    rows.end_withdrawals(conn, program.program_id, [row.withdrawal_no for row in settled])
    tell_withdrawals(conn, program, settled, recorded_at)


def _fee_entry(program: Program, row: WithdrawalRow, line: SettledLine) -> Entry:
    """The transfer of a withdrawal's fee: from the shop where its line was paid, back to it where that came back."""
    is_back = line.status == RETURNED
    debit, credit = (EXPENSE, row.shop_no) if is_back else (row.shop_no, EXPENSE)
    return Entry(
        row.withdrawal_no,
        _FEE_BACK_SEQ if is_back else _FEE_SEQ,
        "adjusted",
        debit,
        credit,
        row.fee_minor,
        line.occurred_at,
        line.occurred_at,
        program.period_of(line.occurred_at),
        reverses_seq=_FEE_SEQ if is_back else None,
    )


def _check(unit: Unit, rules: WithdrawalRules, shop: KnownShop, amount_minor: int) -> None:
    """Checks an amount against the shop's standing, its balance and the rules; raises everything that is wrong."""
    candidate = _payable(unit, shop.shop_no, shop.shop_id)
    so_far = _so_far(unit, shop.shop_no)
    available = _amount_of(candidate) - so_far.waiting_minor
    misfits = withdrawal_misfits(rules, amount_minor, available, so_far.today, so_far.this_month)
    problems = [Problem("/amount_minor", refusal.text) for refusal in misfits]
    if misfits:
        raise misfits[0].listing(problems) if len(misfits) == 1 else Refusal("invalid", problems)


def _payable(unit: Unit, shop_no: int, shop_id: str) -> Candidate | None:
    """Reads what a shop has now; raises where its status or a payee that is missing keeps it from being paid at all."""
    stored = candidates.candidates_of_shops(unit.conn, unit.program_id, [shop_no], unit.now, unit.now)
    candidate = stored[0] if stored else None
    if candidate is not None and candidate.kept_by is not None:
        raise ShopFrozen(id=shop_id) if candidate.kept_by == "frozen" else ShopClosed(id=shop_id)
    if payee_versions.current(unit.conn, unit.program_id, shop_no) is None:
        raise PayeeMissing(id=shop_id)
    return candidate


def _amount_of(candidate: Candidate | None) -> int:
    return 0 if candidate is None else candidate.amount_minor


def _so_far(unit: Unit, shop_no: int) -> ShopWithdrawals:
    day = unit.day
    midnight = datetime(day.year, day.month, day.day, tzinfo=unit.program.zone)
    month, _ = period_bounds(unit.period, unit.program.zone)
    return rows.of_shop(unit.conn, unit.program_id, shop_no, midnight, month)


def _end(unit: Unit, withdrawal_id: str, decision: str, reason: str | None) -> WithdrawalView:
    row = _locked(unit.conn, unit.program, withdrawal_id)
    if row.state == decision and row.reason == reason:
        return withdrawal_view(unit.program, row)
    if row.state not in (REQUESTED, APPROVED):
        raise WithdrawalDecided(id=withdrawal_id, state=row.state)
    decided = DecidedWithdrawal(row.withdrawal_no, decision, reason)
    rows.insert_decision(unit.conn, unit.program_id, decided, unit.recorded)
    rows.end_withdrawals(unit.conn, unit.program_id, [row.withdrawal_no])
    ended = _find(unit.conn, unit.program, withdrawal_id)
    tell_withdrawals(unit.conn, unit.program, [ended], unit.now)
    return withdrawal_view(unit.program, ended)


def _locked(conn: Connection, program: Program, withdrawal_id: str) -> WithdrawalRow:
    """Reads a withdrawal with the program's payouts locked: no batch takes it while it is decided."""
    batches.lock_payouts(conn, program.program_id)
    return _find(conn, program, withdrawal_id)


def _find(conn: Connection, program: Program, withdrawal_id: str) -> WithdrawalRow:
    row = _known(conn, program, withdrawal_id)
    if row is None:
        raise WithdrawalUnknown(id=withdrawal_id)
    return row


def _known(conn: Connection, program: Program, withdrawal_id: str) -> WithdrawalRow | None:
    stored = rows.of_ids(conn, program.program_id, [withdrawal_id]) if is_identifier(withdrawal_id) else []
    return stored[0] if stored else None


def _own(row: WithdrawalRow, actor: Actor) -> None:
    """A shop's key reaches its own withdrawals alone; raises ``withdrawal_unknown`` for another's."""
    if actor.shop_no is not None and actor.shop_no != row.shop_no:
        raise WithdrawalUnknown(id=row.withdrawal_id)
