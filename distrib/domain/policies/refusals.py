"""What is refused of policy packs."""

from __future__ import annotations

from collections.abc import Sequence

from distrib.domain.errors import NamedRefusal, Problem, Said


class PolicyUnknown(NamedRefusal, code="policy_unknown", status=422):
    """There is no pack of that name."""

    said = Said("There is no policy pack {policy}.", "没有合规策略 {policy}。")
    policy: str


class PolicyLoosened(NamedRefusal, code="policy_loosened", status=422):
    """An override lets more through than its pack, and nobody answers for that."""

    said = Said(
        "The override loosens the pack and needs a named sign-off: {figures}.",
        "该本地策略放宽了合规策略，须具名签署：{figures}。",
    )
    problems: Sequence[Problem]
    figures: str
