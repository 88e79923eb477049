"""What is refused of plans and their versions."""

from __future__ import annotations

from collections.abc import Sequence

from distrib.domain.errors import NamedRefusal, Problem, Said, called


class PlanInvalid(NamedRefusal, code="plan_invalid", status=422):
    """The document of a plan has problems: each by the place where it stands."""

    said = Said("The plan has problems.", "方案有问题。")
    problems: Sequence[Problem]


class PlanUnknown(NamedRefusal, code="plan_unknown", status=404):
    """There is no such version of a plan."""

    said = Said("There is no plan {code} version {version}.", "没有方案 {code} 第 {version} 版。")
    plan: str = called(alias="code")
    version: int | str


class PlanRefused(NamedRefusal, code="plan_refused", status=422):
    """A policy pack refuses the plan, for each of these findings."""

    said = Said("The policy pack refuses the plan.", "合规策略拒绝该方案。")
    problems: Sequence[Problem]


class SignOffRequired(NamedRefusal, code="sign_off_required", status=422):
    """Somebody has to answer for it by name: for a plan's findings, or for a looser pack."""

    said = Said("A named person's sign-off is needed (signed_off_by).", "需要具名负责人签署（signed_off_by）。")
    problems: Sequence[Problem] = ()


class PlanPublished(NamedRefusal, code="plan_published", status=409):
    """The version is published, from another instant on."""

    said = Said("The version is published with another effective_from.", "该版本已以其他生效时间发布。")


class EffectiveFromTaken(NamedRefusal, code="effective_from_taken", status=409):
    """Two versions cannot take effect at once."""

    said = Said("Another version takes effect at that very instant.", "已有其他版本在同一时刻生效。")


class EffectiveFromClosed(NamedRefusal, code="effective_from_closed", status=422):
    """What is closed is not decided anew."""

    said = Said("effective_from lies in a closed period, {period}.", "生效时间落在已结账的账期 {period} 内。")
    period: str


class OrdersHandledBefore(NamedRefusal, code="orders_worked_on", status=422):
    """Orders of that time have been worked on under another version."""

    said = Said(
        "Orders paid at or after effective_from have been worked on.", "生效时间之后支付的订单已经处理，不能追溯。"
    )


class RankMapRequired(NamedRefusal, code="rank_map_required", status=422):
    """A plan drops ranks that shops hold, and does not say what becomes of these."""

    said = Said("Shops hold ranks that the plan drops: {ranks}.", "有店铺持有方案中取消的等级：{ranks}。")
    ranks: str


class PlanCurrency(NamedRefusal, code="plan_currency", status=422):
    """A program has one currency."""

    said = Said("The plan's currency is not the program's.", "方案货币与分销计划不一致。")


class RankUnknown(NamedRefusal, code="rank_unknown", status=422):
    """A shop is given a rank, or said to hold one, that the plan does not have."""

    said = Said("The plan has no rank {rank}.", "方案中没有等级 {rank}。")
    rank: str


class NoPlan(NamedRefusal, code="no_plan", status=422):
    """Nothing was in force when the order was paid."""

    said = Said("No plan was in force at {paid_at}.", "{paid_at} 时没有生效的方案。")
    paid_at: str
