"""What the demo says of closing, paying and proving, in English and in Chinese. Words only."""

from __future__ import annotations

MONEY_TEXTS: dict[str, tuple[str, str]] = {
    "closing_months": ("closing months", "结账"),
    "paying": ("paying shops", "打款"),
    "proving": ("proving every month", "逐月核对"),
    "life": ("The life of the money", "资金的一生"),
    "step_closed": (
        "months closed, through {through}: one key proposed, another confirmed",
        "已结账月份，至 {through}：一把密钥提议，另一把确认",
    ),
    "step_payees": ("payees (invented), kept encrypted", "收款人（虚构），加密保存"),
    "step_batch": (
        "{id}: lines of what was available, approved by the other key",
        "{id}：可用金额的打款明细，由另一把密钥批准",
    ),
    "step_batch_again": (
        "{id}: what the bank had sent back and what was earned since, debts filled first",
        "{id}：退票重付及此后所赚，先抵欠款",
    ),
    "step_paid": ("{id}: paid", "{id}：已付"),
    "step_failed": ("{id}: sent back by the bank (invented), available again", "{id}：银行退票（虚构），恢复可用"),
    "step_late": ("refunds told only after that, of months that are closed", "此后才收到的、属于已结账月份的退款"),
    "step_marked": (
        "  their reversals, in {period}, each naming the month it belongs to",
        "  其冲回计入 {period}，各注明所属账期",
    ),
    "step_debt": ("shops whose balance that made negative", "因此余额为负的店铺"),
    "step_adjusted": ("adjustment by hand (invented), by two keys", "手工调整（虚构），两把密钥"),
    "step_closed_then": (
        "further months closed by two keys, with the orders that followed",
        "其后订单入账后继续结账的月份",
    ),
    "step_refused": (
        "{id}: shops with money but no payee, named and left out",
        "{id}：有余额但无收款人，列名而未付的店铺",
    ),
    "step_debt_at_end": ("shops still in debt at the end", "最终仍为负余额的店铺"),
    "added": (
        "Added by the demo, and no order or refund among it: payees, what the bank sends "
        "back, one adjustment. Which refunds are told late is drawn; they are the history's "
        "own. What is paid today counts in today's month.",
        "演示自行添加、其中没有订单和退款：收款人、银行退票、一笔调整。哪些退款迟到由抽签决定，"
        "退款本身属于历史数据。今天支付的计入今天的账期。",
    ),
    "one_debtor": (
        "Shop {shop}: the deepest debt of a refund after the payout",
        "店铺 {shop}：打款后退款造成的最大负余额",
    ),
    "books": (
        "The books of all shops, worked out again from the exported files and the batches",
        "全部店铺账簿：按导出文件与打款批次重算",
    ),
    "closed": ("closed", "已结"),
    "open": ("open", "未结"),
    "adjusted": ("adjusted", "调整"),
    "paid": ("paid", "已付"),
    "tax": ("tax", "税"),
    "reserved": ("reserved", "预留"),
    "unexplained": ("unexplained", "不明差额"),
    "in_total": ("in total", "合计"),
    "equation": (
        "opening + earned + reversed + adjusted − paid − tax = closing = held + reserved "
        "+ available, opening = the closing before, every movement by its lines: for every "
        "shop and month.",
        "期初 + 赚取 + 冲回 + 调整 − 已付 − 税 = 期末 = 冻结 + 预留 + 可用，期初 = 上期期末，"
        "每项变动均有明细：逐店逐月成立。",
    ),
    "unexplained_in_all": ("{amount} {currency} unexplained", "不明差额 {amount} {currency}"),
    "sealed": (
        "seal {number} over {count:,} transfers, SHA-256 {digest}",
        "第 {number} 号封存，{count:,} 笔流水，SHA-256 {digest}",
    ),
    "digest": ("is what the month was closed with:", "即该月结账时的摘要："),
    "month": ("month", "账期"),
    "books_unexplained_minor": ("unexplained, over all shops and months", "不明差额：全部店铺与月份"),
    "books_unexplained_in_total_minor": ("unexplained, of all months together", "不明差额：各月合计"),
    "closed_digests": ("closed months, whose file still has its digest", "已结月份：文件摘要不变的"),
    "payout-1_minor": ("first payout: statement's file, batch", "第一次打款：对账单文件与批次"),
    "payout-2_minor": ("second payout: statement's file, batch", "第二次打款：对账单文件与批次"),
    "paid_by_batches_minor": ("paid by batches, in the statements", "已付：批次与对账单"),
    "late_marked": ("late reversals, marked with their month", "迟到冲回：注明所属账期的"),
    "ledger_payable_minor": ("last closing, ledger's payable accounts", "末期期末与账本应付账户"),
    "ledger_clearing_minor": ("paid in the statements, ledger's clearing", "对账单已付与账本清算账户"),
    "ledger_tax_minor": ("tax in the statements, ledger's tax account", "对账单税额与账本税款账户"),
    "ledger_sum_minor": ("all accounts of the ledger together", "账本全部账户合计"),
}
