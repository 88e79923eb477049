"""The ledger as a book-keeper reads it: a chart of accounts, and transfers with two sides and a cause.

A balance is what was credited less what was debited, so that all accounts of a program add up to 0: what shops are owed
stands above zero, the expense below. No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.ledger import ACCOUNT_NAMES, CLEARING, EXPENSE, TAX
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit, format_period
from distrib.services.ledger.refusals import AccountUnknown
from distrib.services.orders.commissions import PlanVersionView, commission_id, plan_view, rate_text
from distrib.services.statements import months
from distrib.store.ledger import accounts as rows
from distrib.store.ledger.accounts import AccountChangeRow, PayableRow, TransferFilters, TransferWithCause

PAYABLE = "payable:"
CAUSES = ("order", "payout", "adjustment", "pool", "withdrawal")
KINDS = ("earned", "reversed", "pool", "adjusted", "paid", "tax")
_KINDS_OF = {EXPENSE: ["earned", "reversed", "pool", "adjusted"], CLEARING: ["paid"], TAX: ["tax"]}
_OWN = {name: number for number, name in ACCOUNT_NAMES.items()}


@dataclass(frozen=True, slots=True)
class TransferQuery:
    """Which transfers are asked for; what is None does not matter.

    ``account`` is an account's id, ``cause`` a type and an id (``order:o-1``), ``since`` and ``until`` bound the
    instant they are dated by, half open.
    """

    account: str | None = None
    cause: str | None = None
    kind: str | None = None
    period: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account of the chart with its balance; one of the program's own has no shop."""

    id: str
    kind: str
    shop_id: str | None
    currency: str
    balance_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class PayableViews:
    """What of a payable account is held, reserved and available."""

    held_minor: int
    reserved_minor: int
    available_minor: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class AccountInFull(AccountView):
    """An account, a payable one with its views."""

    views: PayableViews | None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One version of a payable account."""

    version: int
    posting_no: int
    period: str
    previous_minor: int
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class CauseView:
    """What made a transfer: its type and its id."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class TransferView:
    """One transfer with both its accounts."""

    id: str
    cause: CauseView | None
    debit: str
    credit: str
    amount_minor: int
    currency: str
    kind: str
    occurred_at: datetime
    available_at: datetime
    period: str
    belongs_to_period: str | None
    posting_no: int
    event_id: str | None
    line_id: str | None
    rule: str | None
    tier: int | None
    base_minor: int | None
    rate: str | None
    plan_version: PlanVersionView | None
    reverses_id: str | None


def list_accounts(
    conn: Connection, program: Program, after: tuple[int, str] | None, limit: int
) -> tuple[list[AccountView], tuple[int, str] | None]:
    """Lists the chart of accounts: the program's own first, then every shop's payable account by the shop's id.

    Returns:
        Up to ``limit`` accounts, and what to go on after: how many of the own ones are listed, and the last shop.
    """
    listed, shop_id = after or (0, "")
    own = own_accounts(conn, program)[listed : listed + limit] if listed < len(_OWN) else []
    payables = rows.payable_accounts(conn, program.program_id, shop_id, limit - len(own) + 1)
    page, listed = payables[: limit - len(own)], listed + len(own)
    last = page[-1].shop_id if page else shop_id
    has_more = listed < len(_OWN) or len(payables) > len(page)
    return own + [AccountView(*_payable(program, row)) for row in page], (listed, last) if has_more else None


def own_accounts(conn: Connection, program: Program) -> list[AccountView]:
    """Lists the program's own accounts, each derived from the running totals of all payables."""
    balances = rows.own_accounts(conn, program.program_id)
    return [
        AccountView(name, name, None, program.currency, balance_minor, balances.version)
        for name, balance_minor in (
            ("expense", balances.expense),
            ("clearing", balances.clearing),
            ("tax", balances.tax),
        )
    ]


def get_account(unit: Unit, account: str) -> AccountInFull:
    """Reads one account; a payable one with its views held, reserved and available; raises ``account_unknown``."""
    if account in _OWN:
        own = next(own for own in own_accounts(unit.conn, unit.program) if own.id == account)
        return AccountInFull(own.id, own.kind, own.shop_id, own.currency, own.balance_minor, own.version, None)
    row = _find(unit.conn, unit.program, account)
    balance = months.balance(unit.conn, unit.program, row.shop_no, unit.now)
    views = PayableViews(balance.held_minor, balance.reserved_minor, balance.available_minor, balance.as_of)
    return AccountInFull(*_payable(unit.program, row), views)


