"""What is refused of payees, payouts, their results and files, closing payments and withdrawals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from distrib.domain.errors import NamedRefusal, Problem, Said


class PayeeMissing(NamedRefusal, code="payee_missing", status=404):
    """Nobody is named who is paid for the shop."""

    said = Said("The shop {id} has no payee.", "店铺 {id} 没有收款人。")
    id: str


class PayeeInPayout(NamedRefusal, code="payee_in_payout", status=409):
    """What is under way goes to the payee as it was."""

    said = Said(
        "A payout to this payee is under way; wait for its result or cancel it.",
        "该收款人有打款正在进行，请等待结果或先取消。",
    )


class PayoutUnknown(NamedRefusal, code="payout_unknown", status=404):
    """There is no batch of that id."""

    said = Said("There is no payout {id}.", "没有打款批次 {id}。")
    id: str


class PayoutNotApproved(NamedRefusal, code="payout_not_approved", status=409):
    """The batch waits for a second person."""

    said = Said("The payout {id} is not approved.", "打款批次 {id} 未批准。")
    id: str


class PayoutApproved(NamedRefusal, code="payout_approved", status=409):
    """What is approved may be on its way, and is not taken back."""

    said = Said("The payout {id} is approved.", "打款批次 {id} 已批准。")
    id: str


class PayoutCancelled(NamedRefusal, code="payout_cancelled", status=409):
    """The batch was called off."""

    said = Said("The payout {id} is cancelled.", "打款批次 {id} 已取消。")
    id: str


class LineUnknownInPayout(NamedRefusal, code="line_unknown_in_payout", status=422):
    """A result is about a shop that the batch does not pay."""

    said = Said("The payout has no line for the shop {id}.", "该批次没有店铺 {id} 的打款行。")
    id: str


class DetailUnknownInPayout(NamedRefusal, code="detail_unknown_in_payout", status=422):
    """A result is about a number that no line of the batch has."""

    said = Said("The payout has no line {detail}.", "该批次没有明细 {detail}。")
    detail: str


class DetailOfOtherShop(NamedRefusal, code="detail_of_other_shop", status=422):
    """A result names a line, and a shop that is not the line's."""

    said = Said("The line {detail} is not that of the shop {id}.", "明细 {detail} 不属于店铺 {id}。")
    detail: str
    id: str


class LineAmbiguous(NamedRefusal, code="line_ambiguous", status=422):
    """A shop's id fits two lines, as a spreadsheet file marks ids."""

    said = Said(
        "The payout has a line for {id} and for {other}: name the line by its detail_no.",
        "批次中既有 {id} 也有 {other} 的明细，请用 detail_no 指定。",
    )
    id: str
    other: str


class ResultConflict(NamedRefusal, code="result_conflict", status=409):
    """A line has one result."""

    said = Said("The line of the shop {id} has another result.", "店铺 {id} 的打款行已有不同结果。")
    id: str


class LineNotPaid(NamedRefusal, code="line_not_paid", status=409):
    """Nothing can come back of what was not paid."""

    said = Said(
        "The line of the shop {id} is not paid, so nothing of it can come back.",
        "店铺 {id} 的明细尚未打款，不会有退票。",
    )
    id: str


class ChannelWithoutReturns(NamedRefusal, code="channel_without_returns", status=422):
    """The channel never sends a payment back."""

    said = Said("What the channel {channel} has paid never comes back.", "渠道 {channel} 打款成功后不会退回。")
    channel: str


class PaidOnInFuture(NamedRefusal, code="paid_on_in_future", status=422):
    """A day of payment or return has not come yet."""

    said = Said("{day} is yet to come; the last day there can be is {last}.", "{day} 尚未到来，最晚为 {last}。")
    day: date
    last: date


class PaidOnBeforeApproval(NamedRefusal, code="paid_on_before_approval", status=422):
    """A day of payment or return lies before the batch was approved."""

    said = Said(
        "{day} is before the approval; the first day there can be is {first}.", "{day} 早于审批，最早为 {first}。"
    )
    day: date
    first: date


class PaidOnBeforePayment(NamedRefusal, code="paid_on_before_payment", status=422):
    """A day of return lies before the payment."""

    said = Said(
        "{day} is before the payment; the first day there can be is {first}.", "{day} 早于打款，最早为 {first}。"
    )
    day: date
    first: date


class PaidOnClosed(NamedRefusal, code="paid_on_closed", status=409):
    """A day of payment or return lies in a month whose books are closed."""

    said = Said(
        "{day} is in a closed period; the first day there can be is {first}.", "{day} 所在账期已结账，最早为 {first}。"
    )
    day: date
    first: date


class ChannelUnknown(NamedRefusal, code="channel_unknown", status=422):
    """No channel of that name was open on that day."""

    said = Said("There is no channel {channel} then.", "当时没有渠道 {channel}。")
    channel: str


class ChannelCurrency(NamedRefusal, code="channel_currency", status=422):
    """The channel pays in another currency."""

    said = Said("The channel {channel} takes {currency} only.", "渠道 {channel} 仅支持 {currency}。")
    channel: str
    currency: str


