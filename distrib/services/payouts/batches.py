"""Payout batches (打款批次): created, approved or cancelled, read.

A batch reserves its money in the transaction that makes it. All that changes payouts of a program waits for one lock,
so that no two batches ever reserve the same money. No file and no SQL may enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.payouts.channels import CSV, Channel, channel_on
from distrib.domain.payouts.refusals import (
    ChannelCurrency,
    PayoutApproved,
    PayoutCancelled,
    PayoutUnknown,
    WithholdingCurrency,
)
from distrib.domain.payouts.withholding import CUMULATIVE, CURRENCY_OF
from distrib.domain.refusals import IdConflict
from distrib.domain.texts import Text
from distrib.failpoints import reach
from distrib.services.context import Program, Unit, period_bounds
from distrib.services.idempotency import digest_of
from distrib.services.payouts.batch_messages import tell_of_proposal, tell_of_withdrawals
from distrib.services.payouts.batch_views import (
    APPROVED,
    CANCELLED,
    PROPOSED,
    SETTLED,
    PayoutInFull,
    PayoutView,
    line_view,
    payout_summary,
)
from distrib.services.payouts.lines import Lines
from distrib.services.payouts.selections import Selection, select, unmet
from distrib.services.programs.persons import check_second_person
from distrib.store.payouts import batches as rows
from distrib.store.payouts import withdrawals
from distrib.store.payouts.batch_rows import BatchHead, BatchSums, RefusalRow
from distrib.store.payouts.batches import RefusedShop
from distrib.store.recorded import Part, TimeSpan

REFUSED_SHOWN = 500
STATUSES = (PROPOSED, APPROVED, CANCELLED, SETTLED)
LINE_STATUSES = ("reserved", "paid", "failed", "returned", "cancelled")


@dataclass(frozen=True, slots=True)
class PayoutDraft:
    """A batch to be created: what was available at ``up_to``, shops with less than ``min_minor`` left out.

    An ``up_to`` that lies ahead takes what is available now: held money is never paid early.

    ``months_counted`` gives, by shop, the months that the cumulative method counts, where the caller knows better.
    ``shop_ids``, ``amounts`` and ``withdrawals`` say what the batch is of, as ``selections.select`` takes them.
    """

    id: str
    up_to: datetime
    min_minor: int = 0
    channel: str = CSV
    months_counted: Mapping[str, int] = field(default_factory=dict)
    shop_ids: Sequence[str] | None = None
    amounts: Mapping[str, int] | None = None
    withdrawals: Sequence[str] | None = None

    @property
    def content(self) -> dict[str, object]:
        """What the batch is asked to be; the order in which shops are named means nothing."""
        named = {name: getattr(self, name) for name in ("shop_ids", "withdrawals") if getattr(self, name) is not None}
        content: dict[str, object] = {
            "up_to": self.up_to,
            "min": self.min_minor,
            "channel": self.channel,
            "months": self.months_counted,
        }
        return content | {name: sorted(ids) for name, ids in named.items()} | {"amounts": self.amounts}


def create_payout(unit: Unit, draft: PayoutDraft, channels: Sequence[Channel]) -> bool:
    """Creates a batch with its lines and reserves their money; False where the very same was created before.

    Raises:
        Refusal: ``invalid`` (months without the cumulative method, a selection that does not fit), ``id_conflict``,
            ``channel_unknown``, ``channel_currency``, ``withholding_currency``, or ``exceeds_available`` where amounts
            were asked for that are not there.
    """
    rows.lock_payouts(unit.conn, unit.program_id)
    if is_known(unit.conn, unit.program, draft.id, digest_of(draft.content)):
        return False
    check_draft(unit.program, draft)
    selection = select(unit.conn, unit.program, draft.shop_ids, draft.amounts, draft.withdrawals)
    write_batch(unit, draft, selection, None, channels)
    return True


def is_known(conn: Connection, program: Program, payout_id: str, digest: bytes) -> bool:
    """Whether a batch of that id and content was created before; raises ``id_conflict`` for other content."""
    known = rows.head_of(conn, program.program_id, payout_id)
    if known is not None and known.digest != digest:
        raise IdConflict(id=payout_id)
    return known is not None


def write_batch(
    unit: Unit, draft: PayoutDraft, selection: Selection, reason: str | None, channels: Sequence[Channel]
) -> list[RefusedShop]:
    """Writes a new batch with its lines and refusals, and lists the shops refused; the payouts are locked.

    Args:
        reason: why a closed shop is paid; None for every other selection.

    Raises:
        Refusal: ``channel_unknown``, ``channel_currency``, or what ``selections.unmet`` builds.
    """
    program_id = unit.program_id
    channel = channel_for(unit.program, channels, draft.channel, unit.now)
    created_at, period = posting_time(unit)
    content = draft.content if reason is None else closing_content(draft, reason)
    payout_no = rows.insert_payout(
        unit.conn,
        program_id,
        payout_id=draft.id,
        digest=digest_of(content),
        up_to=draft.up_to,
        min_minor=draft.min_minor,
        channel=draft.channel,
        withholding=unit.program.withholding,
        selection=selection.name,
        reason=reason,
        created_at=created_at,
        created_by=unit.actor.key_id,
    )
    reach("payout.created")
    lines = Lines(
        unit.conn,
        unit.program,
        channel,
        unit.program.withholding,
        period,
        draft.months_counted,
        selection,
        draft.min_minor,
    )
    refused: list[RefusedShop] = []
    paid: set[int] = set()
    for chunk in selection.candidates(unit.conn, program_id, min(draft.up_to, created_at), created_at):
        new_lines, refusals = lines.compute(chunk)
        rows.insert_lines(unit.conn, program_id, payout_no, new_lines, created_at)
        rows.insert_refusals(unit.conn, program_id, payout_no, refusals)
        if selection.numbers is not None:
            paid |= {line.shop_no for line in new_lines}
            refused += refusals
    reach("payout.reserved")
    without_money = selection.without_money(paid | {row.shop_no for row in refused})
    rows.insert_refusals(unit.conn, program_id, payout_no, without_money)
    refused += without_money
    refusal = unmet(selection, refused)
    if refusal is not None:
        raise refusal
    withdrawals.insert_lines(unit.conn, program_id, payout_no, [w for w in selection.withdrawals if w.shop_no in paid])
    tell_of_withdrawals(unit.conn, unit.program, selection.name, payout_no, created_at)
    tell_of_proposal(unit, (draft.id, selection.name, draft.channel), payout_no, created_at)
    return refused


def closing_content(draft: PayoutDraft, reason: str) -> dict[str, object]:
    """What a closing payment is asked to be: its instant is its own, so that the same asked again is the same."""
    return {"closing": draft.shop_ids, "reason": reason, "channel": draft.channel}


def approve_payout(unit: Unit, payout_id: str) -> None:
    """Approves a batch that another person created; again it changes nothing.

    Raises:
        Refusal: ``payout_unknown``, ``payout_cancelled``, or what ``check_second_person`` raises.
    """
    head = locked_head(unit.conn, unit.program, payout_id)
    if head.decision == CANCELLED:
        raise PayoutCancelled(id=payout_id)
    check_second_person(unit, head.created_by, is_decided=head.decision is not None)
    if head.decision is None:
        decided_at, _ = posting_time(unit)
        rows.insert_decision(unit.conn, unit.program_id, head.payout_no, APPROVED, unit.as_of(decided_at).recorded)
        reach("payout.decided")


def cancel_payout(unit: Unit, payout_id: str) -> None:
    """Cancels a batch before it is approved and frees its money; again it changes nothing.

    Raises:
        Refusal: ``payout_unknown`` or ``payout_approved``.
    """
    head = locked_head(unit.conn, unit.program, payout_id)
    if head.decision == APPROVED:
        raise PayoutApproved(id=payout_id)
    if head.decision is None:
        decided_at, _ = posting_time(unit)
        rows.insert_decision(unit.conn, unit.program_id, head.payout_no, CANCELLED, unit.as_of(decided_at).recorded)
        tell_of_withdrawals(unit.conn, unit.program, head.selection, head.payout_no, decided_at)


def posting_time(unit: Unit) -> tuple[datetime, int]:
    """Computes the instant and the month in which a change of payouts counts: never in a closed period.

    A request that began in a month which was closed while it waited counts from the next month's first instant. One
    that read the clock and then waited for another batch counts no earlier than that batch, whatever its clock said:
    it would not see what the other reserved.
    """
    closed = rows.closed_through(unit.conn, unit.program_id)
    last = rows.last_instant(unit.conn, unit.program_id)
    instants = [unit.now] if last is None else [unit.now, last]
    if closed:
        _, opening = period_bounds(closed, unit.program.zone)
        instants.append(opening)
    counts_at = max(instants)
    return counts_at, unit.program.period_of(counts_at)


def locked_head(conn: Connection, program: Program, payout_id: str) -> BatchHead:
    """Reads a batch with the program's payouts locked; raises ``payout_unknown``."""
    rows.lock_payouts(conn, program.program_id)
    return head_of(conn, program, payout_id)


