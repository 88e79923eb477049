"""The results of an audit, and the rows that are wrong with the ids that their callers know. No SQL may enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.services.context import Program, format_period
from distrib.store.audit import runs
from distrib.store.audit.key_owners import WITHOUT_OWNER
from distrib.store.audit.questions import AuditAnswer, ask
from distrib.store.network import shops


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The result of one check: how many rows were looked at, how many are wrong, and the first of those."""

    name: str
    ok: bool
    figure: int
    wrong: int
    rows: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Covers:
    """What an audit asked: everything, or all that was not at rest when the audit before, ``rests_on``, found it clean.

    ``closed_through`` (202603) is the last of the months at rest; 0 where everything was asked.
    """

    is_full: bool
    rests_on: datetime | None = None
    closed_through: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The results of all checks of one program, and what they cover; ``warnings`` are no failures."""

    ok: bool
    as_of: datetime
    checks: tuple[AuditCheck, ...]
    covers: Covers
    warnings: tuple[AuditCheck, ...] = ()


def audit_view(result: AuditResult) -> dict[str, object]:
    """The result as the API and ``--json`` show it."""
    covers = result.covers
    return {
        "ok": result.ok,
        "as_of": _instant(result.as_of),
        "covers": {
            "full": covers.is_full,
            "rests_on": None if covers.rests_on is None else _instant(covers.rests_on),
            "closed_through": format_period(covers.closed_through) if covers.closed_through else None,
        },
        "checks": [asdict(check) for check in result.checks],
        "warnings": [asdict(warning) for warning in result.warnings],
    }


def checks_of(conn: Connection, program: Program, answers: Mapping[str, AuditAnswer]) -> list[AuditCheck]:
    """The checks of all answers by name, their wrong rows with the ids of orders and shops."""
    return [_check(conn, program, name, answer) for name, answer in answers.items()]


def warnings_of(conn: Connection, program: Program, now: datetime) -> list[AuditCheck]:
    """What is amiss at an instant and makes no figure wrong: keys that can move money and stand for nobody named."""
    answer = ask(conn, WITHOUT_OWNER, {"program": program.program_id, "now": now})
    return [_check(conn, program, WITHOUT_OWNER.name, answer)] if answer.wrong else []


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _check(conn: Connection, program: Program, name: str, answer: AuditAnswer) -> AuditCheck:
    rows = _with_ids(conn, program, answer.rows)
    return AuditCheck(name, answer.wrong == 0, answer.figure, answer.wrong, rows)


def _with_ids(conn: Connection, program: Program, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Adds to wrong rows the callers' ids of their orders and shops."""
    orders = {number for row in rows if (number := _order_of(row)) is not None}
    accounts = {number for row in rows if (number := _account_of(row)) is not None}
    order_ids = runs.ids_of_orders(conn, program.program_id, orders) if orders else {}
    shop_ids = shops.ids_of(conn, program.program_id, accounts) if accounts else {}
    return [_named(row, order_ids, shop_ids) for row in rows]


def _order_of(row: Mapping[str, object]) -> int | None:
    number = row.get("order_no", row.get("cause_no"))
    return number if isinstance(number, int) else None


def _account_of(row: Mapping[str, object]) -> int | None:
    number = row.get("shop_no", row.get("account_no"))
    return number if isinstance(number, int) else None


def _named(row: Mapping[str, object], order_ids: Mapping[int, str], shop_ids: Mapping[int, str]) -> dict[str, object]:
    order_no, account_no = _order_of(row), _account_of(row)
    names: dict[str, object] = {}
    if order_no is not None:
        names["order_id"] = order_ids.get(order_no)
    if account_no is not None:
        names["shop_id"] = shop_ids.get(account_no)
    return {**names, **row}
