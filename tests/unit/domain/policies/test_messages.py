"""Every text about packs, their overrides and channels, word for word: ``policy_messages.yaml`` is the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from distrib.domain.errors import Refusal
from distrib.domain.payouts.channels import channels_from_document
from distrib.domain.policies.override import apply_override
from distrib.domain.policies.policy import check_policy, policy_from_document
from distrib.languages import render_both

TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("policy_messages.yaml").read_text("utf-8"))
CHECK: dict[str, Any] = {
    "id": "X",
    "measure": "tiers",
    "above": 1,
    "severity": "info",
    "source": "s",
    "en": "e",
    "zh": "z",
}
MONITOR: dict[str, Any] = {
    "id": "M",
    "scope": "tree",
    "when": {"persons": {"at_least": 30}},
    "severity": "info",
    "source": "s",
    "en": "e",
    "zh": "z",
}
PACK: dict[str, Any] = {
    "name": "x",
    "valid_from": "2026-01-01",
    "source": "s",
    "max_tiers": 1,
    "entry_pays_seller": True,
    "self_purchase_pays_uplines": True,
}
CHANNEL: dict[str, Any] = {"name": "csv", "valid_from": "2026-01-01", "source": "s", "lines_a_file": 1_000}


def refused(read: Callable[[], object]) -> list[str]:
    with pytest.raises(Refusal) as caught:
        read()
    assert caught.value.code == "invalid"
    return [f"{problem.pointer}: {render_both(problem.detail)}" for problem in caught.value.problems]


def messages_of(slip: dict[str, Any]) -> list[str]:
    """What is said of the sound document with one slip in it."""
    if "override" in slip:
        return refused(lambda: apply_override(PACK, {"pack": "x"} | slip["override"]))
    if "channels" in slip:
        return refused(lambda: channels_from_document(slip["channels"]))
    if "channel" in slip:
        return refused(lambda: channels_from_document({"channels": [CHANNEL | slip["channel"]]}))
    pack = slip.get("document", PACK | slip.get("pack", {}))
    if "check" in slip:
        pack = PACK | {"findings": [CHECK | slip["check"]]}
    if "monitor" in slip:
        pack = PACK | {"monitors": [MONITOR | slip["monitor"]]}
    messages = [f"{problem.pointer}: {render_both(problem.detail)}" for problem in check_policy(pack)]
    assert messages == refused(lambda: policy_from_document(pack))
    return messages


@pytest.mark.parametrize("slip", TABLE, ids=lambda slip: str({key: slip[key] for key in slip if key != "told"})[:60])
def test_a_slip_is_told_in_these_words(slip: dict[str, Any]) -> None:
    assert messages_of(slip) == slip["told"]
