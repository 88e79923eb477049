"""What a commission is for, of a row as it is answered. Nothing that words it may enter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distrib.domain.texts import Wording
from distrib.services.statements.line_words import LineWords, PlanKey


def purpose_of_row(words: LineWords, row: Mapping[str, Any]) -> Wording:
    """Words what a commission is for.

    Args:
        row: as ``list_commissions`` answers it.
    """
    plan, is_fee = plan_key(row["plan_version"]), row["withdrawal_id"] is not None
    return words.of_kind(row["kind"], plan, row["rule"], row["tier"], is_fee=is_fee)


def plan_key(plan: Mapping[str, Any] | None) -> PlanKey | None:
    """Which version of which plan, as an answer has it."""
    return None if plan is None else PlanKey(plan["code"], plan["version"])
