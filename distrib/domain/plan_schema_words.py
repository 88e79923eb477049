"""What an editor shows beside each key of a plan: one short line in English and Chinese. No bounds, no rules."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "plan": {
        "code": "The plan's name; versions are numbered under it. 方案编号，版本在其下递增。",
        "title": "What people read: text, or a map of language tag to text. 标题，可按语言给出。",
        "currency": "ISO 4217, the program's. 货币，须与分销计划一致。",
        "policy": "One more policy pack that judges the plan; a stricter one only. 另一个更严格的合规策略。",
        "base": "What a line's rates apply to; paid by default. 计佣基数，默认实付金额。",
        "rounding": "Once for each commission; half_up by default. 每笔佣金舍入一次，默认四舍五入。",
        "hold_days": "Days of 24 hours until a commission is available; 7 by default. 冻结天数，默认 7。",
        "tiers": "How many uplines above the selling shop may be paid; 1 by default. 可获佣金的上线层数，默认 1。",
        "inactive_upline": "An inactive upline's share stays, or it is passed over. 上线无效时份额保留，或跳过该上线。",
        "self_purchase": "When the buyer is the shop: it earns, or does not, or the chain shifts up. 自购规则。",
        "order_cap": "What all commissions of an order may come to, of its paid amount. 单笔订单佣金上限比例。",
        "declarations": "What a policy pack has to know and no rule shows. 合规声明。",
        "ranks": "Ranks, lowest first; one rank member by default. 等级，由低到高。",
        "rules": "Who earns how much of what. 佣金规则。",
    },
    "declarations": {
        "entry_fee_minor": "What joining costs, in minor units. 入门费（最小货币单位）。",
        "entry_purchase": "Whether joining asks for a purchase. 加入是否须购买商品。",
        "buy_back_days": "Days within which unsold stock is bought back. 库存回购天数。",
        "cooling_off_days": "Days within which who joined may leave without cost. 冷静期天数。",
        "minimum_age": "The youngest who may join. 最低年龄。",
        "written_contract": "Whether shops have a written contract. 是否有书面合同。",
        "organiser": "Who organises the programme. 组织者。",
    },
    "rank": {
        "code": "The rank's name. 等级编号。",
        "promote": "What carries a shop there; without it the rank is given by hand. 晋升条件；没有则只能手工设置。",
    },
    "condition": {
        "all": "Conditions that must hold together. 须同时满足。",
        "any": "Conditions of which one is enough. 满足其一即可。",
        "metric": "The figure of a shop that is looked at. 考核指标。",
        "levels": "How many levels below the shop a team's sales count. 团队业绩计入的下级层数。",
        "window": "30d, month (calendar month) or ever; ever by default. 时间窗：30d、month 或 ever，默认 ever。",
        "at_least": "What the figure must reach. 须达到的数值。",
    },
    "where": {
        "channel": "Channels of the order. 订单渠道。",
        "category": "Categories of the line. 商品类目。",
        "sku": "Articles of the line. 商品 SKU。",
        "not": "Leaves out lines that match any of these keys. 排除匹配任一条件的商品行。",
    },
    "slab": {
        "from_minor": "Where the slab begins, this amount included; the first at 0. 档位起点（含），第一档为 0。",
        "rate": "The share within the slab. 该档比例。",
    },
    "of": {"rule": "The id of a rule that is worked on before this one. 在本规则之前计算的规则编号。"},
    "rule": {
        "id": "Unique in the plan. 规则编号，方案内唯一。",
        "pay": "Who: the seller, an upline, the chain (级差), the leader (团长), who opened the group. 付给谁。",
        "tier": "Which upline; with pay: upline only. 第几级上线，仅用于 upline。",
        "rate": 'A share such as "0.125", or by rank with an optional default. 比例，可按等级给出。',
        "amount_minor": "A fixed amount a piece, in minor units, or by rank. 每件固定金额，可按等级给出。",
        "slabs": "Shares by the size of what it is taken of. 阶梯比例。",
        "slab_mode": "The whole amount at one slab (default), or each part at its own. 全额（默认）或分段。",
        "of": "Of the line's base (default), what lower tiers left, or what a rule paid. 取自何处，默认基数。",
        "differential": "Each earns its rate less the highest below; with pay: chain. 级差，仅用于 chain。",
        "where": "Which lines it is for. 适用的商品行。",
        "group": "Rules of one group exclude each other on a line. 同组规则互斥，首个匹配者生效。",
    },
}
