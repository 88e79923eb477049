"""The files that payout channels take, once a batch is approved. Which lines there are must not be decided here.

A file has at most as many lines as its channel allows; a longer batch has several parts. Every file states the count
and the total of its lines. Amounts are what the payee is to receive, after tax. What a spreadsheet would take for a
formula is marked (``distrib.domain.spreadsheet_cells``).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from distrib.domain.currencies import major_text
from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.channels import ALIPAY, CSV, Channel, channel_on, misfit
from distrib.domain.payouts.personal_data import Payee, is_account_text
from distrib.domain.payouts.refusals import (
    ChannelCurrency,
    ChannelUnfit,
    PartUnknown,
    PayeeMissing,
    PayoutCancelled,
    PayoutNotApproved,
)
from distrib.domain.spreadsheet_cells import neutralised
from distrib.services.context import Program, Unit
from distrib.services.encryption import Sealer
from distrib.services.payouts.batch_views import APPROVED, CANCELLED, is_fresh
from distrib.services.payouts.batches import head_of, sums_of
from distrib.services.payouts.lines import channel_no
from distrib.services.payouts.payee_versions import payees_of
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batch_rows import BatchHead, LineRow
from distrib.store.payouts.payee_versions import VersionKey

ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "gb18030": "gb18030"}
CSV_COLUMNS = (
    "batch_no",
    "detail_no",
    "payee_name",
    "id_no",
    "account_type",
    "account_no",
    "bank_name",
    "cnaps",
    "mobile",
    "amount_yuan",
    "remark",
    "shop_id",
    "currency",
    "file_count",
    "file_total",
    "account_changed_at",
    "fresh_account",
)
MACHINE_COLUMNS = frozenset({"detail_no", "id_no", "id_number", "account_no", "cnaps", "mobile"})
_PROBLEMS_NAMED = 100
REMARK_CHARACTERS = 32  # of WeChat's transfer_remark
_ACCOUNT_TYPES = (
    ("bank_account", "01"),
    ("alipay_login", "03"),
    ("alipay_user_id", "05"),
    ("alipay_open_id", "alipay_open"),
    ("wechat_openid", "wechat"),
)
"""Which account a generic file names, the first there is, with its type (01 bank, 03 Alipay login, 05 Alipay user)."""
_ALIPAY_IDENTITIES = (
    ("alipay_login", "ALIPAY_LOGON_ID"),
    ("alipay_user_id", "ALIPAY_USER_ID"),
    ("alipay_open_id", "ALIPAY_OPEN_ID"),
)
"""By which account Alipay finds the payee, the first there is."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line of a channel file."""

    number: str
    shop_id: str
    net_minor: int
    payee: Payee
    account_changed_at: datetime | None = None
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class WantedFile:
    """Which file of a batch is rendered.

    Args:
        format: that of the batch's channel if None.
        part: which file, counted from 1, where the batch has more lines than one takes.
        encoding: of a CSV; a key of ``ENCODINGS``.
    """

    format: str | None
    part: int
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class ChannelFile:
    """One part of a batch as a file: its bytes, with count and total to check them by."""

    filename: str
    content: bytes
    count: int
    total_minor: int
    notes: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FilePart:
    """One of the files of a batch, with count and total to check it by."""

    part: int
    count: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of a batch in a format, and what they come to."""

    format: str
    currency: str
    count: int
    total_minor: int
    files: list[FilePart]
    notes: list[dict[str, str]]


def channel_file(
    unit: Unit,
    payout_id: str,
    channels: Sequence[Channel],
    sealer: Sealer,
    wanted: WantedFile,
) -> ChannelFile:
    """Renders one file of an approved batch.

    Raises:
        Refusal: ``payout_unknown``, ``payout_not_approved``, ``payout_cancelled``, ``part_unknown``,
            ``channel_currency``, or ``channel_unfit`` with every line that the format cannot carry.
    """
    head = _approved(unit.conn, unit.program, payout_id)
    channel = _channel(unit.program, channels, wanted.format or head.channel, head.created_at)
    parts = _parts(unit.conn, unit.program, head, channel)
    if not 1 <= wanted.part <= parts:
        raise PartUnknown(parts=parts)
    lines = _lines(unit, head, channel, wanted.part, sealer)
    remark = f"{channel.remark} {unit.program.day_of(head.up_to)}".strip()[:REMARK_CHARACTERS]
    if channel.name == CSV:
        content = _csv(unit.program, head, remark, lines, wanted.encoding)
    else:
        content = _json(head, channel, remark, lines)
    suffix = "csv" if channel.name == CSV else "json"
    total = sum(line.net_minor for line in lines)
    return ChannelFile(
        f"payout-{head.payout_no}-{channel.name}-{wanted.part}.{suffix}", content, len(lines), total, channel.notes
    )


def list_files(
    conn: Connection, program: Program, payout_id: str, channels: Sequence[Channel], wanted: str | None
) -> FileList:
    """Lists the files of an approved batch in a format, with count and total of each; refusals as ``channel_file``."""
    head = _approved(conn, program, payout_id)
    channel = _channel(program, channels, wanted or head.channel, head.created_at)
    files = []
    for part in range(1, _parts(conn, program, head, channel) + 1):
        part_rows = _rows(conn, program, head, channel, part)
        files.append(FilePart(part, len(part_rows), sum(row.net_minor for row in part_rows)))
    count, total_minor = sum(file.count for file in files), sum(file.total_minor for file in files)
    notes = [dict(note) for note in channel.notes]
    return FileList(channel.name, program.currency, count, total_minor, files, notes)


def csv_text(columns: Sequence[str], lines: Iterator[Sequence[object]]) -> str:
    """Renders rows as a CSV with its header; texts neutralised, numbers as they are.

    Columns of ``MACHINE_COLUMNS`` are keys of other machines: what was accepted as one stands as it is.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    is_machine = [column in MACHINE_COLUMNS for column in columns]
    for line in lines:
        writer.writerow([_cell(cell, exact) for cell, exact in zip(line, is_machine, strict=True)])
    return file.getvalue()