def head_of(conn: Connection, program: Program, payout_id: str) -> BatchHead:
    """Reads a batch; raises ``payout_unknown``."""
    head = rows.head_of(conn, program.program_id, payout_id) if is_identifier(payout_id) else None
    if head is None:
        raise PayoutUnknown(id=payout_id)
    return head


def sums_of(conn: Connection, program: Program, head: BatchHead) -> BatchSums:
    """Reads what the lines of a batch come to; nothing of one without lines."""
    return rows.sums_of(conn, program.program_id, [head.payout_no]).get(head.payout_no, BatchSums(head.payout_no))


def payout_view(
    unit: Unit, payout_id: str, after: int, limit: int, shop_id: str | None = None
) -> tuple[PayoutInFull, int | None]:
    """Reads a batch with a page of its lines, and after which line the next page begins.

    Args:
        shop_id: shows the line of that shop alone; none where it has none.

    ``refused`` names the first shops that had money and got no line; ``list_refused`` has them all.
    """
    head = head_of(unit.conn, unit.program, payout_id)
    sums = sums_of(unit.conn, unit.program, head)
    if shop_id is None:
        stored = rows.lines_after(unit.conn, unit.program_id, head.payout_no, after, limit + 1)
    else:
        stored = list(rows.lines_of_shops(unit.conn, unit.program_id, head.payout_no, [shop_id]).values())
    lines = [line_view(unit.program, head, row) for row in stored[:limit]]
    refused = rows.refusals_of(unit.conn, unit.program_id, head.payout_no, None, Part("", REFUSED_SHOWN))
    counts = rows.refusal_counts(unit.conn, unit.program_id, head.payout_no)
    view = PayoutInFull(payout_summary(unit.program, head, sums), lines, refused, counts)
    return view, stored[limit - 1].line_no if len(stored) > limit else None


