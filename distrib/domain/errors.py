"""Every refusal distrib can answer with: its stable code, HTTP status and both texts.

One table, so that the API, the command line and the inbox say the same word for the same
thing. Nothing that formats a response may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where (a JSON pointer or path) and what."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal code means: HTTP status, English text, Chinese text.

    ``title_zh`` is the Chinese title where the text has braces; the English title is the code in words.
    """

    status: int
    en: str
    zh: str
    title_zh: str = ""


CODES: dict[str, Code] = {
    "bad_request": Code(400, "The request is not usable.", "请求无法处理。"),
    "not_json": Code(400, "The body is not JSON: {reason}", "请求体不是合法的 JSON：{reason}", "请求体不是合法的 JSON"),
    "unauthorized": Code(401, "A valid API key is needed.", "需要有效的 API 密钥。"),
    "forbidden": Code(403, "The key's role may not do this.", "该密钥的角色无权执行此操作。"),
    "not_found": Code(404, "There is no such thing here.", "未找到该资源。"),
    "method_not_allowed": Code(405, "The method is not allowed here.", "此处不允许该方法。"),
    "not_acceptable": Code(406, "No acceptable representation.", "没有可接受的表示形式。"),
    "id_conflict": Code(
        409, "The id {id} is known with other content.", "编号 {id} 已存在且内容不同。", "编号已存在且内容不同"
    ),
    "conflict": Code(409, "The request conflicts with the present state.", "请求与当前状态冲突。"),
    "same_key": Code(409, "A second person's key is needed.", "需要另一人的密钥。"),
    "too_large": Code(413, "The request is larger than {limit}.", "请求超过上限 {limit}。", "请求超过上限"),
    "unsupported_media_type": Code(415, "Send {expected}.", "请改用 {expected}。", "不支持的媒体类型"),
    "invalid": Code(422, "The input does not fit.", "输入不符合要求。"),
    "too_many_requests": Code(429, "Too many requests.", "请求过于频繁。"),
    "internal": Code(500, "Something went wrong on our side.", "服务内部错误。"),
    "unavailable": Code(503, "Try again in a moment.", "服务暂不可用，请稍后重试。"),
    "idempotency_key_reused": Code(
        422, "The Idempotency-Key was used with other content.", "该 Idempotency-Key 已用于其他内容。"
    ),
    # programs and keys
    "program_exists": Code(
        409,
        "The program {code} exists with other settings.",
        "分销计划 {code} 已存在且设置不同。",
        "分销计划已存在且设置不同",
    ),
    "program_unknown": Code(404, "There is no program {code}.", "没有分销计划 {code}。", "没有该分销计划"),
    "program_not_named": Code(
        422,
        "Name one program with --program: {programs}.",
        "请用 --program 指定分销计划：{programs}。",
        "未指定分销计划",
    ),
    "no_program": Code(
        404,
        "There is no program yet; open one with `distrib program create`.",
        "还没有分销计划，请先运行 distrib program create。",
    ),
    "policy_unknown": Code(422, "There is no policy pack {policy}.", "没有合规策略 {policy}。", "没有该合规策略"),
    "time_zone_unknown": Code(422, "There is no time zone {time_zone}.", "没有时区 {time_zone}。", "没有该时区"),
    "time_zone_fixed": Code(409, "The time zone is fixed once there are events.", "已有事件，时区不能再更改。"),
    "currency_unknown": Code(
        422, "{currency} is not an ISO 4217 currency.", "{currency} 不是 ISO 4217 货币。", "不是 ISO 4217 货币"
    ),
    # shops
    "shop_unknown": Code(404, "There is no shop {id}.", "没有店铺 {id}。", "没有该店铺"),
    "sponsor_unknown": Code(422, "The sponsor {sponsor} is not known.", "邀请人 {sponsor} 不存在。", "邀请人不存在"),
    "sponsor_is_self": Code(422, "A shop cannot sponsor itself.", "店铺不能邀请自己。"),
    "sponsor_cycle": Code(422, "That would close a loop in the referral tree.", "这会使推荐关系成环。"),
    "sponsor_not_active": Code(422, "The sponsor {sponsor} is closed.", "邀请人 {sponsor} 已关闭。", "邀请人已关闭"),
    "sponsor_and_invite_code": Code(
        422, "Give sponsor_id or invite_code, not both.", "sponsor_id 与 invite_code 只能填一个。"
    ),
    "sponsor_required": Code(422, "A sponsor is needed to join.", "加入需要邀请人。"),
    "identity_required": Code(422, "An identity is needed to join.", "加入需要实名身份。"),
    "identity_used": Code(409, "The identity belongs to another shop.", "该身份已用于其他店铺。"),
    "tree_too_deep": Code(
        422,
        "Level {level} is below the policy's {max_levels} levels.",
        "第 {level} 级超出合规策略允许的 {max_levels} 级。",
        "层级超出合规策略",
    ),
    "move_too_early": Code(
        422, "Not before the shop's last move or its joining.", "不得早于该店铺上次变更或加入的时间。"
    ),
    "before_joining": Code(422, "Not before the shop's joining.", "不得早于该店铺加入的时间。"),
    "rank_unknown": Code(422, "The plan has no rank {rank}.", "方案中没有等级 {rank}。", "方案中没有该等级"),
    # customers
    "customer_unknown": Code(404, "Nothing is known of the customer {id}.", "没有消费者 {id} 的记录。", "没有该消费者"),
    "binding_shop_unknown": Code(
        422, "There is no shop {id} to name.", "要指定的店铺 {id} 不存在。", "要指定的店铺不存在"
    ),
    "bound_in_future": Code(422, "bound_at lies more than five minutes ahead.", "bound_at 晚于当前时间五分钟以上。"),
    "shop_not_inviting": Code(
        409, "The shop {id} is {state}: it invites nobody.", "店铺 {id} 的状态为 {state}，不能邀请。", "店铺不能邀请"
    ),
    "subtree_too_large": Code(
        422,
        "The tree below holds more than {most} shops; ask for fewer levels.",
        "其下店铺超过 {most} 家，请减少 levels。",
        "下级店铺过多",
    ),
    # plans
    "plan_invalid": Code(422, "The plan has problems.", "方案有问题。"),
    "plan_unknown": Code(
        404, "There is no plan {code} version {version}.", "没有方案 {code} 第 {version} 版。", "没有该方案版本"
    ),
    "plan_refused": Code(422, "The policy pack refuses the plan.", "合规策略拒绝该方案。"),
    "sign_off_required": Code(
        422, "A named person's sign-off is needed (signed_off_by).", "需要具名负责人签署（signed_off_by）。"
    ),
    "plan_published": Code(
        409, "The version is published with another effective_from.", "该版本已以其他生效时间发布。"
    ),
    "effective_from_taken": Code(
        409, "Another version takes effect at that very instant.", "已有其他版本在同一时刻生效。"
    ),
    "orders_worked_on": Code(
        422,
        "Orders paid at or after effective_from have been worked on.",
        "生效时间之后支付的订单已经处理，不能追溯。",
    ),
    "rank_map_required": Code(
        422,
        "Shops hold ranks that the plan drops: {ranks}.",
        "有店铺持有方案中取消的等级：{ranks}。",
        "有店铺持有方案中取消的等级",
    ),
    "plan_currency": Code(422, "The plan's currency is not the program's.", "方案货币与分销计划不一致。"),
    # events, told at the post or at work
    "order_conflict": Code(409, "The order is known with other content.", "订单已存在且内容不同。"),
    "order_unknown": Code(404, "There is no order {id}.", "没有订单 {id}。", "没有该订单"),
    "event_unknown": Code(404, "There is no event {id}.", "没有事件 {id}。", "没有该事件"),
    "event_not_failed": Code(409, "Only a failed event can be retried.", "只有失败的事件可以重试。"),
    "refund_exceeds": Code(
        422,
        "Line {line}: {amount} is more than the {left} left.",
        "行 {line}：退款 {amount} 超过剩余 {left}。",
        "退款超过剩余金额",
    ),
    "refund_conflict": Code(
        409, "The refund {id} is known with other content.", "退款 {id} 已存在且内容不同。", "退款已存在且内容不同"
    ),
    "line_unknown": Code(422, "The order has no line {line}.", "订单没有行 {line}。", "订单没有该行"),
    "currency_mismatch": Code(
        422,
        "The order is in {currency}, the plan in {expected}.",
        "订单货币 {currency} 与方案货币 {expected} 不符。",
        "订单货币与方案货币不符",
    ),
    "no_plan": Code(422, "No plan was in force at {paid_at}.", "{paid_at} 时没有生效的方案。", "付款时没有生效的方案"),
    "cost_missing": Code(422, "Line {line} has no cost_minor.", "行 {line} 缺少 cost_minor。", "缺少 cost_minor"),
    "commission_too_large": Code(
        422,
        "The rule {rule} comes to more than {most} minor units on a line.",
        "规则 {rule} 在一行上的佣金超过 {most} 个最小货币单位。",
        "单笔佣金过大",
    ),
    "customer_missing": Code(
        422,
        "The rule {rule} is capped by customer, and the order names none.",
        "规则 {rule} 按消费者封顶，而订单没有 customer_id。",
        "缺少 customer_id",
    ),
    "poison": Code(422, "The event could not be worked on: {reason}", "事件无法处理：{reason}", "事件无法处理"),
    "group_conflict": Code(
        409, "The group {id} has been decided the other way.", "拼团 {id} 已有相反的结果。", "拼团已有相反的结果"
    ),
    "waits_for_order": Code(202, "Waits for the order {id}.", "等待订单 {id}。", "等待订单"),
    "waits_for_shop": Code(202, "Waits for the shop {id}.", "等待店铺 {id} 注册。", "等待店铺注册"),
    "waits_for_group": Code(202, "Waits for the group {id} to succeed.", "等待拼团 {id} 成功。", "等待拼团成功"),
    "period_invalid": Code(
        422, "{period} is not a month like 2026-03.", "{period} 不是形如 2026-03 的账期。", "账期格式不正确"
    ),
    # periods, closes, adjustments, pools, files
    "period_not_over": Code(409, "{period} is not over yet.", "账期 {period} 尚未结束。", "账期尚未结束"),
    "period_closed": Code(409, "{period} is closed.", "账期 {period} 已结账。", "账期已结账"),
    "close_in_sequence": Code(
        409, "Periods close in sequence: {next} comes next.", "账期须依次结账，下一个是 {next}。", "账期须依次结账"
    ),
    "events_pending": Code(
        409,
        "{events} accepted events of the period or before are still to be worked on.",
        "该账期及以前还有 {events} 个已接收的事件待处理。",
        "仍有事件待处理",
    ),
    "evaluation_in_sequence": Code(
        409,
        "Months are evaluated in sequence: {next} comes next.",
        "月份须依次考核，下一个是 {next}。",
        "月份须依次考核",
    ),
    "close_not_proposed": Code(
        409, "Nobody has proposed to close {period}.", "尚无人提议结账 {period}。", "尚未提议结账"
    ),
    "close_changed": Code(
        409, "The figures have changed since they were proposed; propose again.", "提议之后数据已变化，请重新提议。"
    ),
    "effective_from_closed": Code(
        422,
        "effective_from lies in a closed period, {period}.",
        "生效时间落在已结账的账期 {period} 内。",
        "生效时间在已结账的账期内",
    ),
    "adjustment_unknown": Code(404, "There is no adjustment {id}.", "没有调整 {id}。", "没有该调整"),
    # compliance
    "case_unknown": Code(404, "There is no case {number}.", "没有案件 {number}。", "没有该案件"),
    "case_open": Code(409, "A case about {subject} is open.", "{subject} 已有未结案件。", "已有未结案件"),
    "case_decided": Code(
        409,
        "The case is {state}: {decision} does not go with that.",
        "案件状态为 {state}，不能执行 {decision}。",
        "案件状态不允许该决定",
    ),
    "organiser_unknown": Code(404, "No shop names the organiser {id}.", "没有店铺属于组织者 {id}。", "没有该组织者"),
    "penalty_unknown": Code(404, "There is no penalty {id}.", "没有处罚记录 {id}。", "没有该处罚记录"),
    "penalty_withdrawn": Code(
        409, "The penalty {id} was withdrawn for another reason.", "处罚记录 {id} 已以其他理由撤回。", "处罚记录已撤回"
    ),
    "policy_loosened": Code(
        422,
        "The override loosens the pack and needs a named sign-off: {figures}.",
        "该本地策略放宽了合规策略，须具名签署：{figures}。",
        "本地策略放宽了合规策略",
    ),
    # webhooks and the ledger
    "webhook_disabled": Code(
        409, "The webhook {id} is disabled; enable it first.", "webhook {id} 已停用，请先启用。", "webhook 已停用"
    ),
    "account_unknown": Code(404, "There is no account {id}.", "没有账户 {id}。", "没有该账户"),
    # payees and payouts
    "payee_missing": Code(404, "The shop {id} has no payee.", "店铺 {id} 没有收款人。", "没有收款人"),
    "payee_in_payout": Code(
        409,
        "A payout to this payee is under way; wait for its result or cancel it.",
        "该收款人有打款正在进行，请等待结果或先取消。",
    ),
    "payout_unknown": Code(404, "There is no payout {id}.", "没有打款批次 {id}。", "没有该打款批次"),
    "payout_not_approved": Code(409, "The payout {id} is not approved.", "打款批次 {id} 未批准。", "打款批次未批准"),
    "payout_approved": Code(409, "The payout {id} is approved.", "打款批次 {id} 已批准。", "打款批次已批准"),
    "payout_cancelled": Code(409, "The payout {id} is cancelled.", "打款批次 {id} 已取消。", "打款批次已取消"),
    "line_unknown_in_payout": Code(
        422, "The payout has no line for the shop {id}.", "该批次没有店铺 {id} 的打款行。", "批次中没有该店铺"
    ),
    "result_conflict": Code(
        409, "The line of the shop {id} has another result.", "店铺 {id} 的打款行已有不同结果。", "打款行已有不同结果"
    ),
    "channel_unknown": Code(422, "There is no channel {channel} then.", "当时没有渠道 {channel}。", "没有该渠道"),
    "channel_currency": Code(
        422, "The channel {channel} takes {currency} only.", "渠道 {channel} 仅支持 {currency}。", "渠道不支持该货币"
    ),
    "channel_unfit": Code(
        422, "Lines do not fit the channel {channel}.", "有打款行不符合渠道 {channel} 的要求。", "打款行不符合渠道要求"
    ),
    "account_missing": Code(422, "The payee has no account with the channel.", "收款人没有该渠道的账户。"),
    "below_channel_minimum": Code(422, "The amount is below the channel's least.", "金额低于渠道下限。"),
    "above_channel_maximum": Code(422, "The amount is above the channel's most.", "金额超过渠道单笔上限。"),
    "withholding_currency": Code(
        422,
        "The withholding {withholding} goes with {currency} only.",
        "代扣方式 {withholding} 仅适用于 {currency}。",
        "代扣方式与货币不符",
    ),
    "part_unknown": Code(404, "The file has {parts} parts.", "该文件共 {parts} 部分。", "没有该部分"),
    "import_refused": Code(422, "{rows} rows were refused.", "{rows} 行被拒绝。", "有行被拒绝"),
}


class Refusal(Exception):
    """A business refusal, named by a code of ``CODES``; the message comes in both languages.

    Args:
        code: a key of ``CODES``.
        problems: every single thing that is wrong, where there are several.
        params: what fills the braces of the code's texts.
    """

    def __init__(self, code: str, /, problems: Sequence[Problem] = (), **params: object) -> None:
        self.code = code
        self.problems = tuple(problems)
        self.params = params
        super().__init__(self.text("en"))

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status

    def text(self, language: str) -> str:
        """The message in ``zh`` or (any other value) English."""
        entry = CODES[self.code]
        return (entry.zh if language == "zh" else entry.en).format_map(_Params(self.params))


class _Params(dict[str, object]):
    """Leaves a brace without a value as it is, so that a message is never lost to a KeyError."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