class ChannelUnfit(NamedRefusal, code="channel_unfit", status=422):
    """Lines cannot go out through the channel, each by name."""

    said = Said("Lines do not fit the channel {channel}.", "有打款行不符合渠道 {channel} 的要求。")
    problems: Sequence[Problem]
    channel: str


class AccountMissing(NamedRefusal, code="account_missing", status=422):
    """The payee has no account of the kind that the channel pays to."""

    said = Said("The payee has no account with the channel.", "收款人没有该渠道的账户。")


class BelowChannelMinimum(NamedRefusal, code="below_channel_minimum", status=422):
    """The channel does not send so little."""

    said = Said("The amount is below the channel's least.", "金额低于渠道下限。")


class AboveChannelMaximum(NamedRefusal, code="above_channel_maximum", status=422):
    """The channel does not send so much at once."""

    said = Said("The amount is above the channel's most.", "金额超过渠道单笔上限。")


class BelowMinimum(NamedRefusal, code="below_minimum", status=422):
    """The batch pays nobody so little."""

    said = Said("The amount is below the payout's least.", "金额低于打款批次的最低金额。")


class ExceedsAvailable(NamedRefusal, code="exceeds_available", status=422):
    """More is asked for than the shop has, in minor units."""

    said = Said("The amount is more than is available: {available_minor}.", "金额超过可用金额：{available_minor}。")
    available_minor: int


class NothingAvailable(NamedRefusal, code="nothing_available", status=422):
    """The shop has nothing that could be paid."""

    said = Said("Nothing of the shop {id} is available.", "店铺 {id} 没有可用金额。")
    id: str


class ShopFrozen(NamedRefusal, code="shop_frozen", status=422):
    """What the shop has is held."""

    said = Said("The shop {id} is frozen.", "店铺 {id} 已冻结。")
    id: str


class ShopClosed(NamedRefusal, code="shop_closed", status=422):
    """A closed shop is paid by a closing payment alone."""

    said = Said(
        "The shop {id} is closed; its last money is a closing payment.", "店铺 {id} 已关闭；其余款通过清户打款支付。"
    )
    id: str


class ShopNotClosed(NamedRefusal, code="shop_not_closed", status=409):
    """Closing payments are for shops that are closed."""

    said = Said("The shop {id} is not closed.", "店铺 {id} 未关闭。")
    id: str


class ClosingPaymentUnknown(NamedRefusal, code="closing_payment_unknown", status=404):
    """Nobody asked for a closing payment of the shop."""

    said = Said("There is no closing payment of the shop {id}.", "店铺 {id} 没有清户打款。")
    id: str


class ClosingPaymentOpen(NamedRefusal, code="closing_payment_open", status=409):
    """One closing payment of a shop waits at a time."""

    said = Said(
        "The closing payment {payout} of the shop {id} waits for a second person.",
        "店铺 {id} 的清户打款 {payout} 正等待另一人批准。",
    )
    id: str
    payout: str


class WithdrawalsOff(NamedRefusal, code="withdrawals_off", status=422):
    """The program pays without being asked."""

    said = Said("The program takes no withdrawals.", "本分销计划未开放提现。")


class WithdrawalUnknown(NamedRefusal, code="withdrawal_unknown", status=404):
    """There is no withdrawal of that id."""

    said = Said("There is no withdrawal {id}.", "没有提现申请 {id}。")
    id: str


class WithdrawalDecided(NamedRefusal, code="withdrawal_decided", status=409):
    """What was decided of a withdrawal stands."""

    said = Said("The withdrawal {id} is {state}.", "提现申请 {id} 的状态为 {state}。")
    id: str
    state: str


class WithdrawalBelowLeast(NamedRefusal, code="withdrawal_below_least", status=422):
    """A withdrawal is below the program's least, in minor units."""

    said = Said("A withdrawal is at least {least_minor}.", "每笔提现至少 {least_minor}。")
    least_minor: int


class WithdrawalAboveMost(NamedRefusal, code="withdrawal_above_most", status=422):
    """A withdrawal is above the program's most, in minor units."""

    said = Said("A withdrawal is at most {most_minor}.", "每笔提现至多 {most_minor}。")
    most_minor: int


class WithdrawalsUsedToday(NamedRefusal, code="withdrawals_used_today", status=422):
    """A shop made as many on this day as it may."""

    said = Said("The withdrawals of this day are used up: {most}.", "当日提现次数已用完：{most} 次。")
    most: int


class WithdrawalsUsedThisMonth(NamedRefusal, code="withdrawals_used_this_month", status=422):
    """A shop made as many in this month as it may."""

    said = Said("The withdrawals of this month are used up: {most}.", "当月提现次数已用完：{most} 次。")
    most: int


class WithholdingCurrency(NamedRefusal, code="withholding_currency", status=422):
    """Tax is withheld in the currency of its law."""

    said = Said(
        "The withholding {withholding} goes with {currency} only.", "代扣方式 {withholding} 仅适用于 {currency}。"
    )
    withholding: str
    currency: str


class PartUnknown(NamedRefusal, code="part_unknown", status=404):
    """The file of a batch has fewer parts."""

    said = Said("The file has {parts} parts.", "该文件共 {parts} 部分。")
    parts: int
