"""The ledger: accounts, transfers, and the chain of seals over them."""

from __future__ import annotations

from functools import partial

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, Stream, shown
from distrib.api.schemas.ledger import (
    ACCOUNT,
    ACCOUNT_VERSIONS,
    ACCOUNTS,
    SEAL,
    SEALS,
    TRANSFERS,
    TransfersQuerySchema,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.services.ledger import accounts as service
from distrib.services.ledger import seals
from distrib.services.ledger.accounts import TransferQuery

ledger = Resource("ledger", "Double entry 复式账本: accounts 账户, transfers 分录, seals 封存")

PLAIN = "text/plain; charset=utf-8"
_FILTERS = ("account", "cause", "kind", "period", "since", "until")


@ledger.operation("GET", "/ledger/accounts", {200: ACCOUNTS}, Takes(query=PageQuerySchema))
def list_accounts(call: Call) -> Answer:
    """The chart of accounts with balances: the program's own, then every shop's payable account."""
    listing = call.listing("accounts")
    after = listing.place(call.query["cursor"])
    rows, follows = service.list_accounts(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page(rows, follows))


@ledger.operation("GET", "/ledger/accounts/<account:account>", {200: ACCOUNT}, refusals=("account_unknown",))
def get_account(call: Call, account: str) -> Answer:
    """One account; a payable one with what of it is held, reserved and available now."""
    return Answer(shown(service.get_account(call.unit, account)))


@ledger.operation(
    "GET",
    "/ledger/accounts/<account:account>/versions",
    {200: ACCOUNT_VERSIONS},
    Takes(query=PageQuerySchema),
    refusals=("account_unknown",),
)
def list_account_versions(call: Call, account: str) -> Answer:
    """The running balance of a payable account, posting by posting; versions have no gaps."""
    listing = call.listing(f"account {account}")
    after = listing.key(call.query["cursor"])
    rows, follows = service.account_changes(call.conn, call.program, account, after, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@ledger.operation("GET", "/ledger/transfers", {200: TRANSFERS}, Takes(query=TransfersQuerySchema))
def list_transfers(call: Call) -> Answer:
    """Transfers with both their accounts and their cause, in the order of their causes."""
    asked = {name: call.query[name] for name in _FILTERS}
    listing = call.listing(f"transfers {asked}")
    after = listing.place(call.query["cursor"])
    query = TransferQuery(**asked)
    rows, follows = service.list_transfers(call.conn, call.program, query, after, call.query["limit"])
    return Answer(listing.page(rows, follows))


@ledger.operation("GET", "/ledger/seals", {200: SEALS}, Takes(query=PageQuerySchema))
def list_seals(call: Call) -> Answer:
    """The chain of seals, the oldest first."""
    listing = call.listing("seals")
    after = listing.key(call.query["cursor"])
    rows, follows = seals.list_seals(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@ledger.operation("GET", "/ledger/seals/<version:seal_no>", {200: SEAL}, refusals=("not_found",))
def get_seal(call: Call, seal_no: str) -> Answer:
    """One seal."""
    return Answer(shown(seals.find_seal(call.conn, call.program, int(seal_no))))


@ledger.operation("GET", "/ledger/seals/<version:seal_no>/content", {200: PLAIN}, refusals=("not_found",))
def get_seal_content(call: Call, seal_no: str) -> Stream:
    """What a seal covers, streamed in its canonical form: the SHA-256 of this very body is the seal's digest."""
    seals.find_seal(call.conn, call.program, int(seal_no))
    produce = partial(seals.seal_content, program=call.program, seal_no=int(seal_no))
    return Stream(produce, PLAIN, f"seal-{seal_no}.jsonl")