def account_changes(
    conn: Connection, program: Program, account: str, after: int | None, limit: int
) -> tuple[list[AccountChange], int | None]:
    """Lists the versions of a payable account, 1, 2, 3 …: the balance before, what a posting moved, the balance after.

    Raises:
        Refusal: ``account_unknown``; the program's own accounts are derived and have none.
    """
    row = _find(conn, program, account)
    changes = rows.account_changes(conn, program.program_id, row.shop_no, after or 0, limit + 1)
    page = [_change(change) for change in changes[:limit]]
    return page, page[-1].version if len(changes) > limit else None


def list_transfers(
    conn: Connection, program: Program, query: TransferQuery, after: tuple[int, int] | None, limit: int
) -> tuple[list[TransferView], tuple[int, int] | None]:
    """Lists transfers by cause and number.

    Returns:
        Up to ``limit`` of them, and the key to go on after (None at the end).

    Raises:
        Refusal: ``invalid`` where ``account`` or ``cause`` cannot be one.
    """
    filters = _filters(query)
    if filters is None:
        return [], None
    transfers = rows.list_transfers(conn, program.program_id, filters, after or (0, 0), limit + 1)
    page = transfers[:limit]
    last = (page[-1].cause_no, page[-1].seq) if len(transfers) > limit else None
    return [transfer_view(program, row) for row in page], last


def transfer_view(program: Program, row: TransferWithCause) -> TransferView:
    """One transfer row with both its accounts, as it is shown."""
    cause, reverses, late = row.cause_no, row.reverses_seq, row.belongs_to_period
    return TransferView(
        id=commission_id(cause, row.seq),
        cause=None if row.cause_type is None or row.cause_id is None else CauseView(row.cause_type, row.cause_id),
        debit=_account_id(row.debit_account, row.shop_id),
        credit=_account_id(row.credit_account, row.shop_id),
        amount_minor=row.amount_minor,
        currency=program.currency,
        kind=row.kind,
        occurred_at=row.occurred_at,
        available_at=row.available_at,
        period=format_period(row.period),
        belongs_to_period=None if late is None else format_period(late),
        posting_no=row.posting_no,
        event_id=row.event_id,
        line_id=row.line_id,
        rule=row.rule_id,
        tier=row.tier,
        base_minor=row.base_minor,
        rate=rate_text(row.rate_ppm),
        plan_version=plan_view(row.plan_code, row.plan_version),
        reverses_id=None if reverses is None else commission_id(cause, reverses),
    )


def _account_id(number: int, shop_id: str | None) -> str:
    if number in ACCOUNT_NAMES:
        return ACCOUNT_NAMES[number]
    return PAYABLE + (shop_id if shop_id is not None else f"#{number}")


def _filters(query: TransferQuery) -> TransferFilters | None:
    """Checks a query and turns it into the store's filters; None where nothing can fit."""
    problems, shop_id, cause = [], None, None
    kinds = None if query.kind is None else {query.kind}
    if query.account in _OWN:
        of_account = set(_KINDS_OF[_OWN[query.account]])
        kinds = of_account if kinds is None else kinds & of_account
    elif query.account is not None:
        shop_id = query.account.removeprefix(PAYABLE)
        if not query.account.startswith(PAYABLE) or not is_identifier(shop_id):
            words = Text("must be expense, clearing, tax or payable:SHOP")
            problems.append(Problem("?account", words))
    if query.cause is not None:
        kind, _, cause_id = query.cause.partition(":")
        cause = (kind, cause_id)
        if kind not in CAUSES or not cause_id:
            problems.append(Problem("?cause", Text("must be one of {causes}, ':' and an id", causes=", ".join(CAUSES))))
    if problems:
        raise Refusal("invalid", problems)
    if kinds == set():
        return None
    named_kinds = None if kinds is None else sorted(kinds)
    return TransferFilters(shop_id, named_kinds, query.since, query.until, query.period, cause)


def _find(conn: Connection, program: Program, account: str) -> PayableRow:
    shop_id = account.removeprefix(PAYABLE)
    row = None
    if account.startswith(PAYABLE) and is_identifier(shop_id):
        row = rows.payable_account(conn, program.program_id, shop_id)
    if row is None:
        raise AccountUnknown(id=account)
    return row


def _payable(program: Program, row: PayableRow) -> tuple[str, str, str, str, int, int]:
    """The fields of a payable account, in the order of ``AccountView``."""
    return PAYABLE + row.shop_id, "payable", row.shop_id, program.currency, row.balance_minor, row.version


def _change(row: AccountChangeRow) -> AccountChange:
    period = format_period(row.period)
    return AccountChange(row.version, row.posting_no, period, row.previous_minor, row.amount_minor, row.balance_minor)