def _cell(cell: object, is_exact: bool) -> object:
    if not isinstance(cell, str) or (is_exact and is_account_text(cell)):
        return cell
    return neutralised(cell)


def _approved(conn: Connection, program: Program, payout_id: str) -> BatchHead:
    head = head_of(conn, program, payout_id)
    if head.decision != APPROVED:
        raise PayoutCancelled(id=payout_id) if head.decision == CANCELLED else PayoutNotApproved(id=payout_id)
    return head


def _channel(program: Program, channels: Sequence[Channel], name: str, created_at: datetime) -> Channel:
    channel = channel_on(channels, name, program.day_of(created_at))
    if channel.currency not in (None, program.currency):
        raise ChannelCurrency(channel=name, currency=channel.currency)
    return channel


def _parts(conn: Connection, program: Program, head: BatchHead, channel: Channel) -> int:
    return max(1, -(-sums_of(conn, program, head).lines // channel.lines_a_file))  # the last file is not full


def _rows(conn: Connection, program: Program, head: BatchHead, channel: Channel, part: int) -> list[LineRow]:
    after = (part - 1) * channel.lines_a_file
    return rows.lines_after(conn, program.program_id, head.payout_no, after, channel.lines_a_file)


def _lines(unit: Unit, head: BatchHead, channel: Channel, part: int, sealer: Sealer) -> list[FileLine]:
    """Loads the lines of a part with their payees as they were when the batch was created."""
    stored = _rows(unit.conn, unit.program, head, channel, part)
    payees = payees_of(unit.conn, unit.program, [VersionKey(row.shop_no, row.payee_version) for row in stored], sealer)
    lines, problems = [], []
    for row in stored:
        payee = payees.get(VersionKey(row.shop_no, row.payee_version))
        if payee is None:
            problems.append(Problem(row.shop_id, PayeeMissing(id=row.shop_id).text))
            continue
        code = misfit(channel, payee.kind, row.net_minor, payee.account_kinds)
        if code is not None:
            problems.append(Problem(row.shop_id, Refusal(code).text))
            continue
        number = channel_no(unit.program.code, head.payout_id, head.payout_no, row.line_no)
        is_new = is_fresh(row.account_changed_at, head.created_at)
        lines.append(FileLine(number, row.shop_id, row.net_minor, payee, row.account_changed_at, is_new))
    if problems:
        raise ChannelUnfit(problems=problems[:_PROBLEMS_NAMED], channel=channel.name)
    return lines


def _csv(program: Program, head: BatchHead, remark: str, lines: Sequence[FileLine], encoding: str) -> bytes:
    total = major_text(sum(line.net_minor for line in lines), program.currency)
    of_file = _OfFile(remark, len(lines), total)
    cells = (_csv_line(program, head, line, of_file) for line in lines)
    return csv_text(CSV_COLUMNS, cells).encode(ENCODINGS[encoding])


@dataclass(frozen=True, slots=True)
class _OfFile:
    """What every line of a CSV repeats of its file."""

    remark: str
    count: int
    total: str


def _csv_line(program: Program, head: BatchHead, line: FileLine, of_file: _OfFile) -> tuple[object, ...]:
    payee, accounts = line.payee, line.payee.accounts
    account_type, account_no = next(
        ((kind, accounts[name]) for name, kind in _ACCOUNT_TYPES if name in accounts), ("", "")
    )
    return (
        head.payout_id,
        line.number,
        payee.name,
        payee.id_number,
        account_type,
        account_no,
        accounts.get("bank_name", ""),
        accounts.get("bank_cnaps", ""),
        accounts.get("mobile", ""),
        major_text(line.net_minor, program.currency),
        of_file.remark,
        line.shop_id,
        program.currency,
        of_file.count,
        of_file.total,
        ""
        if line.account_changed_at is None
        else line.account_changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "yes" if line.is_fresh else "",
    )


def _json(head: BatchHead, channel: Channel, remark: str, lines: Sequence[FileLine]) -> bytes:
    """Renders the calls of a channel's interface, in their order, with count and total in front."""
    render = _alipay_line if channel.name == ALIPAY else _wechat_line
    key = "transfers" if channel.name == ALIPAY else "bills"
    total_minor = sum(line.net_minor for line in lines)
    document = {
        "batch_no": head.payout_id,
        "channel": channel.name,
        "count": len(lines),
        "total_amount": major_text(total_minor, "CNY") if channel.name == ALIPAY else total_minor,
        "states": {status: list(words) for status, words in channel.states.items()},
        "notes": [dict(note) for note in channel.notes],
        key: [render(channel, remark, line) for line in lines],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _wechat_line(channel: Channel, remark: str, line: FileLine) -> Mapping[str, object]:
    """One transfer-bill; ``user_name`` has to be encrypted with the platform certificate by who sends it."""
    bill: dict[str, object] = {
        "out_bill_no": line.number,
        "transfer_scene_id": channel.scene_id,
        "openid": line.payee.accounts["wechat_openid"],
        "transfer_amount": line.net_minor,
        "transfer_remark": remark,
        "transfer_scene_report_infos": _report_infos(channel),
    }
    if line.net_minor >= channel.name_from_minor:
        bill["user_name"] = line.payee.name
    return bill


def _alipay_line(channel: Channel, remark: str, line: FileLine) -> Mapping[str, object]:
    """One uni.transfer, amounts in yuan as texts; with the transfer scene where the channel has one."""
    accounts = line.payee.accounts
    account, identity_type = next((name, kind) for name, kind in _ALIPAY_IDENTITIES if name in accounts)
    transfer: dict[str, object] = {
        "out_biz_no": line.number,
        "trans_amount": major_text(line.net_minor, "CNY"),
        "product_code": channel.product_code,
        "biz_scene": channel.biz_scene,
        "order_title": remark,
        "payee_info": {"identity": accounts[account], "identity_type": identity_type, "name": line.payee.name},
        "remark": remark,
    }
    if channel.scene_name:
        transfer["transfer_scene_name"] = channel.scene_name
        transfer["transfer_scene_report_infos"] = _report_infos(channel)
    return transfer


def _report_infos(channel: Channel) -> list[dict[str, str]]:
    return [{"info_type": kind, "info_content": content} for kind, content in channel.report_infos]