def list_payouts(
    unit: Unit, before: int | None, limit: int, state: str | None = None, month: int | None = None
) -> tuple[list[PayoutView], int | None]:
    """Lists batches without their lines, the newest first, and before which number the next page begins.

    Args:
        state: one of ``STATUSES``, where only those are wanted.
        month: as 202603: those made in it.
    """
    made = None if month is None else TimeSpan(*period_bounds(month, unit.program.zone))
    heads = rows.heads_before(unit.conn, unit.program_id, Part(before or 2**62, limit + 1), state, made)
    sums = rows.sums_of(unit.conn, unit.program_id, [head.payout_no for head in heads])
    shown = [
        payout_summary(unit.program, head, sums.get(head.payout_no, BatchSums(head.payout_no)))
        for head in heads[:limit]
    ]
    return shown, heads[limit - 1].payout_no if len(heads) > limit else None


def list_refused(
    unit: Unit, payout_id: str, code: str | None, after: str, limit: int
) -> tuple[list[RefusalRow], str | None]:
    """Lists the shops that a batch could not pay, with the code why, by id; those of one code where that is asked."""
    head = head_of(unit.conn, unit.program, payout_id)
    refused = rows.refusals_of(unit.conn, unit.program_id, head.payout_no, code, Part(after, limit + 1))
    return refused[:limit], refused[limit - 1].shop_id if len(refused) > limit else None


def check_draft(program: Program, draft: PayoutDraft) -> None:
    """Checks a draft against the program's withholding; raises ``invalid`` or ``withholding_currency``."""
    problems = []
    if draft.months_counted and program.withholding != CUMULATIVE:
        words = Text("goes with the withholding cumulative only")
        problems.append(Problem("/months_counted", words))
    if problems:
        raise Refusal("invalid", problems)
    currency = CURRENCY_OF.get(program.withholding, program.currency)
    if currency != program.currency:
        raise WithholdingCurrency(withholding=program.withholding, currency=currency)


def channel_for(program: Program, channels: Sequence[Channel], name: str, now: datetime) -> Channel:
    """Finds a channel as it is today; raises ``channel_unknown`` or ``channel_currency``."""
    channel = channel_on(channels, name, program.day_of(now))
    if channel.currency not in (None, program.currency):
        raise ChannelCurrency(channel=name, currency=channel.currency)
    return channel
